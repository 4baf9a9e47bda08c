/*
 * Work on memory that somebody may pull away or scribble over.
 *
 * A mapped file that is truncated answers with SIGBUS; a file filled with
 * noise answers with indices that lead nowhere.  Both end the same way: the
 * guarded function is left and the caller replaces the file.
 */
#ifndef SLUICE_SIGBUS_H
#define SLUICE_SIGBUS_H

enum sigbus_result {
    GUARD_OK = 0,
    GUARD_BUS = 1,     /* the file became shorter than its map */
    GUARD_DAMAGED = 2, /* a value that we never write */
};

/* Installs the SIGBUS handler; once, before the first sigbus_run(). */
void sigbus_init(void);

/*
 * Runs FN(ARG).  FN must own nothing that leaks when it is left half way: no
 * heap memory, no descriptors.  *WHAT, if not NULL, names what was damaged.
 */
enum sigbus_result sigbus_run(void (*fn)(void *), void *arg, const char **what);

/* Leaves the guarded function; outside of one, aborts.  Cold: what leads to it
 * lies apart from what is done a thousand times a second. */
__attribute__((cold)) _Noreturn void sigbus_damaged(const char *what);

#endif
