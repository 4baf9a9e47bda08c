/*
 * sluicectl: what its commands share.
 */
#ifndef SLUICE_CTL_H
#define SLUICE_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/runs.h"
#include "state/limiter.h"
#include "state/view.h"

#define EXIT_USAGE  2
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h, as the workers have it */

struct config;
struct view_verdict;

/* Which Sluice is meant (where.c). */
#define WHERE_URL_MAX   512
#define WHERE_TOKEN_MAX 4096

struct where {
    bool is_known;
    bool is_far; /* only by its URL: its state cannot be read from here */
    bool is_run; /* named by its URL, and known: no other's token is its own */
    char url[WHERE_URL_MAX]; /* without a slash at the end */
    char dir[RUN_PATH_MAX];  /* of its state; "": not known, is_far */
    char data[RUN_PATH_MAX]; /* "": the settings' */
};

/* What was said before the command, NULL or 0 where nothing was; and what came
 * of it. */
struct ctl {
    const char *state_dir;  /* --dir, --state-dir */
    const char *url;        /* --url */
    const char *env_url;    /* SLUICE_URL */
    const char *token_file; /* --token-file */
    int says_yes;           /* --yes: nobody is to be asked */
    struct config *cfg;     /* once ctl_config() was called */
    int is_quiet;           /* what cannot be had is not worth a word, nor
                             * much time */
    struct where at;        /* once where_find() was called */
    bool has_said;          /* what is wrong with the usage */
};

/* The settings that workers with the same environment would have; NULL: they
 * are wrong, and the reason was printed. */
const struct config *ctl_config(struct ctl *c);

/* ---- where.c -------------------------------------------------------------- */

/*
 * Finds it, once, by what was said before the command, the environment, and
 * what runs here.  EXIT_SUCCESS: c->at says.  EXIT_USAGE: there are several,
 * which are listed; or another exit status, and the reason was printed.
 */
int where_find(struct ctl *c);
/* The first line of the file NAME in DIR, or of the file DIR with NAME ""; false:
 * there is none. */
bool where_first_line(char *out, size_t max, const char *dir, const char *name);
/* The admin token for it; false: none can be had, and a call goes without.  To be
 * called after where_find(), and wiped by the caller. */
bool where_token(struct ctl *c, char out[WHERE_TOKEN_MAX]);
/* sluicectl runs */
int where_list(struct ctl *c);

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
/* BEFORE and TEXT as a line. */
void print_line(FILE *to, const char *before, const char *text);

/* ---- waits.c ------------------------------------------------------------- */

/* A line for each cause for which somebody waits; nothing if nobody does. */
void waits_print(const struct limiter_view *v);
/* Why R waits, in the word of the JSON; "-": it runs. */
const char *waits_why(const struct view_row *r);

/* ---- commands: each returns the exit status --------------------------------- */

/* What was learned of the limit of UPSTREAM, or, NULL, of the first of which that
 * is known: its NAME, REQUESTS in a window (0: nothing was), and whether it is a rate. */
int look_learned(struct ctl *c, const char *upstream, char *name, size_t max,
                 uint32_t *requests, int *is_rate);
int look_status(struct ctl *c);
int look_queue(struct ctl *c);
/* What is wrong with the store that several hosts share; nothing if all is well. */
int look_store(struct ctl *c);
/* A copy of the state.  An exit status; but for EXIT_SUCCESS it cannot be had, and
 * the reason was printed. */
int look_at(struct ctl *c, struct limiter_view *out);
/* The same without a word: the reason, or "", is in ERR. */
int look_try(struct ctl *c, struct limiter_view *out, char *err, size_t max);

/* top.c: every second, until q or a signal; once where nobody watches. */
int top_run(struct ctl *c);

/* far.c: the same as a worker tells it. */
int far_view(struct ctl *c, struct limiter_view *out);

/* How it stands, as it was told with that; NULL: the last view was none of far.c's,
 * or far_forget() was called. */
const struct view_verdict *far_verdict(void);
void far_forget(void);

/* How it stands: of V, or as a worker told it. */
void look_verdict(const struct limiter_view *v, struct view_verdict *out);

/* orders.c: through a worker, over HTTP. */
int call_status_json(struct ctl *c);
/* The names that stand for models, which no state file knows; nothing where no
 * worker of this state answers. */
void call_aliases(struct ctl *c);
/* N texts KEY=VALUE; an empty value drops the live change. */
int call_set(struct ctl *c, char *const *pairs, int n);
int call_reload(struct ctl *c);
int call_pause(struct ctl *c, int on);
int call_cancel(struct ctl *c, const char *id);
/* Where request ID is cancelled. */
void call_queue_path(char *out, size_t max, const char *id);

/* clear.c: UPSTREAM and MODEL may be NULL, for all of them.  Asks, unless
 * says_yes. */
int clear_run(struct ctl *c, const char *upstream, const char *model);

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
/* GET PATH; on EXIT_SUCCESS *OUT is the caller's, else NULL. */
int call_get(struct ctl *c, const char *path, struct json_object **out);
/* The same of a page that is no JSON; the caller's, NULL: it cannot be had. */
char *call_text(struct ctl *c, const char *path);
/* METHOD on PATH without a word: but for EXIT_SUCCESS the reason is in WHY. */
int call_order(struct ctl *c, const char *method, const char *path, char *why,
               size_t max);
/* The member KEY of O, borrowed; NULL: it has none, or is no object. */
struct json_object *call_at(struct json_object *o, const char *key);
/* What TEXT is as a value of ROW, called KEY; the caller's.  NULL: it is none,
 * which was said. */
struct json_object *call_value(const struct setting *row, const char *key,
                               const char *text);

#endif
