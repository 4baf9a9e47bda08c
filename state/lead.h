/*
 * Which worker speaks for this host to a store that several share?  All but the
 * first needs the lock.
 */
#ifndef SLUICE_LEAD_H
#define SLUICE_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/policy/lay_store.h"

struct limiter;

#define LEADER_SILENT_NS (250 * NS_PER_MS) /* although it was poked */
#define LEADER_GONE_NS   (2500 * NS_PER_MS)

/* Has whoever leads given no sign, although there was something to say?  Words are
 * read once. */
bool lead_is_silent(const struct lay_store *s, int64_t now);
/* We do, from now on or as before, and are there.  False: another one does. */
bool lead_take(struct limiter *lim);
/* Is there anything to say? */
bool lead_has_news(const struct limiter *lim);
/* The store can be had, or not: all workers hear of it. */
void lead_set_state(struct limiter *lim, enum store_state state);

/* For a turn: what our settings say of a store; and at its end, whether the leader
 * has something to say. */
void lead_rule(struct limiter *lim);
void lead_look(struct limiter *lim);

#endif
