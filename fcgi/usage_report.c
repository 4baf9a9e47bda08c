/*
 * usage_report.c - is an upstream asked what a stream took, and who is told?
 *
 *   attempt.c    usage_report_ask()         the body is changed (usage_ask.c)
 *   relay.c                                 the report is hidden (usage_hide.c)
 *   follow_up.c  usage_report_is_refused()  it goes again without
 *   place.c      usage_report_settle()      the limiter hears of it
 *
 * A limit in tokens is kept by what requests take, and chat and completions
 * tell that of a stream only if they are asked to; the Responses and the Messages
 * API always do.  `usage` says who is asked: `auto` where a limit in tokens
 * applies, the upstream's or the client's.  Who refuses is remembered
 * (refused_fields.c).
 */
#include "fcgi/usage_report.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/refused_fields.h"
#include "fcgi/relay.h"
#include "fcgi/route.h"

void usage_report_take_back(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (x->req->body.data != NULL)
        usage_ask_take(&a->ask, &x->req->body);
    a->ask = (struct usage_ask){.is = NULL};
}

void usage_report_forgo(struct exchange *x)
{
    usage_report_take_back(x);
    x->attempt.refused_fields |= FIELD_USAGE;
}

bool usage_report_is_refused(const struct exchange *x, const struct verdict *v)
{
    static const char *const words[] = {"stream_options", "include_usage",
                                        "extra fields", "Extra inputs"};

    return x->attempt.ask.is != NULL && x->req->body.data != NULL &&
           refused_fields_say(x, v, words, ARRAY_LEN(words));
}

/* ---- who is asked ---------------------------------------------------------------- */

static bool has_limit(const struct exchange *x)
{
    return x->s->cfg->upstreams[x->attempt.upstream].tokens > 0 ||
           x->req->tokens_per_min > 0 || x->req->tokens_per_day > 0;
}

/* A client of another API is always told. */
static bool is_needed(const struct exchange *x)
{
    if (x->req->route->tongue != NULL)
        return true;
    switch (x->s->cfg->usage) {
    case USAGE_ALWAYS:
        return true;
    case USAGE_NEVER:
        return false;
    case USAGE_AUTO:
        break;
    }
    return has_limit(x);
}

static bool is_wanted(const struct exchange *x)
{
    return x->req->stream && x->req->route->ends == ENDS_DONE &&
           (refused_fields_of(x) & FIELD_USAGE) == 0 && is_needed(x);
}

void usage_report_ask(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct buf *body = &x->req->body;
    bool is_wish = is_wanted(x);

    if (a->ask.is != NULL && !is_wish)
        usage_report_take_back(x);
    else if (a->ask.is == NULL && is_wish && body->len > 0 &&
             usage_ask_find(&a->ask, buf_head(body), body->len))
        usage_ask_put(&a->ask, body);
}

/* ---- what it took ---------------------------------------------------------------- */

/* Messages says at a stream's beginning what it took in, and a first word on the
 * rest; others may count as they go.  What is said of an answer that has not come
 * to its end is not what it took out. */
static bool is_whole(const struct exchange *x)
{
    return x->relay.mode != RELAY_STREAM || relay_has_ended(x) ||
           x->req->route->ends == ENDS_ANYHOW;
}

void usage_report_settle(struct exchange *x)
{
    struct limiter_usage u = {x->relay.usage.prompt, x->relay.usage.completion};

    if (!is_whole(x))
        u.out = -1;
    else if (u.in >= 0 && u.out < 0 && x->req->route->ends == ENDS_ANYHOW)
        u.out = 0; /* vectors and the like: nothing was written */
    if (u.in >= 0 || u.out >= 0)
        limiter_settle(x->s->lim, x->place.ticket, &u);
}
