/*
 * What a client hears of a request that waits.
 */
#ifndef SLUICE_SIGN_OF_LIFE_H
#define SLUICE_SIGN_OF_LIFE_H

#include "fcgi/exchange_parts.h"

/* Will the client get no byte before its answer? */
bool sign_of_life_is_silent(const struct exchange *x);
/* How long a client waits for an event, of which a comment is none, since it
 * asked; -1: as long as it takes. */
int64_t sign_of_life_patience_ms(const struct exchange *x);
/* From when on X has to be heard of, as it comes. */
void sign_of_life_begin(struct exchange *x);
/* The same of a stream that has begun. */
void sign_of_life_go_on(struct exchange *x);
/* Gives those that are due. */
void sign_of_life_give(struct exchange *x);

#endif
