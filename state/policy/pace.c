/*
 * pace.c - how long from one request to the next?
 *
 * The gap begins with what was measured, and each pass makes it quicker, by a
 * fifth until the first refusal and then by little.  A refusal makes it slower.
 * So it stays near the rate: one refusal for some eight that pass.
 *
 * An empty bucket refuses the next one at once, too.  The first times that is
 * tried: if it passes instead, again and again, there is no bucket.
 */
#include "state/policy/pace.h"

#include "lib/base.h"

#define FIND     5  /* patience until the first refusal, */
#define KEEP     96 /* after it, */
#define KEEP_MIN 8  /* and after quiet windows */
#define SLOWER   8  /* by this part after one refusal, */
#define SLOWER_2 4  /* and by this after each in a row */
#define TEST_NS  (50 * NS_PER_MS)
#define EMPTY    2 /* tests that say: a bucket */
#define LUCKY    4 /* tests that say: none */
#define STREAK   32
#define GAP_MAX  (86400 * NS_PER_S)

bool pace_is_sane(const struct pace *p)
{
    return p->gap_ns >= 0 && p->gap_ns <= GAP_MAX && p->streak <= STREAK;
}

void pace_begin(struct pace *p, int64_t gap_ns)
{
    *p = (struct pace){.gap_ns = min_i64(gap_ns, GAP_MAX), .patience = FIND};
}

static bool is_tested(const struct pace *p)
{
    return p->empty >= EMPTY;
}

int64_t pace_refused(struct pace *p, int64_t max_ns)
{
    bool again = p->streak > 0;

    p->patience = KEEP;
    p->streak += p->streak < STREAK;
    if (!again && !is_tested(p))
        return min_i64(p->gap_ns / 4, TEST_NS);
    p->empty += p->streak == 2 && !is_tested(p);
    p->gap_ns = min_i64(p->gap_ns + p->gap_ns / (again ? SLOWER_2 : SLOWER),
                        min_i64(max_ns, GAP_MAX));
    return again ? p->gap_ns : p->gap_ns / 4;
}

bool pace_passed(struct pace *p, int64_t min_ns)
{
    p->lucky += p->streak == 1 && !is_tested(p);
    p->streak = 0;
    p->gap_ns -= p->gap_ns / (p->patience > 0 ? p->patience : 1);
    p->gap_ns = max_i64(p->gap_ns, min_ns);
    return p->lucky < LUCKY;
}

void pace_calm(struct pace *p)
{
    p->patience = p->patience > 2 * KEEP_MIN ? p->patience / 2 : KEEP_MIN;
}
