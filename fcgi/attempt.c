/*
 * attempt.c - what becomes of a request after an attempt?
 *
 *   an answer                      it goes to the client
 *   too many requests, no worker   back to the queue, as long as it takes
 *   a passing fault                again after a pause, retry.max times in all
 *   still running, or elsewhere    a poll; the result (nvcf.c)
 *   anything else                  the client is told, in the upstream's words
 *
 * verdict.c says which of them it is, and the limiter hears of it, because
 * others wait for the same upstream.  Nobody but us repeats a request: libcurl
 * is not let, and the SDKs are asked not to.  Nor do we, where that could make
 * two of something (request_is_repeatable()): unless it surely was not done,
 * its client is told that it may have been.
 *
 * What an answer says of a model counts for all only where a model answers
 * (route.c): a batch that is gone benches no chat.
 *
 * A request that is free (models.c) has no ticket: there is no line for it to
 * go back to, and nobody else hears of its answer.  What would send another
 * one there is a passing fault to it, within retry.max and its one deadline.
 */
#include "fcgi/attempt.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/conceal.h"
#include "fcgi/config/config.h"
#include "fcgi/deprecation.h"
#include "fcgi/forward.h"
#include "fcgi/route.h"

/* Between two attempts: doubling, and jittered by a quarter, so that those
 * that failed together do not come together. */
#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS   8000

/* A longer wait no SDK keeps (reply.c): it is not asked to come again. */
#define TOLD_MS_MAX 60000

static int64_t now_ns(const struct exchange *x)
{
    return loop_now(x->s->loop);
}

static const struct config_upstream *upstream_of(const struct exchange *x)
{
    return &x->s->cfg->upstreams[x->upstream];
}

/* Is it known which model has answered? */
static bool speaks_of_model(const struct exchange *x)
{
    return request_served_by(x->req)[0] != '\0';
}

/* ---- the limiter is told ------------------------------------------------------ */

/* REASON goes into the state file, the log and to other clients: words of the
 * upstream only where they are about the model or the account, because errors
 * of other kinds can quote a prompt. */
static void report(struct exchange *x, enum limiter_answer answer, int status,
                   int64_t retry_ms, const char *reason)
{
    struct limiter_report r = {
        .answer = answer,
        .retry_after_ns = retry_ms >= 0 ? retry_ms * NS_PER_MS : -1,
        .status = (uint16_t)status,
    };

    if (x->errand != ERRAND_REQUEST || x->ticket == NULL)
        return; /* a poll says nothing of the limits */
    snprintf(r.reason, sizeof(r.reason), "%.*s", (int)sizeof(r.reason) - 1,
             reason);
    limiter_report(x->s->lim, x->ticket, &r);
}

/* ---- again ----------------------------------------------------------------------- */

static void end_attempt(struct exchange *x)
{
    forward_stop(x);
    request_stats_again(x);
    answer_probe_clear(&x->trial);
    x->under_way = x->ended = false;
    x->idle_deadline_ns = NEVER;
}

/* The queue deadline ended at the grant.  All its time in line together is
 * bounded by queue.timeout_s, and by a patience that gets no sign of life. */
static void renew_queue_deadline(struct exchange *x)
{
    int64_t left = x->s->cfg->queue_timeout_ms * NS_PER_MS - x->waited_ns;
    int64_t client_ms = x->req->client_timeout_ms;

    x->queue_deadline_ns = now_ns(x) + max_i64(left, 0);
    x->deadline_name = "queue.timeout_s";
    if (!exchange_is_silent(x) || client_ms < 0 ||
        x->req->arrived_ns + client_ms * NS_PER_MS >= x->queue_deadline_ns)
        return;
    x->queue_deadline_ns = x->req->arrived_ns + client_ms * NS_PER_MS;
    x->deadline_name = "the client's own timeout";
}

/* To the head of its own line.  UNSENT: it used no slot. */
static enum step wait_again(struct exchange *x, bool unsent)
{
    end_attempt(x);
    x->granted = false;
    x->queued_ns = now_ns(x);
    renew_queue_deadline(x);
    limiter_again(x->s->lim, x->ticket, unsent);
    return STEP_QUEUE;
}

/* Until the request itself may go again.  It has no use for its slot meanwhile,
 * and others have: what counts is its send, if there was one. */
