/*
 * How may an upstream that speaks chat be asked what came in other words?
 */
#ifndef SLUICE_ASKING_H
#define SLUICE_ASKING_H

#include <stdbool.h>
#include <stdint.h>

struct config;

/* All zeros: as every upstream can be. */
struct asking {
    const char *reasoning_field; /* a literal; NULL: what was thought stays */
    bool may_continue;           /* an answer that was begun */
    int64_t max_tokens;          /* no more of them; 0: no bound */
};

/* The body says this before its upstream is chosen: what all of those that may
 * serve MODEL, or a stand-in for it, and do not speak PROTOCOL have in common. */
void asking_of(const struct config *cfg, const char *model,
               const char *protocol, struct asking *out);

#endif
