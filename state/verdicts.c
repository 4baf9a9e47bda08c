/*
 * verdicts.c - what does an upstream's answer change for those that wait?
 *
 *   limiter_report() --> verdicts_apply()   the answer of one request: of a limit
 *                                           in refusals.c, the rest here
 *   a turn           --> verdicts_tick()    what time alone changes
 *   limiter_end_hold() -> verdicts_end()    an operator's word
 *
 * The machines (retreat.c, ejection.c, concurrency.c) know no table; here they get
 * what they need from the shared file, and each change is counted and noted
 * for the log.  They work on a copy, which takes its place as a whole (draft.c).
 */
#include <string.h>

#include "state/change_log.h"
#include "state/giving.h"
#include "state/key_notes.h"
#include "state/policy/draft.h"
#include "state/policy/limits.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/policy/quota.h"
#include "state/policy/scope.h"
#include "state/policy/tokens.h"
#include "state/policy/want_order.h"
#include "state/policy/wants.h"
#include "state/refusals.h"
#include "state/upstream_map.h"
#include "state/verdicts.h"
#include "state/worker.h"

#define FAULTS_MAX 3 /* requests in a row */

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
    giving_poke_all(lim); /* whoever waits for it is told at once */
    note_ejection(lim, LAY_UPSTREAMS + row->model, "bench", b);
}

static void unpaid(struct limiter *lim, const struct lay_row *row,
                   const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    uint32_t upstream = limits_upstream(lay, row->scope);
    struct lay_debt *d = model_state_debt(lay, upstream), new = *d;
    struct ejection_answer what = ejection_answer_of(lay, row, rep);

    if (what.cause != EJECTED_QUOTA && what.cause != EJECTED_KEY &&
        !ejection_waits(what.cause))
        what.cause = EJECTED_UNPAID;
    if (!ejection_begin(&new.ejection, &what, lim->now))
        return;
    new.try_id = 0;
    draft_put(lay, d, &new, sizeof(new));
    lim->journal.did.holds[HOLD_UNPAID]++;
    giving_poke_all(lim);
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
                                       rep->at_once, rep->retry_after_ns};
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
    lay->live.limited++; /* it rests at least */
    if (!cut)
        return;
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

/* Whatever it said: it can be reached.  And if that was no error, it is sound. */
static void is_there(struct limiter *lim, const struct lay_row *row,
                     enum limiter_answer answer)
{
    const struct lay_debt *d = model_state_debt(
        lim->file.lay, limits_upstream(lim->file.lay, row->scope));

    if (ejection_cause(&d->ejection) == EJECTED_AWAY ||
        (ejection_cause(&d->ejection) == EJECTED_FAULTY &&
         answer != ANSWER_FAULT))
        fine_debt(lim, row);
}

/* ---- nothing but errors --------------------------------------------------------- */

static void put_faults(struct layout *lay, struct lay_debt *d, uint32_t faults,
                       uint64_t id)
{
    struct lay_debt new = *d;

    new.faults = faults;
    new.fault_id = id;
    draft_put(lay, d, &new, sizeof(new));
}

/* T got an error where others would have had an answer, maybe: it goes to them
 * first.  One whose errors are many requests', one after the other, is left alone,
 * because errors are quick and would draw all that wait. */
static void faulty(struct limiter *lim, const struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, t->row);
    uint32_t upstream = limits_upstream(lay, row->scope);
    struct lay_debt *d = model_state_debt(lay, upstream);
    struct limiter_report rep = t->report;

    if (rep.shun == 0 || !wants_has(lay, t->row) ||
        !want_order_shun(lay, t->row, rep.shun))
        return;
    if (d->fault_id != row->id)
        put_faults(lay, d, d->faults < FAULTS_MAX ? d->faults + 1 : FAULTS_MAX,
                   row->id);
    if (d->faults < FAULTS_MAX ||
        (d->ejection.until_ns != 0 &&
         ejection_cause(&d->ejection) != EJECTED_FAULTY))
        return;
    rep.cause = EJECTED_FAULTY;
    rep.retry_after_ns = -1;
    unpaid(lim, row, &rep);
}

static void not_faulty(struct limiter *lim, const struct lay_row *row)
{
    struct lay_debt *d = model_state_debt(
        lim->file.lay, limits_upstream(lim->file.lay, row->scope));

    if (d->faults > 0)
        put_faults(lim->file.lay, d, 0, 0);
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
    gone = concurrency_grow(&new, row->grant, t->in_flight);
    draft_put(lay, &t->concurrency, &new, sizeof(new));
    if (gone)
        note_concurrency(lim, row->model, 1, 0, "it bears twice as many");
}

