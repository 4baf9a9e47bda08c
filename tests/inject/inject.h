/*
 * What the parts of the runner share: a worker, and the questions put to it.
 */
#ifndef SLUICE_INJECT_H
#define SLUICE_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"

/* How a worker ended. */
enum ending {
    END_NOT = 0,     /* it has not */
    END_WELL = 1,    /* status 0 */
    END_MESSAGE = 2, /* another status, and a message says why */
    END_CHECK =
        3, /* a CHECK of ours or an assertion of libfcgi's, which said so */
    END_BADLY = 4, /* a signal, or a status without a word */
};

struct worker {
    char dir[64]; /* of the case: state, socket, output */
    char program[256];
    char preload[256];
    int listen_fd;
    pid_t pid;             /* 0: none */
    int status;            /* of the last that ended */
    int deaths;            /* of those that nobody asked to end */
    enum ending first_end; /* how the one with the fault ended */
    bool first_served;     /* and whether it had answered before */
    bool has_served;       /* it has answered before that */
};

struct answer {
    bool whole; /* END_REQUEST came */
    bool timed_out;
    int status;       /* of the CGI head; 0: there is none */
    char text[16384]; /* head and body, cut to this; terminated */
    size_t len;
};

struct question {
    const char *method, *path, *body; /* body NULL: none */
    const char *deadline;             /* X-Sluice-Deadline, or NULL */
    const char *until; /* hang up once this was seen; NULL: never */
    int patience_ms;
};

/* ---- worker.c ----------------------------------------------------------- */

/* An empty directory and a new socket. */
void worker_prepare(struct worker *w, const char *upstream);
/* Starts it with INJECT=WISH. */
void worker_start(struct worker *w, const char *wish);
/* Has it ended?  If so it is noted how. */
bool worker_has_ended(struct worker *w);
/* A sound one in place of one that ended, as a web server does. */
void worker_ensure(struct worker *w);
/* SIGTERM.  How it ended; END_NOT: it had to be killed. */
enum ending worker_stop(struct worker *w, int patience_ms);
void worker_clean(struct worker *w);
/* Descriptors that are no connection to the upstream, and threads. */
int worker_descriptors(const struct worker *w);
int worker_threads(const struct worker *w);
/* The text of file NAME in its directory, to be freed; "" if there is none. */
char *worker_file(const struct worker *w, const char *name);

/* ---- ask.c -------------------------------------------------------------- */

void ask(struct worker *w, const struct question *q, struct answer *a);
int64_t clock_ms(void);
void sleep_ms(int ms);

#endif
