/*
 * deadlines.c - when does an exchange have something to do by itself?
 */
#include "fcgi/deadlines.h"

#include <stddef.h>

#include "lib/base.h"

void deadlines_init(struct deadlines *d)
{
    size_t i;

    for (i = 0; i < DEADLINES; i++)
        d->at[i] = NEVER;
}

int64_t deadlines_next(const struct deadlines *d, unsigned mask)
{
    int64_t next = NEVER;
    size_t i;

    for (i = 0; i < DEADLINES; i++)
        if ((mask & 1U << i) != 0)
            next = min_i64(next, d->at[i]);
    return next;
}
