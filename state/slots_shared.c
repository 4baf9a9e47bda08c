/*
 * slots_shared.c - several upstreams, one line: who gets which of their slots?
 *
 * The line is asked for the best of those that have a use for what is open; that
 * one takes of it what it likes best (wants.c), and then all is as with a line
 * of one upstream: a slot may be kept for who is owed it and whose model is
 * busy there, and nobody is passed by who only needs a larger one.
 */
#include "state/slots_shared.h"
#include "state/giving.h"

#include "state/policy/admit.h"
#include "state/policy/eligible.h"
#include "state/policy/kept.h"
#include "state/policy/layout.h"
#include "state/policy/model_gate.h"
#include "state/policy/openings.h"
#include "state/policy/queue.h"
#include "state/policy/quota.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"
#include "state/refusals.h"
#include "state/worker.h"

static uint32_t next_member(const struct openings *o, uint32_t from)
{
    while (from < LAY_UPSTREAMS && (o->members >> from & 1) == 0)
        from++;
    return from;
}

/* Time passes for each member, and its log is looked at. */
static void begin(struct limiter *lim, uint32_t line, struct openings *o)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    openings_all(lay, line, lim->now, o);
    for (i = next_member(o, 0); i < LAY_UPSTREAMS; i = next_member(o, i + 1))
        refusals_time(lim, i);
    openings_look_all(lay, o);
}

/* What is kept for those who will not come to it, others can have. */
static bool let_go(struct limiter *lim, struct openings *o)
{
    struct layout *lay = lim->file.lay;
    bool any = false;
    uint32_t i;

    for (i = next_member(o, 0); i < LAY_UPSTREAMS; i = next_member(o, i + 1)) {
        if (scope_at(lay, i)->kept == 0 ||
            !kept_each_idle(lay, i, queue_keep_no_longer))
            continue;
        openings_look_at(lay, o, i);
        any = true;
    }
    return any;
}

/* Those whose slot is kept and who can take it now. */
static void give_kept(struct limiter *lim, struct openings *o)
{
    struct layout *lay = lim->file.lay;
    int64_t when;
    uint32_t i, row;

    for (i = next_member(o, 0); i < LAY_UPSTREAMS; i = next_member(o, i + 1)) {
        if (scope_at(lay, i)->kept == 0)
            continue;
        while (
            slot_source_of(lay, i)->have(lay, i, TAKE_ONE, lim->now, &when) &&
            (row = kept_ready(lay, i)) != NONE)
            giving_give(lim, row);
        openings_look_at(lay, o, i);
    }
}

/* The slot that ROW would take is there, but too small: nobody goes instead of
 * it, else what is heavy would wait for ever. */
static bool fits(struct limiter *lim, struct openings *o, uint32_t row,
                 uint32_t k)
{
    struct layout *lay = lim->file.lay;
    struct wants_place p = wants_place(lay, row, k);
    struct take what = tokens_at(lay, row, p.scope);
    int64_t when;

    if ((what.weight == 1 && lay->rules[p.upstream].tokens == 0) ||
        slot_source_of(lay, p.scope)->have(lay, p.scope, what, lim->now, &when))
        return true;
    openings_shut(o, p.upstream, when);
    return false;
}

/* OWED has the next turn, and no use for it but to have it kept. */
static bool keep(struct limiter *lim, struct openings *o, uint32_t owed)
{
    struct layout *lay = lim->file.lay;
    uint32_t k;

    if (owed == NONE || wants_take(lay, owed, o, false) != NONE)
        return false;
    k = kept_owed(lay, owed, o);
    if (k == NONE)
        return false;
    wants_mark(lay, owed, k);
    queue_keep(lay, owed);
    openings_look_at(lay, o, wants_place(lay, owed, k).upstream);
    return true;
}

/* ROW does not come to its slot: it goes elsewhere. */
static void keep_no_longer(struct limiter *lim, struct openings *o,
                           uint32_t row)
{
    struct layout *lay = lim->file.lay;
    uint32_t upstream = wants_home(lay, row).upstream;

    queue_keep_no_longer(lay, row);
    openings_look_at(lay, o, upstream);
}

/* One more is given, or something has changed that may open one.  False: no more
 * can be had. */
static bool give_one(struct limiter *lim, uint32_t line, struct openings *o)
{
    struct layout *lay = lim->file.lay;
    uint32_t row = queue_best_of(lay, line, o), k;

    if (lay->live.limited > 0 && keep(lim, o, queue_turn_of(lay, line, o)))
        return true;
    if (row == NONE)
        return false;
    k = wants_take(lay, row, o, true);
    if (k == NONE)
        return false;
    if (!fits(lim, o, row, k))
        return true;
    if ((row_at(lay, row)->flags & ROW_KEPT) != 0)
        keep_no_longer(lim, o, row);
    wants_mark(lay, row, k);
    giving_give(lim, row);
    if (scope_at(lay, line)->waiting > 0)
        openings_look_at(lay, o, wants_place(lay, row, k).upstream);
    return true;
}

static void want(struct limiter *lim, const struct openings *o)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = next_member(o, 0); i < LAY_UPSTREAMS; i = next_member(o, i + 1))
        if (!openings_has(o, i))
            slot_source_of(lay, i)->want(lay, i, o->when[i], lim->now);
}

