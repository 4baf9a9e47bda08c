/*
 * reply.c - how do answers of our own look?
 *
 * Errors have OpenAI's shape, so that the SDKs show our words.  A Retry-After
 * above 60 s makes openai-node fall back to its own half a second, and one
 * above 120 s makes openai-python give up: so 60 s is the most we say.  Both
 * look at x-should-retry first: where that is false, the truth harms nobody.
 */
#include "fcgi/reply.h"

#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/cors.h"
#include "fcgi/request.h"
#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/upstream_error.h"
#include "lib/base.h"

#define RETRY_MS_MAX 60000

/* RFC 9110, 15; RFC 6585. */
const char *reply_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {302, "Found"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {426, "Upgrade Required"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {524, "A Timeout Occurred"}, /* Cloudflare's, as the next */
        {529, "Site is Overloaded"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

void reply_header(struct buf *b, const char *name, const char *value)
{
    buf_str(b, name);
    buf_add(b, ": ", 2);
    buf_str(b, value);
    buf_add(b, "\r\n", 2);
}

void reply_header_int(struct buf *b, const char *name, int64_t value)
{
    buf_str(b, name);
    buf_add(b, ": ", 2);
    buf_int(b, value);
    buf_add(b, "\r\n", 2);
}

void reply_head(struct buf *b, const struct request *r, int status,
                const char *content_type)
{
    buf_str(b, "Status: ");
    buf_int(b, status);
    buf_add(b, " ", 1);
    buf_str(b, reply_reason(status));
    buf_add(b, "\r\n", 2);
    if (content_type != NULL)
        reply_header(b, "Content-Type", content_type);
    reply_header(b, "X-Request-Id", r->id);
    cors_headers(b, r);
}

/* ---- what comes from the upstream -------------------------------------------- */

/* A date counts from the upstream's clock, and the client sees that of our web
 * server. */
static bool is_of_clock(const struct upstream_header *h)
{
    return strcmp(h->name, "date") == 0 ||
           (strcmp(h->name, "retry-after") == 0 &&
            (*h->value < '0' || *h->value > '9'));
}

bool reply_hides_delay(const struct upstream_head *h)
{
    size_t i;

    for (i = 0; i < h->n; i++)
        if (strcmp(h->headers[i].name, "retry-after") == 0)
            return is_of_clock(&h->headers[i]);
    return false;
}

/* Content-Type and Content-Length are of the body, and whoever sends the body
 * writes them; one of ours is not coded as theirs was, either. */
static bool is_of_body(const char *name, bool is_theirs)
{
    return strcmp(name, "content-length") == 0 ||
           strcmp(name, "content-type") == 0 ||
           (!is_theirs &&
            (strncmp(name, "content-", 8) == 0 ||
             strcmp(name, "location") == 0 || strcmp(name, "etag") == 0));
}

/* With 200 a web server takes a Location for an order (RFC 3875, 6.2.2). */
static bool is_order(const char *name, int status)
{
    return status == 200 && strcmp(name, "location") == 0;
}

/* Of these only one can be meant, whatever comes later; others may be lists,
 * which several lines make up (RFC 9110, 5.3). */
static bool is_single(const char *name)
{
    return strncmp(name, "x-", 2) == 0 || strncmp(name, "retry-", 6) == 0 ||
           strncmp(name, "openai-", 7) == 0 || strncmp(name, "nvcf-", 5) == 0 ||
           strncmp(name, "anthropic-", 10) == 0 ||
           strcmp(name, "content-disposition") == 0 ||
           strcmp(name, "content-range") == 0 ||
           strcmp(name, "deprecation") == 0 || strcmp(name, "etag") == 0 ||
           strcmp(name, "last-modified") == 0 || strcmp(name, "location") == 0;
}

static bool was_before(const struct upstream_head *h, size_t i)
{
    size_t k;

    for (k = 0; k < i; k++)
        if (strcmp(h->headers[k].name, h->headers[i].name) == 0)
            return true;
    return false;
}

void reply_their_headers(struct buf *b, const struct upstream_head *h,
                         int retry, bool is_theirs)
{
    size_t i;

    for (i = 0; i < h->n; i++) {
        const char *name = h->headers[i].name;

        if (is_of_body(name, is_theirs) || is_order(name, h->status) ||
            is_of_clock(&h->headers[i]) ||
            (is_single(name) && was_before(h, i)) ||
            (retry >= 0 && strcmp(name, "x-should-retry") == 0))
            continue;
        if (strcmp(name, "x-request-id") == 0)
            name = "X-Upstream-Request-Id";
        reply_header(b, name, h->headers[i].value);
    }
}

bool reply_has_window(const struct upstream_head *h)
{
    return upstream_header(h, "x-ratelimit-limit-requests") != NULL ||
           upstream_header(h, "x-ratelimit-remaining-requests") != NULL ||
           upstream_header(h, "x-ratelimit-reset-requests") != NULL;
}

/* ---- errors of ours ------------------------------------------------------------ */

void reply_retry_headers(struct buf *b, int64_t ms, int retry)
{
    if (ms >= 0) {
        ms = min_i64(ms, retry == 0 ? DELAY_MS_MAX : RETRY_MS_MAX);
        ms = max_i64(1, ms);
        reply_header_int(b, "Retry-After", (ms + 999) / 1000);
        reply_header_int(b, "retry-after-ms", ms);
    }
    if (retry >= 0)
        reply_header(b, "x-should-retry", retry ? "true" : "false");
}

const char *reply_error_type(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 429:
        return "rate_limit_error";
    case 504:
        return "timeout_error";
    default:
        return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

struct reply_error reply_error_of(enum error_code code)
{
    const struct error_row *row = &error_rows[code];

    return (struct reply_error){row->status, code, row->retry_ms, row->retry,
                                ""};
}

/* As OpenAI's SDKs want it.  CODE "": null. */
static void put_error(struct buf *b, const char *message, const char *type,
                      const char *code)
{
    buf_str(b, "{\"error\":{\"message\":");
    buf_json(b, message);
    buf_str(b, ",\"type\":");
    buf_json(b, type);
    buf_str(b, ",\"param\":null,\"code\":");
    if (code[0] != '\0')
        buf_json(b, code);
    else
        buf_str(b, "null");
    buf_str(b, "}}");
}

void reply_error_json(struct buf *b, const struct reply_error *e)
{
    put_error(b, e->message, reply_error_type(e->status),
              error_rows[e->code].text);
}

const char *reply_their_type(const struct upstream_error_words *w, int status)
{
    return w->type[0] != '\0' ? w->type : reply_error_type(status);
}

void reply_their_error(struct buf *b, const struct upstream_error_words *w,
                       int status)
{
    put_error(b, w->message, reply_their_type(w, status), w->code);
}
