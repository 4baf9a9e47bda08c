/*
 * choices.c - to which upstreams may this request go?
 *
 *   place.c --> choices_of() --> the limiter, which takes one
 *
 * An upstream may have it whose patterns fit its model, and whose own list does
 * not lack what another's has.  One without patterns takes what no other one names,
 * and what its list has: who sends "local/..." to a server of his own does not
 * mean the rest of the world as well.  Models that stand in for it come behind
 * it, or alone where nobody has it.  Where nothing is left one upstream is, so
 * that its own words tell the client why.
 *
 *   soonest    all are of one rank
 *   cheapest   by cost, first: by their order; keys of one pool are equal
 */
#include "fcgi/choices.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/config/fallbacks.h"
#include "fcgi/config/fields.h"
#include "fcgi/config/lines.h"
#include "fcgi/config/protocols.h"
#include "fcgi/request.h"
#include "fcgi/upstream/listed.h"
#include "lib/base.h"

/* A set of upstreams, a bit for each. */
typedef uint32_t set;

#define BIT(i) (UINT32_C(1) << (i))

/* ---- who may have a model ----------------------------------------------------- */

/* Those whose patterns name it; where nobody does, those without any. */
static set named(const struct config *cfg, const char *model)
{
    set by_name = 0, all = 0;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++) {
        if (cfg->upstreams[i].n_models == 0)
            all |= BIT(i);
        else if (lines_takes(&cfg->upstreams[i], model))
            by_name |= BIT(i);
    }
    return by_name != 0 ? by_name : all;
}

/* Those whose lists say of MODEL what WORD is, of OF. */
static set listing(const struct choices_query *q, set of, const char *model,
                   enum listed_word word)
{
    set found = 0;
    size_t i;

    for (i = 0; i < q->cfg->n_upstreams; i++)
        if ((of & BIT(i)) != 0 && listed_has(q->listed, i, model) == word)
            found |= BIT(i);
    return found;
}

static set without_patterns(const struct config *cfg)
{
    set found = 0;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (cfg->upstreams[i].n_models == 0)
            found |= BIT(i);
    return found;
}

/* Those that understand it. */
static set speakers(const struct choices_query *q)
{
    set found = 0;
    size_t i;

    for (i = 0; i < q->cfg->n_upstreams; i++)
        if (q->only == NULL || protocols_has(&q->cfg->upstreams[i], q->only))
            found |= BIT(i);
    return found;
}

/* Those that are known to have it, or may have; 0: nobody. */
static set havers(const struct choices_query *q, const char *model)
{
    set of = named(q->cfg, model);

    of &= ~listing(q, of, model, LISTED_NO);
    of |= listing(q, without_patterns(q->cfg), model, LISTED_YES);
    return of & speakers(q);
}

/* Not all that an upstream serves is always in its list, and the settings know
 * better: that it is missing there counts where another one's has it, or where
 * no pattern names it and another model may stand in. */
static set takers(const struct choices_query *q, const char *model,
                  bool has_stand_ins)
{
    set of = havers(q, model), by_name = named(q->cfg, model);
    bool is_named = (by_name & ~without_patterns(q->cfg)) != 0;

    if ((has_stand_ins && !is_named) || listing(q, of, model, LISTED_YES) != 0)
        return of;
    return by_name & speakers(q);
}

/* The first whose patterns fit, or the last one of all: as requests go that are
 * for one alone.  Of those that understand it, if there are any. */
static uint32_t the_one(const struct choices_query *q)
{
    set of = speakers(q);
    uint32_t i, last = (uint32_t)q->cfg->n_upstreams - 1;

    while (last > 0 && of != 0 && (of & BIT(last)) == 0)
        last--;
    for (i = 0; i < last; i++)
        if ((of & BIT(i)) != 0 && lines_takes(&q->cfg->upstreams[i], q->model))
            return i;
    return last;
}

/* ---- in which order ------------------------------------------------------------ */

static int64_t order_of(const struct config *cfg, size_t i)
{
    switch (cfg->prefer) {
    case PREFER_CHEAPEST:
        return cfg->upstreams[i].cost;
    case PREFER_FIRST:
        return (int64_t)cfg->upstreams[i].pool;
    case PREFER_SOONEST:
        break;
    }
    return 0;
}

