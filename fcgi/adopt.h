/*
 * Settings that all workers follow: this worker's part.
 *
 * s->cfg is replaced as a whole, between two steps of the loop: nobody keeps a
 * pointer into it from one callback to the next.  Upstreams keep their numbers
 * and all that keep.c keeps.
 */
#ifndef SLUICE_ADOPT_H
#define SLUICE_ADOPT_H

#include "fcgi/config/config.h"

struct adopt;
struct exchange;
struct sluice;

/*
 * At the start, with s->cfg as config_load() gives it and s->lim opened: what
 * is on the disk becomes what all follow, and s->cfg what was built from it.
 * ENV is borrowed for good.  0, or -1 with one line in ERR.
 */
int adopt_start(struct sluice *s, char *const *env, char *err, size_t err_max);
void adopt_free(struct adopt *a); /* waits for the disk; NULL is fine */

/* After a turn: did another worker publish something? */
void adopt_look(struct adopt *a);
/* Once a second: did one do so and die before it said so? */
void adopt_tick(struct adopt *a);

/* The file is read anew, for all workers; the logs are opened anew with it.
 * X, to be answered, or NULL: a signal asked, the service manager is told. */
void adopt_reload(struct adopt *a, struct exchange *x);
/* The body of X is a PATCH of the live changes. */
void adopt_patch(struct adopt *a, struct exchange *x);
/* X is gone; what it asked for goes on. */
void adopt_forget(struct adopt *a, const struct exchange *x);

#endif
