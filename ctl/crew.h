/*
 * The web server and its workers, as processes: the session that it leads.
 */
#ifndef SLUICE_CREW_H
#define SLUICE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CREW_MAX 1100 /* LIMITER_WORKERS, and some that are just starting */

struct crew {
    pid_t list[CREW_MAX];
    size_t n;
};

/* The living processes of the session of LEADER, which is left out. */
void crew_list(struct crew *out, pid_t leader);
/* Is one of A in B? */
bool crew_shares(const struct crew *a, const struct crew *b);
void crew_kill(const struct crew *c, int signal);

#endif
