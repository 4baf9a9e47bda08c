/*
 * shared.c - who shares the store, and how is it?
 */
#include <stdio.h>

#include "ctl/ctl.h"
#include "state/policy/lay_store.h"

static void print_hosts(const struct view_store *s)
{
    char name[LIMITER_NAME_MAX], rtt[DURATION_MAX], age[DURATION_MAX];
    uint32_t i;

    printf("%-28s %8s %8s %12s %12s\n", "HOST", "WAITING", "LEASES",
           "ROUND TRIP", "CALLED AGO");
    for (i = 0; i < s->n_told; i++) {
        const struct view_host *h = &s->told[i];

        printf("%c %-26.26s %8u %8u %12s %12s\n", h->self ? '*' : ' ',
               plain(name, h->name), h->waiting, h->leases,
               duration(rtt, h->rtt_ns), duration(age, h->age_ns));
    }
}

static void print_loss(const struct view_store *s)
{
    char age[DURATION_MAX], said[DURATION_MAX];

    printf("the store does not answer, for %s (last answer %s ago): ",
           duration(age, s->age_ns), duration(said, s->answered_ns));
    if (s->state == STORE_ALONE)
        printf("each of the %u hosts goes on with its part of the limits\n",
               s->hosts);
    else if (s->has_part)
        printf("this host goes on with its part in a moment\n");
    else
        printf("all wait\n");
}

int shared_print(struct ctl *c, int in_short)
{
    struct limiter_view v;
    const struct view_store *s = &v.store;
    char full[DURATION_MAX], rtt[DURATION_MAX];
    int rc = look_at(c, &v);

    if (rc != EXIT_SUCCESS)
        return rc;
    if (s->state == STORE_UNUSED && !in_short)
        printf("no store is shared: this host has its limits for itself "
               "(shared.url)\n");
    if (s->state == STORE_LOST || s->state == STORE_ALONE)
        print_loss(s);
    if (s->state == STORE_UP && s->full_ns > 0)
        printf("the store has lost what was sent: all windows count as full "
               "for %s\n",
               duration(full, s->full_ns));
    if (s->state != STORE_UNUSED && !in_short) {
        printf("%u hosts; worker %u speaks for this one, in %s; leases: %u in "
               "use, %u unused\n",
               s->hosts, s->leader_pid, duration(rtt, s->rtt_ns), s->taken,
               s->held);
        print_hosts(s);
    }
    view_free(&v);
    return EXIT_SUCCESS;
}
