/*
 * backoff.c - no limiter at all: each client sends at once, and asks again as
 * the SDKs of OpenAI do.
 *
 * Two more tries, after 0.5 s doubling to 8 s, less up to a quarter, or after
 * Retry-After where that is a minute at most; then its program is told.
 */
#include <stddef.h>

#include "lib/base.h"
#include "run.h"

#define RETRIES_MAX 2 /* max_retries */

static void *backoff_open(struct run *r)
{
    return r;
}

static void backoff_close(void *p)
{
    (void)p;
}

static void backoff_ask(void *p, struct job *j)
{
    run_send(p, j);
}

static void backoff_heard(void *p, struct job *j, const struct answer *a)
{
    struct run *r = p;
    int64_t pause;

    if (a->say == SAY_FINE || j->attempts > RETRIES_MAX) {
        run_done(r, j, a->say == SAY_FINE);
        return;
    }
    pause = run_pause_ns(r, j->attempts, 500 * NS_PER_MS, 8 * NS_PER_S);
    if (a->retry_after_ns > 0 && a->retry_after_ns <= 60 * NS_PER_S)
        pause = a->retry_after_ns;
    run_later(r, j, r->now + pause);
}

static int64_t backoff_turn(void *p)
{
    (void)p;
    return NEVER;
}

const struct policy policy_backoff = {
    .name = "SDK",
    .open = backoff_open,
    .close = backoff_close,
    .ask = backoff_ask,
    .heard = backoff_heard,
    .resume = backoff_ask,
    .turn = backoff_turn,
};
