/*
 * The rules of each upstream: which are in force, and what follows when others
 * are put in their place.
 */
#ifndef SLUICE_LIMITS_H
#define SLUICE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct bucket_rule;
struct lay_bounds;
struct lay_rules;
struct layout;

/* The border: settings, as rows of the file; and the other way round. */
void limits_take(const struct limiter_rules *from, struct lay_rules *to);
void limits_tell(const struct lay_rules *from, struct limiter_rules *to);
void limits_take_bounds(const struct limiter_bounds *from,
                        struct lay_bounds *to);
void limits_tell_bounds(const struct lay_bounds *from,
                        struct limiter_bounds *to);

/* May these be in force?  Asked wherever they are used: of what would lead
 * arithmetic astray.  Tokens of any number do not. */
bool limits_is_sane(const struct lay_rules *r);
/* May settings say so? */
bool limits_may_be_set(const struct lay_rules *r);

/* The upstream of a scope, and the rules that hold for it. */
uint32_t limits_upstream(struct layout *lay, uint32_t scope);
const struct lay_rules *limits_of(struct layout *lay, uint32_t scope);

/* Sends of a window that this host may make: all that are set, or its part of
 * them while hosts that share a limit cannot speak with each other. */
uint32_t limits_requests(const struct layout *lay, const struct lay_rules *r);

/* Does anybody use UPSTREAM now?  Else its rules are kept, with no requests. */
bool limits_in_force(const struct layout *lay, uint32_t upstream);

/* Sends of UPSTREAM before this are unknown: of a file that is lost, or dropped
 * under rules by which they did not count. */
int64_t limits_lost_at(const struct layout *lay, uint32_t upstream);

/* How long a send counts. */
int64_t limits_span_ns(const struct lay_rules *r);
struct bucket_rule limits_bucket(const struct lay_rules *r);

/* Puts these rules in force, by rows.  Returns false if they were already. */
bool limits_set(struct layout *lay, const struct limiter_settings *set,
                int64_t now);

/* SCOPE has refused nobody yet. */
void limits_forget_retreat(struct layout *lay, uint32_t scope);

/* Is there a ticket for UPSTREAM? */
bool limits_has_rows(struct layout *lay, uint32_t upstream);
/* Might SCOPE, whose upstream nobody uses now, have sends that count? */
bool limits_may_count(struct layout *lay, uint32_t scope, int64_t now);
/* Is the gap after SCOPE's last send not over?  It may be longer than a
 * window. */
bool limits_gap_runs(struct layout *lay, uint32_t scope, int64_t now);
/* The latest grant or write of UPSTREAM, those of its models included. */
int64_t limits_last_send_ns(const struct layout *lay, uint32_t upstream);

#endif
