/*
 * The rule of admission on tokens: as the one on the window, by estimates until
 * answers tell.  Part of admit_rules.c, which declares its functions.
 */
#ifndef SLUICE_ADMIT_TOKENS_H
#define SLUICE_ADMIT_TOKENS_H

#include "state/policy/layout.h"
#include "state/policy/limits.h"

/* What is larger than the whole limit goes alone: it was let in by an estimate
 * that may be too high, or under other rules. */
static uint64_t tokens_of(const struct admit_ask *a, struct take what)
{
    return what.tokens < a->r->tokens ? what.tokens : a->r->tokens;
}

/* Those of which we know by the upstream's word alone. */
static uint64_t unseen(const struct admit_ask *a)
{
    return a->now < a->s->unseen_ns ? a->s->unseen : 0;
}

/* When so many of the log are gone; NEVER: there are fewer. */
static int64_t tokens_gone_at(const struct admit_ask *a, uint64_t tokens)
{
    int64_t sent;

    if (!window_frees_tokens(a->lay, a->scope, tokens, &sent))
        return NEVER;
    return sent + limits_span_ns(a->r);
}

static int64_t tokens_now(const struct admit_ask *a, struct take what)
{
    uint64_t hidden, want, over;
    int64_t at;

    if (a->r->tokens == 0)
        return a->now;
    hidden = unseen(a);
    want =
        a->s->window.tokens + a->s->open_tokens + hidden + tokens_of(a, what);
    if (want <= a->r->tokens)
        return a->now;
    over = want - a->r->tokens;
    at = tokens_gone_at(a, over);
    if (hidden == 0 || at <= a->s->unseen_ns)
        return at;
    if (over <= hidden)
        return a->s->unseen_ns;
    return max_i64(a->s->unseen_ns, tokens_gone_at(a, over - hidden));
}

static uint32_t tokens_of_nth(const struct forecast *f, uint32_t n)
{
    return f->takes == NULL ? f->each.tokens : f->takes[n].tokens;
}

/* As sent_by(). */
static int64_t tokens_sent_by(struct forecast *f, uint64_t tokens)
{
    const struct admit_ask *a = &f->ask;

    if (tokens <= a->s->window.tokens) {
        if (!window_walk_to(a->lay, &f->tokens.walk, tokens))
            sigbus_damaged("tokens of the sends");
        return f->tokens.walk.sent_ns;
    }
    if (tokens <= f->tokens.used)
        return a->now;
    while (f->tokens.expired < tokens - f->tokens.used &&
           f->tokens.expired_n < f->n)
        f->tokens.expired += tokens_of_nth(f, f->tokens.expired_n++);
    if (f->tokens.expired_n == 0 || f->times[f->tokens.expired_n - 1] == NEVER)
        return a->now;
    return f->times[f->tokens.expired_n - 1];
}

/* From AT on, if WANT are in the way of a limit, and those that nobody has seen:
 * before they are gone, if enough of the log is. */
static int64_t past_unseen(const struct admit_ask *a, uint64_t want, int64_t at)
{
    int64_t by;

    if (at >= a->s->unseen_ns || want + a->s->unseen <= a->r->tokens)
        return at;
    by = tokens_gone_at(a, want + a->s->unseen - a->r->tokens);
    return max_i64(at, min_i64(by, a->s->unseen_ns));
}

static int64_t tokens_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct admit_ask *a = &f->ask;
    uint64_t want;

    if (a->r->tokens == 0)
        return at;
    want = f->tokens.used + f->tokens.gone + tokens_of(a, what);
    at = past_unseen(a, want, at);
    if (want > a->r->tokens)
        at = max_i64(at, tokens_sent_by(f, want - a->r->tokens) +
                             limits_span_ns(a->r));
    return at;
}

#endif
