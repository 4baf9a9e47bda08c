/*
 * responses_error.c - how does a stream of the Responses API tell an error?
 *
 * By response.failed, and by error: each is all that some clients look at; the
 * code of the first tells Codex whether to try again.
 */
#include <stdio.h>
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/responses/responses.h"

static void put_text(struct buf *out, const char *text)
{
    json_write_text(out, text, strlen(text));
}

/* Of the codes that API knows. */
static const char *failed_code(int status)
{
    if (status == 429)
        return "rate_limit_exceeded";
    return status < 500 && status != 408 && status != 409 ? "invalid_prompt"
                                                          : "server_error";
}

/* A response with all the members that clients insist on. */
static void put_failed(const struct responses_error *e, struct buf *out)
{
    buf_fmt(out,
            "event: response.failed\ndata: {\"type\":\"response.failed\","
            "\"sequence_number\":%u,\"response\":{\"id\":\"resp_%s\","
            "\"object\":\"response\",\"created_at\":%lld,\"status\":\"failed\","
            "\"error\":{\"code\":\"%s\",\"message\":",
            e->number, e->id, (long long)e->now_s, failed_code(e->status));
    put_text(out, e->message);
    buf_str(out, "},\"incomplete_details\":null,\"instructions\":null,"
                 "\"max_output_tokens\":null,\"metadata\":{},\"model\":");
    put_text(out, e->model);
    buf_str(out, ",\"output\":[],\"parallel_tool_calls\":true,"
                 "\"previous_response_id\":null,\"temperature\":null,"
                 "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":null,"
                 "\"usage\":null}}\n\n");
}

/* Where there is no code, it is the status, which cannot be told any more. */
static void put_error(const struct responses_error *e, struct buf *out)
{
    char digits[16];
    const char *code = e->code;

    (void)snprintf(digits, sizeof(digits), "%d", e->status);
    if (code[0] == '\0')
        code = digits;
    buf_fmt(out,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":%u,"
            "\"code\":",
            e->number + 1);
    put_text(out, code);
    buf_str(out, ",\"message\":");
    put_text(out, e->message);
    buf_str(out, ",\"param\":null,\"error\":{\"message\":");
    put_text(out, e->message);
    buf_str(out, ",\"type\":");
    put_text(out, e->type);
    buf_str(out, ",\"param\":null,\"code\":");
    put_text(out, code);
    buf_str(out, "}}\n\n");
}

void responses_error_events(const struct responses_error *e, struct buf *out)
{
    put_failed(e, out);
    put_error(e, out);
}
