/*
 * Hints between workers: "look at the shared state".  A hint may be lost, late
 * or false; nothing depends on one but speed.
 */
#ifndef SLUICE_WAKE_H
#define SLUICE_WAKE_H

#include <stdint.h>

#include "base.h"

#define WAKE_PREFIX "wake-" /* of the sockets' names */

struct wake {
    int fd;  /* datagram socket, readable when poked; -1 none */
    int dir; /* borrowed: the state directory */
    uint64_t address;
};

/* Binds a socket of our own in DIR.  Returns 0, or -1 with errno set. */
MUST_USE int wake_init(struct wake *w, int dir);
void wake_fini(struct wake *w);
void wake_drain(struct wake *w);
void wake_poke(const struct wake *w, uint64_t address);
/* Removes what a dead worker left. */
void wake_bury(const struct wake *w, uint64_t address);

#endif
