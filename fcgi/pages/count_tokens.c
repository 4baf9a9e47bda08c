/*
 * count_tokens.c - how many tokens are in a Messages request?
 *
 * An estimate, for upstreams that have no such question: as_chat.c made it when
 * the body was read, so that it costs neither a slot nor time here.  What answers
 * of its model have taught all workers is put on top.
 */
#include "fcgi/pages/count_tokens.h"

#include <string.h>

#include "fcgi/answer.h"
#include "fcgi/config/aliases.h"
#include "fcgi/tongue.h"
#include "state/token_ratio.h"

/* The model that X asks of, as the state knows it. */
static void find_model(const struct exchange *x, char out[MODEL_MAX])
{
    const char *asked = x->req->got->model;
    char real[MODEL_BYTES];
    const char *name = aliases_of(x->s->cfg, asked, real) ? real : asked;

    request_short_name(out, name, strlen(name));
}

enum step count_tokens_answer(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    char model[MODEL_MAX];
    uint32_t ratio_m;
    enum step next;

    if (x->req->got == NULL || x->req->got->model == NULL)
        return exchange_fail(x, ERROR_BAD_REQUEST, "The body is missing.");
    find_model(x, model);
    if (!limiter_token_ratio(x->s->lim, model, &ratio_m))
        return exchange_later(x);
    buf_str(&b, "{\"input_tokens\":");
    buf_int(&b, messages_tokens(&x->req->got->tokens, ratio_m));
    buf_str(&b, "}\n");
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
