/*
 * host_hears.c - what comes of a store's answer?
 *
 * Its words were looked at as numbers when they came (fcgi/store/); which scope
 * or client they speak of is found here.  What is not known here is left alone:
 * a lease ends by itself.
 */
#include "state/host_hears.h"

#include <stdlib.h>
#include <string.h>

#include "state/mirror.h"
#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/names.h"
#include "state/policy/retreat.h"
#include "state/policy/scope.h"
#include "state/policy/scope_name.h"
#include "state/shared_form.h"
#include "state/worker.h"

#define BUSY_BEAT_NS (100 * NS_PER_MS) /* between calls while somebody waits */
#define IDLE_BEAT_NS NS_PER_S
/* Of all hosts together, while something counts: the store's clock goes on by a
 * bounded step a call, so that no jump of the machine's shortens a window. */
#define CLOCK_BEAT_NS (150 * NS_PER_MS)
#define CLOCK_NS      NS_PER_MS /* the store's goes by itself */
/* Of a lease's time, as our clock has it: what it may run behind the store's,
 * and the way from the check to the wire. */
#define END_DRIFT  500
#define END_NS     (20 * NS_PER_MS)
#define REMOTE_MAX 1000 /* sends of others, told to a retreat at once */

/* ---- its parts ----------------------------------------------------------------------- */

/* What was told in this call is over. */
static void end_told(struct layout *lay, uint64_t call)
{
    uint32_t i;

    for (i = lay->store.leases_high; i-- > 0;) {
        const struct lay_lease *l = lease_at(lay, i);

        if (l->state >= LEASE_SENT && l->call == call)
            leases_forget(lay, i);
    }
}

/* The store began to count when it got the question, or later. */
static int64_t end_of(const struct shared_answer *a, int64_t left_ns)
{
    return a->asked_ns + left_ns - left_ns / END_DRIFT - END_NS;
}

/* One that the store does not know any more is of no use from this moment: who has
 * it comes back and gets another (fence.c). */
static void renew(struct limiter *lim, const struct shared_answer *a)
{
    struct layout *lay = lim->file.lay;
    uint32_t k;

    for (k = 0; k < a->n_ends; k++) {
        const struct shared_end *e = &a->ends[k];
        uint32_t i = leases_find(lay, e->id);
        struct lay_lease *l;

        if (i == NONE)
            continue;
        l = lease_at(lay, i);
        if (e->left_ns < 0 && l->state == LEASE_HELD)
            leases_forget(lay, i);
        else
            __atomic_store_n(&l->end_ns,
                             e->left_ns < 0 ? 0 : end_of(a, e->left_ns),
                             __ATOMIC_RELEASE);
    }
}

/* One that we have no use for is given back with the next call. */
static void add(struct limiter *lim, const struct shared_answer *a,
                const struct shared_lease *got)
{
    struct layout *lay = lim->file.lay;
    struct lay_lease l = {.id = got->id,
                          .scope = scope_named(lay, got->scope),
                          .cls = got->cls,
                          .client = NONE,
                          .at_ns = lim->now + got->wait_ns,
                          .end_ns = end_of(a, got->left_ns)};

    if (l.scope == NONE || leases_find(lay, got->id) != NONE)
        return; /* it ends by itself; or it came twice */
    if (got->client[0] != '\0' && got->cls < LIMITER_CLASSES)
        l.client = names_find_client(lay, got->client);
    (void)leases_add(lay, &l); /* no room: the same */
}

/* Others have sent: the window that is measured is theirs as well. */
static void others_sent(struct limiter *lim, uint32_t scope, uint64_t n)
{
    struct layout *lay = lim->file.lay;
    const struct retreat_rule u = scope_retreat_rule(lay, scope);
    struct retreat new;

    if (scope_at(lay, scope)->retreat.state == RETREAT_NORMAL)
        return;
    new = *scope_retreat(lay, scope);
    for (n = n < REMOTE_MAX ? n : REMOTE_MAX; n > 0; n--)
        upstream_window_sent(&new.window, &u, lim->now);
    scope_retreat_put(lay, scope, &new);
}

/* How many of our own sends of SCOPE were told in ASK? */
/* Ours are in the total, too, and must not be taken for those of others. */
static uint64_t told_sent(struct layout *lay, const struct shared_ask *ask,
                          uint32_t scope)
{
    uint64_t n = 0;
    uint32_t i;

    for (i = 0; i < lay->store.leases_high && i < LAY_LEASES; i++)
        n += lay->leases[i].state == LEASE_SENT &&
             lay->leases[i].scope == scope && lay->leases[i].call == ask->call;
    return n;
}

/* What others have sent is the store's count less our own: it may be off by what
 * is on its way, and only ETAs and retreats stand on it. */
static void learn_room(struct limiter *lim, const struct shared_ask *ask,
                       const struct shared_answer *a,
                       const struct shared_room *told)
{
    struct layout *lay = lim->file.lay;
    uint32_t scope = scope_named(lay, told->name);
    struct lay_room *room;
    const struct lay_scope *s;
    uint64_t ours, own;

    if (scope == NONE)
        return;
    room = room_at(lay, scope);
    s = scope_at(lay, scope);
    ours = s->window.weight + s->open_weight;
    room->elsewhere = told->used > ours ? told->used - (uint32_t)ours : 0;
    room->flying = told->flying_elsewhere;
    room->waiting = told->waiting_elsewhere;
    room->recall = told->recall;
    room->next_ns = told->next_ns < 0 ? NEVER : a->asked_ns + told->next_ns;
    room->call_ns =
        told->call_ns < 0 ? NEVER : a->asked_ns + told->call_ns + CLOCK_NS;
    own = told_sent(lay, ask, scope);
    if (room->total > 0 && told->total > room->total + own)
        others_sent(lim, scope, told->total - room->total - own);
    room->total = told->total;
}

