/*
 * What an exchange is made of, for those that do a part of its work; how the
 * parts come together is in exchange.c.
 *
 *   request       what is asked                     request.c
 *   client        where the answer goes             client.c
 *   place         its turn in the limiter           place.c
 *   attempt       what goes to the upstream         attempt.c, again.c
 *   relay         the upstream's answer, passed on  relay.c
 *   due           when it has something to do       deadlines.c
 *   stats         what is to be told of it          request_stats.c
 *
 * Owned by the loop's thread, all of it.
 */
#ifndef SLUICE_EXCHANGE_PARTS_H
#define SLUICE_EXCHANGE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/client.h"
#include "fcgi/deadlines.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/sluice.h"
#include "fcgi/step.h"
#include "fcgi/upstream/answer_probe.h"
#include "fcgi/upstream/nvcf.h"
#include "fcgi/upstream/sse.h"
#include "fcgi/upstream/upstream.h"
#include "fcgi/upstream/usage.h"
#include "fcgi/upstream/whole.h"
#include "fcgi/usage_ask.h"
#include "fcgi/usage_hide.h"
#include "lib/loop.h"
#include "state/limiter.h"
#include "state/stats/outcomes.h"

/* ---- place ------------------------------------------------------------------ */

enum place_state {
    PLACE_NONE = 0,    /* none was asked for */
    PLACE_FREE = 1,    /* it needs none, ever */
    PLACE_LINE = 2,    /* it waits */
    PLACE_GRANTED = 3, /* it may be sent, or was */
    PLACE_REFUSED = 4, /* error says why; it stays so */
};

/* What an operator wants of it; the last word is the highest. */
enum place_order {
    ORDER_NONE = 0,
    ORDER_RECALL = 1, /* back into line: all is paused */
    ORDER_CANCEL = 2, /* to end */
};

/*
 * A ticket is there with LINE and GRANTED, and only then; but the last step
 * before the end gives it back.  It counts as in line from QUEUED_NS on, and
 * when that is over it is 0 and its time is a part of WAITED_NS.
 */
struct place {
    struct ticket *ticket;   /* NULL: none, or it is over */
    struct choices *choices; /* NULL: it can go to attempt.upstream alone */
    unsigned moves;          /* to another of them, after a failure */
    enum place_state state;
    enum place_order order;
    bool was_tried;            /* none was free then: the deadline counts */
    struct ticket_news news;   /* what the limiter said last */
    int64_t deadline_ns;       /* until then it may be in line */
    const char *deadline_name; /* whose wish that is */
    int64_t queued_ns;         /* in line since; 0: it is not */
    int64_t waited_ns;         /* in line, in all, up to now or QUEUED_NS */
    int64_t granted_ns;        /* the last time; 0: not so far */
};

/* Has it left its line, and not come back? */
static inline bool place_is_behind(const struct place *p)
{
    return p->granted_ns != 0 && p->queued_ns == 0;
}

/* ---- attempt ---------------------------------------------------------------- */

/* What a transfer is for. */
enum errand {
    ERRAND_REQUEST = 0, /* the request itself: it costs a slot */
    ERRAND_POLL = 1,    /* is its answer there?  (nvcf.c) */
    ERRAND_RESULT = 2,  /* the answer, where a redirect says it lies */
};

enum attempt_state {
    ATTEMPT_NONE = 0,  /* none was begun, or what came of it is clear */
    ATTEMPT_BEGUN = 1, /* it is under way, or was broken off by us */
    ATTEMPT_ENDED = 2, /* by itself: HOW and the exchange's detail say why */
};

/*
 * The present one, and what is known of all.  A transfer is there only with
 * BEGUN; PROBE holds its answer until that can be judged, or is passed on.
 */
struct attempt {
    enum attempt_state state;
    enum errand errand;
    struct transfer *transfer;
    enum transfer_end how;
    bool may_have_sent; /* it has used its slot */
    struct answer_probe probe;
    int64_t asked_ns;      /* the request, last */
    int64_t first_byte_ns; /* of its answer; 0: not so far */
    /* of all: */
    bool is_connected;    /* and counted as that */
    bool is_fresh;        /* no kept connection any more: one was dead */
    int status;           /* of the last answer; 0: none came */
    unsigned sends;       /* of the request */
    unsigned faults;      /* passing ones, which retry.max bounds */
    bool has_failed;      /* so did an earlier one just like it, each time */
    unsigned refusals;    /* of this request: retry.refused_max bounds them */
    unsigned overloads;   /* told instead of an answer, up to some */
    struct usage_ask ask; /* how its body was changed for us to be told what
                              its stream takes */
    unsigned thinking;    /* ways in which it says whether to think, */
    size_t thinking_len;  /* and how long that is, before its last bracket */
    unsigned refused_fields; /* of those, what this upstream would not have */
    uint32_t upstream;       /* index into the settings */
};

struct translate;

/* ---- relay ------------------------------------------------------------------ */

enum relay_mode {
    RELAY_NOTHING = 0, /* no answer from the upstream yet */
    RELAY_HOLD = 1,    /* a buffered one, collected to be checked whole */
    RELAY_PASS = 2,    /* its bytes go out as they come */
    RELAY_STREAM = 3,  /* the same, and they are an event stream */
    RELAY_EXPLAIN = 4, /* not what was promised by our head: collected, and
                          told as events (unfold.c), or as an error */
};

