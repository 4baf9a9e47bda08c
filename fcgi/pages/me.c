/*
 * me.c - what has the owner of this key used, and what is left?
 *
 * auth.c has seen the key, which may be of the settings or made, and the
 * request bears its name; whoever owns it learns of his own row alone.
 */
#include "fcgi/pages/me.h"

#include <inttypes.h>

#include "fcgi/config/clients.h"
#include "fcgi/exchange.h"
#include "lib/clock.h"
#include "state/operator.h"
#include "state/standing.h"

/* Whole tenths, rounded up: who comes back then is not too early. */
static void put_seconds(struct buf *b, int64_t ns)
{
    int64_t tenths = (ns + NS_PER_S / 10 - 1) / (NS_PER_S / 10);

    buf_int(b, tenths / 10);
    if (tenths % 10 != 0)
        buf_fmt(b, ".%d", (int)(tenths % 10));
}

static void put_limit(struct buf *b, uint64_t limit,
                      const struct limiter_used *st)
{
    buf_fmt(b, "{\"limit\":%" PRIu64 ",\"used\":%" PRIu64, limit, st->used);
    if (limit == 0) {
        buf_str(b, ",\"left\":null,\"opens_s\":null}");
        return;
    }
    buf_fmt(b, ",\"left\":%" PRIu64 ",\"opens_s\":", st->left);
    put_seconds(b, st->opens_ns);
    buf_str(b, "}");
}

static void put_me(struct buf *b, const struct client_key *key,
                   const struct limiter_standing *st, bool paused)
{
    buf_str(b, "{\"name\":");
    buf_json(b, key->name);
    buf_fmt(b, ",\"priority\":\"%s\",\"weight\":%lld,\"expires_at\":",
            limiter_class_names[key->priority], (long long)key->weight);
    if (key->expires_at != 0)
        buf_int(b, key->expires_at);
    else
        buf_str(b, "null");
    buf_str(b, ",\"requests_per_min\":");
    put_limit(b, (uint64_t)key->requests_per_min, &st->requests);
    buf_str(b, ",\"tokens_per_min\":");
    put_limit(b, (uint64_t)key->tokens_per_min, &st->tokens);
    buf_str(b, ",\"tokens_per_day\":");
    put_limit(b, (uint64_t)key->tokens_per_day, &st->day);
    buf_fmt(b, ",\"waiting\":%u,\"in_flight\":%u,\"paused\":%s}\n", st->waiting,
            st->in_flight, paused ? "true" : "false");
}

enum step me_answer(struct exchange *x)
{
    const struct client_key *key = clients_named(x->s->cfg, x->req->client);
    struct limiter_own_limits own = {0};
    struct limiter_standing st = {.waiting = 0};
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    if (key == NULL) /* it was revoked since it was let in */
        return exchange_fail(x, ERROR_UNAUTHORIZED,
                             "Sluice no longer knows this client key.");
    own.requests_per_min = (uint32_t)key->requests_per_min;
    own.tokens_per_min = (uint32_t)key->tokens_per_min;
    own.tokens_per_day = (uint64_t)key->tokens_per_day;
    if (!limiter_standing(x->s->lim, key->name, &own, clock_now_ns(), &st))
        return exchange_later(x);
    put_me(&b, key, &st, limiter_is_paused(x->s->lim));
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
