/*
 * error_event.c - how does a client in the middle of a stream learn of an error?
 *
 *   chat        {"error":{"object":"error",...}}: OpenAI's SDKs throw at
 *               `error`, ChatNVIDIA at `object`
 *   Responses   response.failed, and error (responses_error.c)
 *   Messages    event: error, {"type":"error","error":{...}}: its SDKs look for
 *               a code in `details`
 *
 * Behind it the answer stays without its end (relay_end.c), for those who look at
 * none of it.  The status cannot be told any more: where there is no code, it
 * is one.
 */
#include "fcgi/error_event.h"

#include <stdio.h>

#include "fcgi/messages/messages.h"
#include "fcgi/responses/responses.h"

static const char *code_of(const struct error_event *e, char digits[16])
{
    if (e->code[0] != '\0')
        return e->code;
    (void)snprintf(digits, 16, "%d", e->status);
    return digits;
}

static void put_member(struct buf *b, const char *name, const char *text)
{
    buf_str(b, ",\"");
    buf_str(b, name);
    buf_str(b, "\":");
    buf_json(b, text);
}

/* As OpenAI's SDKs want it, behind what stands in it first. */
static void put_object(struct buf *b, const struct error_event *e,
                       const char *first)
{
    char digits[16];

    buf_str(b, "{");
    buf_str(b, first);
    buf_str(b, "\"message\":");
    buf_json(b, e->message);
    put_member(b, "type", e->type);
    buf_str(b, ",\"param\":null");
    put_member(b, "code", code_of(e, digits));
    buf_str(b, "}");
}

/* ---- Responses --------------------------------------------------------------- */

static void put_response(struct buf *b, const struct error_event *e)
{
    const struct responses_error told = {
        .id = e->id,
        .model = e->model,
        .now_s = e->now_s,
        .number = e->number,
        .status = e->status,
        .message = e->message,
        .type = e->type,
        .code = e->code,
    };

    responses_error_events(&told, b);
}

/* ---- Messages ---------------------------------------------------------------- */

void error_event_message(struct buf *b, const struct error_event *e)
{
    char digits[16], told[MESSAGES_TOLD];

    buf_str(b, "{\"type\":\"error\",\"error\":{\"type\":");
    buf_json(b, messages_error_type(e->status));
    put_member(b, "message", messages_error_words(e->status, e->message, told));
    put_member(b, "code", code_of(e, digits));
    if (e->code[0] != '\0') {
        buf_str(b, ",\"details\":{\"error_code\":");
        buf_json(b, e->code);
        buf_str(b, "}");
    }
    buf_str(b, "},\"request_id\":");
    buf_json(b, e->id);
    buf_str(b, "}");
}

/* ---- any --------------------------------------------------------------------- */

void error_event_put(struct buf *b, const struct error_event *e)
{
    switch (e->ends) {
    case ENDS_RESPONSE:
        put_response(b, e);
        return;
    case ENDS_MESSAGE: /* its SDKs look at the name alone */
        buf_str(b, "event: error\ndata: ");
        error_event_message(b, e);
        buf_str(b, "\n\n");
        return;
    case ENDS_DONE:
    case ENDS_ANYHOW:
        buf_str(b, "data: {\"error\":");
        put_object(b, e, "\"object\":\"error\",");
        break;
    }
    buf_str(b, "}\n\n");
}
