/*
 * A request whose upstream refuses our key.
 */
#ifndef SLUICE_KEY_REFUSED_H
#define SLUICE_KEY_REFUSED_H

#include "fcgi/exchange_parts.h"

/* V is VERDICT_KEY, of an upstream that we have a key for.  What returns a step
 * has ended the attempt. */
enum step key_refused_told(struct exchange *x, const struct verdict *v);

#endif
