/*
 * reply.c - how do answers of our own look?
 *
 * Errors have OpenAI's shape, so that the SDKs show our words.  A Retry-After
 * above 60 s makes openai-node fall back to its own half a second, and one
 * above 120 s makes openai-python give up: so 60 s is the most we say.
 */
#include "reply.h"

#include <string.h>

#include "../state/limiter.h"
#include "cors.h"
#include "request.h"

#define RETRY_MS_MAX 60000

/* RFC 9110, 15; RFC 6585. */
const char *reply_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
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
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
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

void reply_retry_headers(struct buf *b, int64_t ms, int retry)
{
    if (ms >= 0) {
        ms = max_i64(1, min_i64(ms, RETRY_MS_MAX));
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

void reply_error_json(struct buf *b, const struct reply_error *e)
{
    buf_str(b, "{\"error\":{\"message\":");
    buf_json(b, e->message);
    buf_str(b, ",\"type\":");
    buf_json(b, reply_error_type(e->status));
    buf_str(b, ",\"param\":null,\"code\":");
    buf_json(b, e->code);
    buf_str(b, "}}");
}
