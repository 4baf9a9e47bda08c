/*
 * verdict.c - what does an upstream's answer mean?
 *
 *   status (of a stream: the error's code)  -->  a row for each   --> kind
 *   Retry-After and its like (delay.c)      -->  a hold or a bench
 *   body (upstream_error.c)                 -->  which of two rows; the words
 *
 * Where a text of the body decides, it has to stand where the gateway puts it,
 * at the beginning of its message: errors quote the prompt, and a prompt must
 * not be able to bench a model.
 */
#include "fcgi/upstream/verdict.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/delay.h"
#include "fcgi/upstream/refusal_words.h"
#include "state/limiter.h"
#include "state/stats/outcomes.h"

/* Up to here a server's error is a pause of its own request's. */
#define PAUSE_MS_MAX 60000

#define ROW(kind, ...) [kind] = {__VA_ARGS__},
const struct verdict_row verdict_rows[] = {VERDICT_LIST(ROW)};
#undef ROW
static_assert(ARRAY_LEN(verdict_rows) == VERDICT_KINDS, "a row for each");

/* OpenAI's name and those of its kin; Cerebras', which has a day's beside it;
 * Anthropic's. */
static const char *remaining_tokens(const struct upstream_head *head)
{
    static const char *const names[] = {
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-remaining-tokens-minute",
        "anthropic-ratelimit-tokens-remaining",
    };
    const char *value = NULL;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names) && value == NULL; i++)
        value = upstream_header(head, names[i]);
    return value;
}

struct verdict_input verdict_input(const struct upstream_head *head)
{
    struct verdict_input in = {
        .status = head->status,
        .content_type = upstream_header(head, "content-type"),
        .retry_after = upstream_header(head, "retry-after"),
        .retry_after_ms = upstream_header(head, "retry-after-ms"),
        .date = upstream_header(head, "date"),
        .remaining_requests =
            upstream_header(head, "x-ratelimit-remaining-requests"),
        .reset_requests = upstream_header(head, "x-ratelimit-reset-requests"),
        .remaining_tokens = remaining_tokens(head),
        .reset_tokens = upstream_header(head, "x-ratelimit-reset-tokens"),
        .nvcf_reqid = upstream_header(head, "nvcf-reqid"),
        .location = upstream_header(head, "location"),
    };

    return in;
}

/* ---- how long ----------------------------------------------------------------- */

/* RESET counts only where nothing REMAINS. */
static int64_t reset_ms(const char *remaining, const char *reset)
{
    if (remaining == NULL || strcmp(remaining, "0") != 0)
        return -1;
    return delay_reset(reset);
}

/* In the order of the SDKs; then the limiter's own counters.  A date is one of
 * the upstream's clock. */
static int64_t retry_ms(const struct verdict_input *in)
{
    int64_t ms = delay_retry_after_ms(in->retry_after_ms);

    if (ms < 0)
        ms =
            delay_retry_after(in->retry_after, delay_date(in->date, in->now_s));
    if (ms < 0 && in->status == 429)
        ms = max_i64(reset_ms(in->remaining_requests, in->reset_requests),
                     reset_ms(in->remaining_tokens, in->reset_tokens));
    return ms;
}

/* A whole number; some write it with a fraction. */
static int64_t tokens_left(const char *text)
{
    int64_t n = 0;
    const char *p;

    if (text == NULL || !isdigit((unsigned char)*text))
        return -1;
    for (p = text; isdigit((unsigned char)*p) && n <= LIMITER_TOKENS_MAX; p++)
        n = n * 10 + (*p - '0');
    return n > LIMITER_TOKENS_MAX || (*p != '\0' && *p != '.') ? -1 : n;
}

static void turn_off(struct verdict *v, enum ejection_cause cause, int status)
{
    v->kind = VERDICT_OFF;
    v->cause = cause;
    v->off_ms = v->retry_ms > 0 ? v->retry_ms : -1;
    v->status = status;
}

/* ---- what the body adds --------------------------------------------------------- */

