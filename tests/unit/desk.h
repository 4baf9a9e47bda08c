/*
 * Workers for the tests: some limiters on one state directory, each with the
 * tickets it holds.  Locks belong to open files, not to processes, so several
 * of them in one process are as foreign to each other as real workers.
 */
#ifndef SLUICE_DESK_H
#define SLUICE_DESK_H

#include <sys/types.h>

#include "lab.h"
#include "state/limiter.h"
#include "state/stats/stats_layout.h"

#define DESK_WORKERS 4
#define DESK_ASKS    2000

/* A request and what became of it. */
struct ask {
    struct limiter *lim;
    struct ticket *ticket; /* NULL: not asked, refused or done */
    struct ticket_news news;
    uint32_t told, waits, grants, refusals;
    int64_t granted_ns;
    bool waiting_again; /* since desk_again() */
    enum limiter_refusal why_refused;
    struct desk *desk;
};

struct desk {
    char dir[64];
    char data_dir[80]; /* "": none */
    int64_t now;
    struct limiter_settings set;
    struct limiter *w[DESK_WORKERS];
    struct ask asks[DESK_ASKS];
    uint32_t n;
    char log[4096]; /* events, one a line */
};

/* A fresh directory, and settings: REQUESTS in 60 s and no margin. */
struct desk *desk_new(uint32_t requests);
/* The same with N workers, opened. */
struct desk *desk_of(uint32_t n, uint32_t requests);
/* Closes all and removes the directory. */
void desk_free(struct desk *d);

/* Opens worker I.  Asserts. */
void desk_open(struct desk *d, uint32_t i);
/* Ends worker I as SIGKILL would: nothing is given back, its locks go. */
void desk_kill(struct desk *d, uint32_t i);
/* As after a reboot: what is left is on the disk.  N workers are new. */
void desk_begin_anew(struct desk *d, uint32_t n);
/* Worker 0 keeps the past in the directory, and has what was there. */
void desk_keep(struct desk *d);
/* Turns until it has. */
void desk_until_filled(struct desk *d);
/* Lets every worker take turns until none is asked for at once. */
void desk_turn(struct desk *d);
/* The same, MS later. */
void desk_pass(struct desk *d, int64_t ms);

/* A request at worker I; REQ may be NULL. */
struct ask *desk_ask(struct desk *d, uint32_t i,
                     const struct limiter_request *req);
/* The same of a plain request for MODEL. */
struct ask *desk_ask_model(struct desk *d, uint32_t i, const char *model);
void desk_sent(struct ask *a);
void desk_done(struct ask *a, bool unsent);
/* What was granted is written and done. */
void desk_finish(struct desk *d);
/* The upstream answered: RETRY_S seconds to wait, or -1. */
void desk_report(struct ask *a, enum limiter_answer answer, int64_t retry_s);
/* The same of ANSWER_OFF. */
void desk_off(struct ask *a, enum ejection_cause cause, int64_t retry_s);
/* It is to be sent again. */
void desk_again(struct ask *a, bool unsent);

/* The paths of the state file, and of the statistics. */
const char *desk_file(const struct desk *d);
const char *desk_stats_file(const struct desk *d);
/* What worker I's file says; borrowed. */
struct layout *desk_layout(const struct desk *d, uint32_t i);
/* And its statistics. */
struct stats_layout *desk_stats(const struct desk *d, uint32_t i);
bool desk_has_logged(const struct desk *d, const char *event);

#endif
