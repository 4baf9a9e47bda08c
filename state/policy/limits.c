/*
 * limits.c - which rules hold, and what follows when others take their place?
 *
 * New rules may count sends that the old ones had let go: then the window is
 * full until all that was forgotten has passed.  An upstream that nobody uses
 * keeps its rules, with no requests, and so its window, until its row is
 * another's (upstream_map.c).  Another scope moves the rows, too: rescope.c.
 */
#include "state/policy/limits.h"

#include <string.h>

#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"

#define DAY_NS (86400 * NS_PER_S)

/* ---- the border ----------------------------------------------------------- */

#define COPY_RULES(from, to)                                                   \
    do {                                                                       \
        static_assert(sizeof((to)->name) == sizeof((from)->name), "names");    \
        memcpy((to)->name, (from)->name, sizeof((to)->name));                  \
        (to)->window_ns = (from)->window_ns;                                   \
        (to)->margin_ns = (from)->margin_ns;                                   \
        (to)->min_gap_ns = (from)->min_gap_ns;                                 \
        (to)->requests = (from)->requests;                                     \
        (to)->burst = (from)->burst;                                           \
        (to)->in_flight = (from)->in_flight;                                   \
        (to)->per_model = (from)->per_model;                                   \
        (to)->learns = (from)->learns;                                         \
        (to)->line = (from)->line;                                             \
        (to)->share = (from)->share;                                           \
        (to)->retreat_max_ns = (from)->retreat_max_ns;                         \
        (to)->tokens = (from)->tokens;                                         \
        (to)->counts = (from)->counts;                                         \
    } while (0)

#define COPY_BOUNDS(from, to)                                                  \
    do {                                                                       \
        (to)->waiting = (from)->waiting;                                       \
        (to)->per_client = (from)->per_client;                                 \
        (to)->bytes = (from)->bytes;                                           \
    } while (0)

void limits_take(const struct limiter_rules *from, struct lay_rules *to)
{
    COPY_RULES(from, to);
    to->pad = 0;
}

void limits_tell(const struct lay_rules *from, struct limiter_rules *to)
{
    COPY_RULES(from, to);
}

void limits_take_bounds(const struct limiter_bounds *from,
                        struct lay_bounds *to)
{
    COPY_BOUNDS(from, to);
}

void limits_tell_bounds(const struct lay_bounds *from,
                        struct limiter_bounds *to)
{
    COPY_BOUNDS(from, to);
}

/* ---- which hold -------------------------------------------------------------- */

/* From LEAST on: one comparison, because this is asked a dozen times a turn. */
static bool is_within(int64_t t, int64_t least, int64_t most)
{
    return (uint64_t)t - (uint64_t)least <= (uint64_t)(most - least);
}

bool limits_is_sane(const struct lay_rules *r)
{
    return is_within(r->window_ns, 1, DAY_NS) &&
           is_within(r->margin_ns, 0, DAY_NS) &&
           is_within(r->min_gap_ns, 0, DAY_NS) &&
           is_within(r->retreat_max_ns, 0, DAY_NS) &&
           is_within(r->requests, 1, 10000) &&
           is_within(r->burst, 1, r->requests);
}

bool limits_may_be_set(const struct lay_rules *r)
{
    return limits_is_sane(r) && r->line <= LAY_UPSTREAMS && r->share <= 1000 &&
           r->tokens <= LAY_TOKENS_MAX && r->counts < TOKENS_COUNTED;
}

uint32_t limits_upstream(struct layout *lay, uint32_t scope)
{
    uint32_t upstream = scope;

    if (scope >= LAY_UPSTREAMS && scope < LAY_SCOPES)
        upstream = lay->models[scope - LAY_UPSTREAMS].owner;
    if (upstream >= LAY_UPSTREAMS)
        sigbus_damaged("upstream of a scope");
    return upstream;
}

const struct lay_rules *limits_of(struct layout *lay, uint32_t scope)
{
    const struct lay_rules *r = &lay->rules[limits_upstream(lay, scope)];

    if (!limits_is_sane(r))
        sigbus_damaged("rules");
    return r;
}

