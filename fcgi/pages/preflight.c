/*
 * preflight.c - may a page of another origin send this?
 *
 * auth.c has let the question in; what is said is cors.c's.
 */
#include "fcgi/pages/preflight.h"

#include "fcgi/client.h"
#include "fcgi/cors.h"
#include "fcgi/exchange.h"
#include "fcgi/reply.h"
#include "lib/buf.h"

enum step preflight_answer(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, x->req, 204, NULL);
    cors_permit(&b, x->req);
    buf_str(&b, "\r\n");
    client_write(&x->client, buf_head(&b), b.len);
    buf_free(&b);
    client_end(&x->client);
    x->relay.head_sent = true;
    x->relay.status = 204;
    exchange_dirty(x);
    return STEP_FLUSH;
}
