/*
 * answer.c - how does Sluice answer by itself?
 *
 * As a whole answer with its length, or, behind a head that has gone out, as
 * whatever still fits (relay_end.c).
 */
#include "fcgi/answer.h"

#include <stdarg.h>
#include <string.h>

#include "fcgi/attempt.h"
#include "fcgi/conceal.h"
#include "fcgi/relay.h"

/* ---- errors ----------------------------------------------------------------- */

/* Behind a 200 the answer stays without its end: who does not read the event
 * that says why sees it broken off. */
enum step exchange_tell(struct exchange *x, const struct relay_error *e)
{
    if (relay_error(x, e))
        client_end(&x->client);
    exchange_dirty(x);
    return STEP_FLUSH;
}

/* Of ours, and worth another try: not lost is what the upstream refused, or
 * what it would refuse again. */
static bool is_loss(const struct reply_error *e)
{
    return e->retry != 0 && e->code != ERROR_UPSTREAM;
}

/* What must not go twice is not to be sent again by an SDK either. */
static void note_once(struct exchange *x, struct reply_error *e)
{
    static const char ours[] = " " ATTEMPT_ONCE;
    size_t room = sizeof(e->message) - sizeof(ours), n = strlen(e->message);

    if (e->status < 500 || !attempt_may_be_done(x))
        return;
    e->retry = 0;
    memcpy(e->message + (n < room ? n : room), ours, sizeof(ours));
}

enum step exchange_fail_with(struct exchange *x, struct reply_error *e)
{
    struct buf json = {NULL, 0, 0, 0};
    struct reply_error *told;
    enum step next;

    note_once(x, e);
    if (x->place.ticket != NULL && is_loss(e))
        limiter_lost(x->s->lim, x->place.ticket);
    told = &exchange_noted(x)->error;
    *told = *e;
    conceal_text(x, told->message); /* it may quote the upstream */
    reply_error_json(&json, told);
    next = exchange_tell(x, &(struct relay_error){e->status, &json, e->retry_ms,
                                                  e->retry, NULL, false,
                                                  told->message,
                                                  reply_error_type(e->status),
                                                  error_rows[e->code].text});
    buf_free(&json);
    return next;
}

enum step exchange_fail(struct exchange *x, enum error_code code,
                        const char *fmt, ...)
{
    struct reply_error e = reply_error_of(code);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e.message, sizeof(e.message), fmt, ap);
    va_end(ap);
    return exchange_fail_with(x, &e);
}

enum step exchange_fail_as(struct exchange *x, int status, enum error_code code,
                           int64_t retry_ms, int retry, const char *fmt, ...)
{
    struct reply_error e = {status, code, retry_ms, retry, ""};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e.message, sizeof(e.message), fmt, ap);
    va_end(ap);
    return exchange_fail_with(x, &e);
}

/* ---- pages ------------------------------------------------------------------ */

enum step exchange_json(struct exchange *x, const struct buf *json)
{
    return exchange_json_as(x, 200, json);
}

enum step exchange_json_as(struct exchange *x, int status,
                           const struct buf *json)
{
    return exchange_page(x, status, "application/json", json);
}

enum step exchange_page(struct exchange *x, int status, const char *type,
                        const struct buf *page)
{
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, x->req, status, type);
    reply_header(&b, "Cache-Control", "no-store");
    reply_header_int(&b, "Content-Length", (int64_t)page->len);
    buf_str(&b, "\r\n");
    if (strcmp(x->req->method, "HEAD") != 0)
        buf_add(&b, buf_head(page), page->len);
    client_write(&x->client, buf_head(&b), b.len);
    if (status == 201)
        explicit_bzero(b.data, b.cap); /* a key that is told once */
    buf_free(&b);
    client_end(&x->client);
    x->relay.head_sent = true;
    x->relay.status = status;
    exchange_dirty(x);
    return STEP_FLUSH;
}

/* ---- pages that cannot answer at once ------------------------------------- */

enum step exchange_wait(struct exchange *x,
                        void (*on_leave)(struct exchange *x))
{
    x->on_leave = on_leave;
    return STEP_PAGE;
}

enum step exchange_go_free(struct exchange *x,
                           void (*on_leave)(struct exchange *x))
{
    x->on_leave = on_leave;
    x->place.state = PLACE_FREE;
    return STEP_FORWARD;
}

enum step exchange_later(struct exchange *x)
{
    x->s->turn_due = true; /* a turn may have to come first */
    if (exchange_now(x) - x->req->arrived_ns >= LATER_MOST_NS)
        return exchange_fail(x, ERROR_STATE,
                             "The shared state is busy or unavailable; try "
                             "again.");
    x->due.at[DUE_LATER] = exchange_now(x) + LATER_NS;
    return STEP_LATER;
}

void exchange_drop(struct exchange *x, const char *why)
{
    struct seldom *seldom = exchange_noted(x);

    x->left = LEFT_BY_CLIENT;
    snprintf(seldom->detail, sizeof(seldom->detail), "%s", why);
}
