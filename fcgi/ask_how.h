/*
 * How may a request be asked of upstreams that speak chat?
 */
#ifndef SLUICE_ASK_HOW_H
#define SLUICE_ASK_HOW_H

#include "fcgi/config/asking.h"

struct gate;
struct request;

/* The body of R, which nobody has looked at yet, is there; all zeros if it names
 * no model.  From any thread. */
void ask_how(const struct request *r, struct gate *g, struct asking *out);

#endif
