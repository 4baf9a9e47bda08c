/*
 * store_loss.c - what is wrong with the store that several hosts share?
 *
 * From the state file, as all of `sluicectl status`: also while nobody answers.
 */
#include <stdio.h>

#include "ctl/ctl.h"
#include "state/policy/lay_store.h"

static void print_loss(const struct view_store *s)
{
    char age[DURATION_MAX], said[DURATION_MAX];

    printf("shared store: no answer for %s (the last %s ago): ",
           duration(age, s->age_ns), duration(said, s->answered_ns));
    if (s->state == STORE_ALONE)
        printf("each of the %u hosts goes on with its part of the limits\n",
               s->hosts);
    else if (s->has_part)
        printf("this host goes on with its part in a moment\n");
    else
        printf("all wait\n");
}

int look_store(struct ctl *c)
{
    struct limiter_view v;
    const struct view_store *s = &v.store;
    char full[DURATION_MAX];
    int rc = look_at(c, &v);

    if (rc != EXIT_SUCCESS)
        return rc;
    if (s->state == STORE_LOST || s->state == STORE_ALONE)
        print_loss(s);
    if (s->state == STORE_UP && s->full_ns > 0)
        printf("shared store: it does not know what was sent before, so all "
               "windows count as full for %s\n",
               duration(full, s->full_ns));
    view_free(&v);
    return EXIT_SUCCESS;
}