/* Is there a window that is not empty yet? */
static bool counts_somewhere(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i) && lay->live.lost_ns[i] <= now &&
            limits_last_send_ns(lay, i) >
                now - limits_span_ns(limits_of(lay, i)))
            return true;
    return false;
}

/* While somebody waits: for the case that a word of the store's was lost, or the host
 * that was to call when a slot opens is not there.  Any of them is as good. */
static int64_t busy_beat(const struct lay_store *s)
{
    return min_i64(max_i64(s->hosts, 2), 4) * BUSY_BEAT_NS / 2;
}

/* The next call, if nothing else brings it about: when a slot opens for somebody,
 * or a lease has to be renewed. */
static int64_t next_call(struct layout *lay, int64_t now)
{
    const struct lay_store *s = &lay->store;
    int64_t at = now + IDLE_BEAT_NS;
    uint32_t i;

    if (s->unsettled > 0) /* since the call was made */
        at = now + STORE_TELL_NS;
    else if (lay->live.waiting > 0 || s->held > 0)
        at = now + busy_beat(s);
    else if (counts_somewhere(lay, now))
        at = now + min_i64(IDLE_BEAT_NS, CLOCK_BEAT_NS * (s->hosts + 1));
    for (i = 0; i < s->leases_high && i < LAY_LEASES; i++)
        if (lay->leases[i].state == LEASE_TAKEN)
            at = min_i64(at,
                         max_i64(lay->leases[i].end_ns - STORE_LEASE_NS * 2 / 3,
                                 now + BUSY_BEAT_NS));
    for (i = 0; i < LAY_SCOPES; i++) {
        const struct lay_room *room = &lay->rooms[i];

        if (room->total == 0 && room->call_ns == 0)
            continue; /* nothing was ever said of it */
        if (lent_has_window(lay, i) && room->call_ns > 0)
            at = min_i64(at, room->call_ns);
        if (room->recall > 0 && s->held > 0)
            at = now;
    }
    return at;
}

/* Those that share the store, for people: a list that is whole each time, a second
 * old at most. */
static void learn_hosts(struct layout *lay, const struct shared_answer *a)
{
    uint32_t i, n = a->n_hosts < LAY_HOSTS ? a->n_hosts : LAY_HOSTS;

    for (i = 0; i < n; i++) {
        const struct shared_host *told = &a->hosts_told[i];
        struct lay_host *h = &lay->hosts[i];

        h->host = strtoull(told->host, NULL, 16);
        h->called_ns = max_i64(a->asked_ns - told->age_ns, 1);
        h->rtt_ns = told->rtt_ns;
        h->waiting = told->waiting;
        h->leases = told->leases;
        memcpy(h->name, told->name, sizeof(h->name));
    }
    lay->store.n_hosts = n;
}

/* A server confirms what it was told though it never gave it, and then we name it no
 * more: the one that did would take it for lost with an answer, and give it to
 * another though it was used.  So whoever is asked behind another server may give
 * back nothing (host_says.c), until all that was lent before has ended. */
static void learn_run(struct lay_store *s, uint64_t run, int64_t now)
{
    uint64_t soon = run & ~UINT64_C(1); /* runs are odd: it is nobody's */

    if (s->run != run && s->run != soon) {
        s->run = soon;
        s->since_ns = now;
    }
    if (s->run == soon && now - s->since_ns >= 2 * STORE_LEASE_NS)
        s->run = run;
}

/* ---- all of it --------------------------------------------------------------- */

bool host_hears(struct limiter *lim, const struct shared_ask *ask,
                const struct shared_answer *a)
{
    struct layout *lay = lim->file.lay;
    struct lay_store *s = &lay->store;
    uint32_t i;

    for (i = 0; i < a->n_rooms; i++)
        learn_room(lim, ask, a, &a->rooms[i]);
    end_told(lay, ask->call);
    renew(lim, a);
    for (i = 0; i < a->n_leases; i++)
        add(lim, a, &a->leases[i]);
    if ((ask->flags & SHARED_TELL) != 0)
        learn_hosts(lay, a);
    s->vv = mirror_hear(lim, ask, a);
    learn_run(s, a->run, lim->now);
    s->hosts = a->hosts;
    s->rtt_ns = max_i64(lim->now - a->asked_ns, 0);
    s->answer_ns = a->asked_ns;
    s->full_ns = a->full_ns > 0 ? a->asked_ns + a->full_ns : 0;
    if ((ask->flags & SHARED_SYNC) != 0)
        s->sync = 0;
    if ((ask->flags & SHARED_ALONE) != 0 && s->state != STORE_ALONE)
        s->was_alone = 0; /* else sends went on meanwhile: said once more */
    s->call_ns = next_call(lay, lim->now);
    return s->held > 0 || a->n_values > 0;
}
