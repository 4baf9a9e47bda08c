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
 * The lease is as in readiness.c: it ends with its time or its worker.  Its begin
 * is the text's, so that there is at most one in FRESH_NS.
 */
#include "state/stats/board.h"

#include <string.h>

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/layout.h"
#include "state/worker.h"

#define LEASE_NS   (500 * NS_PER_MS)
#define READ_TRIES 4

static_assert(BOARD_WORKERS == LAY_WORKERS, "bump LAYOUT_VERSION");

/* ---- the lease, the sheets ------------------------------------------------ */

uint32_t board_owner(const struct lay_board *b)
{
    uint32_t owner = __atomic_load_n(&b->owner, __ATOMIC_ACQUIRE);

    return owner >= 1 && owner <= LAY_WORKERS ? owner - 1 : NONE;
}

/* A moment ahead is another worker's step; farther ahead is noise. */
static bool is_fresh(const struct lay_board *b, int64_t fresh_ns, int64_t now)
{
    int64_t built = __atomic_load_n(&b->built_ns, __ATOMIC_ACQUIRE);

    return built > now - fresh_ns && built < now + fresh_ns;
}

enum board_state board_ask(struct lay_board *b, uint32_t self, bool owner_lives,
                           int64_t fresh_ns, int64_t now)
{
    uint32_t owner = board_owner(b);

    if (owner != NONE && owner != self && owner_lives && b->lease_ns > now &&
        b->lease_ns < now + 2 * LEASE_NS)
        return BOARD_OTHERS;
    if (owner == NONE && b->builds > 0 && is_fresh(b, fresh_ns, now))
        return BOARD_FRESH;
    b->lease_ns = now + LEASE_NS;
    __atomic_store_n(&b->built_ns, now, __ATOMIC_RELEASE);
    __atomic_store_n(&b->owner, self + 1, __ATOMIC_RELEASE);
    return BOARD_OURS;
}

bool board_put(struct lay_board *b, uint32_t self, const char *text, size_t len)
{
    uint32_t next = (b->current & 1) ^ 1;
    struct lay_sheet *s = &b->sheets[next];

    if (board_owner(b) != self || len > BOARD_MAX)
        return false;
    __atomic_store_n(&s->turn, s->turn | 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memcpy(s->text, text, len);
    s->len = (uint32_t)len;
    s->number = ++b->builds;
    __atomic_store_n(&s->turn, s->turn + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&b->current, next, __ATOMIC_SEQ_CST);
    __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
    return true;
}

bool board_read(const struct lay_board *b, char *to, size_t *len,
                uint64_t *number)
{
    int i;

    for (i = 0; i < READ_TRIES; i++) {
        uint32_t up = __atomic_load_n(&b->current, __ATOMIC_SEQ_CST) & 1;
        const struct lay_sheet *s = &b->sheets[up];
        uint64_t turn = __atomic_load_n(&s->turn, __ATOMIC_SEQ_CST);
        uint32_t n = s->len;

        if ((turn & 1) != 0)
            continue;
        if (n == 0 || n > BOARD_MAX)
            return false; /* nothing is there yet, or noise */
        memcpy(to, s->text, n);
        *number = s->number;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&s->turn, __ATOMIC_SEQ_CST) != turn)
            continue;
        *len = n;
        return true;
    }
    return false;
}

void board_leave(struct lay_board *b, uint32_t worker)
{
    if (worker >= LAY_WORKERS)
        return;
    b->viewers[worker] = 0;
    if (board_owner(b) == worker)
        __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
}

/* What was half written is the sheet that is not up, and is written anew.  A
 * reader that began before must see that it is another turn. */
void board_rebuild(struct lay_board *b, int64_t now)
{
    uint32_t i;

    if (b->owner > LAY_WORKERS)
        b->owner = 0;
    if (b->built_ns < 0 || b->built_ns > now)
        b->built_ns = 0;
    b->current &= 1;
    for (i = 0; i < 2; i++)
        if ((b->sheets[i].turn & 1) != 0 || b->sheets[i].len > BOARD_MAX) {
            b->sheets[i].len = 0;
            b->sheets[i].turn = (b->sheets[i].turn | 1) + 1;
        }
    if (b->sheets[b->current].len == 0)
        b->built_ns = 0;
}

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
    struct layout *lay = lim->file.lay;
    uint32_t owner = board_owner(&lay->board);
    bool lives = owner != NONE && owner != lim->slot &&
                 file_lock_slot_is_held(lim->file.fd, owner);

    if (p->text != NULL) {
        p->ok = board_put(&lay->board, lim->slot, p->text, p->len);
    } else {
        p->state =
            board_ask(&lay->board, lim->slot, lives, p->fresh_ns, p->now);
        p->ok = true;
    }
}

static bool locked_post(struct posting *p)
{
    return limiter_touch(p->lim, post, p) && p->ok;
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

/* Without the lock.  False: the file is gone. */
static bool guarded_glance(struct limiter *lim, struct glance *g)
{
    const char *what = "";

    if (lim->file.lay == NULL)
        return false;
    g->board = &lim->file.lay->board;
    if (sigbus_run(glance, g, &what) == GUARD_OK)
        return true;
    attach_lose(lim, what, true);
    return false;
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
    const struct posting *p = arg;

    __atomic_store_n(&p->lim->file.lay->board.viewers[p->lim->slot],
                     (uint32_t)p->len, __ATOMIC_RELAXED);
}

/* A word of our own: no lock is needed. */
void limiter_board_viewers(struct limiter *lim, uint32_t n)
{
    struct posting p = {.lim = lim, .len = n};
    const char *what = "";

    if (lim->file.lay == NULL || lim->slot == NONE)
        return;
    if (sigbus_run(store_viewers, &p, &what) != GUARD_OK)
        attach_lose(lim, what, true);
}
