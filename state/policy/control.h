/*
 * What operators have decided, for all workers.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_control {
    uint64_t generation; /* of the settings that all follow: serial.h */
    uint64_t pauses;     /* number of the last pause or resume: serial.h */
    int64_t paused_ns;   /* since when nothing goes; 0: it goes */
    uint32_t cancels;    /* rises when rows are marked: look at your own */
    uint32_t pad;
    char by[LIMITER_BY_MAX]; /* who paused; may lack its zero */
};

/* Needs the lock.  Could honest workers have written this? */
bool control_is_sane(const struct lay_control *c, int64_t now);
/* Needs the lock.  After a crash: what cannot be is made sound. */
void control_rebuild(struct lay_control *c, int64_t now);
/* Nothing goes from now on, or it goes again: in a copy, to be put in place as
 * a whole. */
void control_set_pause(struct lay_control *c, uint64_t number, int64_t since_ns,
                       const char *by);

#endif
