/*
 * messages_stream.c - which events has a stream of the Messages API?
 *
 *   message_start          before anything; its tokens are estimated
 *   content_block_*        as the words come (answer_blocks.c)
 *   message_delta          at the end
 *   message_stop
 */
#include "fcgi/messages/messages_stream.h"

#include <string.h>

#include "fcgi/messages/message_form.h"

static void tell_head(void *to, struct buf *out)
{
    static const struct answer_end nothing = {.has_usage = false};
    const struct answer_blocks *b = to;

    buf_str(out, "event: message_start\ndata: {\"type\":\"message_start\","
                 "\"message\":");
    message_form_head(b->told, out);
    buf_str(out, ",\"content\":[],\"stop_reason\":null,"
                 "\"stop_sequence\":null,");
    answer_end_write_usage(&nothing, b->told, out);
    buf_str(out, "}}\n\n");
}

static void tell_end(void *to, struct buf *out, const struct answer_end *end)
{
    const struct answer_blocks *b = to;

    answer_blocks_close(to, out, false);
    buf_str(out, "event: message_delta\ndata: {\"type\":\"message_delta\","
                 "\"delta\":{");
    answer_end_write_reason(end, b->told, out);
    buf_str(out, "},");
    answer_end_write_usage(end, b->told, out);
    buf_str(out, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}"
                 "\n\n");
}

static void tell_failure(void *to, struct buf *out, int status,
                         const char *words)
{
    (void)to;
    buf_str(out, "event: error\ndata: ");
    messages_error(status, words, out);
    buf_str(out, "\n\n");
}

void messages_stream_init(struct messages_stream *s,
                          const struct messages_told *told)
{
    static const struct chat_teller events = {
        .head = tell_head,
        .words = answer_blocks_words,
        .thought = answer_blocks_thought,
        .refusal = answer_blocks_words,
        .call = answer_blocks_call,
        .input = answer_blocks_input,
        .close = answer_blocks_close,
        .end = tell_end,
        .fail = tell_failure,
    };

    memset(s, 0, sizeof(*s));
    s->told = *told;
    s->blocks.told = &s->told;
    s->blocks.is_stream = true;
    chat_stream_init(&s->chat, &events, &s->blocks);
}

void messages_stream_ping(struct buf *out)
{
    buf_str(out, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}
