/* The steps of an exchange, in the order of a normal request (exchange.c). */
#ifndef SLUICE_STEP_H
#define SLUICE_STEP_H

enum step {
    STEP_ROUTE = 0,
    STEP_ADMIT = 1,
    STEP_QUEUE = 2,
    STEP_FORWARD = 3,
    STEP_PAUSE = 4,
    STEP_RELAY = 5,
    STEP_FLUSH = 6,
    STEP_SETTLE = 7,
    STEP_DONE = 8,
};

#endif
