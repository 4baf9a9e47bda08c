/*
 * verdicts.c - what does an upstream's answer change for those that wait?
 *
 *   limiter_report() --> verdicts_apply()   the answer of one request
 *   a turn           --> verdicts_time()    what time alone changes
 *   limiter_end_hold() -> verdicts_end()    an operator's word
 *
 * The machines (retreat.c, bench.c, ceiling.c) know no table; here they get
 * what they need from the shared file, and each change is counted and noted
 * for the log.
 */
#include <string.h>

#include "admit.h"
#include "worker.h"

static const char *const state_names[RETREAT_STATES] = {
    "normal", "holding", "probing", "recovering"};

/* ---- retreat ---------------------------------------------------------------- */

static void note_state(struct limiter *lim, uint32_t scope, uint32_t from,
                       const char *why)
{
    const struct retreat *re = admit_retreat(lim->file.lay, scope);
    struct mark m = {.event = "retreat",
                     .from = state_names[from],
                     .to = state_names[re->state],
                     .for_ns = -1};
    uint64_t *word = &lim->file.lay->live.retreating[scope / 64];
    uint64_t bit = UINT64_C(1) << scope % 64;

    if (re->state == RETREAT_NORMAL)
        *word &= ~bit;
    else
        *word |= bit;
    if (re->state == RETREAT_HOLDING)
        m.for_ns = re->until_ns - lim->now;
    marks_why(&m, why);
    marks_add(lim, scope, &m);
}

static void refused(struct limiter *lim, const struct lay_row *row,
                    const struct limiter_report *rep)
{
    static const enum hold_cause causes[RETREAT_STATES] = {
        [RETREAT_NORMAL] = HOLD_RATE,
        [RETREAT_HOLDING] = HOLD_RATE,
        [RETREAT_PROBING] = HOLD_PROBE,
        [RETREAT_RECOVERING] = HOLD_RECOVERY,
    };
    struct layout *lay = lim->file.lay;
    struct retreat *re = admit_retreat(lay, row->scope);
    struct retreat_rule u = admit_retreat_rule(lay, row->scope);
    struct retreat_refusal what = {row->changed_ns, row->grant,
                                   lay->live.last_grant, rep->retry_after_ns,
                                   rep->reason};
    uint32_t from = re->state;

    if (!retreat_refused(re, &u, &what, lim->now))
        return;
    lay->live.counters.holds[causes[from]]++;
    note_state(lim, row->scope, from, rep->reason);
}

/* Answered, and it was no refusal.  FINE also says that it went well. */
static void answered(struct limiter *lim, uint32_t i, bool fine)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, i);
    struct retreat *re = &scope_at(lay, row->scope)->retreat;
    struct retreat_rule u;

    if (re->state != RETREAT_PROBING)
        return;
    re = admit_retreat(lay, row->scope);
    u = admit_retreat_rule(lay, row->scope);
    if (re->probe_id == row->id)
        retreat_pass_on(re);
    if (fine && retreat_answered(re, &u, row->grant, lim->now))
        note_state(lim, row->scope, RETREAT_PROBING, "the probe was answered");
}

static void advance(struct limiter *lim, uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    struct retreat *re = &scope_at(lay, scope)->retreat;
    struct retreat_rule u;
    uint32_t from;

    if (re->state == RETREAT_NORMAL)
        return;
    re = admit_retreat(lay, scope);
    from = re->state;
    if (lay->rules[admit_upstream(lay, scope)].requests == 0) {
        retreat_end(re, lim->now); /* nobody uses that upstream any more */
        note_state(lim, scope, from, "its upstream is gone");
        return;
    }
    u = admit_retreat_rule(lay, scope);
    for (; retreat_advance(re, &u, lim->now); from = re->state) {
        lay->live.counters.retreats_over += re->state == RETREAT_NORMAL;
        note_state(lim, scope, from, "");
    }
}

void verdicts_time(struct limiter *lim, uint32_t scope)
{
    advance(lim, scope);
}

/* ---- one answer -------------------------------------------------------------- */

void verdicts_apply(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, t->row);
    const struct limiter_report *rep = &t->report;

    if (row->state != ROW_SENT || row->changed_ns > lim->now)
        return;
    lay->live.counters.answers[rep->answer]++;
    switch (rep->answer) {
    case ANSWER_RATE:
        refused(lim, row, rep);
        return;
    case ANSWER_FINE:
        answered(lim, t->row, true);
        return;
    case ANSWER_BUSY:
    case ANSWER_OFF:
    case ANSWER_UNPAID:
    case ANSWER_FAULT:
        answered(lim, t->row, false);
        return;
    case ANSWERS:
        return;
    }
}