/* How many different ones of OF come before upstream I. */
static uint32_t rank_of(const struct config *cfg, set of, size_t i)
{
    uint32_t rank = 0;
    size_t k, m;

    for (k = 0; k < cfg->n_upstreams; k++) {
        if ((of & BIT(k)) == 0 || order_of(cfg, k) >= order_of(cfg, i))
            continue;
        for (m = 0; m < k; m++)
            if ((of & BIT(m)) != 0 && order_of(cfg, m) == order_of(cfg, k))
                break;
        rank += m == k; /* it is the first of its kind */
    }
    return rank;
}

/* The first rank behind all that there are. */
static uint32_t next_rank(const struct choices *c)
{
    uint32_t next = 0, i;

    for (i = 0; i < c->n; i++)
        next = c->list[i].rank >= next ? c->list[i].rank + 1 : next;
    return next;
}

/* Adds OF under the model that the state knows as MODEL; the body asks for it by
 * NAME. */
static void add(struct choices *c, const struct config *cfg, set of,
                const char *model, const char *name)
{
    uint32_t base = next_rank(c);
    size_t i;

    for (i = 0; i < cfg->n_upstreams && c->n < CHOICES_MAX; i++) {
        if ((of & BIT(i)) == 0)
            continue;
        c->names[c->n] = name;
        c->list[c->n++] = (struct limiter_choice){
            .upstream = (uint32_t)i,
            .model = model,
            .rank = base + rank_of(cfg, of, i),
            .patience_ns = cfg->prefer == PREFER_SOONEST
                               ? 0
                               : cfg->prefer_within_ms * NS_PER_MS,
        };
    }
}

/* ---- what else ------------------------------------------------------------------ */

static bool is_there(const struct choices *c, const char *name,
                     const char *model)
{
    uint32_t i;

    if (strcmp(name, model) == 0)
        return true;
    for (i = 0; i < c->n; i++)
        if (c->names[i] != NULL && strcmp(c->names[i], name) == 0)
            return true;
    return false;
}

/* The first N of c->stand_ins. */
static void add_stand_ins(struct choices *c, const struct choices_query *q,
                          size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const char *name = c->stand_ins[i];

        if (is_there(c, name, q->model))
            continue;
        request_short_name(c->short_names[i], name, strlen(name));
        add(c, q->cfg, takers(q, name, false), c->short_names[i], name);
    }
}

static void swap(struct choices *c, uint32_t i, uint32_t k)
{
    struct limiter_choice one = c->list[i];
    const char *name = c->names[i];

    c->list[i] = c->list[k];
    c->list[k] = one;
    c->names[i] = c->names[k];
    c->names[k] = name;
}

/* Lower ranks first; those of one rank as they are. */
static void put_in_order(struct choices *c)
{
    uint32_t i, k;

    for (i = 1; i < c->n; i++)
        for (k = i; k > 0 && c->list[k - 1].rank > c->list[k].rank; k--)
            swap(c, k - 1, k);
}

static void add_one(struct choices *c, const struct choices_query *q)
{
    add(c, q->cfg, BIT(the_one(q)), c->asked, NULL);
}

void choices_of(struct choices *out, const struct choices_query *q)
{
    size_t n;

    out->n = 0; /* of what is behind, in 6 KB, nothing is looked at */
    (void)snprintf(out->asked, sizeof(out->asked), "%s", q->served_by);
    if (q->served_by[0] == '\0' || q->model[0] == '\0' || q->is_bound) {
        add_one(out, q);
        return;
    }
    n = fallbacks_of(q->cfg, q->model, out->stand_ins);
    add(out, q->cfg, takers(q, q->model, n > 0), out->asked, NULL);
    add_stand_ins(out, q, n);
    if (out->n == 0)
        add(out, q->cfg, named(q->cfg, q->model), out->asked, NULL);
    if (out->n == 0)
        add_one(out, q);
    put_in_order(out);
}

/* ---- which are one server -------------------------------------------------------- */

static size_t pool_of(const struct choices *c, const struct config *cfg,
                      uint32_t k)
{
    return cfg->upstreams[c->list[k].upstream].pool;
}

uint32_t choices_alike(const struct choices *c, const struct config *cfg,
                       uint32_t upstream)
{
    uint32_t k, alike = 0, others = 0;

    for (k = 0; k < c->n; k++)
        if (pool_of(c, cfg, k) == cfg->upstreams[upstream].pool)
            alike |= BIT(k);
        else
            others++;
    return others > 0 ? alike : 0;
}

uint32_t choices_servers(const struct choices *c, const struct config *cfg)
{
    uint32_t k, m, n = 0;

    for (k = 0; k < c->n; k++) {
        for (m = 0; m < k && pool_of(c, cfg, m) != pool_of(c, cfg, k); m++)
            continue;
        n += m == k;
    }
    return n;
}
