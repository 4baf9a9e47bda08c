/*
 * A limiter that decides nothing: it writes down what it is told of each
 * ticket, and a test says what becomes of it.  Stands for all that fcgi/ asks
 * of state/.
 *
 * It sees to what limiter.h asks of its callers: a ticket ends once, nothing is
 * said of it afterwards, and only a granted one is sent, put aside or brought
 * back.  Who breaks that fails the test that runs.
 */
#ifndef SPINE_FAKE_LIMITER_H
#define SPINE_FAKE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "state/limiter.h"
#include "state/own_keys.h"
#include "state/readiness.h"
#include "state/stats.h"

#define FAKE_TICKETS 16 /* of one test */

struct fake_ticket;

struct limiter {
    struct ticket *tickets[FAKE_TICKETS]; /* in the order they came */
    uint32_t n;
    /* What a test wants it to be. */
    bool lost;          /* the state: nothing may be written, no page has it */
    bool paused;        /* by an operator */
    bool has_failed;    /* an earlier request just like it */
    size_t board_bytes; /* of the board's text; 0: as few as it takes */
    bool store_lost;    /* the store that several hosts share */
    bool follows;       /* do all workers have the newest settings? */
    uint32_t hits;      /* how many requests an operator's cancel finds */
    struct limiter_ready ready; /* what limiter_ready() says; a probe's answer
                                 * is kept in it */
    struct ticket_news place;   /* what limiter_place() says */
    uint32_t choice;            /* which of its choices one is granted */
    uint32_t token_ratio_m;     /* what was learned of any model's tokens */
    /* What it was told. */
    uint32_t notes;
    struct limiter_note note;       /* the last one */
    struct limiter_attempt attempt; /* the last one */
    struct buf sends;             /* of the attempts: "rate again, none fine" */
    struct limiter_report report; /* the last one */
    uint64_t marks[LIMITER_UPSTREAMS];           /* of our keys */
    struct own_key_told keys[LIMITER_UPSTREAMS]; /* the last of each */
    char key_message[LIMITER_REASON_MAX];
    uint32_t key_words; /* how often it was told of one */
    uint32_t boards;    /* times it was read */
    uint32_t ends;      /* of holds, by operators */
    uint32_t nothings;  /* times an answer was said to take nothing:
                                   * each refusal; not in what is told */
};

struct limiter *fake_limiter_new(void);
/* Fails the test for each ticket that has not ended. */
void fake_limiter_free(struct limiter *lim);

/* All of these are about the newest ticket. */

/* What it asked for. */
const struct limiter_request *fake_asked(const struct limiter *lim);
/*
 * What was said of it, in order: "join, sent, report fine accepted, body gone,
 * done".  A report has the status and, if there is one, the wish in
 * milliseconds: "report rate +1000"; "unsent" stands behind again, aside
 * and done; aside has its milliseconds.
 */
const char *fake_told(const struct limiter *lim);
/* As in a turn. */
void fake_wait(struct limiter *lim, uint32_t position, int64_t eta_ns);
void fake_grant(struct limiter *lim);
void fake_refuse(struct limiter *lim, enum limiter_refusal why, int64_t eta_ns);
/* In whatever words. */
void fake_refuse_as(struct limiter *lim, const struct ticket_news *news);
void fake_cancel(struct limiter *lim);

#endif
