/*
 * follow_up.c - what becomes of a request after an attempt?
 *
 *   an answer                      it goes to the client
 *   too many requests, no worker   back to the queue, retry.refused_max times
 *   overload                       the same, as long as it takes
 *   a passing fault                again after a pause (again.c)
 *   still running, or elsewhere    a poll; the result (nvcf.c)
 *   anything else                  the client is told, in the upstream's words
 *
 * verdict.c says which of them it is, and the limiter hears of it, because
 * others wait for the same upstream.
 *
 * What an answer says of a model counts for all only where a model answers
 * (route.c): a batch that is gone benches no chat.  Of an answer to one that is
 * free (pages/models.c), and so has no ticket, nobody else hears.
 */
#include "fcgi/follow_up.h"

#include <string.h>

#include "fcgi/again.h"
#include "fcgi/answer.h"
#include "fcgi/as_chat.h"
#include "fcgi/attempt.h"
#include "fcgi/conceal.h"
#include "fcgi/config/config.h"
#include "fcgi/config/told.h"
#include "fcgi/deprecation.h"
#include "fcgi/key_refused.h"
#include "fcgi/place.h"
#include "fcgi/refused_fields.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "fcgi/tell.h"
#include "fcgi/tell_limiter.h"
#include "fcgi/thinking_ask.h"
#include "fcgi/upstream/refusal_words.h"
#include "fcgi/usage_report.h"

/* Is it known which model has answered? */
static bool speaks_of_model(const struct exchange *x)
{
    return request_served_by(x->req)[0] != '\0';
}

/* For metrics and log: an answer of that KIND. */
static void judged(struct exchange *x, enum verdict_kind kind)
{
    request_stats_judged(x, verdict_rows[kind].outcome,
                         verdict_rows[kind].error);
}

static bool has_lasted(const struct exchange *x)
{
    return x->attempt.faults > 1 || x->attempt.has_failed;
}

/* ---- verdicts -------------------------------------------------------------------------- */

/* At once where another server can be asked; else one gives this one the time. */
static enum step again_after_fault(struct exchange *x, int64_t ms)
{
    return place_has_others(x) ? again_in_line(x, false) : again_in(x, ms);
}

static enum step again_or_tell(struct exchange *x, const struct verdict *v)
{
    int64_t ms;

    if (again_may(x, v->retry_ms, &ms))
        return again_after_fault(x, ms);
    if (attempt_may_be_done(x))
        return tell_once(x, v);
    /* What all are refused for passes: only a fault that lasted is its own. */
    return tell_error(x, v, v->kind == VERDICT_FAULT && has_lasted(x) ? 0 : -1);
}

static enum step fault(struct exchange *x, const struct verdict *v)
{
    judged(x, VERDICT_FAULT); /* also where no model is busy for it */
    tell_limiter(x, ANSWER_FAULT, v, -1, reply_reason(v->status));
    return again_or_tell(x, v);
}

/* Its last word on X, for who gives up waiting; and has it said so as often as
 * one request may take up the time of others?  What is too much for all says
 * nothing of the one. */
static bool is_refused_for_good(struct exchange *x, const struct verdict *v)
{
    struct attempt *a = &x->attempt;
    struct seldom *seldom = exchange_noted(x);

    snprintf(seldom->refused, sizeof(seldom->refused), "%.*s",
             (int)sizeof(seldom->refused) - 1, v->words.message);
    if (v->kind != VERDICT_RATE) /* its model's workers are no word on it */
        return false;
    a->refusals++;
    /* Its last ones, as others passed; of this one that is not known yet. */
    return a->refusals >= x->s->cfg->refused_max &&
           limiter_refusals(x->place.ticket) + 2 >= x->s->cfg->refused_max;
}

static enum step wait_for_worker(struct exchange *x, const struct verdict *v)
{
    enum step next;

    tell_limiter(x, ANSWER_FAULT, v, -1, "no worker is free");
    return !is_refused_for_good(x, v) && again_when_free(x, v->retry_ms, &next)
               ? next
               : tell_error(x, v, -1);
}

