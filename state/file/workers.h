/*
 * Which workers exist, and which of them still live?
 */
#ifndef SLUICE_WORKERS_H
#define SLUICE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/policy/vocabulary.h"

struct layout;

#define ROSTER_GONE_MAX 16 /* dead workers told of in one sweep */

/* A request whose worker is gone, for the statistics. */
struct worker_lost {
    uint32_t client, model, owner; /* rows, or NONE; of the model's upstream */
    uint32_t cls;
    bool stream;
    bool sent;     /* it was with the upstream, */
    bool sent_now; /* and that counts from now on */
    int64_t total_ns;
    char id[LIMITER_ID_MAX];
    char client_name[LIMITER_NAME_MAX], model_name[LIMITER_NAME_MAX];
    uint32_t upstream; /* its row, where it was last */
    char upstream_name[32];
};

/* Room for as many as there can be: nothing is allocated under the lock, and
 * pages that are not used cost nothing. */
struct workers_lost {
    uint64_t left[LIMITER_WORKERS / 64]; /* places that became free, as bits */
    bool any_left;
    uint32_t n;
    struct worker_lost rows[12288]; /* as LAY_ROWS */
};

struct workers_gone {
    uint64_t address[ROSTER_GONE_MAX]; /* their wake-up sockets */
    uint32_t n;
    struct workers_lost *lost; /* NULL: nobody counts them */
};

/* A place for this process, or NONE: 1,024 live workers hold them all. */
uint32_t workers_claim(struct layout *lay, int fd, uint64_t address,
                       int64_t now);
/* Is SELF still the place of whoever listens at ADDRESS? */
bool workers_is_mine(struct layout *lay, uint32_t self, uint64_t address);
/* Is there no worker but SELF? */
bool workers_is_alone(const struct layout *lay, uint32_t self);
/* Marks SELF as seen. */
void workers_seen(struct layout *lay, uint32_t self, int64_t now);
/* Marks a worker that let an offer lapse. */
void workers_stall(struct layout *lay, uint32_t worker);
/* Ends every row of SELF, or of another that holds no lock, and frees its
 * place.  What was lost is added to LOST, unless it is NULL. */
void workers_leave(struct layout *lay, int fd, uint32_t self, int64_t now,
                   struct workers_lost *lost);
/* Sweeps dead workers, never SELF, and adds them to GONE while it has room. */
void workers_sweep(struct layout *lay, int fd, uint32_t self, int64_t now,
                   struct workers_gone *gone);

#endif
