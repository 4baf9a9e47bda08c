/*
 * fence.c - may a granted request still be written, now?
 *
 *   fcgi/upstream/upstream.c  the connection is there, the next thing is the first byte
 *      --> limiter_may_write()
 *            ticket    was it told of a grant, and has that not lapsed?
 *            place     is the file that the grant is in still the one that all
 *                      use?  Known for a second after each look (attach.c);
 *                      later a look at its name and its directory's tells
 *            row       is it still this ticket's, open, not cancelled, and has
 *                      nobody paused?
 *
 * Between its grant and its first byte a request connects, which may take
 * seconds, and its worker may be stopped for any time.  As long as its row is
 * open it counts as now, so nobody else gets its slot, however late it is.
 * But the file with the row may be lost meanwhile, and the others may go on
 * with a new one, which knows nothing of it:
 *
 *   - They take every window as full until a span after LOST, which is a second
 *     after the new file's making.  A file that was seen at its place at C was
 *     not replaced before C.  So a write before C + 1 s comes before LOST, and
 *     is covered.  A later one needs another look: the file is at its place
 *     then, and that time is the new C; or it is not, and nothing is written.
 *   - Which file that is matters, not only that there is one.  A ticket that
 *     moved to the new file (ticket_ops.c, adopt()) has an open row there.  Was it
 *     put there before anybody could be granted anything in that file, it
 *     counted from the beginning, and may be written at any later time.  Else
 *     others may have had its slot by then: its grant has lapsed.  Its row
 *     stays open all the same until its owner says what came of it, for the
 *     write may have been before.
 *
 * What is left is a stop between the answer and the system call that writes,
 * some microseconds later, for longer than until C + 1 s and a span.  Nobody
 * but the upstream could close that.
 *
 * Where several machines share a store a grant is a lease of it, and has an end,
 * too (leases.c): by then the store takes it as used.  It is looked at each time,
 * because the leader renews it.
 */
#include "lib/boottime.h"
#include "lib/sigbus.h"
#include "state/attach.h"
#include "state/file/state_file.h"
#include "state/limiter.h"
#include "state/policy/leases.h"
#include "state/policy/slot_source.h"
#include "state/worker.h"

struct fence {
    struct layout *lay;
    const struct ticket *t;
    int64_t now;
    bool holds;
};

/* With a lease that is not over, where one is needed. */
static bool is_lent(const struct fence *f, const struct lay_row *r)
{
    uint32_t scope = __atomic_load_n(&r->scope, __ATOMIC_ACQUIRE);
    uint32_t state = __atomic_load_n(&f->lay->store.state, __ATOMIC_ACQUIRE);

    return scope < LAY_SCOPES &&
           (f->lay->scopes[scope].source != SLOTS_SHARED ||
            state == STORE_ALONE ||
            leases_end_ns(f->lay, f->t->row, f->t->id) > f->now);
}

/* Without the lock: each word is read once, and a grant that ends just now
 * could as well have ended after the write. */
static void look(void *arg)
{
    struct fence *f = arg;
    const struct lay_row *r = row_at(f->lay, f->t->row);

    f->holds =
        __atomic_load_n(&f->lay->live.retired, __ATOMIC_ACQUIRE) == 0 &&
        __atomic_load_n(&f->lay->control.paused_ns, __ATOMIC_ACQUIRE) == 0 &&
        __atomic_load_n(&r->state, __ATOMIC_ACQUIRE) == ROW_OPEN &&
        (__atomic_load_n(&r->flags, __ATOMIC_ACQUIRE) & ROW_CANCELLED) == 0 &&
        __atomic_load_n(&r->id, __ATOMIC_ACQUIRE) == f->t->id && is_lent(f, r);
}

static bool row_holds(const struct limiter *lim, const struct ticket *t,
                      int64_t now)
{
    struct fence f = {lim->file.lay, t, now, false};

    return sigbus_run(look, &f, NULL) == GUARD_OK && f.holds;
}

/* Is the file at its place, as far as that must be known at NOW?  If not, it
 * is not dropped here, inside of libcurl, but by the next turn. */
static bool is_in_place(const struct limiter *lim, struct ticket *t,
                        int64_t now)
{
    t->news.valid_until_ns =
        max_i64(t->news.valid_until_ns, lim->checked_ns + TICK_NS);
    if (now < t->news.valid_until_ns)
        return true;
    if (!attach_is_in_place(lim))
        return false;
    t->news.valid_until_ns = now + TICK_NS; /* NOW was before the look */
    return true;
}

bool limiter_may_write(struct limiter *lim, struct ticket *t, int64_t now)
{
    if (t == NULL)
        return true;
    /* The loop read its clock before it was stopped. */
    now = max_i64(now, boottime_ns());
    return t->granted && t->state == TICKET_OPEN && !t->lapsed &&
           t->row != NONE && lim->file.lay != NULL &&
           is_in_place(lim, t, now) && row_holds(lim, t, now);
}
