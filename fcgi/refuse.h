/*
 * Refusals: whose limit it was, which setting, and when to come back.
 */
#ifndef SLUICE_REFUSE_H
#define SLUICE_REFUSE_H

#include "fcgi/exchange_parts.h"

/* Puts what the limiter said into its error. */
void refuse_explain(struct exchange *x, const struct ticket_news *news);
/* Its deadline passed in the queue; its ticket is still there. */
enum step refuse_late(struct exchange *x);
/* The worker takes nothing new. */
enum step refuse_draining(struct exchange *x);

/* An operator ended it, waiting or running. */
enum step refuse_cancelled(struct exchange *x);

#endif
