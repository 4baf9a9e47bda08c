/*
 * counters.c - what has become of requests so far?
 *
 *   journal.c --> counters_note()     a request is over
 *                 counters_attempt()  one of its sends is
 *                 counters_sent()     one is on the wire,
 *                 counters_went()     and to whom,
 *                 counters_answered() who has answered
 *                 counters_lost()     its worker is dead
 *
 * Only sums, nothing else hangs on them: a worker that is killed half way
 * leaves them at most one short, and noise makes wrong numbers, not wrong
 * places.  What names a place (a route, a code, a provider) is bounded, and
 * the last row takes what finds none.
 *
 * A publisher becomes a provider with its first success: whoever sends names
 * that no upstream knows fills no table.
 */
#include "state/stats/counters.h"

#include <assert.h>
#include <string.h>

#include "lib/sigbus.h"
#include "state/file/workers.h"
#include "state/stats/figures.h"
#include "state/stats/recent.h"
#include "state/stats/stand_ins.h"
#include "state/stats/stats_layout.h"
#include "state/stats/sums.h"
#include "state/stats/upstream_sends.h"

const uint32_t tally_bounds_ms[TALLY_BOUNDS] = {
    10,    50,    100,   250,   500,    1000,   2000,   5000,
    10000, 20000, 30000, 60000, 120000, 300000, 600000, 1200000};

