/*
 * verdicts.c - what does an upstream's answer change for those that wait?
 *
 *   limiter_report() --> verdicts_apply()   the answer of one request
 *   a turn           --> verdicts_time()    what time alone changes
 *   limiter_end_hold() -> verdicts_end()    an operator's word
 *
 * The machines (retreat.c, ejection.c, concurrency.c) know no table; here they get
 * what they need from the shared file, and each change is counted and noted
 * for the log.  They work on a copy, which takes its place as a whole (draft.c).
 */
#include <string.h>

#include "state/change_log.h"
#include "state/policy/draft.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/policy/quota.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/upstream_map.h"
#include "state/verdicts.h"
#include "state/worker.h"

/* ---- retreat ---------------------------------------------------------------- */

static void note_state(struct limiter *lim, uint32_t scope, uint32_t from,
                       const char *why)
{
    const struct retreat *re = scope_retreat(lim->file.lay, scope);
    struct change m = {.event = "retreat",
                       .from = retreat_state_names[from],
                       .to = retreat_state_names[re->state],
                       .for_ns = -1};
    uint64_t *word = &lim->file.lay->live.retreating[scope / 64];
    uint64_t bit = UINT64_C(1) << scope % 64;

    if (re->state == RETREAT_NORMAL)
        *word &= ~bit;
    else
        *word |= bit;
    if (re->state == RETREAT_HOLDING)
        m.for_ns = re->until_ns - lim->now;
    change_log_why(&m, why);
    change_log_add(lim, scope, &m);
}

/* An answer to ROW, which is in flight: does it change whether its scope may
 * send?  Then that is counted and noted. */
static void answered(struct limiter *lim, uint32_t i,
                     const struct limiter_report *rep)
{
    static const enum hold_cause causes[RETREAT_STATES] = {
        [RETREAT_NORMAL] = HOLD_RATE,
        [RETREAT_HOLDING] = HOLD_RATE,
        [RETREAT_PROBING] = HOLD_PROBE,
        [RETREAT_RECOVERING] = HOLD_RECOVERY,
    };
    struct layout *lay = lim->file.lay;
    uint32_t scope = row_at(lay, i)->scope;
    uint32_t from = scope_at(lay, scope)->retreat.state;

    if (!slot_source_of(lay, scope)->verdict(lay, i, rep, lim->now))
        return;
    if (rep->answer != ANSWER_RATE) {
        note_state(lim, scope, from, "the probe was answered");
        return;
    }
    lim->journal.did.holds[causes[from < RETREAT_STATES ? from : 0]]++;
    note_state(lim, scope, from, rep->reason);
}

static void advance(struct limiter *lim, uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    struct retreat *re = &scope_at(lay, scope)->retreat, new;
    struct retreat_rule u;
    uint32_t from;

    if (re->state == RETREAT_NORMAL)
        return;
    new = *scope_retreat(lay, scope);
    from = new.state;
    if (!limits_in_force(lay, limits_upstream(lay, scope))) {
        retreat_end(&new, lim->now); /* nobody uses that upstream any more */
        draft_put(lay, re, &new, sizeof(new));
        note_state(lim, scope, from, "its upstream is gone");
        return;
    }
    u = scope_retreat_rule(lay, scope);
    for (; retreat_advance(&new, &u, lim->now); from = new.state) {
        draft_put(lay, re, &new, sizeof(new));
        lim->journal.did.retreats_over += new.state == RETREAT_NORMAL;
        note_state(lim, scope, from, "");
    }
    draft_put(lay, re, &new, sizeof(new)); /* it may have grown */
}

void verdicts_time(struct limiter *lim, uint32_t scope)
{
    advance(lim, scope);
}

/* ---- models and upstreams that are off --------------------------------------- */

static void note_ejection(struct limiter *lim, uint32_t scope,
                          const char *event, const struct ejection *b)
{
    struct change m = {.event = event,
                       .from = "on",
                       .to = "off",
                       .for_ns = b->until_ns - lim->now};

    change_log_why(&m, b->reason);
    change_log_add(lim, scope, &m);
    lim->file.lay->live.limited++;
    lim->file.lay->live.refusing++; /* each worker looks at its waiters */
}

static struct ejection_answer ejection_answer_of(
    const struct layout *lay, const struct lay_row *row,
    const struct limiter_report *rep)
{
    return (struct ejection_answer){row->grant, lay->live.last_grant,
                                    rep->retry_after_ns, rep->cause,
                                    rep->reason};
}

