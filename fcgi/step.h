/* The steps of an exchange; exchange.c has a row for each. */
#ifndef SLUICE_STEP_H
#define SLUICE_STEP_H

/* In the order of a normal request; what a page of ours can do besides stands
 * behind the route. */
enum step {
    STEP_ROUTE,
    STEP_LATER, /* the state cannot be had: its page is asked anew */
    STEP_PAGE,  /* a page of ours waits for what it will say */
    STEP_ADMIT,
    STEP_QUEUE,
    STEP_FORWARD,
    STEP_PAUSE,
    STEP_RELAY,
    STEP_FLUSH,
    STEP_SETTLE,
    STEP_DONE,
};

#endif
