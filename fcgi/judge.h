/*
 * What becomes of a request after an attempt?
 */
#ifndef SLUICE_JUDGE_H
#define SLUICE_JUDGE_H

#include "exchange.h"

/* There is an answer, or enough of one. */
enum step judge_answer(struct exchange *x);
/* The transfer ended without any. */
enum step judge_silence(struct exchange *x);
/* Is it granted, and no byte of it on the wire?  Then an operator's pause
 * takes it back into line. */
bool judge_can_recall(const struct exchange *x);
enum step judge_recall(struct exchange *x);
/* May the attempt have been done, and would it be done twice if it went again?
 * Then its client is told JUDGE_ONCE with whatever went wrong. */
bool judge_may_be_done(const struct exchange *x);
#define JUDGE_ONCE                                                             \
    "Sluice did not send it again, because it may have been done: look "       \
    "before "                                                                  \
    "you do."
/* A pause is over: what it was for. */
enum step judge_go_on(struct exchange *x);

#endif