/* "Function '<uuid>': ...", "Function id '<uuid>': ..." */
static bool is_of_function(const struct upstream_error_words *w,
                           const char *what)
{
    return w->shape >= WORDS_JSON && strncmp(w->message, "Function ", 9) == 0 &&
           strstr(w->message, what) != NULL;
}

/* The workers are full: in gRPC's word, wherever it stands.  It may be in what
 * is no JSON, such as Python's own notation of it. */
static bool is_exhausted(const struct verdict_input *in,
                         const struct upstream_error_words *w)
{
    static const char word[] = "ResourceExhausted";
    size_t len = in->len > WORDS_BYTES ? WORDS_BYTES : in->len;

    if (in->is_stream || in->coding != NULL || len == 0)
        return strstr(w->message, word) != NULL;
    return memmem(in->body, len, word, sizeof(word) - 1) != NULL;
}

/* "404 page not found" is the edge's word for an unknown model; the others are
 * those of OpenAI and of vLLM. */
static bool is_unknown_model(const struct upstream_error_words *w)
{
    return w->shape == WORDS_TEXT ||
           is_of_function(w, "Not found for account") ||
           strcmp(w->code, "model_not_found") == 0 ||
           (w->shape >= WORDS_JSON &&
            strncmp(w->message, "The model ", 10) == 0);
}

/* ---- what each status means -------------------------------------------------------- */

/* An account's limit is asked for before there is a stream. */
static enum verdict_kind kind_of_429(const struct upstream_error_words *w,
                                     bool is_stream)
{
    if (refusal_words_of_size(w))
        return VERDICT_NEVER;
    if (refusal_words_of_load(w))
        return VERDICT_OVERLOADED;
    return is_stream || w->has_detail ? VERDICT_BUSY : VERDICT_RATE;
}

static void judge_4xx(struct verdict *v, const struct verdict_input *in)
{
    const struct upstream_error_words *w = &v->words;

    if (refusal_words_of_billing(w)) { /* in whatever status */
        v->kind = VERDICT_UNPAID;
        if (v->status == 429)
            v->cause = EJECTED_QUOTA;
        return;
    }
    switch (v->status) {
    case 400:
        v->kind = VERDICT_CLIENT;
        if (is_of_function(w, "DEGRADED function cannot be invoked"))
            turn_off(v, EJECTED_DEGRADED, 503);
        return;
    case 401:
    case 403:
        v->kind = VERDICT_KEY;
        return;
    case 402:
        v->kind = refusal_words_of_price(w) ? VERDICT_NEVER : VERDICT_UNPAID;
        return;
    case 404:
        v->kind = is_unknown_model(w) ? VERDICT_MODEL_UNKNOWN : VERDICT_CLIENT;
        return;
    case 410:
        turn_off(v, EJECTED_GONE, 410);
        return;
    case 429:
        v->kind = kind_of_429(w, in->is_stream);
        return;
    default:
        v->kind = VERDICT_CLIENT;
    }
}

static void judge_5xx(struct verdict *v, const struct verdict_input *in)
{
    switch (v->status) {
    case 501: /* not implemented: nor will it be in a second */
    case 505:
        v->kind = VERDICT_CLIENT;
        return;
    case 504:
    case 524: /* Cloudflare's: the work was done, and paid for */
        v->kind = VERDICT_TIMEOUT;
        return;
    case 529:
        v->kind = VERDICT_OVERLOADED;
        return;
    default:
        v->kind = is_exhausted(in, &v->words)        ? VERDICT_BUSY
                  : refusal_words_of_load(&v->words) ? VERDICT_OVERLOADED
                                                     : VERDICT_FAULT;
    }
}

static void judge_error(struct verdict *v, const struct verdict_input *in)
{
    v->retry_ms = retry_ms(in);
    if (v->status >= 500)
        judge_5xx(v, in);
    else
        judge_4xx(v, in);
    if (v->cause == EJECTED_NOT)
        v->cause = verdict_rows[v->kind].cause;
}