static enum step step_aside(struct exchange *x, int64_t ms)
{
    end_attempt(x);
    x->pause_ns = now_ns(x) + ms * NS_PER_MS;
    limiter_aside(x->s->lim, x->ticket, !x->may_have_sent, ms * NS_PER_MS);
    return STEP_PAUSE;
}

/* Until the next poll.  The upstream is at work on the request, so that it goes
 * on to count as one in flight. */
static enum step poll_in(struct exchange *x, int64_t ms)
{
    end_attempt(x);
    x->pause_ns = now_ns(x) + ms * NS_PER_MS;
    return STEP_PAUSE;
}

static enum step pause_for(struct exchange *x, int64_t ms)
{
    return x->errand == ERRAND_REQUEST ? step_aside(x, ms) : poll_in(x, ms);
}

/* Until when X may wait in line once more.  X-Sluice-Deadline ended at the
 * grant for what the upstream breaks, but not for what it puts off, nor where
 * the grant is taken back. */
static void bound_patience(struct exchange *x)
{
    int64_t own_ns = x->req->deadline_ms * NS_PER_MS - x->waited_ns;

    renew_queue_deadline(x);
    own_ns = now_ns(x) + max_i64(own_ns, 0);
    if (x->req->deadline_ms < 0 || own_ns >= x->queue_deadline_ns)
        return;
    x->queue_deadline_ns = own_ns;
    x->deadline_name = "X-Sluice-Deadline";
}

enum step attempt_go_on(struct exchange *x)
{
    enum step next;

    if (x->errand != ERRAND_REQUEST || x->is_free)
        return STEP_FORWARD;
    next = wait_again(x, !x->may_have_sent);
    if (x->put_off)
        bound_patience(x);
    x->put_off = false;
    return next;
}

bool attempt_can_recall(const struct exchange *x)
{
    return x->step == STEP_FORWARD && x->errand == ERRAND_REQUEST &&
           !x->is_free && x->transfer != NULL &&
           !transfer_has_sent(x->transfer);
}

enum step attempt_recall(struct exchange *x)
{
    enum step next;

    x->recalled = false;
    x->attempts--; /* none was made */
    next = wait_again(x, true);
    bound_patience(x); /* nor has its wait ended */
    return next;
}

/* Before the attempt after the Nth. */
static int64_t pause_ms(const struct exchange *x, unsigned n, int64_t retry_ms)
{
    unsigned doublings = n < 6 ? n - (n > 0) : 5;
    int64_t ms = min_i64((int64_t)PAUSE_FIRST_MS << doublings, PAUSE_MAX_MS);

    /* The nanoseconds of the clock are as random as this needs. */
    ms -= ms / 4 * (now_ns(x) / 1000 % 1000) / 1000;
    return max_i64(ms, retry_ms);
}

bool attempt_may_be_done(const struct exchange *x)
{
    return x->under_way && x->errand == ERRAND_REQUEST &&
           !request_is_repeatable(x->req) &&
           (x->may_have_sent || x->transfer != NULL);
}

/* May it go again?  Then *MS says after which pause. */
static bool may_repeat(struct exchange *x, int64_t retry_ms, int64_t *ms)
{
    x->faults++;
    *ms = pause_ms(x, x->faults, retry_ms);
    return x->faults < x->s->cfg->retry_max && !x->s->draining &&
           !attempt_may_be_done(x) &&
           now_ns(x) + *ms * NS_PER_MS < x->answer_deadline_ns;
}

/* ---- telling the client ------------------------------------------------------------ */

/* What is compressed cannot be searched for our key, so that it passes only
 * where the upstream was not told one. */
static bool can_pass_as_it_is(const struct exchange *x, const struct verdict *v)
{
    if (v->words.shape == WORDS_CODED && upstream_of(x)->api_key != NULL)
        return false;
    return verdict_can_pass(v) && !x->relay.head_sent && x->ended &&
           x->trial.head.status == v->status; /* of no stream */
}

/* In the upstream's own shape where that is OpenAI's, else translated.
 * RETRY is what the SDK is asked, as in struct relay_error. */
static enum step tell(struct exchange *x, const struct verdict *v, int retry)
{
    bool can_pass = can_pass_as_it_is(x, v);
    struct buf json = {NULL, 0, 0, 0};
    enum step next;

