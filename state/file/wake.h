/*
 * Hints between workers: "look at the shared state".  A hint may be lost, late
 * or false; nothing depends on one but speed.
 */
#ifndef SLUICE_WAKE_H
#define SLUICE_WAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"

#define WAKE_PREFIX "wake-" /* of the sockets' names */

struct wake {
    int fd;     /* readable when poked, for as long as we live; -1: none */
    int socket; /* datagrams; another one after its name was removed */
    int dir;    /* borrowed: the state directory */
    uint64_t address;
    dev_t dev; /* of the socket's name */
    ino_t ino;
};

/* Binds a socket of our own in DIR.  Returns 0, or -1 with errno set. */
MUST_USE int wake_init(struct wake *w, int dir);
/* Does our name still lead to us?  One system call, which does not block. */
bool wake_is_named(const struct wake *w);
/* Another socket by the same name, in w->dir.  0, or -1 with errno set: then
 * the old one stays. */
MUST_USE int wake_bind(struct wake *w);
void wake_fini(struct wake *w);
void wake_drain(struct wake *w);
void wake_poke(const struct wake *w, uint64_t address);
/* Removes a name. */
void wake_bury(const struct wake *w, uint64_t address);
/* The same, if nobody listens: a worker that moved to another file looks dead
 * to those who still have the old one. */
void wake_bury_dead(const struct wake *w, uint64_t address);

#endif