static void model_off(struct limiter *lim, const struct lay_row *row,
                      const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    struct ejection_answer what = ejection_answer_of(lay, row, rep);
    struct ejection *b, new;

    if (row->model == NONE)
        return; /* the table is full of models that are needed */
    b = &model_state_at(lay, row->model)->ejection;
    new = *b;
    if (!ejection_begin(&new, &what, lim->now))
        return;
    draft_put(lay, b, &new, sizeof(new));
    lim->journal.did.benches++;
    note_ejection(lim, LAY_UPSTREAMS + row->model, "bench", b);
}

static void unpaid(struct limiter *lim, const struct lay_row *row,
                   const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    uint32_t upstream = limits_upstream(lay, row->scope);
    struct lay_debt *d = model_state_debt(lay, upstream), new = *d;
    struct ejection_answer what = ejection_answer_of(lay, row, rep);

    what.cause = EJECTED_UNPAID;
    if (!ejection_begin(&new.ejection, &what, lim->now))
        return;
    new.try_id = 0;
    draft_put(lay, d, &new, sizeof(new));
    lim->journal.did.holds[HOLD_UNPAID]++;
    note_ejection(lim, upstream, "unpaid", &d->ejection);
}

/* ---- concurrency --------------------------------------------------------------- */

static void note_concurrency(struct limiter *lim, uint32_t model, uint32_t from,
                             uint32_t to, const char *why)
{
    struct change m = {.event = "ceiling",
                       .from = from > 0 ? "limited" : "free",
                       .to = to > 0 ? "limited" : "free",
                       .for_ns = -1,
                       .at_once = to};

    change_log_why(&m, why);
    change_log_add(lim, LAY_UPSTREAMS + model, &m);
}

static void busy(struct limiter *lim, const struct lay_row *row,
                 const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    struct lay_model_state *t;
    struct concurrency_refusal what = {row->grant, lay->live.last_grant, 0,
                                       rep->retry_after_ns};
    struct concurrency new;
    uint32_t from;
    bool cut;

    if (row->model == NONE)
        return;
    t = model_state_at(lay, row->model);
    new = t->concurrency;
    from = new.limit;
    what.in_flight = t->in_flight;
    cut = concurrency_cut(&new, &what, lim->now);
    draft_put(lay, &t->concurrency, &new, sizeof(new));
    if (!cut)
        return;
    lay->live.limited++;
    lim->journal.did.ceilings_cut++;
    note_concurrency(lim, row->model, from, t->concurrency.limit, rep->reason);
}

/* Nothing holds back what D is of any more. */
static void forgive(struct layout *lay, struct lay_debt *d, uint64_t answered)
{
    struct lay_debt new = *d;

    ejection_end(&new.ejection);
    ejection_answered(&new.ejection, answered);
    new.try_id = 0;
    draft_put(lay, d, &new, sizeof(new));
}

static void fine_debt(struct limiter *lim, const struct lay_row *row)
{
    uint32_t upstream = limits_upstream(lim->file.lay, row->scope);
    struct lay_debt *d = model_state_debt(lim->file.lay, upstream);
    struct change m = {
        .event = "unpaid", .from = "off", .to = "on", .for_ns = -1};

    if (d->ejection.until_ns == 0 || row->grant <= d->ejection.grant)
        return;
    forgive(lim->file.lay, d, row->grant);
    change_log_add(lim, upstream, &m);
}

static void fine(struct limiter *lim, const struct lay_row *row)
{
    struct layout *lay = lim->file.lay;
    struct lay_model_state *t;
    struct concurrency new;
    bool gone;

    if (lay->live.limited > 0)
        fine_debt(lim, row);
    if (row->model == NONE)
        return;
    t = model_state_at(lay, row->model);
    ejection_answered(&t->ejection, row->grant);
    new = t->concurrency;
    gone = concurrency_grow(&new, row->grant);
    draft_put(lay, &t->concurrency, &new, sizeof(new));
    if (gone)
        note_concurrency(lim, row->model, 1, 0, "it bears twice as many");
}

/* ---- one answer -------------------------------------------------------------- */

