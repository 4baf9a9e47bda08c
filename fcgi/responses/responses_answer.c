/*
 * responses_answer.c - how does a whole chat completion look as a response?
 */
#include "fcgi/messages/chat_answer.h"
#include "fcgi/responses/response_form.h"
#include "fcgi/responses/response_items.h"
#include "fcgi/responses/responses.h"

/* All of it is told at the end. */
static void tell_head(void *to, struct buf *out)
{
    (void)to;
    (void)out;
}

static void tell_end(void *to, struct buf *out, const struct answer_end *end)
{
    struct response_items *r = to;

    response_items_close(r, out, end->is_cut || end->is_filtered);
    response_form_write(r->told, &r->output, end, out);
}

int responses_answer(const char *body, size_t len,
                     const struct responses_told *told, struct buf *out)
{
    static const struct chat_teller whole = {
        .head = tell_head,
        .words = response_items_words,
        .thought = response_items_thought,
        .refusal = response_items_refusal,
        .call = response_items_call,
        .input = response_items_input,
        .close = response_items_close,
        .end = tell_end,
    };
    struct response_items items = {.told = told};
    bool is_one = chat_answer_tell(body, len, &whole, &items, out);

    response_items_fini(&items);
    return is_one ? 0 : -1;
}
