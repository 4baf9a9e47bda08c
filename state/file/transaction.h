/*
 * A section under the lock: what is read together, or changes together.
 *
 * The one place that takes the state file's lock and raises a dirty word.
 */
#ifndef SLUICE_TRANSACTION_H
#define SLUICE_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct lay_flag;
struct layout;

enum state_end {
    STATE_DONE = 0,
    STATE_BUSY = 1,    /* the lock was not to be had, MAY said no, or somebody
                        * died while it wrote: nothing was done */
    STATE_DAMAGED = 2, /* it was left half way: the file must not be used */
};

/* FN and the others are given ARG, and own nothing that leaks when they are
 * left half way (lib/sigbus.h). */
struct transaction {
    int fd; /* whose lock is taken; -1: it needs none, because LAY
                          * is a copy of ours or we have it already */
    struct layout *lay;
    int64_t wait_ns;     /* for the lock, by who may sleep; 0: a few tries */
    bool (*may)(void *); /* before anything is written.  It finishes what the
                          * dead have left.  NULL: if there is nothing left */
    void (*fn)(void *);
    /* After FN, with the lock still held but outside of its section, if all
     * went well: for what has a file of its own (state_also()).  Or NULL. */
    void (*also)(void *);
    void *arg;
};

/* With the dirty word up while FN is at it. */
MUST_USE enum state_end state_write(const struct transaction *t,
                                    const char **what);
/* FN, which may be NULL, only looks.  MAY as above. */
MUST_USE enum state_end state_read(const struct transaction *t,
                                   const char **what);

/*
 * Needs the lock of T->fd, and is called from ALSO: a section in another file,
 * with a guard of its own and FLAG raised.  A dead writer's work is first set
 * right by REPAIR.  False: the file was damaged, which *WHAT says.
 */
MUST_USE bool state_also(struct lay_flag *flag, void (*repair)(void *),
                         void (*fn)(void *), void *arg, const char **what);

/* FN with nothing but the lock: for who looks at a file before it is used, and
 * may replace it.  False: it was not to be had. */
MUST_USE bool state_alone(int fd, int64_t wait_ns, void (*fn)(void *),
                          void *arg);

#endif
