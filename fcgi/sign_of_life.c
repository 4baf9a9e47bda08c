/*
 * sign_of_life.c - how does a client know that its request is not forgotten?
 *
 * A stream gets a head and comments after commit_after_s, or events where
 * wait_events asks for them; anything else white space if the settings say so
 * (relay.c).  Nothing comes once the answer has begun.
 */
#include "fcgi/sign_of_life.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/config.h"
#include "fcgi/relay.h"
#include "fcgi/route.h"
#include "state/operator.h"

/* ---- for whom ---------------------------------------------------------------- */

/* Is X meant by one of LIST: its path, its client's name, its program? */
static bool is_listed(char *const *list, size_t n, const struct exchange *x)
{
    const char *agent = asked_header(&x->req->headers, "user-agent");
    size_t i;

    for (i = 0; i < n; i++) {
        if (list[i][0] == '/'
                ? fnmatch(list[i], x->req->path, 0) == 0
                : fnmatch(list[i], x->req->client, FNM_CASEFOLD) == 0 ||
                      (agent != NULL &&
                       fnmatch(list[i], agent, FNM_CASEFOLD) == 0))
            return true;
    }
    return false;
}

static bool gets_events(const struct exchange *x)
{
    return is_listed(x->s->cfg->wait_events, x->s->cfg->n_wait_events, x);
}

/* White space is a sign of life only where the answer will be JSON. */
bool sign_of_life_is_silent(const struct exchange *x)
{
    const struct config *cfg = x->s->cfg;

    if (relay_wants_events(x))
        return is_listed(cfg->comments_off, cfg->n_comments_off, x) &&
               !gets_events(x);
    return !(cfg->buffered_keepalive && x->req->route->needs_json);
}

/*
 * Codex gives up a stream of the Responses API that brings no event for 300 s,
 * however many comments come (its stream_idle_timeout_ms).
 */
int64_t sign_of_life_patience_ms(const struct exchange *x)
{
    const char *agent = asked_header(&x->req->headers, "user-agent");

    if (agent == NULL || strncasecmp(agent, "codex", 5) != 0 ||
        route_tells(x->req->route) != ENDS_RESPONSE || !relay_wants_events(x) ||
        gets_events(x) || x->s->cfg->event_patience_ms == 0)
        return -1;
    return x->s->cfg->event_patience_ms;
}

/* ---- when -------------------------------------------------------------------- */

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

/* What an upstream thinks its client may not see: a stream that we write is told
 * that it goes on (relay_beat()). */
void sign_of_life_go_on(struct exchange *x)
{
    int64_t *at = &x->due.at[DUE_BEAT];

    if (x->req->route->tongue != NULL && x->relay.mode == RELAY_STREAM &&
        !sign_of_life_is_silent(x) && *at == NEVER)
        *at = exchange_now(x) + x->s->cfg->heartbeat_ms * NS_PER_MS;
}

/* The longer it waits the rarer they are: go-openai bears 300 lines that are no
 * data (its EmptyMessagesLimit), and a wait may last a day. */
static int64_t next_ns(const struct exchange *x)
{
    int64_t now = exchange_now(x);

    return now + max_i64(x->s->cfg->heartbeat_ms * NS_PER_MS,
                         (now - x->req->arrived_ns) / 32);
}

/* ---- what -------------------------------------------------------------------- */

static void give(struct exchange *x, const char *text)
{
    if (gets_events(x) && relay_wants_events(x))
        relay_wait_event(x);
    else
        relay_beat(x, text);
}

/* In line we count from 0, people from 1. */
static void say_place(struct exchange *x)
{
    struct ticket_news *news = &x->place.news;
    char text[96];

    (void)limiter_place(x->s->lim, x->place.ticket, exchange_now(x), news);
    if (limiter_is_paused(x->s->lim))
        snprintf(text, sizeof(text), "queued position=%u paused",
                 news->position);
    else if (news->eta_ns >= 0)
        snprintf(text, sizeof(text), "queued position=%u eta=%" PRId64 "s",
                 news->position + 1, (news->eta_ns + NS_PER_S - 1) / NS_PER_S);
    else
        snprintf(text, sizeof(text), "queued position=%u", news->position + 1);
    give(x, text);
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
    at[DUE_BEAT] = next_ns(x);
    if (x->step == STEP_QUEUE && x->place.ticket != NULL)
        say_place(x);
    else
        give(x, "waiting for the upstream");
}
