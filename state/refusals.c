/*
 * refusals.c - what does a 429, or its absence, change for those that wait?
 *
 * Which scope is to answer for it is model_limit.c's to say; what it means there,
 * retreat.c's.  Here each change is counted and noted for the log.
 */
#include <stdio.h>

#include "state/change_log.h"
#include "state/policy/chance.h"
#include "state/policy/draft.h"
#include "state/policy/limits.h"
#include "state/policy/model_limit.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/refusals.h"
#include "state/worker.h"

/* ---- what is noted -------------------------------------------------------------- */

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

/* What was learned of SCOPE, if that is not WAS any more. */
static void note_learned(struct limiter *lim, uint32_t scope, uint32_t was)
{
    const struct retreat *re = scope_retreat(lim->file.lay, scope);
    struct change m = {.event = "learned",
                       .from = learned_names[was],
                       .to = learned_names[re->learned],
                       .for_ns = -1};

    if (re->learned == was)
        return;
    if (re->learned == LEARNED_WINDOW)
        snprintf(m.why, sizeof(m.why), "about %u pass in a window",
                 re->window.size);
    else if (re->learned == LEARNED_RATE)
        snprintf(m.why, sizeof(m.why), "about one passes each %.1f s",
                 (double)re->pace.gap_ns / NS_PER_S);
    else if (re->learned == LEARNED_LUCK)
        snprintf(m.why, sizeof(m.why), "%.0f %% are refused, at random",
                 100 * chance_share(&re->luck));
    else
        snprintf(m.why, sizeof(m.why), "no limit but the one that is set");
    change_log_add(lim, scope, &m);
}

/* Why a scope holds that was in state FROM.  The compiler names a state that is
 * missing. */
static enum hold_cause cause_from(uint32_t from)
{
    switch ((enum retreat_state)from) {
    case RETREAT_PROBING:
        return HOLD_PROBE;
    case RETREAT_RECOVERING:
        return HOLD_RECOVERY;
    case RETREAT_NORMAL:
    case RETREAT_HOLDING:
    case RETREAT_STATES:
        break;
    }
    return HOLD_RATE;
}

/* What REP of ROW changes in SCOPE is counted and noted. */
static bool answered_in(struct limiter *lim, uint32_t scope, uint32_t row,
                        const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    uint32_t from = scope_retreat(lay, scope)->state;
    uint32_t was = scope_retreat(lay, scope)->learned;
    bool changed =
        slot_source_of(lay, scope)->verdict(lay, scope, row, rep, lim->now);

    note_learned(lim, scope, was);
    if (!changed)
        return false;
    if (rep->answer != ANSWER_RATE) {
        note_state(lim, scope, from, "one passed");
        return true;
    }
    lim->journal.did.holds[cause_from(from)]++;
    note_state(lim, scope, from, rep->reason);
    return true;
}

/* A refusal of a scope that does not answer for it. */
static void note_refused(struct layout *lay, uint32_t scope,
                         const struct lay_row *row, int64_t now)
{
    const struct retreat_refusal what = {row->changed_ns,      0,  row->grant,
                                         lay->live.last_grant, -1, ""};
    struct retreat new = *scope_retreat(lay, scope);

    retreat_note_refused(&new, &what, now);
    scope_retreat_put(lay, scope, &new);
}

static void end_open(void *arg, uint32_t scope)
{
    struct limiter *lim = arg;
    struct retreat *re = scope_retreat(lim->file.lay, scope), new = *re;
    uint32_t from = re->state;

    retreat_end(&new, lim->now);
    draft_put(lim->file.lay, re, &new, sizeof(new));
    note_state(lim, scope, from, "it is the account");
}

