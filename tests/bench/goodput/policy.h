/*
 * A policy: when does which of the requests that wait go to the upstream?
 *
 * It is told of each request once, of each answer, and asked for a turn after
 * whatever has happened.  In return it sends, sleeps on and ends requests with
 * the functions of run.h.
 */
#ifndef SLUICE_GOODPUT_POLICY_H
#define SLUICE_GOODPUT_POLICY_H

#include "upstream.h"

struct job;
struct run;

struct policy {
    const char *name;
    bool sees;  /* the oracle: it looks into the upstream, and what it sends is
                * there at once */
    bool tells; /* when a slot is to be had */
    void *(*open)(struct run *r);
    void (*close)(void *p);
    void (*ask)(void *p, struct job *j);
    void (*heard)(void *p, struct job *j, const struct answer *a);
    void (*resume)(void *p, struct job *j); /* run_later() is over */
    int64_t (*turn)(
        void *p); /* when is the next one due?  NEVER: by an event */
};

extern const struct policy policy_oracle;
extern const struct policy policy_oracle_tokens;
extern const struct policy policy_sluice;
extern const struct policy policy_sluice_model; /* scope "model" */
extern const struct policy policy_sluice_account;
extern const struct policy policy_sluice_unsettled; /* reserves, and no more */
extern const struct policy policy_sluice_blind;     /* sees no tokens */
extern const struct policy policy_cubic;
extern const struct policy policy_aimd;
extern const struct policy policy_backoff;
extern const struct policy policy_in_turn;
extern const struct policy policy_first_fit;

#define POLICIES 5 /* besides the oracle, at most */

/* Who is compared in rows of a kind; the first of them is judged. */
struct contest {
    const struct policy *oracle;
    const struct policy *policies[POLICIES];
    uint32_t n;
};
extern const struct contest contests[]; /* by enum row_kind */

#endif