/* The status that an error in a stream would have had as an answer. */
static int stream_status(const struct upstream_error_words *w)
{
    static const struct {
        const char *word;
        int status;
    } known[] = {
        {"ResourceExhausted", 503}, {"rate_limit", 429},
        {"RateLimit", 429},         {"Too Many Requests", 429},
        {"BadRequest", 400},        {"invalid_request", 400},
    };
    size_t i;

    if (w->status != 0)
        return w->status;
    if (refusal_words_of_billing(w))
        return 429;
    if (refusal_words_of_load(w))
        return 503;
    for (i = 0; i < ARRAY_LEN(known); i++)
        if (strstr(w->type, known[i].word) != NULL ||
            strstr(w->code, known[i].word) != NULL)
            return known[i].status;
    return strncmp(w->message, "ResourceExhausted", 17) == 0 ? 503 : 500;
}

static void judge_stream(struct verdict *v, const struct verdict_input *in)
{
    if (!upstream_error_in_stream(&v->words, in->body, 0, in->len))
        return;
    v->status = stream_status(&v->words);
    judge_error(v, in);
}

/* Gateways put the error of whom they asked into a 200 of their own. */
static void judge_json(struct verdict *v, const struct verdict_input *in)
{
    upstream_error_read(&v->words, in->status, in->content_type, in->body,
                        in->len, in->is_cut);
    if (!v->words.is_bare || v->words.status == 0)
        return;
    v->status = v->words.status;
    judge_error(v, in);
}

/* RFC 9110, 15.4: the others say nothing of another place. */
static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

void verdict_of(struct verdict *v, const struct verdict_input *in)
{
    bool is_odd = in->status < 200 || in->status > 599;

    memset(v, 0, sizeof(*v));
    v->kind = VERDICT_ANSWER;
    v->status = in->status;
    v->retry_ms = v->off_ms = -1;
    v->tokens_left = tokens_left(in->remaining_tokens);
    if (in->status == 202 && in->nvcf_reqid != NULL && *in->nvcf_reqid != '\0')
        v->kind = VERDICT_PENDING;
    else if (is_redirect(in->status) && in->location != NULL)
        v->kind = VERDICT_REDIRECT;
    else if (in->status == 200 && in->is_stream)
        judge_stream(v, in);
    else if (in->status == 200 && in->is_json && in->coding == NULL)
        judge_json(v, in);
    if (in->status < 400 && !is_odd && !is_redirect(in->status))
        return;
    /* A redirect's body is read as well: it is shown if nobody follows. */
    if (in->coding != NULL)
        upstream_error_coded(&v->words, in->status, in->coding);
    else
        upstream_error_read(&v->words, in->status, in->content_type, in->body,
                            in->len, in->is_cut);
    if (is_odd || in->status < 400)
        v->status = 502;
    if (v->kind != VERDICT_REDIRECT)
        judge_error(v, in);
}

/* It says something of the next minutes, and not of its request alone. */
static bool can_be_waited_out(const struct verdict *v)
{
    return v->kind == VERDICT_RATE || v->kind == VERDICT_BUSY ||
           v->kind == VERDICT_OVERLOADED || v->kind == VERDICT_FAULT;
}

void verdict_bound(struct verdict *v, int64_t wait_ms, int64_t hold_ms)
{
    bool rate = v->status == 429;

    if (!can_be_waited_out(v) || v->retry_ms <= PAUSE_MS_MAX)
        return;
    if (v->retry_ms > (rate ? max_i64(wait_ms, hold_ms) : wait_ms))
        turn_off(v, rate ? EJECTED_RATE : EJECTED_UNAVAILABLE,
                 rate ? 429 : 503);
    else if (v->kind == VERDICT_FAULT)
        v->kind = VERDICT_OVERLOADED; /* in line, and not within retry.max */
}

bool verdict_can_pass(const struct verdict *v)
{
    return v->words.shape == WORDS_OPENAI || v->words.shape == WORDS_CODED;
}
