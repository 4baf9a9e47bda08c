/*
 * sign_of_life.c - how does a client know that its request is not forgotten?
 *
 * A stream gets a head and comments after commit_after_s, anything else white
 * space if the settings say so (relay.c).
 */
#include "fcgi/sign_of_life.h"

#include <inttypes.h>

#include "fcgi/config/config.h"
#include "fcgi/relay.h"
#include "fcgi/route.h"

/* White space is a sign of life only where the answer will be JSON. */
bool sign_of_life_is_silent(const struct exchange *x)
{
    return !relay_wants_events(x) &&
           !(x->s->cfg->buffered_keepalive && x->req->route->needs_json);
}

/* A client that gives up soon must have heard of us before. */
static int64_t first_ns(const struct exchange *x)
{
    int64_t ms = x->s->cfg->commit_after_ms;

    if (x->req->client_timeout_ms >= 0)
        ms = min_i64(ms, x->req->client_timeout_ms / 2);
    return x->req->arrived_ns + ms * NS_PER_MS;
}

void sign_of_life_begin(struct exchange *x)
{
    x->due.at[DUE_COMMIT] = sign_of_life_is_silent(x) ? NEVER : first_ns(x);
}

bool sign_of_life_is_overdue(const struct exchange *x)
{
    return exchange_now(x) >= first_ns(x);
}

static void say_place(struct exchange *x)
{
    struct ticket_news *news = &x->place.news;
    char text[96];

    (void)limiter_place(x->s->lim, x->place.ticket, exchange_now(x), news);
    if (news->eta_ns >= 0)
        snprintf(text, sizeof(text), "queued position=%u eta=%" PRId64 "s",
                 news->position, (news->eta_ns + NS_PER_S - 1) / NS_PER_S);
    else
        snprintf(text, sizeof(text), "queued position=%u", news->position);
    relay_beat(x, text);
}

void sign_of_life_give(struct exchange *x)
{
    int64_t now = exchange_now(x);
    int64_t *at = x->due.at;

    if (now >= at[DUE_COMMIT] && x->relay.mode == RELAY_NOTHING) {
        relay_commit(x);
        at[DUE_BEAT] = now;
    }
    if (x->relay.head_sent || x->relay.mode != RELAY_NOTHING)
        at[DUE_COMMIT] = NEVER;
    if (now < at[DUE_BEAT])
        return;
    at[DUE_BEAT] = now + x->s->cfg->heartbeat_ms * NS_PER_MS;
    if (x->step == STEP_QUEUE && x->place.ticket != NULL)
        say_place(x);
    else
        relay_beat(x, "waiting for the upstream");
}
