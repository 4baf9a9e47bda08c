/*
 * Finding out what a refusal means: from the first one until that is known.
 *
 * One tries soon, then ever later, and when a full window must have opened; what
 * passes before that opens a slow start, in which each that passes lets two more
 * go.  Arithmetic over one struct; times are arguments.
 */
#ifndef SLUICE_FINDING_H
#define SLUICE_FINDING_H

#include <stdbool.h>
#include <stdint.h>

struct retreat_rule;

/* Part of the shared file. */
struct finding {
    int64_t first_ns;   /* when the first was sent; 0: nothing is open */
    int64_t reopens_ns; /* a full window would be open again by then */
    uint32_t tries;     /* that were refused, in a row */
    uint32_t refusals;  /* in all, of requests sent one after the other, */
    uint32_t burst;     /* whenever they were sent, */
    uint32_t passes;    /* and what passed */
    uint32_t opening;   /* 1: a slow start holds back */
    uint32_t credit;    /* in it so many may go */
    uint32_t before;    /* the allowance when it began, */
    uint32_t suspect; /* and what it is if a window was full; 0: nothing passed
                         * in that one */
};

bool finding_is_sane(const struct finding *f, int64_t now);

/* The first was SENT_NS and refused; the rest as above. */
void finding_begin(struct finding *f, int64_t sent_ns, int64_t reopens_ns,
                   uint32_t before, uint32_t suspect);
/* It is known. */
void finding_end(struct finding *f);

/* One more was refused, after a hold (a TRY) or in the open. */
void finding_refused(struct finding *f, bool is_try);
/* When to try again.  SALT makes the jitter. */
int64_t finding_next_try(const struct finding *f, const struct retreat_rule *u,
                         uint64_t salt, int64_t now);

/* One passed before a full window would have opened: a slow start. */
void finding_open(struct finding *f);
/* One passed in it.  True: so many did that nothing stands in the way. */
bool finding_passed(struct finding *f);
/* What it waits for is silent, and counts as one that passed.  False: it waits
 * for nothing. */
bool finding_is_silent(struct finding *f);

/* Does what passed since the first refusal come at GAP_NS or quicker; or is it
 * clearly slower? */
bool finding_is_quick(const struct finding *f, int64_t gap_ns, int64_t now);
bool finding_is_slow(const struct finding *f, int64_t gap_ns, int64_t now);

#endif