/* How long its model is to be left alone: as it says; an overload 1, 2, 4, ... 32 s
 * else, because three tries in a second help nobody. */
static int64_t rest_ms(struct exchange *x, const struct verdict *v)
{
    unsigned n = x->attempt.overloads;

    if (v->retry_ms >= 0 || v->kind != VERDICT_OVERLOADED)
        return v->retry_ms;
    x->attempt.overloads += n < 5;
    return 1000 << n;
}

static enum step refused(struct exchange *x, const struct verdict *v)
{
    bool rate = v->kind == VERDICT_RATE;
    enum step next;

    judged(x, v->kind);
    if (x->attempt.errand != ERRAND_REQUEST) /* of a poll: a little later */
        return again_in(
            x, max_i64(nvcf_next_poll(&exchange_noted(x)->nvcf), v->retry_ms));
    if (x->place.state == PLACE_FREE)
        return again_or_tell(x, v);
    if (!rate && !speaks_of_model(x))
        return v->status == 429 || request_is_repeatable(x->req)
                   ? wait_for_worker(x, v)
                   : fault(x, v);
    tell_limiter(x, verdict_rows[v->kind].answer, v, rest_ms(x, v),
                 tell_limiter_reason(v));
    place_bound_patience(x);
    if (is_refused_for_good(x, v))
        return tell_refused(x, v);
    if (exchange_now(x) + v->retry_ms * NS_PER_MS > x->place.deadline_ns &&
        v->retry_ms > 0)
        return tell_too_late(x, v);
    next = again_in_line(x, false);
    place_bound_patience(x);
    return next;
}

/* No model is off for it: this route alone is. */
static enum step off_here(struct exchange *x, const struct verdict *v)
{
    struct verdict told = *v;

    if (v->cause == EJECTED_DEGRADED)
        told.status = 400; /* as it was */
    judged(x, v->kind);
    tell_limiter(x, told.status >= 500 ? ANSWER_FAULT : ANSWER_FINE, v, -1,
                 reply_reason(told.status));
    if (told.status >= 500 && attempt_may_be_done(x))
        return tell_once(x, &told);
    return tell_error(x, &told, 0);
}

static enum step off(struct exchange *x, const struct verdict *v)
{
    if (!x->req->route->is_inference)
        return off_here(x, v);
    judged(x, v->kind);
    tell_limiter(x, speaks_of_model(x) ? ANSWER_OFF : ANSWER_FAULT, v,
                 v->off_ms, v->words.message);
    return place_may_move(x) ? again_in_line(x, false) : tell_off(x, v);
}

/* Remembered where the route is one that every model has: a client that errs
 * in its path must not bench the model for the rest. */
static enum step unknown_model(struct exchange *x, const struct verdict *v)
{
    bool by_name = v->words.shape >= WORDS_JSON;
    bool counts = speaks_of_model(x) &&
                  (by_name || as_chat_is(x) ||
                   strcmp(x->req->path, "/v1/chat/completions") == 0);

    judged(x, v->kind);
    tell_limiter(x, counts ? ANSWER_OFF : ANSWER_FINE, v, -1, v->words.message);
    if (counts && place_may_move(x))
        return again_in_line(x, false);
    return tell_error(x, v, verdict_rows[v->kind].retry);
}

static enum step pending(struct exchange *x, const struct verdict *v)
{
    const char *id = upstream_header(&x->attempt.probe.head, "nvcf-reqid");

    judged(x, v->kind);
    tell_limiter(x, ANSWER_FINE, v, -1, "");
    if (id == NULL || !nvcf_pending(&exchange_noted(x)->nvcf, id))
        return tell_answer(x);
    attempt_drop_body(x); /* it is there: only its answer is missing */
    x->attempt.errand = ERRAND_POLL;
    return again_in(x, nvcf_next_poll(&exchange_noted(x)->nvcf));
}

static enum step redirect(struct exchange *x, const struct verdict *v)
{
    const char *location = upstream_header(&x->attempt.probe.head, "location");

