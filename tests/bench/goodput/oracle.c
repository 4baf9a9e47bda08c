/*
 * oracle.c - what could be had, if one knew the upstream?
 *
 * Whatever the limits let pass goes at once, fairly: first the model that has
 * least of what it is owed, and of it the client that has least.  What a model
 * is owed and cannot take now (all its workers are busy) is kept for it.  Of
 * several upstreams the first that has room is as good as another.
 *
 * A row may hold it to the promise that Sluice gives its operator: then the
 * limit that was set is one more limit, which it knows as it knows the others.
 */
#include "policy.h"

#include <stdlib.h>

#include "lib/base.h"
#include "run.h"

struct oracle {
    struct run *r;
    struct job *waiting; /* oldest first */
    struct limit promise;
};

static void *oracle_open(struct run *r)
{
    struct oracle *o = calloc(1, sizeof(*o));

    CHECK(o != NULL);
    o->r = r;
    limit_init(&o->promise,
               &(struct limit_spec){
                   .kind = r->row->promised ? LIMIT_SLIDING : LIMIT_NONE,
                   .size = r->row->believed,
                   .window_ns = r->row->window_ns + r->row->margin_ns},
               RUN_T0);
    return o;
}

static void oracle_close(void *p)
{
    struct oracle *o = p;

    limit_fini(&o->promise);
    free(o);
}

static void append(struct oracle *o, struct job *j)
{
    struct job **at = &o->waiting;

    while (*at != NULL)
        at = &(*at)->next;
    j->next = NULL;
    *at = j;
}

/* What never passes is not even tried. */
static void oracle_ask(void *p, struct job *j)
{
    struct oracle *o = p;

    if (j->poisoned)
        run_done(o->r, j, false);
    else
        append(o, j);
}

static void oracle_heard(void *p, struct job *j, const struct answer *a)
{
    struct oracle *o = p;

    if (a->say == SAY_FINE)
        run_done(o->r, j, true);
    else
        append(o, j);
}

static void oracle_resume(void *p, struct job *j)
{
    (void)p;
    (void)j;
}

static double owed(const struct oracle *o, int model)
{
    double n = o->r->row->owed[model];

    return n > 0 ? n : 1;
}

/* Of MODEL, and not yet had, up to the end of this window. */
static double due(const struct oracle *o, int model)
{
    int64_t k = (o->r->now - RUN_T0) / o->r->row->window_ns + 1;

    return o->r->row->owed[model] * (double)k -
           (double)o->r->score.by_model[model];
}

/* Kept for models other than MODEL, which wait and may not go. */
static double kept(const struct oracle *o, int model)
{
    double n = 0;
    uint32_t seen = 0;
    const struct job *j;

    for (j = o->waiting; j != NULL; j = j->next) {
        uint32_t bit = 1u << j->model;

        if (j->model == model || (seen & bit) != 0)
            continue;
        seen |= bit;
        if (due(o, j->model) > 0 &&
            upstream_left(&o->r->upstreams[0], j->model, o->r->now) == 0)
            n += due(o, j->model);
    }
    return n;
}

static bool may_go_to_first(struct oracle *o, int model)
{
    struct upstream *u = &o->r->upstreams[0];

    return limit_left(&o->promise, o->r->now) > 0 &&
           upstream_left(u, model, o->r->now) > 0 &&
           (double)upstream_left(u, OF_ACCOUNT, o->r->now) > kept(o, model);
}

/* To which of them? */
static bool may_go(struct oracle *o, int model, uint32_t *at)
{
    uint32_t i;

    *at = 0;
    if (may_go_to_first(o, model))
        return true;
    for (i = 1; i < o->r->n_upstreams; i++)
        if (upstream_left(&o->r->upstreams[i], model, o->r->now) > 0) {
            *at = i;
            return true;
        }
    return false;
}

/* Has A less than B of what it should have? */
static bool is_poorer(const struct oracle *o, const struct job *a,
                      const struct job *b)
{
    const struct score *s = &o->r->score;
    double x = s->by_model[a->model] / owed(o, a->model);
    double y = s->by_model[b->model] / owed(o, b->model);

    if (a->model != b->model && x != y)
        return x < y;
    return s->by_client[a->client] < s->by_client[b->client];
}

static struct job **best(struct oracle *o)
{
    struct job **at, **found = NULL;
    bool may[MODELS], known[MODELS] = {false};
    uint32_t to[MODELS];

    for (at = &o->waiting; *at != NULL; at = &(*at)->next) {
        int m = (*at)->model;

        may[m] = known[m] ? may[m] : may_go(o, m, &to[m]);
        known[m] = true;
        (*at)->at = may[m] ? to[m] : 0;
        if (may[m] && (found == NULL || is_poorer(o, *at, *found)))
            found = at;
    }
    return found;
}

/* By time alone: the next of them. */
static int64_t opens_ns(struct oracle *o, int model)
{
    int64_t next = NEVER;
    uint32_t i;

    for (i = 0; i < o->r->n_upstreams; i++) {
        int64_t when = max_i64(
            upstream_opens_ns(&o->r->upstreams[i], model, o->r->now),
            i == 0 ? limit_opens_ns(&o->promise, o->r->now) : o->r->now);

        if (when > o->r->now)
            next = min_i64(next, when);
    }
    return next;
}

static int64_t oracle_turn(void *p)
{
    struct oracle *o = p;
    struct job **at, *j;
    int64_t next = NEVER;

    while ((at = best(o)) != NULL) {
        j = *at;
        *at = j->next;
        (void)limit_take(&o->promise, o->r->now);
        run_send(o->r, j);
    }
    for (j = o->waiting; j != NULL; j = j->next)
        next = min_i64(next, opens_ns(o, j->model));
    return next;
}

const struct policy policy_oracle = {
    .name = "oracle",
    .sees = true,
    .open = oracle_open,
    .close = oracle_close,
    .ask = oracle_ask,
    .heard = oracle_heard,
    .resume = oracle_resume,
    .turn = oracle_turn,
};
