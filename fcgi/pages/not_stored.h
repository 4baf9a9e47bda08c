/* A response that was to be kept, where nobody keeps any. */
#ifndef SLUICE_NOT_STORED_H
#define SLUICE_NOT_STORED_H

#include "fcgi/exchange_parts.h"

enum step not_stored_answer(struct exchange *x);

#endif
