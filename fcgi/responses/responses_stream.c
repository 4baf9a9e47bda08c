/*
 * responses_stream.c - which events has a stream of the Responses API?
 *
 *   response.created, response.in_progress       before anything
 *   response.output_item.added, ... .done        as the words come
 *                                                (response_items.c)
 *   response.completed, or .incomplete           at the end, with all of it
 *   response.failed, error                       in their place
 */
#include "fcgi/responses/responses_stream.h"

#include <string.h>

#include "fcgi/responses/response_form.h"

/* END NULL: it goes on. */
static void tell_response(struct response_items *r, struct buf *out,
                          const char *name, const struct answer_end *end)
{
    response_items_begin_event(r, name, out);
    buf_str(out, "\"response\":");
    response_form_write(r->told, &r->output, end, out);
    response_items_end_event(out);
}

static void tell_head(void *to, struct buf *out)
{
    tell_response(to, out, "response.created", NULL);
    tell_response(to, out, "response.in_progress", NULL);
}

static void tell_end(void *to, struct buf *out, const struct answer_end *end)
{
    bool is_cut = end->is_cut || end->is_filtered;

    response_items_close(to, out, is_cut);
    tell_response(to, out,
                  is_cut ? "response.incomplete" : "response.completed", end);
}

static void tell_failure(void *to, struct buf *out, int status,
                         const char *words)
{
    const struct response_items *r = to;
    const struct responses_error e = {
        .id = r->told->id,
        .model = r->told->got->model,
        .now_s = r->told->now_s,
        .number = r->number,
        .status = status,
        .message = words,
        .type = status < 500 ? "invalid_request_error" : "server_error",
        .code = "",
    };

    responses_error_events(&e, out);
}

void responses_stream_init(struct responses_stream *s,
                           const struct responses_told *told)
{
    static const struct chat_teller events = {
        .head = tell_head,
        .words = response_items_words,
        .thought = response_items_thought,
        .refusal = response_items_refusal,
        .call = response_items_call,
        .input = response_items_input,
        .close = response_items_close,
        .is_full = response_items_is_full,
        .end = tell_end,
        .fail = tell_failure,
    };

    memset(s, 0, sizeof(*s));
    s->told = *told;
    s->items.told = &s->told;
    s->items.is_stream = true;
    chat_stream_init(&s->chat, &events, &s->items);
}

void responses_stream_fini(struct responses_stream *s)
{
    chat_stream_fini(&s->chat);
    response_items_fini(&s->items);
}
