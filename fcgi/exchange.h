/*
 * One exchange: a request, its place in the queue, its transfer, its answer.
 *
 * Owned by the loop's thread.  Whatever happens to it sets a field and calls
 * exchange_run(); the table of steps in exchange.c decides what follows.
 */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/client.h"
#include "fcgi/relay.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/request_stats.h"
#include "fcgi/sluice.h"
#include "fcgi/step.h"
#include "fcgi/upstream/answer_probe.h"
#include "fcgi/upstream/nvcf.h"
#include "fcgi/upstream/upstream.h"
#include "lib/loop.h"
#include "state/limiter.h"

/* What a transfer is for. */
enum errand {
    ERRAND_REQUEST = 0, /* the request itself: it costs a slot */
    ERRAND_POLL = 1,    /* is its answer there?  (nvcf.c) */
    ERRAND_RESULT = 2,  /* the answer, where a redirect says it lies */
};

struct exchange {
    struct exchange *prev, *next; /* of the worker's */
    struct exchange *next_dirty;  /* to be flushed at the end of this step */
    bool is_dirty;
    struct sluice *s;
    struct request *req;
    struct client client;
    enum step step;
    bool gone;           /* the client hung up */
    bool aborted;        /* and that only because we end */
    bool broken;         /* the answer cannot be completed: no END_REQUEST */
    bool running, again; /* exchange_run() is at it; it was called anew */
    /* Of the page that X waits at, or NULL: X is over, and it must not be
     * answered any more.  Called once, in step settle. */
    void (*on_leave)(struct exchange *x);
    int64_t later_ns; /* in step later: until then */

    /* admission */
    uint32_t upstream;     /* index into the settings */
    struct ticket *ticket; /* NULL: none, or it is over */
    bool is_free;          /* it never has one: models.c */
    bool granted, refused;
    bool placed;              /* it had its try: none was free */
    bool recalled;            /* by a pause, before its first byte went */
    bool cancelled;           /* by an operator */
    bool put_off;             /* it pauses because the upstream is busy */
    struct ticket_news place; /* what the limiter said last */
    struct reply_error error; /* status 0: none */

    /* upstream */
    struct transfer *transfer;
    enum errand errand;
    bool under_way;     /* an attempt was begun, and is not judged */
    bool fresh;         /* no kept connection any more: one was dead */
    bool may_have_sent; /* this attempt's slot is used */
    bool ended;         /* the transfer is over: how and why */
    enum transfer_end how;
    char detail[128];
    struct answer_probe trial; /* its answer, until it is judged */
    int upstream_status;       /* of the last answer; 0: none came */
    unsigned attempts;         /* sends of the request */
    unsigned faults;           /* passing ones, which retry.max bounds */
    struct nvcf nvcf;          /* an answer that comes later, or elsewhere */

    struct relay relay;

    struct loop_timer timer; /* the next of the times below */
    int64_t queue_deadline_ns, answer_deadline_ns, idle_deadline_ns;
    int64_t pause_ns; /* when the next attempt may be */
    int64_t commit_ns, beat_ns;
    int64_t stall_ns;          /* bytes wait, and since then none was taken */
    uint64_t stall_taken;      /* client.taken at that time */
    const char *deadline_name; /* whose deadline queue_deadline_ns is */

    /* for the log and the client */
    int64_t queued_ns;                 /* in line since */
    int64_t waited_ns;                 /* in line, in all */
    int64_t granted_ns, first_byte_ns; /* 0: not so far */
    int64_t asked_ns; /* the upstream, last; also what needs no grant */
    struct request_stats measure;
};

/* Takes R and its descriptor. */
void exchange_start(struct sluice *s, struct request *r);
/* Something happened to X: goes on as far as it can. */
void exchange_run(struct exchange *x);
/* Gives signs of life that are due, and sets the timer. */
void exchange_tick(struct exchange *x);
/* Will the client get no byte before its answer? */
bool exchange_is_silent(const struct exchange *x);
/* Bytes for the client are waiting: they leave at the end of this step. */
void exchange_dirty(struct exchange *x);
/* Every waiter is refused, everything else may finish. */
void exchange_drain_all(struct sluice *s);
/* A pause has begun: what was granted and is not on the wire goes back. */
void exchange_recall_all(struct sluice *s);
/* End of a step: flushes, and frees what is done. */
void exchange_flush_all(struct sluice *s);
/* Ends them all, finished or not. */
void exchange_abort_all(struct sluice *s);

/* Answers with an error of ours, in whatever way is still possible. */
enum step exchange_fail(struct exchange *x, int status, const char *code,
                        int64_t retry_ms, int retry, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/*
 * For a page that cannot answer at once.  X stays in step PAGE until its answer
 * is ended: the page writes one as below, minding no step that this returns,
 * and calls exchange_run().  ON_LEAVE is called when X is over, answered or not.
 */
enum step exchange_wait(struct exchange *x,
                        void (*on_leave)(struct exchange *x));
/* For a page whose answer is the upstream's: X goes there without a ticket. */
enum step exchange_go_free(struct exchange *x,
                           void (*on_leave)(struct exchange *x));
/* X's client takes nothing, and is as good as gone; WHY is for the log. */
void exchange_drop(struct exchange *x, const char *why);
/* The state cannot be had now: X's page is asked for again in a moment, and
 * refused once that has lasted for a second. */
enum step exchange_later(struct exchange *x);
/* Answers with an error that is written already. */
enum step exchange_tell(struct exchange *x, const struct relay_error *e);
/* Answers 200 with a JSON text. */
enum step exchange_json(struct exchange *x, const struct buf *json);
/* The same with another status. */
enum step exchange_json_as(struct exchange *x, int status,
                           const struct buf *json);
/* The same with a text of another TYPE. */
enum step exchange_page(struct exchange *x, int status, const char *type,
                        const struct buf *page);

#endif
