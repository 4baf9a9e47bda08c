/*
 * sheets.c - which of the two sheets is up, and who writes the other?
 *
 * A writer that was stopped finds that the lease is not its own any more, a
 * reader that was stopped sees by the sheet's turn that it was written.
 */
#include "state/stats/sheets.h"

#include <string.h>

#define LEASE_NS   (500 * NS_PER_MS)
#define READ_TRIES 4

/* ---- the lease, the sheets ------------------------------------------------ */

uint32_t board_owner(const struct lay_board *b)
{
    uint32_t owner = __atomic_load_n(&b->owner, __ATOMIC_ACQUIRE);

    return owner >= 1 && owner <= LIMITER_WORKERS ? owner - 1 : NONE;
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
    if (worker >= LIMITER_WORKERS)
        return;
    b->viewers[worker] = 0;
    if (board_owner(b) == worker)
        __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
}

void board_move(struct lay_board *b)
{
    memset(b->viewers, 0, sizeof(b->viewers));
    __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
}

/* What was half written is the sheet that is not up, and is written anew.  A
 * reader that began before must see that it is another turn. */
void board_rebuild(struct lay_board *b, int64_t now)
{
    uint32_t i;

    if (b->owner > LIMITER_WORKERS)
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