/* A probe that was refused leaves it to others to be the next; and who is refused
 * while others pass is told so in the end. */
static void note_refusal(struct layout *lay, struct ticket *t,
                         struct lay_row *row)
{
    uint32_t own = model_limit_scope(lay, row->scope, row->model);
    uint32_t scope = own == NONE ? row->scope : own;

    if (scope_probes_with(lay, t->row) ||
        (own != NONE && scope_at(lay, own)->retreat.probe_id == row->id))
        row->flags |= ROW_PROBED;
    t->refusals += t->refused_ns != 0 &&
                   scope_at(lay, scope)->retreat.passed_ns > t->refused_ns;
    t->refused_ns = max_i64(row->changed_ns, 1);
}

/* ---- one answer -------------------------------------------------------------- */

/* T's upstream cannot be reached.  Where others share its line they are asked
 * instead, and after a while one tries again; where it is alone, each does. */
static void away(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, t->row);
    struct limiter_report rep = t->report;

    if (!row_is_in_flight(row) ||
        wants_line(lay, limits_upstream(lay, row->scope)) == NONE)
        return;
    rep.cause = EJECTED_AWAY;
    rep.retry_after_ns = -1;
    lim->journal.did.answers[ANSWER_AWAY]++;
    unpaid(lim, row, &rep);
}

void verdicts_apply(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    struct lay_row *row = row_at(lay, t->row);
    const struct limiter_report *rep = &t->report;

    if (rep->answer == ANSWER_AWAY) {
        away(lim, t);
        return;
    }
    if (row->state != ROW_SENT || row->changed_ns > lim->now)
        return;
    if (lay->live.limited > 0)
        is_there(lim, row, rep->answer);
    if (rep->answer != ANSWER_FAULT)
        not_faulty(lim, row);
    refusals_time(lim, row->scope); /* time first: it is an answer to now */
    lim->journal.did.answers[rep->answer]++;
    key_notes_answered(lim, limits_upstream(lay, row->scope), rep);
    if (rep->answer == ANSWER_RATE || rep->answer == ANSWER_BUSY)
        row->flags |= ROW_REFUSED;
    if (rep->answer == ANSWER_RATE)
        note_refusal(lay, t, row);
    refusals_answered(lim, t->row, rep);
    if (rep->tokens_left >= 0)
        tokens_left(lay, row->scope, (uint64_t)rep->tokens_left, lim->now);
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
    case ANSWER_FAULT:
        faulty(lim, t);
        return;
    case ANSWER_AWAY:
    case ANSWER_RATE:
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
        n += lay->scopes[LAY_UPSTREAMS + i].retreat.state != RETREAT_NORMAL ||
             (lay->models[i].refs > 0 && model_limit_is_new(lay, i));
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

static void end_debt(struct limiter *lim, uint32_t upstream)
{
    struct lay_debt *d = model_state_debt(lim->file.lay, upstream);
    struct change m = {.event = "unpaid",
                       .from = "off",
                       .to = "on",
                       .for_ns = -1,
                       .why = "an operator ended it"};

    key_notes_forget(lim, upstream);
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

/* What its models' own refusals hold back, where they wait in its line. */
static void end_own_limits(struct limiter *lim, uint32_t upstream)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = scope_retreating(lay, LAY_UPSTREAMS); i < LAY_SCOPES;
         i = scope_retreating(lay, i + 1))
        if (lay->models[i - LAY_UPSTREAMS].owner == upstream &&
            model_limit_learns(lay, i - LAY_UPSTREAMS))
            refusals_end(lim, i);
}

void verdicts_end(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i, model;

    for (i = 0; i < lim->n_ends; i++) {
        const struct end_wish *w = &lim->ends[i];
        uint32_t row = upstream_map_of(lim, w->upstream);

        if (w->model[0] == '\0') {
            refusals_end(lim, row);
            end_own_limits(lim, row);
            end_debt(lim, row);
            continue;
        }
        model = names_find_model(lay, row, w->model);
        if (model == NONE)
            continue;
        end_model(lim, model);
        refusals_end(lim, LAY_UPSTREAMS + model);
    }
    lim->n_ends = 0;
}
