/* finding.c - what does a refusal mean: when to try, and what came of it? */
#include "state/policy/finding.h"

#include "lib/base.h"
#include "state/policy/retreat_rule.h"

#define TRY_NS     (500 * NS_PER_MS) /* the first try comes after this, or */
#define TRY_PART   64 /* after a part of the window; the next ones */
#define TRY_TIMES  4  /* after so many times as long, */
#define TRY_LAST   4  /* up to this part of the window */
#define TRY_MIN_NS (50 * NS_PER_MS)
#define TRIES_MAX  32

#define OPEN_PASSES 8 /* a slow start of which so many passed is over */
#define DAY_NS      (86400 * NS_PER_S)

bool finding_is_sane(const struct finding *f, int64_t now)
{
    return f->first_ns >= 0 && f->first_ns <= now && f->reopens_ns >= 0 &&
           f->reopens_ns <= now + 3 * DAY_NS && f->tries <= TRIES_MAX &&
           f->before <= 10000 && f->suspect <= 10000;
}

void finding_begin(struct finding *f, int64_t sent_ns, int64_t reopens_ns,
                   uint32_t before, uint32_t suspect)
{
    *f = (struct finding){.first_ns = max_i64(sent_ns, 1),
                          .reopens_ns = reopens_ns,
                          .before = before,
                          .suspect = suspect};
}

void finding_end(struct finding *f)
{
    f->first_ns = 0;
    f->tries = f->opening = f->credit = 0;
}

void finding_refused(struct finding *f, bool is_try)
{
    f->tries = is_try ? f->tries + (f->tries < TRIES_MAX) : 0;
    f->refusals++;
    f->opening = f->credit = 0;
}

/* splitmix64 (G. Steele and others, 2014): the same state, the same hold. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Less up to a quarter of it: many who share an account must not all come back
 * at once. */
int64_t finding_next_try(const struct finding *f, const struct retreat_rule *u,
                         uint64_t salt, int64_t now)
{
    int64_t span = min_i64(TRY_NS, u->window_ns / TRY_PART);
    int64_t at;
    uint32_t i;

    for (i = 0; i < f->tries && span < u->max_ns; i++)
        span *= TRY_TIMES;
    span = max_i64(min_i64(span, u->max_ns), TRY_MIN_NS);
    at = now + span -
         (int64_t)(mix((uint64_t)now ^ salt << 32) % ((uint64_t)span / 4 + 1));
    if (now < f->reopens_ns &&
        (at > f->reopens_ns || span > u->window_ns / TRY_LAST))
        return f->reopens_ns;
    return at;
}

/* ---- a slow start --------------------------------------------------------------- */

void finding_open(struct finding *f)
{
    f->opening = 1;
    f->credit = 2;
    f->passes++;
}

bool finding_passed(struct finding *f)
{
    f->passes++;
    f->credit += 2;
    return f->passes >= OPEN_PASSES;
}

bool finding_is_silent(struct finding *f)
{
    if (f->credit > 0 || f->passes >= OPEN_PASSES)
        return false;
    f->passes++;
    f->credit = 2;
    return true;
}

/* ---- how quickly do they pass? ------------------------------------------------------ */

bool finding_is_quick(const struct finding *f, int64_t gap_ns, int64_t now)
{
    return gap_ns * f->passes >= now - f->first_ns;
}

bool finding_is_slow(const struct finding *f, int64_t gap_ns, int64_t now)
{
    return f->passes > 0 && gap_ns * f->passes < (now - f->first_ns) / 6 * 5;
}