uint32_t limits_requests(const struct layout *lay, const struct lay_rules *r)
{
    if (lay->store.state != STORE_ALONE)
        return r->requests;
    return r->requests / (lay->store.hosts > 0 ? lay->store.hosts : 1);
}

bool limits_in_force(const struct layout *lay, uint32_t upstream)
{
    return upstream < LAY_UPSTREAMS && lay->rules[upstream].requests > 0;
}

int64_t limits_lost_at(const struct layout *lay, uint32_t upstream)
{
    int64_t lost = lay->live.lost_ns[upstream];

    if (lost > lay->live.now_ns + 2 * NS_PER_S)
        sigbus_damaged("a loss in the future");
    return lost;
}

int64_t limits_span_ns(const struct lay_rules *r)
{
    return r->window_ns + r->margin_ns;
}

struct bucket_rule limits_bucket(const struct lay_rules *r)
{
    return (struct bucket_rule){r->window_ns, r->requests, r->burst};
}

/* ---- what an upstream has ------------------------------------------------- */

/* R, or what it was while somebody used it, but for the limit. */
static struct lay_rules last_used(const struct lay_rules *r)
{
    struct lay_rules was = *r;

    if (was.requests == 0)
        was.requests = was.burst = 1;
    return was;
}

bool limits_may_count(struct layout *lay, uint32_t scope, int64_t now)
{
    struct lay_rules r = last_used(&lay->rules[limits_upstream(lay, scope)]);

    return limits_is_sane(&r) &&
           scope_at(lay, scope)->last_send_ns >
               now - max_i64(limits_span_ns(&r), r.min_gap_ns);
}

bool limits_gap_runs(struct layout *lay, uint32_t scope, int64_t now)
{
    return scope_at(lay, scope)->last_send_ns >
           now - limits_of(lay, scope)->min_gap_ns;
}

/* Might row I go to UPSTREAM? */
static bool wants(const struct layout *lay, uint32_t i, uint32_t upstream)
{
    const struct lay_want *w = &lay->wants[i];
    uint32_t k;

    if ((lay->rows[i].flags & ROW_CHOOSES) == 0)
        return false;
    for (k = 0; k < w->n && k < LIMITER_CHOICES; k++)
        if (w->choice[k].upstream == upstream)
            return true;
    return false;
}

bool limits_has_rows(struct layout *lay, uint32_t upstream)
{
    uint32_t i;

    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++)
        if (lay->rows[i].state != 0 &&
            (limits_upstream(lay, lay->rows[i].scope) == upstream ||
             wants(lay, i, upstream)))
            return true;
    return false;
}

/* Of UPSTREAM's models the first from I on; LAY_MODELS: there is none. */
static uint32_t next_model(const struct layout *lay, uint32_t upstream,
                           uint32_t i)
{
    while (i < LAY_MODELS &&
           (!lay->models[i].used || lay->models[i].owner != upstream))
        i++;
    return i;
}

int64_t limits_last_send_ns(const struct layout *lay, uint32_t upstream)
{
    int64_t last = lay->scopes[upstream].last_send_ns;
    uint32_t i;

    for (i = next_model(lay, upstream, 0); i < LAY_MODELS;
         i = next_model(lay, upstream, i + 1))
        last = max_i64(last, lay->scopes[LAY_UPSTREAMS + i].last_send_ns);
    return last;
}

/* ---- other rules ----------------------------------------------------------- */

/* Sends before which time were dropped, or booked elsewhere, that would count
 * under NEW? */
static int64_t forgotten_ns(const struct lay_rules *old,
                            const struct lay_rules *new, int64_t now)
{
    struct lay_rules was = last_used(old);

    if (new->requests == 0 || (old->requests == 0 && old->name[0] == '\0'))
        return 0;
    if (!limits_is_sane(&was) || was.per_model != new->per_model ||
        strncmp(was.name, new->name, sizeof(was.name)) != 0)
        return now;
    if (new->tokens > 0 && was.counts != new->counts)
        return now; /* they were logged by what counted then */
    return limits_span_ns(new) > limits_span_ns(&was)
               ? now - limits_span_ns(&was)
               : 0;
}

