/*
 * request_stats.c - what is to be told of an exchange when it is over?
 *
 *   attempt.c    a transfer begins, has a head, ends    how long it took
 *   follow_up.c  an answer is judged                    how it ends, if it ends
 *   relay.c      events pass                            how tokens come
 *   exchange.c   it is over                             two notes: of its last
 *                                                       send, and of all of it
 *
 * Each send has a note of its own, made when it is over.  The sums of all
 * workers are kept by the limiter (state/stats/counters.c); metrics.c shows them.
 */
#include "fcgi/request_stats.h"

#include <string.h>

#include "fcgi/route.h"
#include "lib/clock.h"
#include "lib/find.h"
#include "state/stats.h"

/* ---- one send -------------------------------------------------------------- */

void request_stats_begin(struct exchange *x)
{
    struct request_stats *m = &x->stats;

    m->answer_ended_ns = 0;
    m->sending = x->attempt.errand == ERRAND_REQUEST;
    if (!m->sending)
        return;
    m->begun_ns = exchange_now(x);
    m->first_ns = m->ended_ns = 0;
    m->error = UPSTREAM_FINE;
}

void request_stats_head(struct exchange *x)
{
    struct request_stats *m = &x->stats;

    if (m->sending && m->first_ns == 0)
        m->first_ns = exchange_now(x);
}

void request_stats_end(struct exchange *x)
{
    struct request_stats *m = &x->stats;

    m->answer_ended_ns = exchange_now(x);
    if (m->sending && m->ended_ns == 0)
        m->ended_ns = m->answer_ended_ns;
}

/* An error of a poll is one, too, but its time says nothing of the model. */
static void note_attempt(struct exchange *x, enum upstream_error error,
                         bool again, bool fine)
{
    struct request_stats *m = &x->stats;
    struct limiter_attempt a = {
        -1, -1, error, again, fine, "", x->attempt.upstream};

    limiter_provider_of(exchange_served_by(x), a.provider);
    if (m->sending && m->first_ns != 0) {
        a.first_byte_ns = max_i64(m->first_ns - m->begun_ns, 0);
        a.duration_ns = max_i64(m->ended_ns - m->begun_ns, a.first_byte_ns);
    }
    m->refusals += error == UPSTREAM_RATE;
    limiter_note_attempt(x->s->lim, &a);
}

static void close_attempt(struct exchange *x, bool again, bool fine)
{
    struct request_stats *m = &x->stats;

    if (!m->sending)
        return;
    if (m->ended_ns == 0)
        m->ended_ns = exchange_now(x);
    note_attempt(x, m->error, again && m->error != UPSTREAM_FINE, fine);
    m->sending = false;
}

void request_stats_again(struct exchange *x)
{
    close_attempt(x, true, false);
}

void request_stats_error(struct exchange *x, enum upstream_error error)
{
    if (x->stats.sending)
        x->stats.error = error;
    else if (error != UPSTREAM_FINE)
        note_attempt(x, error, false, false);
}

void request_stats_judged(struct exchange *x, enum outcome outcome,
                          enum upstream_error error)
{
    x->stats.outcome = outcome;
    request_stats_error(x, error);
}

/* ---- tokens -------------------------------------------------------------------- */

/* How often KEY has a text that is not empty.  Inside of a text its quote
 * would have a backslash before it. */
static uint32_t count_texts(const char *data, size_t len, const char *key)
{
    const char *p = data, *end = data + len;
    size_t n = strlen(key);
    uint32_t texts = 0;

    while ((p = find_text(p, end, key, n)) != NULL) {
        p += n;
        while (p < end && *p == ' ')
            p++;
        texts += end - p > 1 && p[0] == '"' && p[1] != '"';
    }
    return texts;
}

/* Chat, reasoning too; completions; calls of tools; the Responses API, whose
 * last events say again what came in deltas. */
