/*
 * messages_answer.c - how does a whole chat completion look as a message?
 */
#include "fcgi/messages/answer_blocks.h"
#include "fcgi/messages/chat_answer.h"
#include "fcgi/messages/message_form.h"
#include "fcgi/messages/messages.h"

static void tell_head(void *to, struct buf *out)
{
    const struct answer_blocks *b = to;

    message_form_head(b->told, out);
    buf_str(out, ",\"content\":[");
}

static void tell_end(void *to, struct buf *out, const struct answer_end *end)
{
    const struct answer_blocks *b = to;

    answer_blocks_close(to, out, false);
    buf_str(out, "],");
    answer_end_write_reason(end, b->told, out);
    buf_str(out, ",");
    answer_end_write_usage(end, b->told, out);
    buf_str(out, "}");
}

int messages_answer(const char *body, size_t len,
                    const struct messages_told *told, struct buf *out)
{
    static const struct chat_teller whole = {
        .head = tell_head,
        .words = answer_blocks_words,
        .thought = answer_blocks_thought,
        .refusal = answer_blocks_words,
        .call = answer_blocks_call,
        .input = answer_blocks_input,
        .close = answer_blocks_close,
        .end = tell_end,
    };
    struct answer_blocks blocks = {.told = told};

    return chat_answer_tell(body, len, &whole, &blocks, out) ? 0 : -1;
}
