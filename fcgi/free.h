/*
 * Requests that cost no slot.
 */
#ifndef SLUICE_FREE_H
#define SLUICE_FREE_H

#include <stdbool.h>

#include "fcgi/step.h"

struct config;
struct exchange;
struct request;

/* Do the settings say that R costs none? */
bool free_is(const struct config *cfg, const struct request *r);
/* X goes to its upstream, which was chosen, at once; or there are too many. */
enum step free_go(struct exchange *x);

#endif
