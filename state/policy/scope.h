/*
 * A scope of the shared file: what its values are good for, and how far it
 * keeps back.  Between retreat.c, which knows no file, and those who ask.
 */
#ifndef SLUICE_SCOPE_H
#define SLUICE_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_row;
struct lay_rules;
struct lay_scope;
struct retreat;
struct retreat_rule;

/* SCOPE, with values that no arithmetic of ours can carry too far. */
struct lay_scope *scope_sound(struct layout *lay, uint32_t scope);

/* Its retreat, which was looked at; and what that has to know of its rules. */
struct retreat *scope_retreat(struct layout *lay, uint32_t scope);
struct retreat_rule scope_retreat_rule(struct layout *lay, uint32_t scope);
struct retreat_rule scope_retreat_by(const struct lay_rules *r);
/* A copy takes its place as a whole. */
void scope_retreat_put(struct layout *lay, uint32_t scope,
                       const struct retreat *new);

/* Does the probe still run, and is its time not over? */
bool scope_is_probed(struct layout *lay, uint32_t scope, int64_t now);
/* The next scope from FROM on that is not normal; LAY_SCOPES: none. */
uint32_t scope_retreating(const struct layout *lay, uint32_t from);
/* The probe, once it was written; NULL: there is none. */
const struct lay_row *scope_probe(struct layout *lay, uint32_t scope);
/* Is ROW its probe? */
bool scope_probes_with(struct layout *lay, uint32_t row);
/* The end of a hold or of a probe's lease, at least NOW; NOW: neither. */
int64_t scope_held_until(struct layout *lay, uint32_t scope, int64_t now);
/* What a window may hold when the K-th from now goes.  A probe need not fit
 * into the allowance, which is only a guess until it is answered. */
uint32_t scope_limit(struct layout *lay, uint32_t scope, uint32_t k);
/* When that grows, which may open a slot before any send expires; NEVER: it
 * does not, or not by time alone. */
int64_t scope_grows_at(struct layout *lay, uint32_t scope);

#endif
