/*
 * One event loop: descriptors, timers and an end-of-step hook.  Knows neither
 * FastCGI nor HTTP.  Belongs to one thread.
 */
#ifndef SLUICE_LOOP_H
#define SLUICE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* Embedded in what owns the descriptor; fd is not closed by the loop. */
struct loop_watch {
    int fd;          /* -1: not watched */
    uint32_t events; /* EPOLLIN, ... */
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

struct loop_timer {
    int64_t at_ns;
    int64_t key_ns; /* by which it lies in the heap; at_ns may be later */
    size_t place;   /* there, from 1; 0: not set */
    void (*fn)(void *arg);
    void *arg;
};

struct loop *loop_new(void); /* NULL with errno */
void loop_free(struct loop *l);

/* Runs until loop_stop().  HOOK is called at the end of every step. */
void loop_run(struct loop *l, void (*hook)(void *arg), void *arg);
void loop_stop(struct loop *l);

/* The time at which this step began, CLOCK_BOOTTIME nanoseconds. */
int64_t loop_now(const struct loop *l);

/* How many descriptors had something in this step. */
int loop_ready(const struct loop *l);
/* The next step begins NS after this one, or with the first timer, so that what
 * comes until then is dealt with together. */
void loop_gather(struct loop *l, int64_t ns);
/* But not where FD has something to read: that is not kept waiting. */
void loop_hurry(struct loop *l, int fd);

/* Watches W->fd for EVENTS, or changes them. */
void loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events);
/* No callback for W after this, not even one that is under way. */
void loop_unwatch(struct loop *l, struct loop_watch *w);
/* The same of one whose descriptor is closed next, and has no duplicate: the
 * kernel forgets it then by itself. */
void loop_forget(struct loop *l, struct loop_watch *w);

/* (Re)sets T; once AT is reached FN is called and T is no longer set. */
void loop_at(struct loop *l, struct loop_timer *t, int64_t at_ns);
void loop_cancel(struct loop *l, struct loop_timer *t);

#endif
