/*
 * bucket.c - are there tokens?
 *
 * Overflow: a level is at most burst * window_ns <= 10,000 * 8.64e13, below a
 * tenth of what 63 bits hold, and it falls below zero by at most
 * BUCKET_DEBT_MAX * 8.64e13.
 */
#include "state/policy/bucket.h"

static int64_t cap(const struct bucket_rule *r)
{
    return r->burst * r->window_ns;
}

void bucket_init(struct bucket *b, const struct bucket_rule *r, int64_t now)
{
    b->level = cap(r);
    b->at_ns = now;
}

void bucket_fill(struct bucket *b, const struct bucket_rule *r, int64_t now)
{
    int64_t dt = now - b->at_ns;

    if (dt > 0)
        b->at_ns = now;
    if (b->level > cap(r)) /* the burst was lowered */
        b->level = cap(r);
    if (dt > (cap(r) - b->level) / r->requests)
        b->level = cap(r);
    else if (dt > 0)
        b->level += dt * r->requests;
}

void bucket_charge(struct bucket *b, const struct bucket_rule *r,
                   uint64_t weight, int64_t now)
{
    const int64_t most =
        BUCKET_DEBT_MAX + r->burst; /* tokens, from a full one */

    bucket_fill(b, r, now);
    b->level -=
        (weight < (uint64_t)most ? (int64_t)weight : most) * r->window_ns;
    if (b->level < -BUCKET_DEBT_MAX * r->window_ns)
        b->level = -BUCKET_DEBT_MAX * r->window_ns;
}

int64_t bucket_wait_ns(const struct bucket *b, const struct bucket_rule *r,
                       int64_t now, int64_t n)
{
    struct bucket then = *b;
    int64_t whole, rest;

    bucket_fill(&then, r, now);
    /* n tokens cost n * window / requests; split so that n may be large. */
    whole = n / r->requests * r->window_ns;
    rest = n % r->requests * r->window_ns - then.level;
    if (rest > 0)
        return whole + (rest + r->requests - 1) / r->requests;
    return whole + rest / r->requests > 0 ? whole + rest / r->requests : 0;
}

void bucket_convert(struct bucket *b, const struct bucket_rule *from,
                    const struct bucket_rule *to)
{
    int64_t tokens;

    if (from->window_ns <= 0 || from->window_ns == to->window_ns)
        return;
    tokens = b->level / from->window_ns;
    b->level = (tokens < to->burst ? tokens : to->burst) * to->window_ns;
}

int64_t bucket_tokens_milli(const struct bucket *b, const struct bucket_rule *r)
{
    int64_t unit = r->window_ns / 1000 > 0 ? r->window_ns / 1000 : 1;

    return b->level > 0 ? b->level / unit : 0;
}