    if (can_pass && retry < 0)
        return forward_pass(x);
    forward_stop(x);
    x->error.status = v->status;
    x->error.code = "upstream_error";
    if (can_pass) /* with a header of ours */
        buf_add(&json, buf_head(&x->trial.body), x->trial.body.len);
    else
        verdict_write(&json, v);
    next = exchange_tell(
        x, &(struct relay_error){v->status, &json, v->retry_ms, retry,
                                 &x->trial.head,
                                 can_pass && v->words.shape == WORDS_CODED});
    buf_free(&json);
    return next;
}

static enum step tell_off(struct exchange *x, const struct verdict *v)
{
    forward_stop(x);
    return exchange_fail(x, v->status, "sluice_upstream_off", v->off_ms, 0,
                         "The upstream does not serve this model now: %s",
                         v->words.message);
}

/* In the upstream's words and ours: it may have been done, and goes no second
 * time.  Who sent it has to look. */
static enum step tell_once(struct exchange *x, const struct verdict *v)
{
    static const char ours[] = " (" JUDGE_ONCE ")";
    struct verdict told = *v;
    char *text = told.words.message;
    size_t len = min_i64((int64_t)strlen(text),
                         (int64_t)(sizeof(told.words.message) - sizeof(ours)));

    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--; /* not inside a letter of UTF-8 */
    memcpy(text + len, ours, sizeof(ours));
    told.words.shape = WORDS_JSON; /* so it does not pass as it came */
    return tell(x, &told, 0);
}

/* ---- verdicts -------------------------------------------------------------------------- */

static enum step again_or_tell(struct exchange *x, const struct verdict *v)
{
    int64_t ms;

    if (may_repeat(x, v->retry_ms, &ms))
        return pause_for(x, ms);
    if (attempt_may_be_done(x))
        return tell_once(x, v);
    return tell(x, v, x->faults > 1 ? 0 : -1);
}

static enum step fault(struct exchange *x, const struct verdict *v)
{
    request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_SERVER);
    report(x, ANSWER_FAULT, v->status, -1, reply_reason(v->status));
    return again_or_tell(x, v);
}

/* The upstream said when, and that is too late. */
static enum step tell_too_late(struct exchange *x, const struct verdict *v)
{
    int64_t left_ns = max_i64(x->queue_deadline_ns - now_ns(x), 0);

    forward_stop(x);
    return exchange_fail(x, 429, "sluice_deadline", v->retry_ms,
                         v->retry_ms > TOLD_MS_MAX ? 0 : -1,
                         "The upstream wants no such request for %" PRId64
                         " s (%.160s), and %s allows a wait of %" PRId64 " s.",
                         (v->retry_ms + 999) / 1000, v->words.message,
                         x->deadline_name, left_ns / NS_PER_S);
}

/* With no model there is no ceiling to wait at: it waits by itself. */
static enum step wait_for_worker(struct exchange *x, const struct verdict *v)
{
    int64_t ms = pause_ms(x, x->attempts, v->retry_ms);

    report(x, ANSWER_FAULT, x->upstream_status, -1, "no worker is free");
    bound_patience(x);
    if (now_ns(x) + ms * NS_PER_MS > x->queue_deadline_ns || x->s->draining)
        return tell(x, v, -1);
    x->waited_ns += ms * NS_PER_MS;
    x->answer_deadline_ns = NEVER; /* it waits as in line, for no answer */
    x->put_off = true;
    return pause_for(x, ms);
}

static enum step refused(struct exchange *x, const struct verdict *v)
{
    bool rate = v->kind == VERDICT_RATE;
    enum step next;

    request_stats_judged(x, OUTCOME_RATE, rate ? UPSTREAM_RATE : UPSTREAM_BUSY);
    if (x->errand != ERRAND_REQUEST) /* of a poll: a little later */
        return pause_for(x, max_i64(nvcf_next_poll(&x->nvcf), v->retry_ms));
    if (x->is_free)
        return again_or_tell(x, v);
    if (!rate && !speaks_of_model(x))
        return v->status == 429 || request_is_repeatable(x->req)
                   ? wait_for_worker(x, v)
                   : fault(x, v);
    report(x, rate ? ANSWER_RATE : ANSWER_BUSY, x->upstream_status, v->retry_ms,
           rate ? "too many requests" : "no worker is free");
    bound_patience(x);
    if (now_ns(x) + v->retry_ms * NS_PER_MS > x->queue_deadline_ns &&
        v->retry_ms > 0)
        return tell_too_late(x, v);
    next = wait_again(x, false);
    bound_patience(x);
    return next;
}