struct relay {
    enum relay_mode mode;
    bool head_sent;     /* ours or the upstream's */
    bool committed;     /* ours: sent before the upstream answered */
    bool as_events;     /* after a commit: an event stream was promised */
    int status;         /* the upstream's */
    int64_t length;     /* of its body, as its head says; -1: it does not */
    bool is_coded;      /* compressed: what it says cannot be told */
    bool is_checked;    /* JSON that must come to its end */
    struct whole whole; /* of that: has it? */
    struct buf head;    /* CGI head of a held answer */
    struct buf held;    /* with RELAY_STREAM: an event not yet complete */
    bool has_begun;     /* with RELAY_STREAM: an event was passed on */
    bool torn;          /* a part of one was sent, because it is too long */
    bool in_comments;   /* the last line was one of ours */
    bool told_error;    /* with RELAY_EXPLAIN: it was one of the upstream's; or
                           its stream could not be translated */
    struct sse sse;
    struct usage usage;
    struct usage_hide hide;
    struct translate *translate; /* translate.c; NULL: not so far */
    char nvcf_reqid[64];
};

/* ---- stats ------------------------------------------------------------------ */

/* What was measured of one exchange so far.  All zeros at its beginning. */
struct request_stats {
    enum outcome outcome;  /* as its last answer was judged */
    uint64_t prompt_bytes; /* of its body, which does not stay */
    uint32_t refusals;     /* answers of 429 so far */

    /* the present send; polls are none */
    bool sending;
    int64_t begun_ns;
    int64_t first_ns; /* its first byte; 0: not yet */
    int64_t ended_ns; /* the transfer is over; 0: not yet */
    enum upstream_error error;

    /* the answer */
    int64_t answer_ended_ns; /* 0: not yet */
    int64_t token_ns;        /* when the last event with content came */
    uint64_t tokens;         /* events with content */
    struct reservoir gaps;
};

/* ---- all of it -------------------------------------------------------------- */

/* Who has left it before its end. */
enum leaver {
    LEFT_BY_NOBODY = 0,
    LEFT_BY_CLIENT = 1, /* it hung up, or takes nothing */
    LEFT_BY_US = 2,     /* the worker ends */
};

/* Is exchange_run() at it, and was it called again meanwhile? */
enum run { RUN_NOT = 0, RUN_ON = 1, RUN_AGAIN = 2 };

/*
 * What most exchanges have nothing of, and no room for either: there may be ten
 * thousand of them.
 */
struct seldom {
    struct reply_error error; /* its answer, if it is one; else status 0 */
    char detail[128];         /* what went wrong, for the log; "": nothing */
    char refused[160];        /* the upstream's words at the last; "": none */
    struct nvcf nvcf;         /* an answer that comes later, or elsewhere */
    /* The model that its body asks for in place of the client's, and as the state
     * knows that; "": that one. */
    char stand_in[MODEL_BYTES], short_stand_in[MODEL_MAX];
};

struct exchange {
    struct exchange *prev, *next; /* of the worker's */
    struct exchange *next_dirty;  /* to be flushed at the end of this step */
    bool is_dirty;                /* it is in that list */
    bool is_watched;              /* a hang-up of its client is heard */
    struct sluice *s;
    enum step step; /* exchange.c alone sets it */
    enum run run;
    enum leaver left;
    struct request *req;
    struct client client;
    struct place place;
    struct attempt attempt;
    struct relay relay;
    struct deadlines due;
    struct loop_timer timer; /* the next of these that counts */
    uint64_t stall_taken;    /* client.taken when DUE_STALL was set */
    struct request_stats stats;
    struct seldom *seldom; /* NULL: nothing of it */
    /* Of the page that X waits at, or NULL: X is over, and it must not be
     * answered any more.  Called once, in step settle. */
    void (*on_leave)(struct exchange *x);
};

static inline int64_t exchange_now(const struct exchange *x)
{
    return loop_now(x->s->loop);
}

/* To be read: all zeros where there is nothing of it. */
const struct seldom *exchange_seldom(const struct exchange *x);
/* To be written into. */
struct seldom *exchange_noted(struct exchange *x);
void seldom_free(struct seldom *seldom);

/* The model that answers X, as the state knows it; "": none does.  As
 * request_served_by(), but that another may stand in for it. */
static inline const char *exchange_served_by(const struct exchange *x)
{
    const struct seldom *seldom = exchange_seldom(x);

    return seldom->stand_in[0] != '\0' ? seldom->short_stand_in
                                       : request_served_by(x->req);
}

static inline bool exchange_is_due(const struct exchange *x, enum deadline what)
{
    return exchange_now(x) >= x->due.at[what];
}

/* Something happened to X: goes on as far as it can.  All parts note what it
 * was and call this; it is in exchange.c, above them. */
void exchange_run(struct exchange *x);
/* Bytes for the client are waiting: they leave at the end of this step. */
void exchange_dirty(struct exchange *x);

#endif
