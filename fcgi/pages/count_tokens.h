/* How many tokens are in a Messages request? */
#ifndef SLUICE_COUNT_TOKENS_H
#define SLUICE_COUNT_TOKENS_H

#include "fcgi/step.h"

struct exchange;

enum step count_tokens_answer(struct exchange *x);

#endif
