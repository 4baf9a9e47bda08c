/*
 * How often has one model served in place of another?
 */
#ifndef SLUICE_STAND_INS_H
#define SLUICE_STAND_INS_H

#include "state/stats/outcomes.h"

struct lay_sums;

/* A request is over that another model than the one that was asked for has had:
 * N names both. */
void stand_ins_count(struct lay_sums *s, const struct limiter_note *n);
/* Pairs that no worker wrote are taken out.  Needs no lock for a copy. */
void stand_ins_check(struct lay_sums *s);
/* The same numbers, for others. */
void stand_ins_tell(const struct lay_sums *s, struct tally_sums *out);

#endif