/* No model is off for it: this route alone is. */
static enum step off_here(struct exchange *x, const struct verdict *v)
{
    struct verdict told = *v;

    if (v->off == VERDICT_OFF_DEGRADED)
        told.status = 400; /* as it was */
    request_stats_judged(x, OUTCOME_OFF, UPSTREAM_OFF);
    report(x, told.status >= 500 ? ANSWER_FAULT : ANSWER_FINE, told.status, -1,
           reply_reason(told.status));
    if (told.status >= 500 && attempt_may_be_done(x))
        return tell_once(x, &told);
    return tell(x, &told, 0);
}

static enum step off(struct exchange *x, const struct verdict *v)
{
    /* The status tells the limiter which bench applies without a time. */
    int status = v->off == VERDICT_OFF_DEGRADED ? 400
                 : v->off == VERDICT_OFF_GONE   ? 410
                                                : v->status;

    if (!x->req->route->is_inference)
        return off_here(x, v);
    request_stats_judged(x, OUTCOME_OFF, UPSTREAM_OFF);
    report(x, speaks_of_model(x) ? ANSWER_OFF : ANSWER_FAULT, status, v->off_ms,
           v->words.message);
    return tell_off(x, v);
}

/* Remembered where the route is one that every model has: a client that errs
 * in its path must not bench the model for the rest. */
static enum step unknown_model(struct exchange *x, const struct verdict *v)
{
    bool by_name = v->words.shape >= WORDS_JSON;
    bool counts =
        speaks_of_model(x) &&
        (by_name || strcmp(x->req->path, "/v1/chat/completions") == 0);

    request_stats_judged(x, OUTCOME_CLIENT_ERROR, UPSTREAM_UNKNOWN);
    report(x, counts ? ANSWER_OFF : ANSWER_FINE, 404, -1, v->words.message);
    return tell(x, v, 0);
}

static enum step pending(struct exchange *x, const struct verdict *v)
{
    const char *id = upstream_header(&x->trial.head, "nvcf-reqid");

    (void)v;
    request_stats_judged(x, OUTCOME_OK, UPSTREAM_FINE);
    report(x, ANSWER_FINE, 202, -1, "");
    if (id == NULL || !nvcf_pending(&x->nvcf, id))
        return forward_pass(x);
    forward_drop_body(x); /* it is there: only its answer is missing */
    x->errand = ERRAND_POLL;
    return pause_for(x, nvcf_next_poll(&x->nvcf));
}

static enum step redirect(struct exchange *x, const struct verdict *v)
{
    const char *location = upstream_header(&x->trial.head, "location");

    (void)v;
    request_stats_judged(x, OUTCOME_OK, UPSTREAM_FINE);
    report(x, ANSWER_FINE, x->upstream_status, -1, "");
    if (x->errand != ERRAND_RESULT && location != NULL &&
        nvcf_redirected(&x->nvcf, upstream_of(x), location)) {
        x->errand = ERRAND_RESULT;
        return pause_for(x, 0);
    }
    request_stats_error(x, UPSTREAM_GARBAGE);
    forward_stop(x);
    return exchange_fail(x, 502, "upstream_error", -1, 0,
                         "The upstream answered %d: its result lies at a host "
                         "that is not in result_hosts of upstream %s.",
                         x->upstream_status, upstream_of(x)->name);
}

static bool is_false_start(const struct exchange *x)
{
    return x->ended && answer_probe_is_false_start(&x->trial, x->how == END_OK,
                                                   x->req->route->ends);
}

static enum step answer(struct exchange *x, const struct verdict *v)
{
    (void)v;
    if (is_false_start(x)) {
        if (x->how == END_OK) /* of its connection, not of the answer */
            x->how = END_TRUNCATED;
        return attempt_silence(x);
    }
    request_stats_judged(x, OUTCOME_OK, UPSTREAM_FINE);
    report(x, ANSWER_FINE, x->upstream_status, -1, "");
    return forward_pass(x);
}

static enum step unpaid(struct exchange *x, const struct verdict *v)
{
    bool ours = upstream_of(x)->api_key != NULL; /* else that client's alone */