static uint64_t us(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

static void cut(char *to, size_t max, const char *from, size_t from_max)
{
    size_t n = strnlen(from, (from_max < max ? from_max : max) - 1);

    memcpy(to, from, n);
    memset(to + n, 0, max - n);
}

static void observe(struct lay_histogram *h, int64_t ns)
{
    uint32_t i = 0;

    while (i < TALLY_BOUNDS && ns > tally_bounds_ms[i] * NS_PER_MS)
        i++;
    h->n[i]++;
    h->sum_us += us(ns);
}

/* ---- places ------------------------------------------------------------- */

static struct lay_route *route_of(struct lay_sums *s, const char *name)
{
    uint32_t i;

    for (i = 0; i < TALLY_ROUTES; i++) {
        struct lay_route *r = &s->routes[i];

        if (r->name[0] == '\0')
            cut(r->name, sizeof(r->name), name, LIMITER_ROUTE_MAX);
        if (strncmp(r->name, name, sizeof(r->name)) == 0)
            return r;
    }
    return &s->routes[TALLY_ROUTES];
}

static void count_code(struct lay_route *r, uint32_t status)
{
    uint32_t i;

    for (i = 0; i < TALLY_CODES && status != 0; i++) {
        struct lay_code *c = &r->codes[i];

        if (c->status == 0)
            c->status = status;
        if (c->status == status) {
            c->n++;
            return;
        }
    }
    r->other++;
}

/* ADMIT: it had a success. */
static struct lay_provider *provider_of(struct lay_sums *s, const char *name,
                                        bool admit)
{
    struct lay_provider *p;
    uint32_t i;

    for (i = 0; i < TALLY_PROVIDERS && name[0] != '\0'; i++) {
        p = &s->providers[i];
        if (p->name[0] == '\0' && admit && sums_is_provider(name))
            cut(p->name, sizeof(p->name), name, LIMITER_PROVIDER_MAX);
        if (p->name[0] == '\0')
            break;
        if (p->name[0] == name[0] && p->name[1] == name[1] && /* most differ */
            strncmp(p->name, name, sizeof(p->name)) == 0)
            return p;
    }
    return &s->providers[TALLY_PROVIDERS];
}

/* ---- what workers did ------------------------------------------------------- */

static_assert(sizeof(struct lay_counters) == sizeof(struct limiter_counters),
              "both are made of one list, of nothing but uint64_t");

static void move(uint64_t *sum, uint64_t *more, size_t n)
{
    for (; n > 0; n--, sum++, more++) {
        *sum += *more;
        *more = 0;
    }
}

/* In each turn, most of which do little: so whatever their names are, and only
 * what there is, some at a time. */
void counters_add(struct lay_counters *to, struct limiter_counters *n)
{
    uint64_t *sum = (uint64_t *)to, *more = (uint64_t *)n;
    size_t i, all = sizeof(*to) / sizeof(*sum);

    for (i = 0; i + 4 <= all; i += 4)
        if ((more[i] | more[i + 1] | more[i + 2] | more[i + 3]) != 0)
            move(sum + i, more + i, 4);
    move(sum + i, more + i, all - i);
}

#define TELL_ONE(name)      to->name = n->name;
#define TELL_MANY(name, of) memcpy(to->name, n->name, sizeof(to->name));

void counters_told(const struct lay_counters *n, struct limiter_counters *to)
{
    LIMITER_COUNTERS(TELL_ONE, TELL_MANY)
}

/* ---- one request --------------------------------------------------------- */

static void count_sums(struct lay_sums *s, const struct limiter_note *n)
{
    struct lay_provider *p =
        provider_of(s, n->provider, n->outcome == OUTCOME_OK);

    s->requests++;
    s->outcomes[n->outcome]++;
    s->queue_us += us(n->queue_ns);
    s->first_byte_us += us(n->first_byte_ns);
    s->generation_us += us(n->generation_ns);
    p->tokens_in += (uint64_t)max_i64(n->tokens_in, 0);
    p->tokens_out += (uint64_t)max_i64(n->tokens_out, 0);
    p->answers += note_is_answer(n);
    p->told += note_is_told(n);
    if (n->asked[0] != '\0')
        stand_ins_count(s, n);
    if (n->granted)
        observe(&s->queue[n->cls], n->queue_ns);
}

void counters_note(struct stats_layout *st, const struct limiter_note *n,
                   const struct figures_of *who, int64_t now)
{
    struct lay_sums *s = &st->tally.sums;

    if (n->outcome >= OUTCOMES || n->reason >= REASONS || n->phase >= PHASES ||
        n->cls >= LIMITER_CLASSES)
        sigbus_damaged("a note");
    if (n->route[0] != '\0')
        count_code(route_of(s, n->route), n->status);
    s->reasons[n->reason]++;
    s->phases[n->phase]++;
    if (!n->upstreamed)
        return;
    if (n->at_ms != 0)
        st->tally.wall_ms = n->at_ms - now / NS_PER_MS;
    count_sums(s, n);
    figures_note(&st->tally, who, n);
    recent_add(&st->tally, n);
    rings_note(&st->history, n);
    ledger_note(&st->ledgers[LEDGER_MODELS], &st->history, who->model_name, n);
    ledger_note(&st->ledgers[LEDGER_CLIENTS], &st->history, who->client_name,
                n);
}

void counters_attempt(struct stats_layout *st, const struct limiter_attempt *a)
{
    struct lay_sums *s = &st->tally.sums;
    struct lay_provider *p = provider_of(s, a->provider, a->fine);

    if (a->error >= UPSTREAM_ERRORS)
        sigbus_damaged("a note");
    if (a->error != UPSTREAM_FINE) {
        p->errors[a->error]++;
        s->retries[a->error] += a->again;
    }
    if (a->first_byte_ns < 0)
        return;
    observe(&p->first_byte, a->first_byte_ns);
    observe(&p->duration, a->duration_ns);
}

void counters_sent(struct stats_layout *st, const struct figures_of *who,
                   int64_t now)
{
    figures_sent(&st->tally, who, now);
}

void counters_went(struct stats_layout *st, uint32_t upstream, const char *name,
                   int64_t now)
{
    bool known = upstream_sends_count(&st->tally, upstream, name, now);

    trails_sent(&st->trails, &st->history, upstream, name, known);
}

void counters_answered(struct stats_layout *st, uint32_t upstream,
                       const char *name, const struct upstream_answer *a)
{
    bool known = upstream_sends_answered(&st->tally, upstream, name, a);

    if (a->refused > 0 || a->tokens_in > 0 || a->tokens_out > 0)
        trails_count(&st->trails, &st->history, known ? upstream : NONE, name,
                     a);
}

/* ---- requests that nobody can tell of any more --------------------------- */

void counters_lost(struct stats_layout *st, const struct worker_lost *l,
                   int64_t now)
{
    const struct figures_of who = {l->client, l->model, l->owner,
                                   l->client_name, l->model_name};
    int64_t at_ms = st->tally.wall_ms + now / NS_PER_MS;
    struct limiter_note n = {
        .outcome = OUTCOME_LOST,
        .upstreamed = true,
        .stream = l->stream,
        .cls = (enum limiter_class)l->cls,
        .upstream = l->owner,
        .attempts = l->sent,
        .at_ms = st->tally.wall_ms != 0 ? at_ms : 0,
        .queue_ns = -1,
        .first_byte_ns = -1,
        .generation_ns = -1,
        .total_ns = l->total_ns,
        .speed_milli = -1,
        .tokens_in = -1,
        .tokens_out = -1,
    };

    cut(n.id, sizeof(n.id), l->id, sizeof(l->id));
    cut(n.client, sizeof(n.client), l->client_name, LIMITER_NAME_MAX);
    cut(n.model, sizeof(n.model), l->model_name, LIMITER_NAME_MAX);
    limiter_provider_of(n.model, n.provider);
    if (l->sent_now) {
        st->counters.sent++;
        rings_sent(&st->history, 1);
        counters_sent(st, &who, now);
        counters_went(st, l->upstream, l->upstream_name, now);
    }
    counters_note(st, &n, &who, now);
}

void counters_rebuild(struct stats_layout *st)
{
    sums_check(&st->tally.sums);
    recent_rebuild(&st->tally);
    figures_rebuild(&st->tally);
    upstream_sends_rebuild(&st->tally);
}
