/*
 * What is asked and told of a client's own limits: data alone.
 */
#ifndef SLUICE_QUOTA_FORM_H
#define SLUICE_QUOTA_FORM_H

#include <stdint.h>

#include "lib/base.h"

#define QUOTA_MAX       10000           /* requests_per_min, as of upstreams */
#define QUOTA_MINUTE_NS (60 * NS_PER_S) /* it counts this, and the margin */

/* What a request says of its client's limits.  0: there is none. */
struct quota_word {
    uint32_t per_min, tokens_per_min;
    uint64_t tokens_per_day;
    uint64_t generation; /* of the settings that say so */
    int64_t said_ns;     /* when the request came */
};

/* What several requests take together. */
struct quota_sum {
    uint64_t weight, tokens;
};

/* What a client has used of each limit, and when one more may go by it that weighs
 * 1, or takes a token. */
struct quota_told {
    struct quota_used {
        uint64_t used;
        int64_t at;
    } requests, tokens, day;
};

#endif
