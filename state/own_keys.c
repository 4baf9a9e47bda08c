/*
 * own_keys.c - what do the upstreams say of our keys?
 *
 *   verdicts.c     --> own_keys_answered()  a real answer
 *   fcgi/pages/    --> limiter_key_is()     which key it is
 *     ready.c      --> limiter_key_told()   a question at the start
 *
 * A change is logged as the others are (change_log.c), by the worker that saw
 * it: "key", "nim: unknown -> refused: status 401: ...".  Which file the key is
 * from only fcgi/ knows, and adds.
 */
#include "state/own_keys.h"

#include <stdio.h>

#include "state/change_log.h"
#include "state/policy/draft.h"
#include "state/section.h"
#include "state/upstream_map.h"
#include "state/worker.h"

static const char *word_of(const struct lay_own_key *k)
{
    return k->word == KEY_REFUSED    ? "refused"
           : k->word == KEY_ACCEPTED ? "ok"
                                     : "unknown";
}

static void take(struct limiter *lim, uint32_t row,
                 const struct own_key_told *told)
{
    struct layout *lay = lim->file.lay;
    struct lay_own_key new;
    struct change m = {.event = "key", .for_ns = -1};

    if (row >= LAY_UPSTREAMS)
        return;
    new = lay->own_keys[row];
    if (!own_key_is_sane(&new, lim->now))
        own_key_forget(&new, 0);
    m.from = word_of(&new);
    if (own_key_take(&new, told, lim->now)) {
        m.to = word_of(&new);
        if (new.word == KEY_REFUSED)
            snprintf(m.why, sizeof(m.why), "status %u: %.70s", new.status,
                     new.message);
        change_log_add(lim, row, &m);
    }
    draft_put(lay, &lay->own_keys[row], &new, sizeof(new));
}

void own_keys_answered(struct limiter *lim, uint32_t row,
                       const struct limiter_report *rep)
{
    const struct own_key_told told = {
        .word = rep->key, .status = rep->key_status, .message = rep->reason};

    if (rep->key != KEY_UNTOLD)
        take(lim, row, &told);
}

void own_keys_forget(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;
    struct lay_own_key new;

    own_key_forget(&new, lay->own_keys[row].mark);
    draft_put(lay, &lay->own_keys[row], &new, sizeof(new));
}

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
        take(lim, row, w->told);
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
