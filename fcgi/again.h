/*
 * A request that goes on after an attempt.  What returns a step has ended that
 * attempt.
 */
#ifndef SLUICE_AGAIN_H
#define SLUICE_AGAIN_H

#include "fcgi/exchange_parts.h"

/* May X go again after a passing fault?  Then *MS says after which pause; the
 * upstream wants RETRY_MS, or -1.  Counts the fault. */
bool again_may(struct exchange *x, int64_t retry_ms, int64_t *ms);
/* To the head of its own line, at once.  UNSENT: it used no slot. */
enum step again_in_line(struct exchange *x, bool unsent);
/* After MS: another attempt, or another poll. */
enum step again_in(struct exchange *x, int64_t ms);
/*
 * Once the upstream is less busy, for a request whose model is not known: with
 * no model there is no ceiling to wait at, it waits by itself.  False, and
 * nothing is changed but its time in line bounded anew: it may not wait for
 * that long.
 */
bool again_when_free(struct exchange *x, int64_t retry_ms, enum step *next);
/* A pause is over: what it was for. */
enum step again_go_on(struct exchange *x);

/* Is it granted, and no byte of it on the wire?  Then an operator's pause
 * takes it back into line. */
bool again_can_recall(const struct exchange *x);
enum step again_recall(struct exchange *x);

#endif
