/*
 * Which of the upstreams that share a line have a slot now?
 */
#ifndef SLUICE_OPENINGS_H
#define SLUICE_OPENINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;

/* As things are NOW; whoever takes a slot has to look again. */
struct openings {
    uint32_t line;
    uint32_t members; /* rows of upstreams that share it, as bits */
    uint32_t open;    /* of these: those with a slot; if each model of it has a
                       * window of its own, that has to be asked */
    int64_t now;
    int64_t
        when[LIMITER_UPSTREAMS]; /* not open: it opens then, at the earliest */
    uint32_t claims[LIMITER_UPSTREAMS]; /* so many rather wait for one there */
};

static inline bool openings_has(const struct openings *o, uint32_t upstream)
{
    return (o->open >> upstream & 1) != 0;
}

/* The members of LINE, as if each had a slot: who would go then? */
void openings_all(const struct layout *lay, uint32_t line, int64_t now,
                  struct openings *o);
/* Each of them is looked at, and its log refreshed. */
void openings_look_all(struct layout *lay, struct openings *o);
/* One of them, again. */
void openings_look_at(struct layout *lay, struct openings *o,
                      uint32_t upstream);
/* It has none before WHEN, for those that are asked for. */
void openings_shut(struct openings *o, uint32_t upstream, int64_t when);
/* Nobody waits for a better one so far. */
void openings_forget(struct openings *o);
/* When the first of those that are shut opens; NEVER: an event has to come. */
int64_t openings_next(const struct openings *o);

#endif
