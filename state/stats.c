/*
 * stats.c - what have all workers together done, and how do the limits stand?
 *
 * One look under the lock: 30 KB are copied, rows are counted.  Names and
 * models are not looked at one by one, so that the cost of a scrape does not
 * depend on what clients invent.
 */
#include "state/stats.h"

#include <stdlib.h>
#include <string.h>

#include "state/policy/admit.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"
#include "state/section.h"
#include "state/stats/counters.h"
#include "state/stats/sums.h"
#include "state/stats/upstream_sends.h"
#include "state/view_copy.h"
#include "state/worker.h"

struct look {
    struct limiter *lim;
    struct layout *lay;
    struct limiter_tally *out;
    struct lay_sums *sums;        /* a copy: told of after the lock is gone */
    uint32_t rows[LAY_UPSTREAMS]; /* of those in OUT */
    int64_t now;
};

/* Its states, which retreat_is_sane() has looked at. */
static void add_retreat(struct look *k, uint32_t id, struct tally_upstream *u)
{
    const struct retreat *re = scope_retreat(k->lay, id);

    u->states[re->state]++;
    u->learned[re->learned]++;
}

/* What scope ID adds to its upstream's row. */
static void add_scope(struct look *k, uint32_t id, struct tally_upstream *u)
{
    const struct lay_scope *s = scope_at(k->lay, id);
    struct admit_tokens tokens;
    uint32_t i;

    u->in_flight += s->in_flight;
    u->window_used += admit_used_now(k->lay, id, k->now);
    u->window_limit += limits_of(k->lay, id)->requests;
    u->tokens_milli += admit_tokens_milli(k->lay, id, k->now);
    admit_tokens(k->lay, id, k->now, &tokens);
    u->tokens_used += tokens.used;
    u->tokens_reserved += tokens.reserved;
    u->tokens_limit += tokens.limit;
    add_retreat(k, id, u);
    for (i = 0; i < LIMITER_CLASSES; i++)
        k->out->waiting[i] += s->cls[i].n;
}

static void add_models(struct look *k, uint32_t upstream,
                       struct tally_upstream *u)
{
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++)
        if (k->lay->models[i].used && k->lay->models[i].owner == upstream)
            add_scope(k, LAY_UPSTREAMS + i, u);
}

/* Where its models wait in one line, they have refusals of their own. */
static void add_own_limits(struct look *k, uint32_t upstream,
                           struct tally_upstream *u)
{
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++)
        if (k->lay->models[i].used && k->lay->models[i].owner == upstream)
            add_retreat(k, LAY_UPSTREAMS + i, u);
}

/* They wait as well, though in no line. */
static void add_aside(struct look *k)
{
    uint32_t i;

    for (i = 0; i < k->lay->live.rows_high && i < LAY_ROWS; i++)
        if (k->lay->rows[i].state == ROW_ASIDE &&
            k->lay->rows[i].cls < LIMITER_CLASSES)
            k->out->waiting[k->lay->rows[i].cls]++;
}

static enum ejection_cause held(struct layout *lay, uint32_t upstream)
{
    const struct ejection *e = &model_state_debt(lay, upstream)->ejection;

    return e->until_ns != 0 ? ejection_cause(e) : EJECTED_NOT;
}

static void add_upstreams(struct look *k)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++) {
        const struct lay_rules *r = &k->lay->rules[i];
        struct tally_upstream *u = &k->out->upstreams[k->out->n_upstreams];

        if (!limits_in_force(k->lay, i))
            continue;
        memcpy(u->name, r->name, sizeof(u->name) - 1);
        k->rows[k->out->n_upstreams] = i;
        u->held = held(k->lay, i);
        u->key_refused = k->lay->own_keys[i].word == KEY_REFUSED;
        if (r->per_model)
            add_models(k, i, u);
        else
            add_scope(k, i, u);
        if (r->learns)
            add_own_limits(k, i, u);
        k->out->n_upstreams++;
    }
}

/* Expired sends are dropped on the way, so this is a write like any other. */
static void look(void *arg)
{
    struct look *k = arg;
    struct lay_live *l = &k->lay->live;
    uint32_t i;

    k->now = max_i64(k->now, l->now_ns);
    if (l->service_start_ns > 0 && l->service_start_ns < k->now)
        k->out->uptime_ns = k->now - l->service_start_ns;
    k->out->waiting_max = k->lay->bounds.waiting;
    k->out->paused = k->lay->control.paused_ns != 0;
    view_store_copy(k->lay, k->now, &k->out->store);
    add_upstreams(k);
    add_aside(k);
    for (i = 0; i < LAY_WORKERS; i++)
        k->out->n_workers += k->lay->workers[i].used != 0;
}

static void copy_sums(void *arg)
{
    struct look *k = arg;
    const struct stats_layout *st = k->lim->stats.lay;
    uint32_t i;

    for (i = 0; i < k->out->n_upstreams; i++) {
        struct tally_upstream *u = &k->out->upstreams[i];

        u->went = upstream_sends_tell(&st->tally, k->rows[i], u->name, k->now);
    }
    memcpy(k->sums, &st->tally.sums, sizeof(*k->sums));
    counters_told(&st->counters, &k->out->counters);
}

static void look_at_sums(void *arg)
{
    struct look *k = arg;

    (void)section_also(k->lim, copy_sums, k);
}

bool limiter_tally(struct limiter *lim, int64_t now, struct limiter_tally *out)
{
    struct look k = {.lim = lim, .lay = lim->file.lay, .out = out, .now = now};
    bool done;

    memset(out, 0, sizeof(*out));
    k.sums = calloc(1, sizeof(*k.sums));
    CHECK(k.sums != NULL);
    done = section_both(lim, look, look_at_sums, &k);
    sums_check(k.sums);
    sums_tell(k.sums, &out->sums);
    free(k.sums);
    return done;
}
