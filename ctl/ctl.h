/*
 * sluicectl: what its commands share.
 */
#ifndef SLUICE_CTL_H
#define SLUICE_CTL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "state/limiter.h"
#include "state/view.h"

#define EXIT_USAGE  2
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h, as the workers have it */

struct config;

/* What was said before the command. */
struct ctl {
    const char *state_dir; /* --state-dir; NULL: the settings' */
    const char *url;       /* --url; NULL: SLUICE_URL, or where Sluice says
                            * that it listens */
    struct config *cfg;    /* once ctl_config() was called */
    int is_quiet;          /* what cannot be had is not worth a word */
};

/* The settings that workers with the same environment would have; NULL: they
 * are wrong, and the reason was printed. */
const struct config *ctl_config(struct ctl *c);

/* ---- words.c -------------------------------------------------------------- */

#define DURATION_MAX 24

/* "7.2 s", "3 m 20 s", "2 h 5 m", "4 d 1 h"; "-" if NS is below zero. */
const char *duration(char out[DURATION_MAX], int64_t ns);
/* Why an upstream is left alone: "key refused". */
const char *held_words(enum ejection_cause cause);
/* In whose line those of S wait, if that is another upstream's; borrowed from V.
 * NULL: in its own. */
const char *lead_of(const struct limiter_view *v, const struct view_scope *s);
/* NAME without what a terminal would obey: it comes from a client. */
const char *plain(char out[LIMITER_NAME_MAX], const char *name);
/* TEXT, which may be NULL, on one line, with '?' for what a terminal would
 * obey. */
void print_text(FILE *to, const char *text);
/* A JSON text, with what a terminal would obey escaped. */
void print_json_text(FILE *to, const char *json);

/* ---- commands: each returns the exit status --------------------------------- */

/* What was learned of the limit of UPSTREAM, or, NULL, of the first of which that
 * is known: its NAME, REQUESTS in a window (0: nothing was), and whether it is a rate. */
int look_learned(struct ctl *c, const char *upstream, char *name, size_t max,
                 uint32_t *requests, int *is_rate);
int look_status(struct ctl *c);
int look_queue(struct ctl *c);
/* What is wrong with the store that several hosts share; nothing if all is well. */
int look_store(struct ctl *c);
/* A copy of the state; -1: it cannot be had, and the reason was printed. */
int look_at(struct ctl *c, struct limiter_view *out);

/* Every second, until q or a signal; once where nobody watches. */
int top_run(struct ctl *c);

/* call.c: through a worker, over HTTP. */
int call_status_json(struct ctl *c);
/* The names that stand for models, which no state file knows; nothing where no
 * worker of this state answers. */
void call_aliases(struct ctl *c);
/* N texts KEY=VALUE; an empty value drops the live change. */
int call_set(struct ctl *c, char *const *pairs, int n);
int call_reload(struct ctl *c);
int call_pause(struct ctl *c, int on);
int call_cancel(struct ctl *c, const char *id);
/* UPSTREAM and MODEL may be NULL: all of them. */
int call_clear(struct ctl *c, const char *upstream, const char *model);

/* shared_hosts.c: with whom the limit is shared, as a worker tells it. */
int shared_look(struct ctl *c);

/* key.c: prints a new key for the client NAME, and its entry. */
int key_new(const char *name);
/* key_calls.c: those that a worker makes, as the N words at ARGS say;
 * EXIT_USAGE: they say nothing that is known. */
int keys_run(struct ctl *c, char **args, int n);

/* ---- call.c, for those that call through it ----------------------------------- */

struct json_object;
struct setting;

/* The call, with BODY or NULL, and its answer for PRINT unless it was refused,
 * which is said. */
int call_and(struct ctl *c, const char *method, const char *path,
             const char *body,
             void (*print)(struct json_object *root, const void *arg),
             const void *arg);
/* The member KEY of O, borrowed; NULL: it has none, or is no object. */
struct json_object *call_at(struct json_object *o, const char *key);
/* What TEXT is as a value of ROW, called KEY; the caller's.  NULL: it is none,
 * which was said. */
struct json_object *call_value(const struct setting *row, const char *key,
                               const char *text);

#endif
