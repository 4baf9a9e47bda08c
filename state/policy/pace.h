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
    uint32_t refused;  /* since it began */
    uint32_t testing;  /* so many go at once, one after the other, to see */
    uint32_t began;    /* after so many refusals */
    int32_t odds;      /* is it a bucket (above 0), or luck? */
    uint64_t test;     /* the one that does; 0: it was not sent yet, */
    int64_t soon_ns;   /* and says nothing later than this */
};

bool pace_is_sane(const struct pace *p, int64_t now);
/* It begins with GAP_NS. */
void pace_begin(struct pace *p, int64_t gap_ns);
/* GRANT was sent AT. */
void pace_sent(struct pace *p, uint64_t grant, int64_t at);
/* Is the next one a test, which goes at once? */
bool pace_tests(const struct pace *p);
/* GRANT was refused; never slower than MAX_NS.  Returns for how long nobody goes
 * now. */
int64_t pace_refused(struct pace *p, uint64_t grant, int64_t max_ns,
                     int64_t now);
/* GRANT passed; never quicker than MIN_NS.  False: it was no rate, but luck. */
bool pace_passed(struct pace *p, uint64_t grant, int64_t min_ns, int64_t now);
/* A window went by without a refusal: it grows back faster. */
void pace_calm(struct pace *p);

#endif
