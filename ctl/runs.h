/*
 * Which Sluices has this user started with `make run`?
 *
 * conf/run writes an entry, a file of its own in a directory that belongs to
 * the user, and takes it away at the end.  What is read there is believed only
 * so far: see runs.c.
 */
#ifndef SLUICE_RUNS_H
#define SLUICE_RUNS_H

#include <stddef.h>
#include <stdint.h>

#define RUN_URL_MAX  256
#define RUN_PATH_MAX 1024
#define RUNS_MAX     64 /* more at once on one machine are not told of */

struct run {
    char url[RUN_URL_MAX];
    char also[RUN_URL_MAX];  /* another address of the same door; "": none */
    char dir[RUN_PATH_MAX];  /* of the state */
    char data[RUN_PATH_MAX]; /* of what outlives it, the admin token too */
    int64_t pid;
    int64_t ticks;   /* when the process began, as /proc has it: a number that
                      * was given to another process since is not ours */
    int64_t started; /* seconds since 1970 */
};

/* Fills OUT with those that live, at most MAX, the oldest first; how many. */
size_t runs_list(struct run *out, size_t max);

#endif