int64_t slots_shared_hand_out(struct limiter *lim, uint32_t line,
                              struct effort *effort)
{
    struct layout *lay = lim->file.lay;
    const struct lay_scope *s = scope_at(lay, line);
    struct openings o;

    begin(lim, line, &o);
    (void)let_go(lim, &o);
    do {
        give_kept(lim, &o);
        while (o.open != 0 && s->waiting > 0) {
            if (!effort_take(effort, 2 * s->waiting))
                return lim->now; /* the next turn goes on */
            if (!give_one(lim, line, &o))
                break;
        }
    } while (let_go(lim, &o)); /* a client's own limit is reached by a grant */
    if (s->waiting == 0)
        return NEVER;
    want(lim, &o);
    return NEVER; /* slots_shared_next() knows */
}

/* ---- the next one --------------------------------------------------------- */

/* What is looked for: the row of the line that can go first from now on. */
struct search {
    struct layout *lay;
    const struct openings *o;
    int64_t client_ns; /* its client may send from then on */
    uint32_t row;
    int64_t when;
    uint32_t hops;
};

/* When ROW finds a slot at P. */
static int64_t slot_at(struct layout *lay, const struct openings *o,
                       uint32_t row, const struct wants_place *p)
{
    const struct lay_rules *r;
    int64_t when;

    if (p->scope == NONE)
        return NEVER;
    r = &lay->rules[p->upstream];
    if (r->per_model == 0 && !openings_has(o, p->upstream))
        return o->when[p->upstream];
    if (r->per_model == 0 && r->tokens == 0)
        return o->now;
    admit_refresh(lay, p->scope, o->now);
    return slot_source_of(lay, p->scope)
                   ->have(lay, p->scope, tokens_at(lay, row, p->scope), o->now,
                          &when)
               ? o->now
               : min_i64(when, scope_grows_at(lay, p->scope));
}

/* What could go now and does not waits for something else, which is told, too. */
static void search_row(struct search *s, uint32_t row)
{
    struct layout *lay = s->lay;
    bool is_kept = (row_at(lay, row)->flags & ROW_KEPT) != 0;
    uint32_t k, n = want_at(lay, row)->n;

    for (k = 0; k < n; k++) {
        struct wants_place p = wants_place(lay, row, k);
        int64_t at = s->client_ns;

        if (is_kept && want_at(lay, row)->mark != k + 1)
            continue;
        at = max_i64(at, slot_at(lay, s->o, row, &p));
        if (p.model != NONE)
            at = max_i64(at, model_gate_free_at(lay, p.model, s->o->now));
        if (at <= s->o->now || at >= s->when)
            continue;
        s->when = at;
        s->row = row;
    }
}

static void search_line(struct search *s, const struct lay_flow *f)
{
    struct layout *lay = s->lay;
    uint32_t i;

    s->client_ns = s->o->now;
    if (f->head != NONE && quota_limits(lay, f->client)) {
        struct take what = tokens_of_client(lay, row_at(lay, f->head));

        if (quota_blocks(lay, f->client, what, s->o->now))
            s->client_ns = quota_eta(
                lay, f->client, (struct quota_sum){what.weight, what.tokens},
                s->o->now);
    }
    for (i = f->head; i != NONE; i = row_at(lay, i)->next) {
        if (!worker_at(lay, row_at(lay, i)->worker)->stalled)
            search_row(s, i);
        if (++s->hops > LAY_ROWS)
            sigbus_damaged("line");
    }
}

static void search_all(struct search *s)
{
    const struct lay_scope *line = scope_at(s->lay, s->o->line);
    uint32_t cls, i, hops = 0;

    for (cls = 0; cls < LIMITER_CLASSES; cls++)
        for (i = line->cls[cls].flows; i != NONE;
             i = flow_at(s->lay, i)->next) {
            search_line(s, flow_at(s->lay, i));
            if (++hops > LAY_FLOWS)
                sigbus_damaged("flow list");
        }
}

/* Where models, clients, tokens or windows of models have a say each row is asked; else
 * whoever is next goes when the first of the members opens. */
static bool is_simple(const struct layout *lay, const struct openings *o)
{
    uint32_t i;

    for (i = next_member(o, 0); i < LAY_UPSTREAMS; i = next_member(o, i + 1))
        if (lay->rules[i].per_model != 0 || lay->rules[i].tokens != 0)
            return false;
    return lay->live.limited == 0;
}

uint32_t slots_shared_next(struct limiter *lim, uint32_t line, int64_t *when)
{
    struct layout *lay = lim->file.lay;
    struct openings o;
    struct search s = {lay, &o, 0, NONE, NEVER, 0};
    uint32_t i;

    openings_all(lay, line, lim->now, &o);
    openings_look_all(lay, &o);
    for (i = next_member(&o, 0); i < LAY_UPSTREAMS; i = next_member(&o, i + 1))
        o.when[i] = min_i64(o.when[i], scope_grows_at(lay, i));
    *when = openings_next(&o);
    if (is_simple(lay, &o)) {
        openings_all(lay, line, lim->now, &o);
        return *when == NEVER ? NONE : queue_best_of(lay, line, &o);
    }
    search_all(&s);
    *when = s.when;
    return s.row;
}
