/*
 * local_slots.c - may this scope send, as far as our own file knows?
 *
 * There is one by the rules of admit_rules.c.  One that is taken is an open row,
 * which row.c counts, so there is nothing to remember here and nothing to give
 * back; but the first to go after a hold is the probe, or the try.
 */
#include "state/policy/local_slots.h"

#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"

bool local_slots_have(struct layout *lay, uint32_t scope, uint32_t weight,
                      int64_t now, int64_t *when)
{
    return admit_now(lay, scope, weight, now, when);
}

/* Time brings it, or a turn of somebody. */
void local_slots_want(struct layout *lay, uint32_t scope, int64_t when,
                      int64_t now)
{
    (void)lay, (void)scope, (void)when, (void)now;
}

void local_slots_take(struct layout *lay, uint32_t row, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = scope_sound(lay, r->scope);
    struct retreat new;

    s->last_send_ns = max_i64(s->last_send_ns, now);
    model_state_granted(lay, row, now);
    if (s->retreat.state != RETREAT_PROBING)
        return;
    new = s->retreat;
    retreat_probe(&new, row, r->id, now);
    scope_retreat_put(lay, r->scope, &new);
}

/* The gap counts from its grant as if that had been here. */
void local_slots_adopt(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = scope_at(lay, r->scope);

    s->last_send_ns = max_i64(s->last_send_ns, r->changed_ns);
}

void local_slots_sent(struct layout *lay, uint32_t row, int64_t at)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_rules *rules = limits_of(lay, r->scope);
    const struct bucket_rule br = limits_bucket(rules);
    const struct retreat_rule u = scope_retreat_rule(lay, r->scope);
    struct lay_scope *s = scope_sound(lay, r->scope);

    bucket_charge(&s->bucket, &br, r->weight, at);
    s->last_send_ns = max_i64(s->last_send_ns, at);
    retreat_sent(&s->retreat, &u, at);
}

void local_slots_back(struct layout *lay, uint32_t row)
{
    (void)lay, (void)row;
}

/* ---- answers ---------------------------------------------------------------- */

static bool refused(struct layout *lay, const struct lay_row *r,
                    const struct limiter_report *rep, int64_t now)
{
    const struct retreat_rule u = scope_retreat_rule(lay, r->scope);
    const struct retreat_refusal what = {r->changed_ns, r->grant,
                                         lay->live.last_grant,
                                         rep->retry_after_ns, rep->reason};
    struct retreat new = *scope_retreat(lay, r->scope);
    bool began = retreat_refused(&new, &u, &what, now);

    scope_retreat_put(lay, r->scope, &new);
    return began;
}

/* It was no refusal.  FINE also says that it went well. */
static bool answered(struct layout *lay, const struct lay_row *r, bool fine,
                     int64_t now)
{
    struct retreat new;
    struct retreat_rule u;
    bool over;

    if (scope_at(lay, r->scope)->retreat.state != RETREAT_PROBING)
        return false;
    new = *scope_retreat(lay, r->scope);
    u = scope_retreat_rule(lay, r->scope);
    if (new.probe_id == r->id)
        retreat_pass_on(&new);
    over = fine && retreat_answered(&new, &u, r->grant, now);
    scope_retreat_put(lay, r->scope, &new);
    return over;
}

bool local_slots_verdict(struct layout *lay, uint32_t row,
                         const struct limiter_report *rep, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);

    if (rep->answer == ANSWER_RATE)
        return refused(lay, r, rep, now);
    return answered(lay, r, rep->answer == ANSWER_FINE, now);
}
