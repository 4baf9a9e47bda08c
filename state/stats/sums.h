/*
 * The sums of all requests: sound, and told.
 */
#ifndef SLUICE_SUMS_H
#define SLUICE_SUMS_H

#include <stdbool.h>

#include "state/stats/outcomes.h"

struct lay_sums;

/* Could limiter_provider_of() have given NAME? */
bool sums_is_provider(const char *name);
/* The names in S are sound, and each is there once.  Needs no lock for a copy. */
void sums_check(struct lay_sums *s);
/* The same numbers, for others. */
void sums_tell(const struct lay_sums *s, struct tally_sums *out);

/* Noise does not overflow. */
static inline int64_t sums_ns(uint64_t us)
{
    return (int64_t)(us < INT64_MAX / 1000 ? us : INT64_MAX / 1000) * 1000;
}

#endif
