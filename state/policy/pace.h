/*
 * One after the other: how long from one to the next, where an upstream has a
 * rate (a bucket that fills steadily) and not a window?
 */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Part of the shared file. */
struct pace {
    int64_t gap_ns;    /* from one to the next; 0: no rate is known */
    uint32_t patience; /* each that passes makes it quicker by 1/patience */
    uint32_t streak;   /* refused in a row */
    uint32_t empty;    /* refused, and again at once: the bucket was empty */
    uint32_t lucky;    /* refused, and at once it passed */
};

bool pace_is_sane(const struct pace *p);
/* It begins with GAP_NS. */
void pace_begin(struct pace *p, int64_t gap_ns);
/* One was refused; never slower than MAX_NS.  Returns for how long nobody goes
 * now. */
int64_t pace_refused(struct pace *p, int64_t max_ns);
/* One passed; never quicker than MIN_NS.  False: it was no rate, but luck. */
bool pace_passed(struct pace *p, int64_t min_ns);
/* A window went by without a refusal: it grows back faster. */
void pace_calm(struct pace *p);

#endif
