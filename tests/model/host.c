/*
 * host.c - what a host does: asks, takes in answers, writes to the upstream.
 *
 * A lease's end counts from the sending of the call that brought it, by the
 * host's own clock, less a guard; the store's own end counts from the execution
 * of that call, which was later.  The check is the last step before the write,
 * so a host that was stopped before it finds its lease ended.
 */
#include <string.h>

#include "tests/model/world.h"

int8_t run_of(const struct world *w, int k)
{
    return (int8_t)(4 * k + w->store[k].life);
}

void call_forget(struct world *w, int c)
{
    memset(&w->call[c], 0, sizeof(w->call[c]));
    for (int i = 0; i < LEASES; i++)
        memset(&w->lease[i].says[c], 0, sizeof(w->lease[i].says[c]));
}

/* ---- asking ------------------------------------------------------------------ */

static enum says to_say(const struct lease *l, bool sync, bool renew)
{
    switch ((enum has)l->has) {
    case HAS_NOT:
        return SAYS_NOT;
    case HAS_IT:
    case HAS_CHECKED:
        return sync ? SAYS_HOLD : renew ? SAYS_RENEW : SAYS_NOT;
    case HAS_SENT:
        return SAYS_SENT;
    case HAS_BACK:
        return SAYS_BACK;
    }
    return SAYS_NOT;
}

/* Whoever sends alone does so no more from here on. */
void host_ask(struct world *w, int h, bool renew)
{
    struct host *host = &w->host[h];
    bool known = host->told == host->run && host->stood >= long_enough();
    bool sync = host->fresh && (known || mutant == SYNC_ANY_RUN);
    int c = 2 * h;

    w->call[c] = (struct call){
        .is = IS_ASKED,
        .who = (int8_t)h,
        .to = host->at,
        .epoch = host->epoch,
        .run = host->run,
        .sync = sync,
        .alone = host->owes,
        .peers = host->peers,
    };
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->owner != h)
            continue;
        l->says[c].what = (int8_t)to_say(l, sync, renew);
        l->says[c].ticks = l->says[c].what == SAYS_SENT ? l->age : 0;
    }
    host->fresh = 0;
    host->mode = MODE_STORE;
    host->wait = 0;
}

/* ---- answers ----------------------------------------------------------------- */

static int end_of(int left, const struct call *c)
{
    if (mutant != NO_GUARD)
        left -= setup->guard;
    if (mutant != END_FROM_ANSWER)
        left -= c->since;
    return max_int(0, left);
}

static int wait_of(int wait, const struct call *c)
{
    if (mutant == EARLY_IGNORED)
        return 0;
    return mutant == EARLY_FROM_CALL ? max_int(0, wait - c->since) : wait;
}

static void take_in(struct lease *l, int c, const struct call *call)
{
    int left = end_of(l->says[c].ticks, call);

    switch ((enum says)l->says[c].what) {
    case SAYS_NOT:
        break;
    case SAYS_SENT:
    case SAYS_BACK: /* confirmed */
        l->has = HAS_NOT;
        break;
    case SAYS_NEW:
        l->has = HAS_IT;
        l->left = (int8_t)left;
        l->wait = (int8_t)wait_of(l->says[c].wait, call);
        break;
    case SAYS_RENEW:
    case SAYS_HOLD:
        if (l->has == HAS_IT)
            l->left = (int8_t)max_int(l->left, left);
        break;
    case SAYS_LOST: /* what was written meanwhile was logged at its end */
        l->has = HAS_NOT;
        break;
    }
}

/* What another server confirmed that never gave it is named no more: the one that
 * did must not take it back until it has ended. */
static void learn_run(struct host *host, int run)
{
    if (mutant == SYNC_AT_ONCE)
        host->told = (int8_t)run;
    if (host->told == run)
        return;
    host->told = (int8_t)run;
    host->stood = 0;
}

