/*
 * top_rows.c - which requests are shown, and in which order?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/ctl.h"
#include "ctl/top.h"

/* For qsort(), which hands on nothing: there is one page at a time. */
static const struct limiter_view *view;
static const struct top *chosen;

/* Not by subtraction: an hour in nanoseconds is no int. */
static int of_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Who cannot be told when it goes comes behind who can. */
static int64_t eta_of(const struct view_row *r)
{
    if (!r->waiting)
        return -1;
    return r->eta_ns < 0 ? INT64_MAX : r->eta_ns;
}

/* Equal ones keep the order in which they go, so that rows do not jump. */
static int by_choice(const void *pa, const void *pb)
{
    uint32_t ia = *(const uint32_t *)pa, ib = *(const uint32_t *)pb;
    const struct view_row *a = &view->rows[ia], *b = &view->rows[ib];
    int rc = 0;

    switch (chosen->sort) {
    case SORT_AGE:
        rc = of_numbers(b->age_ns, a->age_ns);
        break;
    case SORT_ETA:
        rc = of_numbers(eta_of(a), eta_of(b));
        break;
    case SORT_CLIENT:
        rc = strcmp(a->client, b->client);
        break;
    case SORT_MODEL:
        rc = strcmp(a->model, b->model);
        break;
    case SORT_ORDER:
    case SORTS:
        break;
    }
    if (rc == 0) /* the order in which they will go: of the view itself */
        rc = of_numbers(ia, ib);
    return chosen->is_reversed ? -rc : rc;
}

/* In whichever case, any part of a name: as people look for one. */
static bool passes(const struct top *t, const struct view_row *r)
{
    return t->filter[0] == '\0' || strcasestr(r->client, t->filter) != NULL ||
           strcasestr(r->model, t->filter) != NULL ||
           strcasestr(r->request_id, t->filter) != NULL;
}

/* The chosen request is where it is by now; if it has gone, whatever has its
 * place. */
static void find_cursor(struct top *t, const struct limiter_view *v)
{
    uint32_t i;

    for (i = 0; i < t->n_order && t->chosen[0] != '\0'; i++)
        if (strcmp(v->rows[t->order[i]].request_id, t->chosen) == 0) {
            t->cursor = i;
            return;
        }
    if (t->cursor >= t->n_order)
        t->cursor = t->n_order > 0 ? t->n_order - 1 : 0;
    if (t->chosen[0] != '\0' && t->n_order > 0)
        snprintf(t->chosen, sizeof(t->chosen), "%s",
                 v->rows[t->order[t->cursor]].request_id);
}

/* Anew for each page: a few thousand numbers are sorted within a millisecond. */
void top_order(struct top *t, const struct limiter_view *v)
{
    uint32_t i;

    t->n_order = 0;
    for (i = 0; i < v->n_rows && t->n_order < ARRAY_LEN(t->order); i++)
        if (passes(t, &v->rows[i]))
            t->order[t->n_order++] = i;
    view = v;
    chosen = t;
    qsort(t->order, t->n_order, sizeof(t->order[0]), by_choice);
    find_cursor(t, v);
}
