/*
 * A worker's own side of its tickets: what they want, what they will be told.
 */
#ifndef SLUICE_TICKET_H
#define SLUICE_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

enum ticket_state {
    TICKET_NEW = 0,  /* not joined yet */
    TICKET_LINE = 1, /* waiting, maybe offered */
    TICKET_OPEN = 2, /* granted */
    TICKET_SENT = 3,
    TICKET_OVER = 4,  /* refused or done */
    TICKET_ASIDE = 5, /* between two attempts */
};

enum ticket_wish {
    WISH_JOIN = 1,
    WISH_SENT = 2,
    WISH_AGAIN = 4,
    WISH_BODY_GONE = 8,
    WISH_DONE = 16,
    WISH_REPORT = 32,
    WISH_ASIDE = 64,
    WISH_SETTLE = 128,
};

struct ticket_choice {
    struct limiter_choice as; /* its upstream is an index into the settings, its
                               * name this: */
    char model[LIMITER_NAME_MAX];
};

struct ticket {
    struct ticket *prev, *next; /* all of the worker's, by joining */
    struct ticket *next_wish;   /* singly linked, each at most once */
    struct ticket *next_news;
    struct ticket *next_fresh;
    struct ticket *next_over;
    enum ticket_state state;
    unsigned wishes;
    bool wishing, has_news; /* it is in that list */
    bool fresh;             /* to be told its place, in that list */
    bool over;              /* to be freed, in that list */
    bool granted;           /* its owner knows that it may send */
    bool lapsed;            /* it came into a new file too late to count there
                             * from its beginning: fence.c */
    bool to_head;           /* a retry that went to the head of its line */
    bool lost;              /* its end is our fault */
    bool failed;            /* or the upstream's, each time that it was tried */
    bool cancelled;         /* and told so */
    uint32_t row;           /* in the shared file, or none */
    uint64_t id;            /* what that row must say */
    int64_t arrival;
    int64_t joined_ns;   /* the first time: it may move to another file */
    uint64_t generation; /* of the settings that its request is by */
    int64_t sent_ns;     /* when its last byte was written; NEVER: not known */
    int64_t
        refused_ns;    /* when what was refused last was sent; 0: nothing was */
    uint32_t refusals; /* while others of its kind passed */
    int64_t aside_ns;  /* for how long; with WISH_ASIDE */
    ticket_fn *fn;     /* NULL: nobody listens any more */
    void *arg;
    struct ticket_news news;
    struct limiter_report report;  /* with WISH_REPORT */
    struct limiter_usage usage;    /* with WISH_SETTLE */
    uint32_t upstream;             /* index into the settings */
    struct ticket_choice *choices; /* req.n_choices of them, or NULL */
    uint32_t choice;               /* it was granted by, last */
    struct limiter_request req;    /* its strings are the text below, and from
                                   * its joining on its upstream is a row */
    char text[];
};

struct ticket_list {
    struct ticket *first, *last;
};

struct ticket *ticket_new(const struct limiter_request *req, ticket_fn *fn,
                          void *arg);
void ticket_append(struct ticket_list *all, struct ticket *t);
/* Takes T out of ALL and frees it. */
void ticket_free(struct ticket_list *all, struct ticket *t);

#endif