static uint32_t count_tokens(const char *data, size_t len, enum sse_ends ends)
{
    static const char *const keys[] = {"content\":", "text\":", "arguments\":"};
    uint32_t n = 0;
    size_t i;

    if (ends == ENDS_RESPONSE || /* or those, by other paths */
        FIND(data, data + len, "\"type\":\"response.") != NULL)
        return count_texts(data, len, "delta\":");
    for (i = 0; i < ARRAY_LEN(keys) && n == 0; i++)
        n = count_texts(data, len, keys[i]);
    return n;
}

/* Some events in one piece: the time since the last one is shared among them,
 * or most gaps behind a busy network would be zero. */
void request_stats_events(struct exchange *x, const char *data, size_t len)
{
    struct request_stats *m = &x->stats;
    uint32_t n = count_tokens(data, len, x->req->route->ends);

    if (n == 0)
        return;
    if (m->token_ns != 0)
        reservoir_add(
            &m->gaps, SPREAD_GAP,
            (uint64_t)max_i64(exchange_now(x) - m->token_ns, 0) / n / 1000, n);
    m->token_ns = exchange_now(x);
    m->tokens += n;
}

/* Thousandths of a token per second; -1: that cannot be told.  A stream's
 * first token has come with its first byte.  The most tokens in the shortest
 * time still fit. */
static int64_t speed_milli(const struct exchange *x)
{
    const struct request_stats *m = &x->stats;
    int64_t tokens = x->relay.usage.completion, from = x->place.granted_ns;
    int64_t to = m->answer_ended_ns;

    if (m->tokens > 0) {
        tokens = max_i64(tokens, (int64_t)m->tokens) - 1;
        from = x->attempt.first_byte_ns;
        to = m->token_ns;
    }
    if (tokens <= 0 || tokens > LIMITER_TOKENS_MAX || from == 0 ||
        to - from < NS_PER_MS)
        return -1;
    return (int64_t)((double)tokens * 1e12 / (double)(to - from));
}

/* ---- the end ----------------------------------------------------------------------- */

/* What X was answered with; ERROR_NONE: with no error of ours. */
static enum error_code code_of(const struct exchange *x)
{
    const struct reply_error *e = &exchange_seldom(x)->error;

    return e->status != 0 ? e->code : ERROR_NONE;
}

static enum reason reason_of(const struct exchange *x)
{
    enum error_code code = code_of(x);

    if (x->left != LEFT_BY_NOBODY ||
        (code == ERROR_UPSTREAM_OFF && x->place.state != PLACE_REFUSED))
        return REASON_NONE; /* it said so itself, just now */
    return error_rows[code].reason;
}

static enum outcome outcome_of(const struct exchange *x)
{
    enum outcome judged = x->stats.outcome;
    enum error_code code = code_of(x);

    if (x->left == LEFT_BY_US)
        return OUTCOME_LOST;
    if (x->left == LEFT_BY_CLIENT)
        return OUTCOME_HANGUP;
    if (code == ERROR_NONE || (code == ERROR_UPSTREAM && judged != OUTCOME_OK))
        return judged;
    if (code == ERROR_UPSTREAM_OFF && x->place.state == PLACE_REFUSED &&
        x->place.news.cause == EJECTED_KEY)
        return OUTCOME_UPSTREAM_KEY; /* by all of them, and not asked again */
    if (code == ERROR_QUEUE_TIMEOUT && judged == OUTCOME_RATE)
        return judged;
    if (code == ERROR_UPSTREAM_TRUNCATED && x->relay.mode == RELAY_NOTHING &&
        x->attempt.how != END_TRUNCATED)
        return OUTCOME_UPSTREAM_ERROR; /* there was nothing to cut off */
    return error_rows[code].outcome;
}

static bool is_upstreamed(const struct exchange *x)
{
    return x->req->route != NULL && x->req->route->proxied;
}

/* A stranger's, as one for a path that is not there: it is counted by its code
 * and its reason, but whoever knocks on all doors must not push real requests
 * out of the list of the last ones. */
