/*
 * What becomes of a request after an attempt?
 */
#ifndef SLUICE_FOLLOW_UP_H
#define SLUICE_FOLLOW_UP_H

#include "fcgi/exchange_parts.h"

/* There is an answer, or enough of one. */
enum step follow_up_answer(struct exchange *x);
/* The transfer ended without any. */
enum step follow_up_silence(struct exchange *x);

#endif
