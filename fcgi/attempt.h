/*
 * What becomes of a request after an attempt?
 */
#ifndef SLUICE_ATTEMPT_H
#define SLUICE_ATTEMPT_H

#include "fcgi/exchange.h"

/* There is an answer, or enough of one. */
enum step attempt_answer(struct exchange *x);
/* The transfer ended without any. */
enum step attempt_silence(struct exchange *x);
/* Is it granted, and no byte of it on the wire?  Then an operator's pause
 * takes it back into line. */
bool attempt_can_recall(const struct exchange *x);
enum step attempt_recall(struct exchange *x);
/* May the attempt have been done, and would it be done twice if it went again?
 * Then its client is told JUDGE_ONCE with whatever went wrong. */
bool attempt_may_be_done(const struct exchange *x);
#define JUDGE_ONCE                                                             \
    "Sluice did not send it again, because it may have been done: look "       \
    "before "                                                                  \
    "you do."
/* A pause is over: what it was for. */
enum step attempt_go_on(struct exchange *x);

#endif
