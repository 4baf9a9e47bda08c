/*
 * health.c - is the service there, and since when?
 *
 * The uptime is the service's, from the shared state, so that every worker
 * tells the same.
 */
#include "fcgi/pages/health.h"

#include "fcgi/exchange.h"
#include "lib/clock.h"

enum step health_answer(struct exchange *x)
{
    int64_t up_ns = limiter_uptime_ns(x->s->lim, clock_now_ns());
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    buf_fmt(&b, "{\"status\":\"ok\",\"uptime\":%.3f,\"version\":\"%s\"}\n",
            (double)up_ns / 1e9, SLUICE_VERSION);
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