void host_answer(struct world *w, int c)
{
    struct call *call = &w->call[c];
    struct host *host = &w->host[call->who];

    if (call->epoch == host->epoch || mutant == OLD_ANSWER) {
        for (int i = 0; i < LEASES; i++)
            take_in(&w->lease[i], c, call);
        learn_run(host, call->run);
        host->last = call->since;
        host->peers = call->peers;
        if (call->alone)
            host->owes = 0;
    }
    call_forget(w, c);
}

/* ---- writing ------------------------------------------------------------------ */

static void upstream_sees(struct world *w, int h)
{
    int i = w->sends;

    if (w->sends >= setup->limit)
        w->broken = 1;
    if (w->sends == SENDS)
        return;
    w->send[i].age = 0;
    w->send[i].who = (int8_t)(setup->alone ? h : 0);
    w->sends++;
}

bool host_may_write(const struct world *w, const struct lease *l)
{
    (void)w;
    if (l->owner == GONE)
        return false;
    if (mutant == CHECK_APART)
        return l->has == HAS_CHECKED;
    if (mutant == NO_CHECK)
        return l->has == HAS_IT;
    if (mutant == CHECK_TIME_ALONE && l->has == HAS_BACK)
        return l->left > 0;
    return l->has == HAS_IT && l->left > 0 && l->wait == 0;
}

void host_write(struct world *w, struct lease *l)
{
    upstream_sees(w, l->owner);
    l->has = HAS_SENT;
    l->left = l->wait = 0;
    l->age = 0;
}

/* ---- alone -------------------------------------------------------------------- */

int host_share(const struct host *h)
{
    if (h->peers == 0)
        return 0;
    if (mutant == ALONE_ROUNDS_UP)
        return (setup->limit + h->peers - 1) / h->peers;
    return setup->limit / h->peers;
}

bool host_may_send_alone(const struct world *w, int h)
{
    const struct store *s = &w->store[0];
    int late = setup->late + (mutant == ALONE_LATE), own = 0;

    if (w->host[h].mode != MODE_ALONE)
        return false;
    if (s->up == UP_MASTER && s->back > late)
        return false;
    for (int i = 0; i < w->sends; i++)
        own += w->send[i].who == h;
    return own < host_share(&w->host[h]);
}

void host_send_alone(struct world *w, int h)
{
    upstream_sees(w, h);
    w->host[h].owes = 1;
}

/* ---- connections ---------------------------------------------------------------- */

/* Of a host at most one call is late; the older one is forgotten for it. */
static void make_late(struct world *w, int h)
{
    call_forget(w, 2 * h + 1);
    w->call[2 * h + 1] = w->call[2 * h];
    for (int i = 0; i < LEASES; i++)
        w->lease[i].says[2 * h + 1] = w->lease[i].says[2 * h];
}

void host_connect(struct world *w, int h, int k, bool drop, bool lead)
{
    struct host *host = &w->host[h];

    if (!drop && w->call[2 * h].is != IS_NOT)
        make_late(w, h);
    call_forget(w, 2 * h);
    host->at = (int8_t)k;
    if (lead || mutant != EPOCH_OF_LEADER)
        host->epoch++;
    host->fresh = 1;
    host->run = run_of(w, k);
}

/* Its file is lost with it: it comes back as a host that nobody knows.  What it
 * asked may still arrive, and is answered to nobody. */
void host_crash(struct world *w, int h)
{
    struct call *late = &w->call[2 * h + 1];

    if (w->call[2 * h].is == IS_ASKED)
        make_late(w, h);
    call_forget(w, 2 * h);
    if (late->is == IS_ASKED && late->epoch >= w->store[late->to].of[h].epoch)
        late->who = GONE;
    else
        call_forget(w, 2 * h + 1);
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->owner != h)
            continue;
        l->owner = GONE;
        l->has = HAS_NOT;
    }
    for (int k = 0; k < STORES; k++) /* another host to the store */
        memset(&w->store[k].of[h], 0, sizeof(w->store[k].of[h]));
    w->host[h] = (struct host){
        .at = w->host[h].at, .run = w->host[h].run, .fresh = 1, .told = -1};
}
