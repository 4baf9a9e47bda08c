/*
 * again.c - may a request go again, and when?
 *
 *   it was put off       to the head of its line, as long as it may wait there
 *   a passing fault      after a pause, retry.max times in all; once, if all
 *                        of an earlier one just like it failed
 *   its answer is to     after a pause (nvcf.c)
 *   be polled
 *
 * Nobody but us repeats a request: libcurl is not let, and the SDKs are asked
 * not to.  Nor do we, where that could make two of something
 * (request_is_repeatable()): unless it surely was not done, its client is told
 * that it may have been.
 *
 * A request that is free (pages/models.c) has no ticket: there is no line for
 * it to go back to.  What would send another one there is a passing fault to
 * it, within retry.max and its one deadline.
 */
#include "fcgi/again.h"

#include "fcgi/attempt.h"
#include "fcgi/config/config.h"
#include "fcgi/place.h"

/* Between two attempts: doubling, and jittered by a quarter, so that those
 * that failed together do not come together. */
#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS   8000

/* Before the attempt after the Nth. */
static int64_t pause_ms(const struct exchange *x, unsigned n, int64_t retry_ms)
{
    unsigned doublings = n < 6 ? n - (n > 0) : 5;
    int64_t ms = min_i64((int64_t)PAUSE_FIRST_MS << doublings, PAUSE_MAX_MS);

    /* The nanoseconds of the clock are as random as this needs. */
    ms -= ms / 4 * (exchange_now(x) / 1000 % 1000) / 1000;
    return max_i64(ms, retry_ms);
}

static bool has_line(const struct exchange *x)
{
    return x->attempt.errand == ERRAND_REQUEST && x->place.state != PLACE_FREE;
}

/*
 * Has it had its tries?  A client that repeats what failed in all of them (Codex
 * does, five times) owns the retries from then on: they would multiply with
 * ours, and each of them costs a slot.
 */
static bool is_tried_out(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (a->faults == 1)
        a->has_failed =
            x->s->cfg->retry_max > 1 &&
            limiter_has_failed(x->s->lim, x->place.ticket, exchange_now(x));
    if (a->faults < x->s->cfg->retry_max && !a->has_failed)
        return false;
    limiter_failed(x->s->lim, x->place.ticket);
    return true;
}

bool again_may(struct exchange *x, int64_t retry_ms, int64_t *ms)
{
    unsigned faults = ++x->attempt.faults;

    *ms = pause_ms(x, faults, retry_ms);
    return !is_tried_out(x) && !x->s->draining && !attempt_may_be_done(x) &&
           exchange_now(x) + *ms * NS_PER_MS < x->due.at[DUE_ANSWER];
}

enum step again_in_line(struct exchange *x, bool unsent)
{
    attempt_forget(x);
    place_take_again(x, unsent);
    return STEP_QUEUE;
}

/* The request itself has no use for its slot meanwhile, and others have: what
 * counts is its send, if there was one.  On one that is polled the upstream is
 * at work, so that it goes on to count as one in flight. */
enum step again_in(struct exchange *x, int64_t ms)
{
    int64_t ns = ms * NS_PER_MS;

    attempt_forget(x);
    x->due.at[DUE_PAUSE] = exchange_now(x) + ns;
    if (x->attempt.errand == ERRAND_REQUEST)
        limiter_aside(x->s->lim, x->place.ticket, !x->attempt.may_have_sent,
                      ns);
    return STEP_PAUSE;
}

/* It waits as in line, for no answer: that has no deadline meanwhile. */
bool again_when_free(struct exchange *x, int64_t retry_ms, enum step *next)
{
    int64_t ms = pause_ms(x, x->attempt.sends, retry_ms);

    place_bound_patience(x);
    if (exchange_now(x) + ms * NS_PER_MS > x->place.deadline_ns ||
        x->s->draining)
        return false;
    x->place.waited_ns += ms * NS_PER_MS;
    x->due.at[DUE_ANSWER] = NEVER;
    *next = again_in(x, ms);
    return true;
}

enum step again_go_on(struct exchange *x)
{
    bool was_put_off = x->due.at[DUE_ANSWER] == NEVER;

    if (!has_line(x))
        return STEP_FORWARD;
    place_take_again(x, !x->attempt.may_have_sent);
    if (was_put_off)
        place_bound_patience(x);
    return STEP_QUEUE;
}

bool again_can_recall(const struct exchange *x)
{
    return x->step == STEP_FORWARD && has_line(x) && attempt_is_unsent(x);
}

enum step again_recall(struct exchange *x)
{
    enum step next;

    x->place.order = ORDER_NONE;
    x->attempt.sends--; /* none was made */
    next = again_in_line(x, true);
    place_bound_patience(x); /* nor has its wait ended */
    return next;
}