/* ROW was refused by a limit of somebody's. */
static void refused(struct limiter *lim, uint32_t row,
                    const struct limiter_report *rep)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *r = row_at(lay, row);
    uint32_t scope = model_limit_blame(lay, r);

    if (scope == r->scope) {
        if (model_limit_scope(lay, r->scope, r->model) != NONE)
            note_refused(lay, LAY_UPSTREAMS + r->model, r, lim->now);
        (void)answered_in(lim, scope, row, rep);
        return;
    }
    lay->live.limited++; /* of a model, which others step over */
    (void)answered_in(lim, scope, row, rep);
    if (!model_limit_is_shared(lay, r->scope, r->model, r->changed_ns)) {
        note_refused(lay, r->scope, r, lim->now);
        return;
    }
    (void)answered_in(lim, r->scope, row, rep);
    model_limit_each_open(lay, r->scope, end_open, lim);
}

/* An answer to ROW, which is in flight: does it change whether anybody may
 * send? */
void refusals_answered(struct limiter *lim, uint32_t row,
                       const struct limiter_report *rep)
{
    const struct lay_row *r = row_at(lim->file.lay, row);

    if (rep->answer == ANSWER_RATE) {
        refused(lim, row, rep);
        return;
    }
    (void)answered_in(lim, r->scope, row, rep);
    if (model_limit_scope(lim->file.lay, r->scope, r->model) != NONE)
        (void)answered_in(lim, LAY_UPSTREAMS + r->model, row, rep);
}

/* Was the probe of SCOPE not refused for so long that it is as if it had passed?
 * Then RE, a copy, knows that. */
static bool is_silent(struct limiter *lim, uint32_t scope, struct retreat *re,
                      const struct retreat_rule *u)
{
    const struct lay_row *probe = scope_probe(lim->file.lay, scope);
    int64_t at;

    if (probe == NULL)
        return false;
    at = retreat_silent_at(re, probe->changed_ns);
    return at <= lim->now &&
           retreat_answered(re, u, probe->grant, probe->changed_ns, at);
}

static void advance(struct limiter *lim, uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    struct retreat *re = &scope_at(lay, scope)->retreat, new;
    struct retreat_rule u;
    uint32_t from, was;

    if (re->state == RETREAT_NORMAL)
        return;
    new = *scope_retreat(lay, scope);
    from = new.state;
    was = new.learned;
    if (!limits_in_force(lay, limits_upstream(lay, scope))) {
        retreat_end(&new, lim->now); /* nobody uses that upstream any more */
        draft_put(lay, re, &new, sizeof(new));
        note_state(lim, scope, from, "its upstream is gone");
        return;
    }
    u = scope_retreat_rule(lay, scope);
    if (is_silent(lim, scope, &new, &u)) {
        draft_put(lay, re, &new, sizeof(new));
        note_state(lim, scope, from, "no refusal came");
        from = new.state;
    }
    for (; retreat_advance(&new, &u, lim->now); from = new.state) {
        draft_put(lay, re, &new, sizeof(new));
        lim->journal.did.retreats_over += new.state == RETREAT_NORMAL;
        note_state(lim, scope, from, "");
    }
    draft_put(lay, re, &new, sizeof(new)); /* it may have grown */
    note_learned(lim, scope, was);
}

void refusals_time(struct limiter *lim, uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    advance(lim, scope);
    if (scope >= LAY_UPSTREAMS || !lay->rules[scope].learns)
        return;
    for (i = scope_retreating(lay, LAY_UPSTREAMS); i < LAY_SCOPES;
         i = scope_retreating(lay, i + 1))
        if (lay->models[i - LAY_UPSTREAMS].owner == scope)
            advance(lim, i);
}

void refusals_due(struct limiter *lim)
{
    uint32_t i;

    for (i = scope_retreating(lim->file.lay, 0); i < LAY_SCOPES;
         i = scope_retreating(lim->file.lay, i + 1))
        advance(lim, i);
}

void refusals_end(struct limiter *lim, uint32_t scope)
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

void refusals_adopted(struct limiter *lim, uint32_t scope, uint32_t from)
{
    if (scope_retreat(lim->file.lay, scope)->state != from)
        note_state(lim, scope, from, "another host said so");
}
