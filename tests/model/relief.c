/*
 * relief.c - from here on nothing fails any more: is a waiter served in time?
 *
 * Host 0 has one who waits; the others have nobody, and give back what they
 * hold.  Each tick every call comes through.  In time is: what counts as full
 * passes, then leases that nobody will settle end, then they leave the window.
 */
#include "tests/model/explore.h"
#include "tests/model/world.h"

static int in_time(void)
{
    return 2 * span() + 2 * setup->ttl + setup->extra + 4;
}

/* Whoever waits for an old master finds the new one; a stopped one wakes. */
static int mend(struct world *w)
{
    for (int k = 0; k < STORES; k++)
        w->store[k].stopped = 0;
    for (int k = 0; k < STORES; k++)
        if (w->store[k].up == UP_MASTER && w->store[k].cut == -1)
            return k;
    if (setup->alone) {
        w->store[0].up = UP_MASTER;
        return 0;
    }
    return -1;
}

static void late_ones(struct world *w)
{
    for (int c = 0; c < CALLS; c++) {
        const struct call *call = &w->call[c];

        if (call->is == IS_NOT || (c % 2 == 0 && call->who != GONE))
            continue;
        if (call->is == IS_ASKED && store_serves(w, call->to))
            (void)store_execute(w, c, store_most(w, call->to));
        call_forget(w, c);
    }
}

static void come_through(struct world *w, int h)
{
    const struct call *call = &w->call[2 * h];

    if (call->is == IS_ASKED && store_serves(w, call->to)) {
        if (!store_execute(w, 2 * h, store_most(w, call->to)))
            call_forget(w, 2 * h);
        else if (h == 0 && store_room(w, call->to) >= 0)
            store_grant(w, 2 * h);
    }
    if (call->is == IS_ANSWERED)
        host_answer(w, 2 * h);
}

static void ask_once(struct world *w, int h, int k)
{
    bool lost = w->host[h].at != k || w->host[h].run != run_of(w, k) ||
                w->host[h].mode != MODE_STORE;

    if (lost)
        host_connect(w, h, k, true, false);
    come_through(w, h);
    if (w->call[2 * h].is == IS_NOT)
        host_ask(w, h, false);
    come_through(w, h);
}

static bool writes(struct world *w)
{
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->owner == 0 && host_may_write(w, l))
            return true;
        if (l->has == HAS_IT && (l->owner != 0 || l->left == 0))
            l->has = HAS_BACK;
    }
    return false;
}

static void tidy(struct world *w)
{
    uint8_t form[FORM_MAX];

    (void)form_make(w, form); /* makes room for leases */
}

bool relief_comes(const struct world *was, int *ticks)
{
    struct world w = *was;
    int k = mend(&w);

    if (k == -1)
        return true;
    for (*ticks = 0; *ticks <= in_time(); ++*ticks) {
        late_ones(&w);
        for (int h = setup->hosts - 1; h >= 0; h--)
            ask_once(&w, h, k);
        if (writes(&w))
            return true;
        move_tick(&w, -1, 1);
        tidy(&w);
    }
    return false;
}
