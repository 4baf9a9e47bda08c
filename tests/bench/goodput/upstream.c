/*
 * upstream.c - what becomes of a request that arrives?
 *
 *   outage --> each limit in turn, which counts it --> tokens --> shedding -->
 *   an answer
 *
 * A refusal is a hit too: the limits before the one that refuses have counted
 * it.  Whether chance sheds a hit depends on the seed and on how many came
 * before, and on nothing that a policy does: so all of them meet the same luck.
 */
#include "upstream.h"

#include <string.h>

#include "dice.h"
#include "lib/base.h"

#define REFUSE_NS (20 * NS_PER_MS)
#define ANSWER_NS (300 * NS_PER_MS)

/* NULL: it has no say on MODEL, which may be OF_ACCOUNT. */
static struct limit *limit_of(struct upstream *u, int i, int model)
{
    int of = u->spec->limits[i].of;

    if (u->spec->limits[i].limit.kind == LIMIT_NONE ||
        (of >= 0 && of != model) || (of == OF_EACH && model < 0))
        return NULL;
    return &u->limits[i][of == OF_EACH ? model : 0];
}

void upstream_init(struct upstream *u, const struct upstream_spec *spec,
                   int64_t window_ns, uint64_t seed, int64_t now)
{
    int i, m;

    memset(u, 0, sizeof(*u));
    u->spec = spec;
    u->start_ns = now;
    u->seed = dice_mix(seed);
    for (i = 0; i < LIMITS_MAX; i++)
        for (m = 0; m < MODELS; m++)
            limit_init(&u->limits[i][m], &spec->limits[i].limit, now);
    ledger_init(&u->sends, window_ns);
    ledger_init(&u->tokens, spec->tokens.window_ns);
}

void upstream_fini(struct upstream *u)
{
    int i, m;

    for (i = 0; i < LIMITS_MAX; i++)
        for (m = 0; m < MODELS; m++)
            limit_fini(&u->limits[i][m]);
    ledger_fini(&u->sends);
    ledger_fini(&u->tokens);
}

/* ---- a hit ------------------------------------------------------------------ */

static bool is_out(const struct upstream *u, int64_t now)
{
    int64_t t = now - u->start_ns;

    return t >= u->spec->outage.from_ns && t < u->spec->outage.to_ns;
}

static enum say outage_says(const struct upstream *u)
{
    return u->spec->outage.says != SAY_FINE ? u->spec->outage.says : SAY_FAULT;
}

bool upstream_is_away(const struct upstream *u, int64_t now)
{
    return is_out(u, now) && outage_says(u) == SAY_AWAY;
}

static int64_t refuse_ns(const struct upstream *u)
{
    return u->spec->refuse_ns > 0 ? u->spec->refuse_ns : REFUSE_NS;
}

static int64_t answer_ns(const struct upstream *u, int model)
{
    if (u->spec->service_ns[model] > 0)
        return u->spec->service_ns[model];
    return u->spec->answer_ns > 0 ? u->spec->answer_ns : ANSWER_NS;
}

static struct answer refusal(const struct upstream *u, enum say say)
{
    return (struct answer){say, -1, refuse_ns(u)};
}

static void release(struct upstream *u, int model, int below)
{
    int i;

    for (i = 0; i < below; i++) {
        struct limit *l = limit_of(u, i, model);

        if (l != NULL)
            limit_release(l);
    }
}

/* The first limit that refuses; LIMITS_MAX: none does. */
static int first_refusing(struct upstream *u, int model, int64_t now)
{
    int i;

    for (i = 0; i < LIMITS_MAX; i++) {
        struct limit *l = limit_of(u, i, model);

        if (l == NULL || limit_take(l, now))
            continue;
        release(u, model, i);
        break;
    }
    return i;
}

static struct answer limited(struct upstream *u, int i, int model, int64_t now)
{
    enum say says = u->spec->limits[i].says;
    struct answer a = refusal(u, says != SAY_FINE ? says : SAY_RATE);
    int64_t opens = limit_opens_ns(limit_of(u, i, model), now);

    if (u->spec->limits[i].tells && opens != NEVER)
        a.retry_after_ns = max_i64(opens - now, 0);
    return a;
}

static bool is_shed(const struct upstream *u, int model, enum say *say)
{
    uint64_t luck = dice_mix(u->seed ^ u->hits);
    int of = u->spec->shed.of;

    *say = u->spec->shed.says;
    if (*say == SAY_MIXED)
        *say = (enum say)(SAY_RATE + (luck >> 32) % 4);
    return (of == OF_ACCOUNT || of == model) &&
           luck % 1000 < u->spec->shed.permille;
}

static bool has_tokens(struct upstream *u, int64_t now)
{
    return u->spec->tokens.size == 0 ||
           ledger_sum(&u->tokens, now) < u->spec->tokens.size;
}

struct answer upstream_hit(struct upstream *u, const struct hit *hit,
                           int64_t now)
{
    int model = hit->model, refusing;
    struct answer a;

    if (upstream_is_away(u, now))
        return refusal(u, SAY_AWAY);
    ledger_add(&u->sends, 1, now);
    if (is_out(u, now))
        return refusal(u, outage_says(u));
    refusing = first_refusing(u, model, now);
    if (refusing < LIMITS_MAX)
        return limited(u, refusing, model, now);
    if (!has_tokens(u, now)) {
        release(u, model, LIMITS_MAX);
        return refusal(u, SAY_RATE);
    }
    u->hits++;
    a = refusal(u, SAY_NEVER);
    if (hit->poisoned || is_shed(u, model, &a.say)) {
        release(u, model, LIMITS_MAX);
        return a;
    }
    if (u->spec->tokens.size > 0)
        ledger_add(&u->tokens, hit->tokens, now);
    return (struct answer){SAY_FINE, -1, answer_ns(u, model)};
}

void upstream_end(struct upstream *u, int model)
{
    release(u, model, LIMITS_MAX);
}

void upstream_stranger(struct upstream *u, int64_t now)
{
    uint32_t k;
    int i;

    for (i = 0; i < LIMITS_MAX; i++)
        for (k = 0; k < u->spec->stranger.n; k++)
            if (u->spec->limits[i].of == OF_ACCOUNT)
                (void)limit_take(&u->limits[i][0], now);
}

void upstream_change(struct upstream *u)
{
    int m;

    for (m = 0; m < MODELS; m++)
        u->limits[0][m].spec.size = u->spec->change.size;
}

/* ---- for who sees through it --------------------------------------------------- */

uint32_t upstream_left(struct upstream *u, int model, int64_t now)
{
    uint32_t left = UINT32_MAX;
    int i;

    if (is_out(u, now))
        return 0;
    for (i = 0; i < LIMITS_MAX; i++) {
        struct limit *l = limit_of(u, i, model);
        uint32_t n = l != NULL ? limit_left(l, now) : UINT32_MAX;

        left = n < left ? n : left;
    }
    return left;
}

int64_t upstream_opens_ns(struct upstream *u, int model, int64_t now)
{
    int64_t at = now;
    int i;

    if (is_out(u, now))
        at = u->start_ns + u->spec->outage.to_ns;
    for (i = 0; i < LIMITS_MAX; i++) {
        struct limit *l = limit_of(u, i, model);

        if (l != NULL)
            at = max_i64(at, limit_opens_ns(l, now));
    }
    return at;
}