/* What has flowed in until now did so at the old rate. */
static void convert_bucket(struct bucket *b, const struct bucket_rule *from,
                           const struct bucket_rule *to, int64_t now)
{
    bucket_fill(b, from, now);
    bucket_convert(b, from, to);
}

/* A level is in units of a window: it is converted before the rules if it
 * becomes less thereby, else after them.  Whoever is killed between leaves some
 * tokens less, and none that nobody has earned. */
static void convert_buckets(struct layout *lay, uint32_t upstream,
                            const struct lay_rules *old,
                            const struct lay_rules *new, int64_t now)
{
    const struct lay_rules was = last_used(old);
    const struct bucket_rule from = limits_bucket(&was);
    const struct bucket_rule to = limits_bucket(new);
    uint32_t i;

    if (new->requests == 0 || !limits_is_sane(&was))
        return;
    convert_bucket(&lay->scopes[upstream].bucket, &from, &to, now);
    for (i = next_model(lay, upstream, 0); i < LAY_MODELS;
         i = next_model(lay, upstream, i + 1))
        convert_bucket(&lay->scopes[LAY_UPSTREAMS + i].bucket, &from, &to, now);
}

void limits_forget_retreat(struct layout *lay, uint32_t scope)
{
    struct retreat *re = &scope_at(lay, scope)->retreat;

    /* First: what is left of a state that is normal does no harm. */
    __atomic_store_n(&re->state, RETREAT_NORMAL, __ATOMIC_SEQ_CST);
    memset(re, 0, sizeof(*re));
    lay->live.retreating[scope / 64] &= ~(UINT64_C(1) << scope % 64);
}

/* Another upstream has the row, which has refused nobody yet.  The names of
 * models stay, for it may have the same. */
static void forget_refusals(struct layout *lay, uint32_t upstream)
{
    uint32_t i;

    limits_forget_retreat(lay, upstream);
    lay->scopes[upstream].unseen = 0;
    memset(&lay->debts[upstream], 0, sizeof(struct lay_debt));
    own_key_forget(&lay->own_keys[upstream], 0);
    for (i = next_model(lay, upstream, 0); i < LAY_MODELS;
         i = next_model(lay, upstream, i + 1)) {
        limits_forget_retreat(lay, LAY_UPSTREAMS + i);
        lay->scopes[LAY_UPSTREAMS + i].unseen = 0;
        model_state_forget(lay, i);
    }
}

static void set_one(struct layout *lay, uint32_t upstream,
                    const struct lay_rules *new, int64_t now)
{
    int64_t *lost = &lay->live.lost_ns[upstream];
    const struct lay_rules was = lay->rules[upstream];

    if (strncmp(was.name, new->name, sizeof(new->name)) != 0)
        forget_refusals(lay, upstream);
    if (new->requests == 0 && limits_has_rows(lay, upstream))
        return; /* another worker's: its rules hold until they are over */
    *lost = max_i64(*lost, forgotten_ns(&was, new, now));
    if (new->window_ns <= was.window_ns)
        convert_buckets(lay, upstream, &was, new, now);
    draft_put(lay, &lay->rules[upstream], new, sizeof(*new));
    if (new->window_ns > was.window_ns)
        convert_buckets(lay, upstream, &was, new, now);
}

/* A client may ask any upstream: the largest margin of all holds for it. */
static int64_t largest_margin(const struct layout *lay)
{
    int64_t margin = 0;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i) && limits_is_sane(&lay->rules[i]))
            margin = max_i64(margin, lay->rules[i].margin_ns);
    return margin;
}

bool limits_set(struct layout *lay, const struct limiter_settings *set,
                int64_t now)
{
    struct lay_bounds bounds;
    struct lay_rules new;
    bool changed;
    uint32_t i;

    limits_take_bounds(&set->bounds, &bounds);
    changed = memcmp(&lay->bounds, &bounds, sizeof(bounds)) != 0;
    lay->bounds = bounds;
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        limits_take(&set->rules[i], &new);
        if (memcmp(&lay->rules[i], &new, sizeof(new)) == 0)
            continue;
        set_one(lay, i, &new, now);
        changed = true;
    }
    quota_margin(lay, largest_margin(lay), now);
    return changed;
}
