/*
 * A client's own limit: how many of its requests may go in a minute?
 */
#ifndef SLUICE_QUOTA_H
#define SLUICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct layout;

#define QUOTA_MAX       10000           /* requests_per_min, as of upstreams */
#define QUOTA_MINUTE_NS (60 * NS_PER_S) /* it counts this, and the margin */

/* What a request says of its client's limit. */
struct quota_word {
    uint32_t per_min;    /* 0: none */
    uint64_t generation; /* of the settings that say so */
    int64_t said_ns;     /* when the request came */
};

/* CLIENT's limit is as WORD has it, unless newer settings, or a later request
 * by the same ones, said otherwise: after a loss old requests come again. */
void quota_set(struct layout *lay, uint32_t client,
               const struct quota_word *word, int64_t now);
/* Has CLIENT a limit? */
bool quota_limits(struct layout *lay, uint32_t client);
/* The margin in force is MARGIN_NS; sends that would count under a longer one
 * are taken as unknown. */
void quota_margin(struct layout *lay, int64_t margin_ns, int64_t now);

/* How many of CLIENT, of weight 1, may go now; UINT32_MAX: it has no limit. */
uint32_t quota_room(struct layout *lay, uint32_t client, int64_t now);
/* May none of WEIGHT?  Reads only, as does what follows. */
bool quota_blocks(struct layout *lay, uint32_t client, uint32_t weight,
                  int64_t now);
/* When the K-th of weight 1 from now (from 0) may go, if each goes as early as
 * it may and open ones are written now. */
int64_t quota_eta(struct layout *lay, uint32_t client, uint32_t k, int64_t now);
/* How much of PER_MIN CLIENT has used, where that is, or will be with its next
 * request, its limit; 0: it has none.  *AT is when one more of weight 1 may
 * go. */
uint32_t quota_tell(struct layout *lay, uint32_t client, uint32_t per_min,
                    int64_t now, int64_t *at);
/* What counts now weighs, open ones included; at most the limit. */
uint32_t quota_used(struct layout *lay, uint32_t client, int64_t now);

/* GRANT of CLIENT, of WEIGHT, was written AT: into the log.  False: it has no
 * room. */
MUST_USE bool quota_sent(struct layout *lay, uint32_t client, int64_t at,
                         uint32_t weight, uint64_t grant);

/* Must CLIENT's row stay?  Drops what no longer counts. */
bool quota_is_needed(struct layout *lay, uint32_t client, int64_t now);
/* The row has a new owner. */
void quota_forget(struct layout *lay, uint32_t client);

/*
 * Clients that have more waiting than may go are counted in live.limited, so
 * that nobody looks at limits while there is none.  A row of CLIENT, which has
 * a limit, is in line or was offered: has it come to that?
 */
void quota_watch(struct layout *lay, uint32_t client, int64_t now);
/* How many clients there are of that kind. */
uint32_t quota_count(struct layout *lay);
/* The same, when the log may be touched: what has expired is dropped. */
uint32_t quota_recount(struct layout *lay, int64_t now);
/* After a crash; the logs are window.c's. */
void quota_rebuild(struct layout *lay, int64_t latest);

#endif
