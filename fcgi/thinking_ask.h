/*
 * How is an upstream told whether its model shall think?
 */
#ifndef SLUICE_THINKING_ASK_H
#define SLUICE_THINKING_ASK_H

#include "fcgi/exchange_parts.h"

struct verdict;

/* X's request is about to be sent: if it is asked as chat, its body says whether
 * to think in the ways that its upstream has. */
void thinking_ask(struct exchange *x);
/* Does V, of X's answer, refuse that?  Then it is not said so to this upstream
 * again, and X can go once more. */
bool thinking_ask_is_refused(struct exchange *x, const struct verdict *v);

#endif
