/*
 * Settings that all workers follow: this worker's part.
 *
 * s->cfg is replaced as a whole, between two steps of the loop: nobody keeps a
 * pointer into it from one callback to the next.  Upstreams keep their numbers
 * and all that keep.c keeps.
 */
#ifndef SLUICE_ADOPT_H
#define SLUICE_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/config/config.h"
#include "fcgi/config/key_order.h"

struct adopt;
struct buf;
struct reply_error;
struct revision;
struct sluice;
struct terms;

/* Who asks for a change. */
struct adopt_asker {
    const char *remote, *id; /* for the log; copied */
    /* Writes the answer as soon as CFG, which came of REV, is in force here. */
    void (*put)(struct buf *b, struct config *cfg, const struct revision *rev);
    /* All follow, and that is the ANSWER; or, with NULL, E says why nothing
     * changes.  Called once, maybe before adopt_patch() returns. */
    void (*told)(void *arg, const struct buf *answer,
                 const struct reply_error *e);
    void *arg;
};

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
 * WHO is NULL where a signal asked: then the service manager is told. */
void adopt_reload(struct adopt *a, const struct adopt_asker *who);
/* The LEN bytes at PATCH change some values. */
void adopt_patch(struct adopt *a, const struct adopt_asker *who,
                 const char *patch, size_t len);
/* DEED is done to the key of the client NAME (KEY_MAKE: the body says which),
 * as the LEN bytes at BODY say.  The answer's text is wiped after it was told. */
void adopt_keys(struct adopt *a, const struct adopt_asker *who,
                enum key_deed deed, const char *name, const char *body,
                size_t len);
/* Live settings and keys of another host take the place of ours, for all workers:
 * a text of shared_terms.c. */
void adopt_shared(struct adopt *a, const char *text, size_t len);
/* What we follow; another generation of it is another text. */
const struct terms *adopt_terms(const struct adopt *a);
/* Is some change not finished yet? */
bool adopt_is_busy(const struct adopt *a);

/* Nobody with ARG is to be told any more; what was asked for goes on. */
void adopt_forget(struct adopt *a, const void *arg);

#endif
