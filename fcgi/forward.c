/*
 * forward.c - how does a granted request become an answer?
 *
 *   forward_step   an attempt is begun (attempt.c); until its answer can be
 *                  judged (follow_up.c)
 *   forward_pause  until the next attempt, or the next poll (again.c)
 *   forward_relay  until the answer ends (relay.c, relay_end.c)
 */
#include "fcgi/forward.h"

#include <inttypes.h>

#include "fcgi/again.h"
#include "fcgi/answer.h"
#include "fcgi/attempt.h"
#include "fcgi/config/config.h"
#include "fcgi/follow_up.h"
#include "fcgi/refuse.h"
#include "fcgi/relay.h"
#include "fcgi/request_stats.h"
#include "fcgi/sign_of_life.h"

/* What is left of the client's own time if it waits for a buffered answer.
 * One that is free waits nowhere else, so all its attempts share a deadline. */
static void set_answer_deadline(struct exchange *x)
{
    int64_t client_ms = x->req->client_timeout_ms, now = exchange_now(x);
    int64_t *at = &x->due.at[DUE_ANSWER];

    if (x->place.state == PLACE_FREE && *at != NEVER)
        return;
    x->attempt.asked_ns = now;
    *at = now + x->s->cfg->first_byte_ms * NS_PER_MS;
    if (sign_of_life_is_silent(x) && client_ms >= 0)
        *at = x->req->arrived_ns + client_ms * NS_PER_MS;
}

static enum step give_up(struct exchange *x)
{
    if (x->attempt.state != ATTEMPT_NONE || x->attempt.errand != ERRAND_REQUEST)
        request_stats_error(x,
                            UPSTREAM_TIMEOUT); /* else it is counted already */
    attempt_stop(x);
    return exchange_fail(x, ERROR_UPSTREAM_TIMEOUT,
                         "The upstream sent no answer within %" PRId64 " s.",
                         (exchange_now(x) - x->attempt.asked_ns) / NS_PER_S);
}

/* White space that comes with its JSON, or with the end of a broken answer, is
 * there together with it; so this is as long as it takes to judge it. */
#define BLANK_NS (30 * NS_PER_MS)

/*
 * Does the upstream send white space instead of its JSON?  That is its sign of
 * life, and the client's clock runs: it passes, although from then on an answer
 * that fails cannot become another attempt, or a status.
 */
static bool is_kept_waiting(struct exchange *x)
{
    const struct answer_probe *p = &x->attempt.probe;
    int64_t *at = &x->due.at[DUE_BLANK];

    if (p->body.len == 0 || relay_wants_events(x) || !answer_probe_is_blank(p))
        return false;
    if (*at == NEVER)
        *at = exchange_now(x) + BLANK_NS;
    return exchange_is_due(x, DUE_BLANK);
}

enum step forward_step(struct exchange *x)
{
    const struct attempt *a = &x->attempt;
    bool has_ended = a->state == ATTEMPT_ENDED;

    if (a->state == ATTEMPT_NONE) {
        if (a->errand == ERRAND_REQUEST)
            set_answer_deadline(x);
        attempt_begin(x);
        has_ended = a->state == ATTEMPT_ENDED;
    }
    if (answer_probe_is_ripe(&a->probe, has_ended) || is_kept_waiting(x))
        return follow_up_answer(x);
    if (has_ended)
        return follow_up_silence(x);
    if (exchange_is_due(x, DUE_ANSWER))
        return give_up(x);
    return STEP_FORWARD;
}

enum step forward_pause(struct exchange *x)
{
    if (exchange_is_due(x, DUE_ANSWER))
        return give_up(x);
    if (x->s->draining && x->attempt.errand == ERRAND_REQUEST)
        return refuse_draining(x); /* it waits, as those in line do */
    if (exchange_is_due(x, DUE_PAUSE))
        return again_go_on(x);
    return STEP_PAUSE;
}

/* ---- relay ----------------------------------------------------------------------------- */

/* Neither events nor an answer that could be told as some. */
static enum step no_events(struct exchange *x)
{
    int status = x->relay.status < 400 ? 502 : x->relay.status;
    char why[256];

    relay_why_not(x, why, sizeof(why));
    request_stats_error(x, UPSTREAM_GARBAGE);
    return exchange_fail_as(x, status, ERROR_UPSTREAM, -1, -1, "%s", why);
}

static enum step broken_off(struct exchange *x)
{
    request_stats_error(x, x->attempt.how == END_GARBAGE ? UPSTREAM_GARBAGE
                                                         : UPSTREAM_TRUNCATED);
    if (x->attempt.how == END_GARBAGE)
        return exchange_fail_as(x, 502, ERROR_UPSTREAM_TRUNCATED, -1, -1,
                                "The upstream's answer is not valid HTTP.");
    return exchange_fail(x, ERROR_UPSTREAM_TRUNCATED,
                         "The upstream broke its answer off%s.",
                         x->attempt.how == END_OK ? " before its end" : "");
}

static enum step finish_answer(struct exchange *x)
{
    bool ended_well = x->attempt.how == END_OK || relay_has_ended(x);

    if (!ended_well)
        return broken_off(x);
    if (!relay_finish(x))
        return x->relay.mode == RELAY_EXPLAIN ? no_events(x) : broken_off(x);
    if (x->relay.told_error) /* a 200 that is none */
        request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_SERVER);
    if (!relay_tells_error(x)) /* else it stays without its end, as ours do */
        client_end(&x->client);
    exchange_dirty(x);
    return STEP_FLUSH;
}

enum step forward_relay(struct exchange *x)
{
    if (x->attempt.state == ATTEMPT_ENDED)
        return finish_answer(x);
    if (exchange_is_due(x, DUE_OVER)) {
        attempt_stop(x);
        x->attempt.how = END_OK; /* of the answer, if not of its connection */
        return finish_answer(x);
    }
    if (exchange_is_due(x, DUE_IDLE)) {
        request_stats_error(x, UPSTREAM_TIMEOUT);
        attempt_stop(x);
        return exchange_fail(x, ERROR_UPSTREAM_TIMEOUT,
                             "The upstream fell silent for %" PRId64
                             " s in the middle of its answer "
                             "(timeouts.idle_s).",
                             x->s->cfg->idle_ms / 1000);
    }
    return STEP_RELAY;
}
