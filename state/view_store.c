/*
 * view_store.c - how does the store that several hosts share look to people?
 */
#include "state/policy/layout.h"
#include "state/view_copy.h"

static void copy_host(const struct layout *lay, const struct lay_host *from,
                      int64_t now, struct view_host *to)
{
    memcpy(to->name, from->name, sizeof(to->name) - 1);
    to->name[sizeof(to->name) - 1] = '\0';
    to->self = from->host == lay->store.host;
    to->age_ns = view_since(now, from->called_ns);
    to->rtt_ns = from->rtt_ns;
    to->waiting = from->waiting;
    to->leases = from->leases;
}

/* Counted anew and not read from the file's sums, which a writer may be changing
 * while sluicectl looks. */
static void count_leases(const struct layout *lay, struct view_store *v)
{
    uint32_t i;

    for (i = 0; i < LAY_LEASES; i++) {
        uint32_t state = lay->leases[i].state;

        v->held += state == LEASE_HELD;
        v->taken += state == LEASE_TAKEN;
        v->unsettled += state >= LEASE_SENT;
    }
}

void view_store_copy(const struct layout *lay, int64_t now,
                     struct view_store *v)
{
    const struct lay_store *s = &lay->store;
    uint32_t i;

    memset(v, 0, sizeof(*v));
    v->state = s->state <= STORE_ALONE ? s->state : (uint32_t)STORE_UNUSED;
    if (v->state == STORE_UNUSED)
        return;
    v->has_part = s->part != 0;
    v->age_ns = view_since(now, s->since_ns);
    v->full_ns = max_i64(s->full_ns - now, 0);
    v->rtt_ns = s->rtt_ns;
    v->answered_ns = s->answer_ns > 0 ? view_since(now, s->answer_ns) : -1;
    if (s->leader < LAY_WORKERS && lay->workers[s->leader].used)
        v->leader_pid = lay->workers[s->leader].pid;
    v->hosts = s->hosts;
    count_leases(lay, v);
    for (i = 0; i < s->n_hosts && i < LAY_HOSTS; i++)
        copy_host(lay, &lay->hosts[i], now, &v->told[v->n_told++]);
}