    judged(x, v->kind);
    tell_limiter(x, ANSWER_FINE, v, -1, "");
    if (x->attempt.errand != ERRAND_RESULT && location != NULL &&
        nvcf_redirected(&exchange_noted(x)->nvcf, attempt_upstream(x),
                        location)) {
        attempt_drop_body(x); /* done: only its answer lies elsewhere */
        x->attempt.errand = ERRAND_RESULT;
        return again_in(x, 0);
    }
    request_stats_error(x, UPSTREAM_GARBAGE);
    attempt_stop(x);
    return exchange_fail_as(
        x, 502, ERROR_UPSTREAM, -1, 0,
        "The upstream answered %d: its result lies at a host "
        "that is not in result_hosts of upstream %s.",
        x->attempt.status, attempt_upstream(x)->name);
}

static bool is_false_start(const struct exchange *x)
{
    return x->attempt.state == ATTEMPT_ENDED &&
           answer_probe_is_false_start(&x->attempt.probe,
                                       x->attempt.how == END_OK,
                                       x->req->route->ends);
}

static enum step answer(struct exchange *x, const struct verdict *v)
{
    if (is_false_start(x)) {
        if (x->attempt.how == END_OK) /* of its connection, not of the answer */
            x->attempt.how = END_TRUNCATED;
        return follow_up_silence(x);
    }
    judged(x, v->kind);
    tell_limiter(x, ANSWER_FINE, v, -1, "");
    refused_fields_note(x);
    return tell_answer(x);
}

static enum step unpaid(struct exchange *x, const struct verdict *v)
{
    bool ours =
        attempt_upstream(x)->api_key != NULL; /* else that client's alone */
    struct verdict told = *v;

    judged(x, v->kind);
    tell_limiter(x, ours ? ANSWER_UNPAID : ANSWER_FINE, v, v->retry_ms,
                 v->words.message);
    if (ours && place_may_move(x))
        return again_in_line(x, false);
    if (ours) /* as to all that come after it */
        told.status = told_status(v->cause);
    return tell_error(x, &told, verdict_rows[v->kind].retry);
}

/* Is what V refuses a field that we have added?  X goes without it from now on. */
static bool is_for_our_field(struct exchange *x, const struct verdict *v)
{
    bool is_thinking = thinking_ask_is_refused(x, v);

    if (!is_thinking && !usage_report_is_refused(x, v))
        return false;
    attempt_stop(x); /* the body is its transfer's until then */
    if (!is_thinking)
        usage_report_forgo(x);
    return true;
}

static enum step client_error(struct exchange *x, const struct verdict *v)
{
    judged(x, v->kind);
    tell_limiter(x, ANSWER_FINE, v, -1, "");
    if (is_for_our_field(x, v)) /* not its client's error: at once again */
        return x->place.state == PLACE_FREE ? again_in(x, 0)
                                            : again_in_line(x, false);
    return tell_error(x, v, verdict_rows[v->kind].retry);
}

static enum step timed_out(struct exchange *x, const struct verdict *v)
{
    judged(x, v->kind);
    tell_limiter(x, ANSWER_FAULT, v, -1, reply_reason(v->status));
    if (attempt_may_be_done(x))
        return tell_once(x, v);
    if (v->status == 524)
        return tell_took_too_long(x, v);
    return tell_error(x, v, verdict_rows[v->kind].retry);
}

/* The compiler names a kind that is missing. */
static enum step becomes(struct exchange *x, const struct verdict *v)
{
    switch (v->kind) {
    case VERDICT_ANSWER:
        return answer(x, v);
    case VERDICT_PENDING:
        return pending(x, v);
    case VERDICT_REDIRECT:
        return redirect(x, v);
    case VERDICT_RATE:
    case VERDICT_BUSY:
    case VERDICT_OVERLOADED:
        return refused(x, v);
    case VERDICT_OFF:
        return off(x, v);
    case VERDICT_MODEL_UNKNOWN:
        return unknown_model(x, v);
    case VERDICT_UNPAID:
        return unpaid(x, v);
    case VERDICT_FAULT:
        return fault(x, v);
    case VERDICT_TIMEOUT:
        return timed_out(x, v);
    case VERDICT_KEY:
        return attempt_upstream(x)->api_key != NULL ? key_refused_told(x, v)
                                                    : client_error(x, v);
    case VERDICT_CLIENT:
    case VERDICT_NEVER:
    case VERDICT_KINDS:
        break;
    }
    return client_error(x, v);
}