    request_stats_judged(x, OUTCOME_OFF, UPSTREAM_UNPAID);
    report(x, ours ? ANSWER_UNPAID : ANSWER_FINE, 402, v->retry_ms,
           v->words.message);
    return tell(x, v, 0);
}

static enum step client_error(struct exchange *x, const struct verdict *v)
{
    request_stats_judged(x, OUTCOME_CLIENT_ERROR,
                         v->kind == VERDICT_KEY ? UPSTREAM_KEY
                                                : UPSTREAM_CLIENT);
    report(x, ANSWER_FINE, v->status, -1, "");
    return tell(x, v, -1);
}

static enum step timed_out(struct exchange *x, const struct verdict *v)
{
    request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_TIMEOUT);
    report(x, ANSWER_FAULT, v->status, -1, reply_reason(v->status));
    if (attempt_may_be_done(x))
        return tell_once(x, v);
    return tell(x, v, 0); /* it would take as long again */
}

/* One row per kind. */
static enum step (*const rows[VERDICT_KINDS])(struct exchange *x,
                                              const struct verdict *v) = {
    [VERDICT_ANSWER] = answer,
    [VERDICT_PENDING] = pending,
    [VERDICT_REDIRECT] = redirect,
    [VERDICT_RATE] = refused,
    [VERDICT_BUSY] = refused,
    [VERDICT_OFF] = off,
    [VERDICT_MODEL_UNKNOWN] = unknown_model,
    [VERDICT_UNPAID] = unpaid,
    [VERDICT_KEY] = client_error,
    [VERDICT_CLIENT] = client_error,
    [VERDICT_FAULT] = fault,
    [VERDICT_TIMEOUT] = timed_out,
};

enum step attempt_answer(struct exchange *x)
{
    struct verdict v;

    if (x->trial.head.status >= 300)
        conceal_body(x, &x->trial.body);
    answer_probe_judge(&v, &x->trial, x->ended && x->how == END_OK);
    conceal_words(x, &v.words);
    verdict_bound(&v, x->s->cfg->retreat_max_ms);
    deprecation_note(x, &x->trial.head);
    return rows[v.kind](x, &v);
}

/* ---- no answer at all --------------------------------------------------------------------- */

static enum step explain_silence(struct exchange *x)
{
    int retry = x->faults > 1 ? 0 : -1;

    switch (x->how) {
    case END_UNREACHABLE:
        return exchange_fail(x, 502, "sluice_upstream_unreachable", 1000, retry,
                             "Sluice cannot connect to the upstream %s: %s.",
                             upstream_of(x)->name, x->detail);
    case END_GARBAGE:
        return exchange_fail(x, 502, "sluice_upstream_truncated", -1, retry,
                             "The upstream's answer is not valid HTTP.");
    case END_TRUNCATED:
        return exchange_fail(x, 502, "sluice_upstream_truncated", 1000, retry,
                             "The upstream's answer ended before it said "
                             "anything.");
    case END_OK:
    case END_LOST:
    case END_STALE:
    case END_HELD:
        break;
    }
    return exchange_fail(x, 502, "sluice_upstream_truncated", 1000, retry,
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

enum step attempt_silence(struct exchange *x)
{
    int64_t ms;

    if (x->how == END_HELD) /* its grant is over: it waits for another */
        return attempt_recall(x);
    request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, error_of(x->how));
    x->fresh = x->fresh || x->how == END_STALE;
    x->attempts -= x->errand == ERRAND_REQUEST && x->how == END_UNREACHABLE;
    /*
     * A kept connection was dead.  Nobody can tell whether the upstream
     * counted the request, so that the next attempt needs a slot of its own;
     * like all after it, it gets a new connection, which cannot be stale.  What
     * must not go twice has one from its start (forward.c).
     */
    if (x->how == END_STALE && !attempt_may_be_done(x))
        return x->errand == ERRAND_REQUEST && !x->is_free ? wait_again(x, false)
                                                          : pause_for(x, 0);
    if (x->how != END_UNREACHABLE)
        report(x, ANSWER_FAULT, 502, -1, "no answer");
    if (x->how != END_GARBAGE && may_repeat(x, -1, &ms))
        return pause_for(x, ms);
    return explain_silence(x);
}
