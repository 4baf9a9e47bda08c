/*
 * The window in which an upstream counts, as our sends tell it, and what was
 * learned of its size.
 *
 * A fixed window opens at the first hit after the last one expired, and refused
 * hits count.  Arithmetic over one struct; times are arguments.
 */
#ifndef SLUICE_UPSTREAM_WINDOW_H
#define SLUICE_UPSTREAM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct retreat_rule;

/* Part of the shared file. */
struct upstream_window {
    int64_t opened_ns;  /* at our first hit in it */
    uint32_t hits;      /* our sends in it, */
    uint32_t refused;   /* and those of them that were refused */
    uint32_t allowance; /* sends in one, 1..requests; 0: all that are set */
    uint32_t size;      /* as many are known to pass */
    uint32_t sure; /* 1: one more was refused, and not for the first time */
    uint32_t step; /* the next growth of the allowance */
    uint32_t calm; /* windows to let pass before it grows */
    uint32_t calm_next; /* the same after the next refusal */
    int64_t doubt_ns;   /* when one seemed full that could be another's work; 0:
                         * none did */
};

bool upstream_window_is_sane(const struct upstream_window *w, int64_t now);

/* A request was written AT; one that was, SENT_NS, was refused. */
void upstream_window_sent(struct upstream_window *w,
                          const struct retreat_rule *u, int64_t at);
void upstream_window_refused(struct upstream_window *w, int64_t sent_ns);
/* How many of those sent in it passed, or are not answered yet? */
uint32_t upstream_window_passed(const struct upstream_window *w);
/* When it must be open again, if it is full. */
int64_t upstream_window_reopens_ns(const struct upstream_window *w,
                                   const struct retreat_rule *u);

/* What is left of BEFORE, an allowance, if the window is full. */
uint32_t upstream_window_left(const struct upstream_window *w, uint32_t before);
/* Sends that one may hold, of REQUESTS that are set. */
uint32_t upstream_window_limit(const struct upstream_window *w,
                               uint32_t requests);

/* It is known that SIZE pass: one more is tried early in the next. */
void upstream_window_learn(struct upstream_window *w, uint32_t size);
/* One more than is known to pass was refused. */
void upstream_window_meet(struct upstream_window *w,
                          const struct retreat_rule *u);
/* One went by without a refusal, AT that time. */
void upstream_window_grow(struct upstream_window *w,
                          const struct retreat_rule *u, int64_t at);
/* The size is not known any more. */
void upstream_window_forget(struct upstream_window *w);

#endif
