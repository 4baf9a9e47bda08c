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
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"
#include "state/policy/window.h"

bool local_slots_have(struct layout *lay, uint32_t scope, struct take what,
                      int64_t now, int64_t *when)
{
    return admit_now(lay, scope, what, now, when);
}

/* Time brings it, or a turn of somebody. */
void local_slots_want(struct layout *lay, uint32_t scope, int64_t when,
                      int64_t now)
{
    (void)lay, (void)scope, (void)when, (void)now;
}

/* SCOPE has ROW under way. */
static void taken(struct layout *lay, uint32_t scope, uint32_t row, int64_t now)
{
    struct lay_scope *s = scope_at(lay, scope);
    struct retreat new;

    if (s->retreat.state == RETREAT_NORMAL)
        return;
    new = *scope_retreat(lay, scope);
    retreat_taken(&new, now);
    if (new.state == RETREAT_PROBING)
        retreat_probe(&new, row, row_at(lay, row)->id, now);
    scope_retreat_put(lay, scope, &new);
}

void local_slots_take(struct layout *lay, uint32_t row, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = scope_sound(lay, r->scope);
    uint32_t of_model = model_limit_scope(lay, r->scope, r->model);

    s->last_send_ns = max_i64(s->last_send_ns, now);
    model_state_granted(lay, row, now);
    taken(lay, r->scope, row, now);
    if (of_model != NONE)
        taken(lay, of_model, row, now);
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
    const struct retreat_rule u = scope_retreat_by(rules);
    struct lay_scope *s = scope_sound(lay, r->scope);
    uint32_t of_model = model_limit_scope(lay, r->scope, r->model);

    bucket_charge(&s->bucket, &br, r->weight, at);
    s->last_send_ns = max_i64(s->last_send_ns, at);
    retreat_sent(&s->retreat, &u, r->grant, at);
    if (of_model == NONE)
        return;
    retreat_sent(&scope_at(lay, of_model)->retreat, &u, r->grant, at);
    model_limit_sent(lay, row, at);
}

static void given_back(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);

    if (s->retreat.state == RETREAT_RECOVERING)
        retreat_given_back(&s->retreat);
}

void local_slots_back(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    uint32_t of_model = model_limit_scope(lay, r->scope, r->model);

    given_back(lay, r->scope);
    if (of_model != NONE)
        given_back(lay, of_model);
}

/* ---- answers ---------------------------------------------------------------- */

static bool refused(struct layout *lay, uint32_t scope, const struct lay_row *r,
                    const struct limiter_report *rep, int64_t now)
{
    const struct retreat_rule u = scope_retreat_rule(lay, scope);
    const struct retreat_refusal what = {
        r->changed_ns,
        (uint32_t)window_weight_after(lay, scope, r->changed_ns - u.window_ns) +
            room_at(lay, scope)->elsewhere,
        r->grant,
        lay->live.last_grant,
        rep->retry_after_ns,
        rep->reason};
    struct retreat new = *scope_retreat(lay, scope);
    bool began = retreat_refused(&new, &u, &what, now);

    scope_retreat_put(lay, scope, &new);
    return began;
}

/* It was no refusal.  FINE also says that it went well. */
static bool answered(struct layout *lay, uint32_t scope,
                     const struct lay_row *r, bool fine, int64_t now)
{
    const struct retreat_rule u = scope_retreat_rule(lay, scope);
    struct retreat new = *scope_retreat(lay, scope);
    bool changed = false;

    if (new.state == RETREAT_PROBING &&new.probe_id == r->id)
        retreat_pass_on(&new);
    if (fine)
        changed = retreat_answered(&new, &u, r->grant, r->changed_ns, now);
    scope_retreat_put(lay, scope, &new);
    return changed;
}

bool local_slots_verdict(struct layout *lay, uint32_t scope, uint32_t row,
                         const struct limiter_report *rep, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);

    if (rep->answer == ANSWER_RATE)
        return refused(lay, scope, r, rep, now);
    return answered(lay, scope, r, rep->answer == ANSWER_FINE, now);
}
