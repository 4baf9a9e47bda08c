/*
 * Do refusals come in a rhythm?
 *
 * Chance has no memory: what is sent next after a refusal is refused as often as
 * all others.  A bucket that is asked evenly, a little quicker than it fills, never
 * refuses two in a row, and so looks like luck by everything else.
 */
#ifndef SLUICE_RHYTHM_H
#define SLUICE_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

/* Part of the shared file: any value but a time in the future is safe. */
struct rhythm {
    int64_t since_ns;          /* the first refusal; 0: there was none */
    uint32_t passed, refused;  /* since then, */
    uint32_t after, after_bad; /* of them sent next after a refusal was known,
                                * and of those refused again */
    uint64_t known;            /* the newest grant when that was; 0: none */
    uint64_t next;             /* the one that was sent next; 0: none */
};

bool rhythm_is_sane(const struct rhythm *r, int64_t now);
/* Another story begins. */
void rhythm_forget(struct rhythm *r);
/* GRANT was sent. */
void rhythm_sent(struct rhythm *r, uint64_t grant);
/* GRANT passed; or, sent SENT_NS, was refused when LAST was the newest. */
void rhythm_passed(struct rhythm *r, uint64_t grant);
void rhythm_refused(struct rhythm *r, uint64_t grant, uint64_t last,
                    int64_t sent_ns);
/* Are too few refused after a refusal? */
bool rhythm_is_even(const struct rhythm *r);
/* How long from one that passes to the next, until NOW? */
int64_t rhythm_gap_ns(const struct rhythm *r, int64_t now);

#endif
