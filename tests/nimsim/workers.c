/*
 * workers.c - who holds a worker of which model?
 *
 * A list of the requests that hold one, in no order: only models that ask for
 * a limit are in it, so that it stays short.
 */
#include "workers.h"

#include <string.h>

#include "request.h"
#include "sim.h"

bool workers_take(struct request *r, int64_t limit)
{
    struct sim *sim = r->sim;
    const struct request *busy;
    int64_t count = 0;

    for (busy = sim->busy; busy != NULL; busy = busy->next_busy)
        count += strcmp(busy->model, r->model) == 0;
    if (count >= limit)
        return false;
    r->next_busy = sim->busy;
    sim->busy = r;
    r->is_busy = true;
    return true;
}

void workers_drop(struct request *r)
{
    struct request **at = &r->sim->busy;

    if (!r->is_busy)
        return;
    while (*at != r)
        at = &(*at)->next_busy;
    *at = r->next_busy;
    r->is_busy = false;
}
