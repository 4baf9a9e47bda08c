/* fake_store.c - no store is shared: nobody leads, nothing is asked, and what an
 * exchange can see of it is whether it is lost. */
#include "fake_limiter.h"
#include "state/leader.h"

bool limiter_may_lead(const struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
    return false;
}

bool limiter_lead(struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
    return false;
}

int64_t limiter_store_due(struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
    return NEVER;
}

bool limiter_store_ask(struct limiter *lim, struct shared_ask *ask,
                       bool at_once, int64_t now)
{
    (void)lim, (void)ask, (void)at_once, (void)now;
    return false;
}

uint64_t limiter_store_host(const struct limiter *lim)
{
    (void)lim;
    return 0;
}

bool limiter_store_answer(struct limiter *lim, const struct shared_ask *ask,
                          const struct shared_answer *answer, int64_t now)
{
    (void)lim, (void)ask, (void)answer, (void)now;
    return false;
}

void limiter_store_failed(struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
}

void limiter_store_lost(struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
}

bool limiter_store_is_lost(const struct limiter *lim)
{
    return lim->store_lost;
}

void limiter_store_leave(struct limiter *lim, int64_t now)
{
    (void)lim, (void)now;
}

struct shared_settings limiter_store_settings(const struct limiter *lim)
{
    (void)lim;
    return (struct shared_settings){0, 0};
}

bool limiter_store_settle(struct limiter *lim,
                          const struct shared_settings *are, int64_t now)
{
    (void)lim, (void)are, (void)now;
    return false;
}
