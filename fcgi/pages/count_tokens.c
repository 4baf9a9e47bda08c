/*
 * count_tokens.c - how many tokens are in a Messages request?
 *
 * An estimate, for upstreams that have no such question: as_chat.c made it when
 * the body was read, so that it costs neither a slot nor time here.
 */
#include "fcgi/pages/count_tokens.h"

#include "fcgi/answer.h"
#include "fcgi/tongue.h"

enum step count_tokens_answer(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    if (x->req->got == NULL)
        return exchange_fail(x, ERROR_BAD_REQUEST, "The body is missing.");
    buf_str(&b, "{\"input_tokens\":");
    buf_int(&b, x->req->got->tokens_in);
    buf_str(&b, "}\n");
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
