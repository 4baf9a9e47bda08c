/*
 * own_keys.c - what was a question of ours told of our keys?
 *
 *   fcgi/pages/key_ask.c --> limiter_key_is()     which key it is
 *                        --> limiter_key_told()   what the list of models said
 *
 * What real answers say comes with their reports (key_notes.c).
 */
#include "state/own_keys.h"

#include "state/change_log.h"
#include "state/key_notes.h"
#include "state/policy/draft.h"
#include "state/section.h"
#include "state/upstream_map.h"
#include "state/worker.h"

/* ---- of a question ---------------------------------------------------------- */

struct word {
    struct limiter *lim;
    uint32_t upstream;
    int64_t now;
    const struct own_key_told *told; /* NULL: which one it is */
    uint64_t mark;
    bool again;
    bool forgotten;
};

/* Needs the lock. */
static void set_mark(struct limiter *lim, uint32_t row, struct word *w)
{
    struct layout *lay = lim->file.lay;
    struct lay_own_key new = lay->own_keys[row];

    if (new.mark == w->mark && !w->again)
        return;
    w->forgotten = true;
    own_key_forget(&new, w->mark);
    draft_put(lay, &lay->own_keys[row], &new, sizeof(new));
}

/* Needs the lock. */
static void locked(void *arg)
{
    struct word *w = arg;
    struct limiter *lim = w->lim;
    uint32_t row = upstream_map_of(lim, w->upstream);

    if (row >= LAY_UPSTREAMS)
        return;
    lim->now = max_i64(w->now, lim->file.lay->live.now_ns);
    if (w->told != NULL)
        key_notes_take(lim, row, w->told);
    else
        set_mark(lim, row, w);
}

bool limiter_key_is(struct limiter *lim, uint32_t upstream, uint64_t mark,
                    bool again, int64_t now, bool *forgotten)
{
    struct word w = {.lim = lim,
                     .upstream = upstream,
                     .now = now,
                     .mark = mark,
                     .again = again};

    *forgotten = false;
    if (!section_write(lim, locked, &w))
        return false;
    *forgotten = w.forgotten;
    return true;
}

bool limiter_key_told(struct limiter *lim, uint32_t upstream,
                      const struct own_key_told *told, int64_t now)
{
    struct word w = {
        .lim = lim, .upstream = upstream, .now = now, .told = told};

    if (!section_write(lim, locked, &w))
        return false;
    change_log_tell(lim);
    return true;
}
