/*
 * wait_cause.c - why does one that waits not go now?
 *
 * The rules of admission are asked one by one (admit_rules.h), and the latest
 * answer is what decides: so a cause is never a guess of what the numbers may
 * mean, but the rule that the limiter itself went by.
 */
#include "state/policy/wait_cause.h"

#include <assert.h>

#include "state/policy/admit_rules.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_state.h"
#include "state/policy/slot_source.h"

const char *const wait_cause_names[] = {WAIT_CAUSE_LIST(LIST_NAME)};
static_assert(ARRAY_LEN(wait_cause_names) == WAIT_CAUSES, "a name for each");

bool wait_cause_stops_all(enum wait_cause cause)
{
    return cause == WAITS_PAUSED || cause == WAITS_HOLD ||
           cause == WAITS_UNPAID || cause == WAITS_KEY || cause == WAITS_AWAY ||
           cause == WAITS_STATE;
}

/* The compiler names a cause that is missing. */
static enum wait_cause of_ejection(enum ejection_cause cause)
{
    switch (cause) {
    case EJECTED_KEY:
        return WAITS_KEY;
    case EJECTED_AWAY:
    case EJECTED_FAULTY:
        return WAITS_AWAY;
    case EJECTED_UNPAID:
    case EJECTED_QUOTA:
    case EJECTED_NOT:
    case EJECTED_UNAVAILABLE:
    case EJECTED_DEGRADED:
    case EJECTED_UNKNOWN:
    case EJECTED_GONE:
    case EJECTED_RATE:
    case EJECTION_CAUSES:
        break;
    }
    return WAITS_UNPAID;
}

static enum wait_cause of_rule(const struct admit_ask *a, enum admit_rule_id id)
{
    bool normal = a->s->retreat.state == RETREAT_NORMAL;

    switch (id) {
    case ADMIT_RULE_known:
    case ADMIT_RULE_log_room:
        return WAITS_STATE;
    case ADMIT_RULE_hold:
        return WAITS_HOLD;
    case ADMIT_RULE_pace: /* a rate that was learned lasts, and is no retreat */
    case ADMIT_RULE_window:
        return normal ? WAITS_WINDOW : WAITS_RECOVERING;
    case ADMIT_RULE_unpaid:
        return of_ejection(
            ejection_cause(&model_state_debt(a->lay, a->upstream)->ejection));
    case ADMIT_RULE_tokens:
        return WAITS_TOKENS;
    case ADMIT_RULE_gap:
    case ADMIT_RULE_bucket:
        return WAITS_GAP;
    case ADMIT_RULE_in_flight:
        return WAITS_CONCURRENCY;
    case ADMIT_RULE_pause:
        return WAITS_PAUSED;
    case ADMIT_RULES_N:
        break;
    }
    return WAITS_WINDOW;
}

/* What the next takes: tokens as those that wait do on average. */
static struct take next_of(const struct admit_ask *a)
{
    uint64_t n = a->s->waiting;

    if (n == 0 || a->r->tokens == 0)
        return TAKE_ONE;
    return (struct take){1, (uint32_t)((a->s->lined_tokens + n - 1) / n)};
}

/* Nothing here is in the way: it waits for a slot of the store, if there is one. */
static struct wait_why of_store(const struct layout *lay, uint32_t scope,
                                int64_t now)
{
    const struct lay_store *s = &lay->store;
    const struct wait_why window = {WAITS_WINDOW, now};

    if (lay->scopes[scope].source != SLOTS_SHARED || s->state == STORE_ALONE)
        return window;
    if (s->state == STORE_LOST)
        return (struct wait_why){WAITS_STATE, NEVER};
    if (s->full_ns > now) /* it does not know what was sent before */
        return (struct wait_why){WAITS_STATE, s->full_ns};
    return (struct wait_why){WAITS_WINDOW,
                             max_i64(lay->rooms[scope].next_ns, now + 1)};
}

struct wait_why wait_cause_of_scope(struct layout *lay, uint32_t scope,
                                    int64_t now)
{
    struct wait_why why = {WAITS_WINDOW, now};
    struct admit_ask ask;
    uint32_t i;

    if (lay->control.paused_ns != 0) /* whatever else there is */
        return (struct wait_why){WAITS_PAUSED, NEVER};
    admit_rules_ask(&ask, lay, scope, now);
    for (i = 0; i < ADMIT_RULES_N; i++) {
        int64_t at = admit_rules[i].now(&ask, next_of(&ask));

        if (at > why.at)
            why = (struct wait_why){of_rule(&ask, (enum admit_rule_id)i), at};
    }
    return why.at > now ? why : of_store(lay, scope, now);
}

struct wait_why wait_cause_of_model(struct layout *lay, uint32_t model,
                                    int64_t now)
{
    struct wait_why why = {WAITS_MODEL, now};

    if (model != NONE && lay->live.limited > 0 &&
        model_gate_block(lay, model, now))
        why.at = max_i64(model_gate_free_at(lay, model, now), now + 1);
    return why;
}
