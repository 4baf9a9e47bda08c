/*
 * messages_error.c - what does Anthropic call this error?
 *
 *   {"type":"error","error":{"type":"rate_limit_error","message":"..."}}
 *
 * What has no row is one of two: the client's doing, or not.
 */
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages.h"
#include "lib/base.h"

static const struct {
    int status;
    const char *type;
} rows[] = {
    {400, "invalid_request_error"},
    {401, "authentication_error"},
    {402, "billing_error"},
    {403, "permission_error"},
    {404, "not_found_error"},
    {408, "timeout_error"},
    {413, "request_too_large"},
    {429, "rate_limit_error"},
    {500, "api_error"},
    {503, "overloaded_error"},
    {504, "timeout_error"},
    {529, "overloaded_error"},
};

const char *messages_error_type(int status)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].type;
    return status >= 400 && status < 500 ? "invalid_request_error"
                                         : "api_error";
}

void messages_error(int status, const char *words, struct buf *out)
{
    char told[MESSAGES_TOLD];

    words = messages_error_words(status, words, told);
    buf_str(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
    buf_str(out, messages_error_type(status));
    buf_str(out, "\",\"message\":");
    json_write_text(out, words, strlen(words));
    buf_str(out, "}}");
}