enum step follow_up_answer(struct exchange *x)
{
    struct verdict v;

    if (x->attempt.probe.head.status >= 300)
        conceal_body(x, &x->attempt.probe.body);
    answer_probe_judge(&v, &x->attempt.probe,
                       x->attempt.state == ATTEMPT_ENDED &&
                           x->attempt.how == END_OK);
    conceal_words(x, &v.words);
    verdict_bound(&v, x->s->cfg->queue_timeout_ms, x->s->cfg->retreat_max_ms);
    deprecation_note(x, &x->attempt.probe.head);
    return becomes(x, &v);
}

/* ---- no answer at all --------------------------------------------------------------------- */

static enum step explain_silence(struct exchange *x)
{
    int retry = has_lasted(x) ? 0 : -1;

    switch (x->attempt.how) {
    case END_UNREACHABLE:
        return exchange_fail_as(x, 502, ERROR_UPSTREAM_UNREACHABLE, 1000, retry,
                                "Sluice cannot connect to the upstream %s: %s.",
                                attempt_upstream(x)->name,
                                exchange_seldom(x)->detail);
    case END_GARBAGE:
        return exchange_fail_as(x, 502, ERROR_UPSTREAM_TRUNCATED, -1, retry,
                                "The upstream's answer is not valid HTTP.");
    case END_TRUNCATED:
        return exchange_fail_as(x, 502, ERROR_UPSTREAM_TRUNCATED, 1000, retry,
                                "The upstream's answer ended before it said "
                                "anything.");
    case END_OK:
    case END_LOST:
    case END_STALE:
    case END_HELD:
        break;
    }
    return exchange_fail_as(x, 502, ERROR_UPSTREAM_TRUNCATED, 1000, retry,
                            "The upstream closed the connection without an "
                            "answer.");
}

static enum upstream_error error_of(enum transfer_end how)
{
    switch (how) {
    case END_UNREACHABLE:
        return UPSTREAM_UNREACHABLE;
    case END_TRUNCATED:
        return UPSTREAM_TRUNCATED;
    case END_GARBAGE:
        return UPSTREAM_GARBAGE;
    case END_STALE:
        return UPSTREAM_STALE;
    case END_OK:
    case END_LOST:
    case END_HELD:
        break;
    }
    return UPSTREAM_SILENT;
}

enum step follow_up_silence(struct exchange *x)
{
    int64_t ms;

    if (x->attempt.how ==
        END_HELD) /* its grant is over: it waits for another */
        return again_recall(x);
    request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, error_of(x->attempt.how));
    x->attempt.is_fresh = x->attempt.is_fresh || x->attempt.how == END_STALE;
    x->attempt.sends -= x->attempt.errand == ERRAND_REQUEST &&
                        x->attempt.how == END_UNREACHABLE;
    /*
     * A kept connection was dead.  Nobody can tell whether the upstream
     * counted the request, so that the next attempt needs a slot of its own;
     * like all after it, it gets a new connection, which cannot be stale.  What
     * must not go twice has one from its start (attempt.c).
     */
    if (x->attempt.how == END_STALE && !attempt_may_be_done(x))
        return x->attempt.errand == ERRAND_REQUEST &&
                       x->place.state != PLACE_FREE
                   ? again_in_line(x, false)
                   : again_in(x, 0);
    if (x->attempt.how != END_UNREACHABLE) {
        tell_limiter(x, ANSWER_FAULT, NULL, -1, "no answer");
    } else if (x->place.choices != NULL) {
        tell_limiter(x, ANSWER_AWAY, NULL, -1, "it cannot be reached");
        if (place_may_move(x))
            return again_in_line(x, true);
    }
    if ((x->attempt.how != END_GARBAGE || place_has_others(x)) &&
        again_may(x, -1, &ms))
        return again_after_fault(x, ms);
    return explain_silence(x);
}
