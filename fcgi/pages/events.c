/*
 * events.c - who looks on, and does every one of them see the newest?
 *
 *   events_answer()   a viewer: its exchange stays in the step PAGE
 *   on_timer()        a second after the last snapshot: status_text(), which
 *                     one of all workers builds; to all viewers of this one
 *
 * A viewer has one snapshot under way at most.  While that is unread it misses
 * those that follow, and gets the newest afterwards: nobody waits for it, and
 * the memory it holds is bounded.  One that takes no byte for VIEWER_S is
 * gone.  With no viewer there is no timer.
 */
#include "fcgi/pages/events.h"

#include <inttypes.h>

#include "fcgi/config/bounds.h"
#include "fcgi/exchange.h"
#include "fcgi/pages/status.h"
#include "state/board.h"

#define PERIOD_NS NS_PER_S
#define AGAIN_NS  (10 * NS_PER_MS) /* while another worker builds it */

struct viewer {
    struct exchange *x;
    uint64_t number;   /* of the snapshot it got last; 0: none */
    uint64_t taken;    /* client.taken, and */
    int64_t moving_ns; /* when it was another */
};

struct events {
    struct sluice *s;
    struct loop_timer timer;
    struct buf text; /* the newest, as an event */
    uint64_t number;
    size_t n;
    struct viewer viewers[VIEWERS_MAX];
};

/* ---- one viewer ------------------------------------------------------------ */

static void drop(struct exchange *x)
{
    char why[64];

    snprintf(why, sizeof(why), "it took no snapshot for %d s", VIEWER_S);
    exchange_drop(x, why);
    exchange_run(x);
}

/* UNREAD: bytes that wait at all viewers.  It may be gone after this. */
static void show(struct events *e, struct viewer *v, size_t unread)
{
    struct exchange *x = v->x;
    int64_t now = loop_now(e->s->loop);

    if (client_is_flushed(&x->client) || x->client.taken != v->taken) {
        v->taken = x->client.taken;
        v->moving_ns = now;
    }
    if (!client_is_flushed(&x->client)) {
        if (now - v->moving_ns >= VIEWER_S * NS_PER_S || unread > VIEWERS_BYTES)
            drop(x);
        return;
    }
    if (v->number == e->number)
        return;
    v->number = e->number;
    client_write(&x->client, buf_head(&e->text), e->text.len);
    client_flush(&x->client); /* now: or there would be a copy for each */
}

/* From the last to the first: one that goes makes room for a later one. */
static void show_all(struct events *e)
{
    size_t i, unread = 0;

    for (i = 0; i < e->n; i++)
        unread += e->viewers[i].x->client.out.len;
    for (i = e->n; i-- > 0;)
        show(e, &e->viewers[i], unread);
}

/* ---- all of them -------------------------------------------------------------- */

static void look(struct events *e)
{
    struct buf b = {NULL, 0, 0, 0};
    int64_t now = loop_now(e->s->loop), next = now;
    uint64_t number;

    limiter_board_viewers(e->s->lim, (uint32_t)e->n);
    buf_str(&b, "event: status\ndata: ");
    if (!status_text(e->s, PERIOD_NS, &b, &number)) {
        buf_free(&b);
        loop_at(e->s->loop, &e->timer, now + AGAIN_NS);
        return;
    }
    buf_str(&b, "\n\n");
    buf_fit(&b);
    buf_free(&e->text);
    e->text = b;
    e->number = number;
    show_all(e);
    (void)limiter_board_number(e->s->lim, PERIOD_NS, &next);
    next = min_i64(next, now + PERIOD_NS);
    if (e->n > 0)
        loop_at(e->s->loop, &e->timer, max_i64(next, now + AGAIN_NS));
}

static void on_timer(void *arg)
{
    struct events *e = arg;

    if (e->n > 0)
        look(e);
}

static void tell_number(struct events *e)
{
    limiter_board_viewers(e->s->lim, (uint32_t)e->n);
    if (e->n > 0)
        return;
    loop_cancel(e->s->loop, &e->timer);
    buf_free(&e->text);
}

static void forget(struct events *e, const struct exchange *x)
{
    size_t i;

    for (i = 0; i < e->n; i++)
        if (e->viewers[i].x == x) {
            e->viewers[i] = e->viewers[--e->n];
            tell_number(e);
            return;
        }
}

static void stop_looking(struct exchange *x)
{
    forget(x->s->events, x);
}

static void begin(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, x->req, 200, "text/event-stream");
    reply_header(&b, "Cache-Control", "no-store");
    reply_header(&b, "X-Accel-Buffering", "no"); /* nginx would hold it back */
    buf_str(&b, "\r\nretry: 2000\n\n");
    client_write(&x->client, buf_head(&b), b.len);
    client_flush(&x->client);
    buf_free(&b);
    x->relay.head_sent = true;
    x->relay.status = 200;
}

enum step events_answer(struct exchange *x)
{
    struct events *e = x->s->events;

    if (x->s->draining)
        return exchange_fail(x, ERROR_DRAINING, "Sluice is stopping.");
    if (e->n == VIEWERS_MAX)
        return exchange_fail_as(x, 503, ERROR_QUEUE_FULL, 2000, 1,
                                "%d pages look on at this worker already.",
                                VIEWERS_MAX);
    e->viewers[e->n++] =
        (struct viewer){.x = x, .moving_ns = loop_now(x->s->loop)};
    begin(x);
    /* Not from in here: to look may end X, which is in the middle of a step. */
    loop_at(x->s->loop, &e->timer, loop_now(x->s->loop));
    return exchange_wait(x, stop_looking);
}

void events_end_all(struct events *e)
{
    while (e->n > 0) {
        struct exchange *x = e->viewers[e->n - 1].x;

        forget(e, x);
        if (client_is_flushed(&x->client))
            client_end(&x->client);
        else
            exchange_drop(x, ""); /* it does not read: do not wait for it */
        exchange_dirty(x);
        exchange_run(x);
    }
}

struct events *events_new(struct sluice *s)
{
    struct events *e = calloc(1, sizeof(*e));

    CHECK(e != NULL);
    e->s = s;
    e->timer.fn = on_timer;
    e->timer.arg = e;
    return e;
}

void events_free(struct events *e)
{
    if (e == NULL)
        return;
    loop_cancel(e->s->loop, &e->timer);
    buf_free(&e->text);
    free(e);
}
