/*
 * What one request takes of the limits of its scope, or of its client.
 */
#ifndef SLUICE_TAKE_H
#define SLUICE_TAKE_H

#include <stdint.h>

struct take {
    uint32_t weight; /* of the limit on requests: from 1 */
    uint32_t tokens; /* of the limit on tokens: 0 takes nothing of it */
};

/* A request of which nothing is known. */
#define TAKE_ONE ((struct take){1, 0})

#endif
