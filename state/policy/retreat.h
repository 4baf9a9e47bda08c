/*
 * How far does a scope keep back after its upstream said 429, and what was learned
 * of its limit?
 *
 * A circuit breaker with a slow start, one for each upstream and each model.
 * Its states have other names elsewhere: HOLDING is the open circuit, PROBING
 * the half-open one, and RECOVERING the slow start behind it.
 *
 *                    a refusal                 the hold is over
 *   NORMAL ------------------------> HOLDING ------------------> PROBING
 *     ^                              ^  ^  ^                      |    |
 *     | nothing holds it back        |  |  +----- refused --------+    |
 *     |                              |  |                              |
 *     +------------------------- RECOVERING <------- answered ---------+
 *
 * What a refusal means it finds out by trying (retreat.c): a full window, a
 * rate, or bad luck.
 *
 * Arithmetic over one struct: time, limits and answers are arguments.
 */
#ifndef SLUICE_RETREAT_H
#define SLUICE_RETREAT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/retreat_form.h"

/* Are all values within what the functions below produce? */
bool retreat_is_sane(const struct retreat *r, int64_t now);

/* A request was granted; GRANT was written AT; a grant was given back unused. */
void retreat_taken(struct retreat *r, int64_t now);
void retreat_sent(struct retreat *r, const struct retreat_rule *u,
                  uint64_t grant, int64_t at);
void retreat_given_back(struct retreat *r);

/* One was refused.  True: a hold began; false: the refusal is part of one that is
 * known, or no reason to hold. */
bool retreat_refused(struct retreat *r, const struct retreat_rule *u,
                     const struct retreat_refusal *what, int64_t now);
/* The same where another scope answers for it: it is counted, no more. */
void retreat_note_refused(struct retreat *r, const struct retreat_refusal *what,
                          int64_t now);

/* GRANT, sent SENT_NS, was answered well.  True: that changed the state. */
bool retreat_answered(struct retreat *r, const struct retreat_rule *u,
                      uint64_t grant, int64_t sent_ns, int64_t now);

/* What time alone changes.  True: it has another state now; ask again. */
bool retreat_advance(struct retreat *r, const struct retreat_rule *u,
                     int64_t now);

/* ROW, whose number is ID, goes as the probe. */
void retreat_probe(struct retreat *r, uint32_t row, uint64_t id, int64_t now);
/* The next one may go as the probe. */
void retreat_pass_on(struct retreat *r);
/* By then a refusal of what was sent SENT_NS would have come: it is as if that had
 * passed. */
int64_t retreat_silent_at(const struct retreat *r, int64_t sent_ns);
/* An operator has had enough of it, or another scope answers for all of it. */
void retreat_end(struct retreat *r, int64_t now);

/* Is it open what its refusals mean? */
bool retreat_is_finding_out(const struct retreat *r);
/* Were more sent in this window than are known to pass?  IN_WINDOW as above. */
bool retreat_is_at_limit(const struct retreat *r, const struct retreat_rule *u,
                         uint32_t in_window);

/* From when on may the next one go, as far as slow start and pace decide? */
int64_t retreat_free_at(const struct retreat *r);
/* Sends that a window may hold now, or will after the hold. */
uint32_t retreat_limit(const struct retreat *r, uint32_t requests);

#endif
