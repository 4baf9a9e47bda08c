/*
 * pace.c - how long from one request to the next?
 *
 * The gap begins with what was measured, and each pass makes it quicker, by a
 * fifth until the first refusal and then by little.  A refusal makes it slower.
 * So it stays near the rate: one refusal for some eight that pass.
 *
 * An empty bucket lets at most one of two pass that go at once after a refusal;
 * by chance most would.  So that is tried, after each refusal until the odds are
 * clear, and after some of them for ever: at a pace, luck would slow down without
 * end.
 */
#include "state/policy/pace.h"

#include "lib/base.h"

#define FIND     5  /* patience until the first refusal, */
#define KEEP     96 /* after it, */
#define KEEP_MIN 8  /* and after quiet windows */
#define SLOWER   8  /* by this part after one refusal, */
#define SLOWER_2 4  /* and by this after each in a row */
#define TEST_NS  (50 * NS_PER_MS)
#define SOON     3 /* "at once" is within this part of the gap */
#define STREAK   32
#define GAP_MAX  (86400 * NS_PER_S)

/* The odds of a bucket, as logarithms: a test fails in nearly all cases, and by
 * chance (LUCK_MOST) in a half (A. Wald's sequential test). */
#define TEST       2 /* have to pass */
#define ODDS_LOST  1
#define ODDS_WON   3
#define ODDS_CLEAR 4
#define RETEST     4 /* each so many refusals when they are, or one is lost */

bool pace_is_sane(const struct pace *p, int64_t now)
{
    return p->gap_ns >= 0 && p->gap_ns <= GAP_MAX && p->streak <= STREAK &&
           p->testing <= TEST && p->soon_ns >= 0 &&
           p->soon_ns <= now + GAP_MAX && p->odds >= -ODDS_CLEAR &&
           p->odds <= ODDS_CLEAR;
}

void pace_begin(struct pace *p, int64_t gap_ns)
{
    *p = (struct pace){.gap_ns = min_i64(gap_ns, GAP_MAX), .patience = FIND};
}

static void slow_down(struct pace *p, uint32_t part, int64_t max_ns)
{
    p->gap_ns = min_i64(p->gap_ns + p->gap_ns / part, min_i64(max_ns, GAP_MAX));
}

void pace_sent(struct pace *p, uint64_t grant, int64_t at)
{
    if (!pace_tests(p))
        return;
    if (at <= p->soon_ns) {
        p->test = grant;
        return;
    }
    p->testing = 0; /* something else held it back: it says nothing */
    slow_down(p, SLOWER, GAP_MAX);
}

bool pace_tests(const struct pace *p)
{
    return p->testing > 0 && p->test == 0;
}

/* ---- one was refused ----------------------------------------------------------- */

static bool is_test_due(const struct pace *p)
{
    if (p->testing > 0) /* nobody has told what became of it */
        return p->refused - p->began >= RETEST;
    return p->odds < ODDS_CLEAR || p->refused % RETEST == 0;
}

static void begin_test(struct pace *p, int64_t now)
{
    p->test = 0;
    p->soon_ns = now + p->gap_ns / SOON;
}

static int64_t lose(struct pace *p, int64_t max_ns)
{
    slow_down(p, p->testing == TEST ? SLOWER_2 : SLOWER, max_ns);
    p->odds = (int32_t)min_i64(p->odds + ODDS_LOST, ODDS_CLEAR);
    p->testing = 0;
    return p->gap_ns;
}

int64_t pace_refused(struct pace *p, uint64_t grant, int64_t max_ns,
                     int64_t now)
{
    bool again = p->streak > 0;

    p->patience = KEEP;
    p->streak += p->streak < STREAK;
    p->refused++;
    if (p->testing > 0 && grant == p->test)
        return lose(p, max_ns);
    if (is_test_due(p)) {
        p->testing = TEST;
        p->began = p->refused;
        begin_test(p, now);
        return min_i64(p->gap_ns / 4, TEST_NS);
    }
    slow_down(p, again ? SLOWER_2 : SLOWER, max_ns);
    return again ? p->gap_ns : p->gap_ns / 4;
}

/* ---- one passed ------------------------------------------------------------------ */

static void win(struct pace *p, int64_t now)
{
    begin_test(p, now);
    if (--p->testing == 0)
        p->odds = (int32_t)max_i64(p->odds - ODDS_WON, -ODDS_CLEAR);
}

bool pace_passed(struct pace *p, uint64_t grant, int64_t min_ns, int64_t now)
{
    if (p->testing > 0 && grant == p->test)
        win(p, now);
    p->streak = 0;
    p->gap_ns -= p->gap_ns / (p->patience > 0 ? p->patience : 1);
    p->gap_ns = max_i64(p->gap_ns, min_ns);
    return p->odds > -ODDS_CLEAR;
}

void pace_calm(struct pace *p)
{
    p->patience = p->patience > 2 * KEEP_MIN ? p->patience / 2 : KEEP_MIN;
}