static bool is_at_the_door(const struct exchange *x)
{
    return code_of(x) == ERROR_UNAUTHORIZED || code_of(x) == ERROR_FORBIDDEN;
}

enum phase request_stats_phase(const struct exchange *x)
{
    if (x->left == LEFT_BY_NOBODY)
        return PHASE_NONE;
    if (!is_upstreamed(x))
        return PHASE_LOCAL;
    if (x->relay.mode != RELAY_NOTHING)
        return PHASE_RELAY;
    return place_is_behind(&x->place) ? PHASE_FORWARD : PHASE_QUEUE;
}

int request_stats_status(const struct exchange *x)
{
    if (x->left == LEFT_BY_CLIENT)
        return 499;
    if (exchange_seldom(x)->error.status != 0)
        return exchange_seldom(x)->error.status;
    return x->left == LEFT_BY_US && x->relay.status == 0 ? 503
                                                         : x->relay.status;
}

static int64_t between(int64_t from, int64_t to)
{
    return from == 0 || to < from ? -1 : to - from;
}

static void fill_times(struct limiter_note *n, const struct exchange *x)
{
    const struct place *p = &x->place;
    int64_t now = exchange_now(x);

    n->granted = x->place.granted_ns != 0;
    n->queue_ns = -1;
    if (place_is_behind(p))
        n->queue_ns = p->waited_ns;
    else if (p->queued_ns != 0)
        n->queue_ns = p->waited_ns + max_i64(now - p->queued_ns, 0);
    n->first_byte_ns = between(x->place.granted_ns, x->attempt.first_byte_ns);
    n->generation_ns = -1;
    if (x->relay.mode != RELAY_NOTHING)
        n->generation_ns =
            between(x->attempt.first_byte_ns, x->stats.answer_ended_ns);
    n->total_ns = max_i64(now - x->req->arrived_ns, 0);
    n->speed_milli = n->outcome == OUTCOME_OK ? speed_milli(x) : -1;
}

static void copy(char *to, size_t max, const char *from)
{
    size_t n = strnlen(from, max - 1);

    memcpy(to, from, n); /* the rest is zeros */
}

static void fill_names(struct limiter_note *n, const struct exchange *x)
{
    const struct request *r = x->req;

    copy(n->route, sizeof(n->route),
         r->route != NULL ? r->route->name : "none");
    copy(n->code, sizeof(n->code), error_rows[code_of(x)].text);
    copy(n->id, sizeof(n->id), r->id);
    copy(n->client, sizeof(n->client), r->client);
    if (exchange_seldom(x)->stand_in[0] != '\0' && x->attempt.sends > 0) {
        copy(n->model, sizeof(n->model), exchange_seldom(x)->short_stand_in);
        copy(n->asked, sizeof(n->asked), r->model);
    } else {
        copy(n->model, sizeof(n->model), r->model);
    }
    limiter_provider_of(exchange_served_by(x), n->provider);
}

void request_stats_exchange(struct exchange *x)
{
    struct limiter_note n = {
        .outcome = outcome_of(x),
        .upstreamed = is_upstreamed(x) && !is_at_the_door(x),
        .status = (uint16_t)request_stats_status(x),
        .reason = reason_of(x),
        .phase = x->left == LEFT_BY_US ? PHASE_NONE : request_stats_phase(x),
        .cls = x->req->cls,
        .stream = x->req->stream,
        .upstream = x->attempt.upstream,
        .attempts = x->attempt.sends,
        .refusals = x->stats.refusals,
        .at_ms = clock_wall_ms(),
        .bytes = x->client.bytes,
        .prompt_bytes = x->stats.prompt_bytes,
        .tokens_in = x->relay.usage.prompt,
        .tokens_out = x->relay.usage.completion,
        .has_usage = is_upstreamed(x) && x->req->route->is_inference,
        .gaps = x->stats.gaps,
    };

    close_attempt(x, false, n.outcome == OUTCOME_OK);
    fill_times(&n, x);
    fill_names(&n, x);
    limiter_note(x->s->lim, &n);
}
