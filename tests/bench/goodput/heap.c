/* heap.c - a binary heap of events. */
#include "heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base.h"

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

void heap_add(struct heap *h, int64_t at, enum event_kind kind, struct job *job)
{
    struct event e = {at, h->added++, kind, job};
    uint32_t i = h->n++;

    if (i == h->max) {
        h->max = h->max > 0 ? 2 * h->max : 64;
        h->all = realloc(h->all, h->max * sizeof(*h->all));
        CHECK(h->all != NULL);
    }
    for (; i > 0 && is_before(&e, &h->all[(i - 1) / 2]); i = (i - 1) / 2)
        h->all[i] = h->all[(i - 1) / 2];
    h->all[i] = e;
}

int64_t heap_next_ns(const struct heap *h)
{
    return h->n > 0 ? h->all[0].at : NEVER;
}

struct event heap_take(struct heap *h)
{
    struct event first = h->all[0], last = h->all[--h->n];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < h->n) {
        if (child + 1 < h->n && is_before(&h->all[child + 1], &h->all[child]))
            child++;
        if (!is_before(&h->all[child], &last))
            break;
        h->all[i] = h->all[child];
        i = child;
    }
    h->all[i] = last;
    return first;
}

void heap_fini(struct heap *h)
{
    free(h->all);
    *h = (struct heap){NULL, 0, 0, 0};
}