void verdicts_apply(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, t->row);
    const struct limiter_report *rep = &t->report;

    if (row->state != ROW_SENT || row->changed_ns > lim->now)
        return;
    verdicts_time(lim, row->scope); /* time first: it is an answer to now */
    lim->journal.did.answers[rep->answer]++;
    reachability_key(&lay->probe, limits_upstream(lay, row->scope), rep->key);
    answered(lim, t->row, rep);
    switch (rep->answer) {
    case ANSWER_FINE:
        fine(lim, row);
        return;
    case ANSWER_BUSY:
        busy(lim, row, rep);
        return;
    case ANSWER_OFF:
        model_off(lim, row, rep);
        return;
    case ANSWER_UNPAID:
        unpaid(lim, row, rep);
        return;
    case ANSWER_RATE:
    case ANSWER_FAULT:
    case ANSWERS:
        return;
    }
}

/* ---- time -------------------------------------------------------------------- */

static void note_ejection_end(struct limiter *lim, uint32_t model,
                              const char *why)
{
    struct change m = {
        .event = "bench", .from = "off", .to = "on", .for_ns = -1};

    change_log_why(&m, why);
    change_log_add(lim, LAY_UPSTREAMS + model, &m);
}

/* The ejections that are over, and how many restrictions are left. */
static void count_limited(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i, n = 0;

    for (i = 0; i < LAY_MODELS; i++) {
        struct lay_model_state *t = model_state_at(lay, i);

        if (t->ejection.until_ns != 0 &&
            !ejection_is_on(&t->ejection, lim->now)) {
            ejection_end(&t->ejection);
            note_ejection_end(lim, i, "");
        }
        if (!concurrency_rests(&t->concurrency, lim->now))
            t->concurrency.rest_ns = 0;
        n += t->ejection.until_ns != 0 || t->concurrency.limit != 0 ||
             t->concurrency.rest_ns != 0;
    }
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        if (!limits_in_force(lay, i))
            ejection_end(&lay->debts[i].ejection);
        n += lay->debts[i].ejection.until_ns != 0;
    }
    lay->live.limited = n + quota_recount(lay, lim->now);
}

void verdicts_tick(struct limiter *lim)
{
    if (lim->file.lay->live.limited > 0)
        count_limited(lim);
}

/* ---- an operator --------------------------------------------------------------- */

static void end_retreat(struct limiter *lim, uint32_t scope)
{
    struct retreat *re = scope_retreat(lim->file.lay, scope), new = *re;
    uint32_t from = re->state;

    if (from == RETREAT_NORMAL)
        return;
    retreat_end(&new, lim->now);
    draft_put(lim->file.lay, re, &new, sizeof(new));
    lim->journal.did.holds_ended++;
    note_state(lim, scope, from, "an operator ended it");
}

static void end_debt(struct limiter *lim, uint32_t upstream)
{
    struct lay_debt *d = model_state_debt(lim->file.lay, upstream);
    struct change m = {.event = "unpaid",
                       .from = "off",
                       .to = "on",
                       .for_ns = -1,
                       .why = "an operator ended it"};

    if (d->ejection.until_ns == 0)
        return;
    forgive(lim->file.lay, d, 0);
    lim->journal.did.holds_ended++;
    change_log_add(lim, upstream, &m);
}

static void end_model(struct limiter *lim, uint32_t model)
{
    struct layout *lay = lim->file.lay;
    struct lay_model_state *t = model_state_at(lay, model);
    struct concurrency concurrency = t->concurrency;
    struct ejection ejection = t->ejection;

    concurrency.limit = 0;
    concurrency.rest_ns = 0;
    draft_put(lay, &t->concurrency, &concurrency, sizeof(concurrency));
    ejection.streak = 0;
    ejection_end(&ejection);
    if (t->ejection.until_ns != 0) {
        lim->journal.did.holds_ended++;
        note_ejection_end(lim, model, "an operator ended it");
    }
    draft_put(lay, &t->ejection, &ejection, sizeof(ejection));
}

void verdicts_end(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i, model;

    for (i = 0; i < lim->n_ends; i++) {
        const struct end_wish *w = &lim->ends[i];
        uint32_t row = upstream_map_of(lim, w->upstream);

        if (w->model[0] == '\0') {
            end_retreat(lim, row);
            end_debt(lim, row);
            continue;
        }
        model = names_find_model(lay, row, w->model);
        if (model == NONE)
            continue;
        end_model(lim, model);
        end_retreat(lim, LAY_UPSTREAMS + model);
    }
    lim->n_ends = 0;
}
