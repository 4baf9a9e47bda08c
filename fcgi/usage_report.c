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
 * applies, the upstream's or the client's.
 *
 * A worker remembers who refuses, for an hour: it finds that out by one request
 * that went twice.  It is remembered once the second one went well, so that no
 * quoted prompt can teach it.
 */
#include "fcgi/usage_report.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/relay.h"
#include "fcgi/route.h"
#include "fcgi/upstream/verdict.h"

#define UNTOLD_NS (3600 * NS_PER_S)

/* ---- who refuses ---------------------------------------------------------------- */

static bool is_row_of(const struct untold *row, const struct exchange *x)
{
    return row->until_ns > exchange_now(x) &&
           row->upstream == x->attempt.upstream &&
           strcmp(row->model, exchange_served_by(x)) == 0;
}

static bool is_known_to_refuse(const struct exchange *x)
{
    size_t i;

    for (i = 0; i < UNTOLD_MAX; i++)
        if (is_row_of(&x->s->untold[i], x))
            return true;
    return false;
}

/* In the place of the row that ends first, or has ended. */
void usage_report_note(struct exchange *x)
{
    struct untold *row = x->s->untold;
    size_t i;

    if (!x->attempt.is_ask_refused || is_known_to_refuse(x))
        return;
    for (i = 1; i < UNTOLD_MAX; i++)
        if (x->s->untold[i].until_ns < row->until_ns)
            row = &x->s->untold[i];
    snprintf(row->model, sizeof(row->model), "%s", exchange_served_by(x));
    row->upstream = x->attempt.upstream;
    row->until_ns = exchange_now(x) + UNTOLD_NS;
}

void usage_report_take_back(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (x->req->body.data != NULL)
        usage_ask_take(&a->ask, &x->req->body);
    a->ask = (struct usage_ask){.is = NULL};
    a->is_ask_refused = false;
}

/* Do these words speak of what we have added? */
static bool speaks_of_it(const char *text, size_t len)
{
    static const char *const words[] = {"stream_options", "include_usage",
                                        "extra fields", "Extra inputs"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        if (memmem(text, len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

void usage_report_forgo(struct exchange *x)
{
    usage_report_take_back(x);
    x->attempt.is_ask_refused = true;
}

bool usage_report_is_refused(const struct exchange *x, const struct verdict *v)
{
    const struct attempt *a = &x->attempt;
    const struct buf *body = &a->probe.body;

    if (a->ask.is == NULL || a->errand != ERRAND_REQUEST ||
        (v->status != 400 && v->status != 422) || x->req->body.data == NULL)
        return false;
    return speaks_of_it(v->words.message, strlen(v->words.message)) ||
           (body->len > 0 && speaks_of_it(buf_head(body), body->len));
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
           !x->attempt.is_ask_refused && is_needed(x) && !is_known_to_refuse(x);
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
