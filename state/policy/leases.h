/*
 * Which slots has a store of several machines lent to this host, and who has
 * them?
 *
 * A lease is the right to send one request before its end.  It is held until a
 * row takes it; then it is told to the store as sent, or as given back.  What
 * is held and not needed goes back, too (leader.c).
 */
#ifndef SLUICE_LEASES_H
#define SLUICE_LEASES_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_lease;

/* How many of SCOPE could be taken now? */
uint32_t leases_free(struct layout *lay, uint32_t scope, int64_t now);
/* When can one more be taken that is here already?  NEVER: there is none. */
int64_t leases_next_ns(const struct layout *lay, uint32_t scope, int64_t now);
/* How many of them were given for CLIENT in CLS? */
uint32_t leases_given(const struct layout *lay, uint32_t scope, uint32_t cls,
                      uint32_t client);
/* The K-th of those; NONE: there are fewer. */
uint32_t leases_nth(const struct layout *lay, uint32_t scope, uint32_t k,
                    int64_t now);

/* A new one, of SCOPE, for CLIENT (NONE: for anybody) in class CLS.  False: the
 * table is full. */
bool leases_add(struct layout *lay, const struct lay_lease *l);
/* ROW takes one of its scope: its own, else one for anybody, else the first. */
void leases_take(struct layout *lay, uint32_t row, int64_t now);
/* ROW was written AT, and takes so many TOKENS by its estimate; or it was not.
 * Without a lease nothing happens. */
void leases_sent(struct layout *lay, uint32_t row, uint32_t tokens, int64_t at);
void leases_back(struct layout *lay, uint32_t row);
/* The answer to ROW took TOKENS in truth; without a lease, or a limit on tokens,
 * nothing happens. */
void leases_told(struct layout *lay, uint32_t row, uint32_t tokens);

/* Lease I goes back unused, or is gone. */
void leases_return(struct layout *lay, uint32_t i);
void leases_forget(struct layout *lay, uint32_t i);
/* The lease with the number ID; NONE. */
uint32_t leases_find(const struct layout *lay, uint64_t id);

/* Until when ROW may be written, as far as that depends on a lease: without the
 * lock, each word read once.  0: it has none. */
int64_t leases_end_ns(struct layout *lay, uint32_t row, uint64_t row_id);

/* After a crash, once rows are sound. */
void leases_rebuild(struct layout *lay, int64_t now);

#endif
