/*
 * status.c - who builds the snapshot, and who is given it?
 *
 *   status_answer(), events.c --> status_text()
 *       limiter_board_ask()   fresh: read it; another worker is at it: later
 *                             ours: limiter_view(), snapshot_put(),
 *                                   limiter_board_put()
 *
 * Nobody asks: nobody builds.  Many ask: one builds, once a second.
 */
#include "fcgi/pages/status.h"

#include "fcgi/exchange.h"
#include "fcgi/pages/snapshot.h"
#include "lib/clock.h"
#include "state/board.h"

static bool build(struct sluice *s)
{
    struct buf b = {NULL, 0, 0, 0};
    struct limiter_view view;
    bool ok;

    if (!limiter_view(s->lim, clock_now_ns(), &view))
        return false;
    snapshot_put(&b, &view, s->cfg, clock_wall_ms(), BOARD_MAX);
    view_free(&view);
    ok = b.len <= BOARD_MAX && limiter_board_put(s->lim, buf_head(&b), b.len);
    buf_free(&b);
    return ok;
}

bool status_text(struct sluice *s, int64_t fresh_ns, struct buf *out,
                 uint64_t *number)
{
    enum board_state state;
    size_t len = 0;

    if (!limiter_board_ask(s->lim, fresh_ns, clock_now_ns(), &state) ||
        state == BOARD_OTHERS || (state == BOARD_OURS && !build(s)))
        return false;
    if (!limiter_board_read(s->lim, buf_room(out, BOARD_MAX), &len, number))
        return false;
    out->len += len;
    return true;
}

enum step status_answer(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    uint64_t number;
    enum step next;

    if (status_text(x->s, x->s->fresh_ns, &b, &number)) {
        buf_str(&b, "\n");
        next = exchange_json(x, &b);
    } else {
        next = exchange_later(x);
    }
    buf_free(&b);
    return next;
}

enum step queue_answer(struct exchange *x)
{
    struct limiter_view view;
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    if (!limiter_view(x->s->lim, clock_now_ns(), &view))
        return exchange_later(x);
    snapshot_put_queue(&b, &view);
    view_free(&view);
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
