/*
 * board.c - what does everybody see?
 *
 *   fcgi/pages/status.c --> limiter_board_ask()    is it fresh, or who writes it?
 *                     limiter_board_put()    the one that was told to
 *                     limiter_board_read()   everybody, without the lock
 *
 * Of two sheets one is up.  A new text goes to the other, under the lock, and
 * then that one is up.  So a reader has until the next text but one to copy
 * what it found; one that was stopped for so long sees by the sheet's turn that
 * it was written meanwhile, and starts again.  A writer that was stopped finds
 * that the lease is not its own any more.
 *
 * The lease (sheets.c) is as in readiness.c: it ends with its time or its worker.  Its begin
 * is the text's, so that there is at most one in FRESH_NS.
 */
#include "state/board.h"

#include <string.h>

#include "lib/file_lock.h"
#include "state/section.h"
#include "state/worker.h"

/* ---- under the lock, or without it ------------------------------------------ */

struct posting {
    struct limiter *lim;
    int64_t now, fresh_ns;
    enum board_state state;
    const char *text; /* NULL: it is asked for */
    size_t len;
    bool ok;
};

/* Needs the lock. */
static void post(void *arg)
{
    struct posting *p = arg;
    struct limiter *lim = p->lim;
    struct lay_board *board = &lim->stats.lay->board;
    uint32_t owner = board_owner(board);
    bool lives = owner != NONE && owner != lim->seat &&
                 file_lock_seat_is_held(lim->file.fd, owner);

    if (p->text != NULL) {
        p->ok = board_put(board, lim->seat, p->text, p->len);
    } else {
        p->state = board_ask(board, lim->seat, lives, p->fresh_ns, p->now);
        p->ok = true;
    }
}

static bool locked_post(struct posting *p)
{
    return p->lim->seat != NONE && !p->lim->unsettled &&
           section_stats(p->lim, 0, post, p) && p->ok;
}

struct glance {
    const struct lay_board *board;
    char *to;
    size_t len;
    uint64_t number;
    int64_t built_ns;
    bool owned, ok;
};

static void glance(void *arg)
{
    struct glance *g = arg;

    g->owned = board_owner(g->board) != NONE;
    g->built_ns = __atomic_load_n(&g->board->built_ns, __ATOMIC_ACQUIRE);
    if (g->to != NULL)
        g->ok = board_read(g->board, g->to, &g->len, &g->number);
    else
        g->number = __atomic_load_n(&g->board->builds, __ATOMIC_ACQUIRE);
}

/* Without the lock.  False: there is none. */
static bool guarded_glance(struct limiter *lim, struct glance *g)
{
    if (lim->stats.lay == NULL)
        return false;
    g->board = &lim->stats.lay->board;
    return section_glance(lim, glance, g);
}

bool limiter_board_ask(struct limiter *lim, int64_t fresh_ns, int64_t now,
                       enum board_state *out)
{
    struct posting p = {.lim = lim, .now = now, .fresh_ns = fresh_ns};
    struct glance g = {.to = NULL};
    bool ok;

    if (!guarded_glance(lim, &g))
        return false;
    *out = BOARD_FRESH;
    if (g.number > 0 && !g.owned && g.built_ns > now - fresh_ns &&
        g.built_ns < now + fresh_ns)
        return true;
    ok = locked_post(&p);
    *out = p.state;
    return ok;
}

bool limiter_board_put(struct limiter *lim, const char *text, size_t len)
{
    struct posting p = {.lim = lim, .text = text, .len = len};

    CHECK(len <= BOARD_MAX);
    return locked_post(&p);
}

bool limiter_board_read(struct limiter *lim, char *to, size_t *len,
                        uint64_t *number)
{
    struct glance g = {.to = to};

    if (!guarded_glance(lim, &g) || !g.ok)
        return false;
    *len = g.len;
    *number = g.number;
    return true;
}

uint64_t limiter_board_number(struct limiter *lim, int64_t fresh_ns,
                              int64_t *next_ns)
{
    struct glance g = {.to = NULL};

    if (!guarded_glance(lim, &g))
        return 0;
    *next_ns = g.built_ns + fresh_ns;
    return g.number;
}

static void store_viewers(void *arg)
{
    const struct limiter *lim = arg;

    __atomic_store_n(&lim->stats.lay->board.viewers[lim->seat], lim->viewers,
                     __ATOMIC_RELAXED);
}

/* A word of our own: no lock is needed. */
void limiter_board_viewers(struct limiter *lim, uint32_t n)
{
    lim->viewers = n; /* each turn stores it, too */
    if (lim->seat != NONE)
        (void)section_glance(lim, store_viewers, lim);
}
