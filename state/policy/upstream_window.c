/*
 * upstream_window.c - how many does the upstream let pass in one of its windows?
 *
 * What passed of our sends in a full one is the allowance, because somebody else
 * may use the account too.  It stays there for some windows and then grows by 1,
 * 2, 4, ... a window until the limit is reached or refuses again; each refusal on
 * the way doubles the windows to stay.  So a limit that is really lower costs
 * ever fewer refusals, and one that was only busy is back in a few windows.
 */
#include "state/policy/upstream_window.h"

#include "lib/base.h"
#include "state/policy/retreat_rule.h"

#define CALM_MAX 15 /* a quarter of an hour at NIM's window */

static uint32_t at_least_one(uint32_t n)
{
    return n > 0 ? n : 1;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

bool upstream_window_is_sane(const struct upstream_window *w, int64_t now)
{
    return w->opened_ns >= 0 && w->opened_ns <= now && w->allowance <= 10000 &&
           w->size <= 10000 && w->step <= 20000 && w->calm <= CALM_MAX &&
           w->calm_next <= CALM_MAX && w->doubt_ns >= 0 && w->doubt_ns <= now;
}

void upstream_window_sent(struct upstream_window *w,
                          const struct retreat_rule *u, int64_t at)
{
    if (w->hits == 0 || at - w->opened_ns >= u->window_ns) {
        /* Without hits there is no window, whatever else it says. */
        __atomic_store_n(&w->hits, 0, __ATOMIC_SEQ_CST);
        w->opened_ns = at;
        w->refused = 0;
    }
    if (w->hits < UINT32_MAX)
        __atomic_store_n(&w->hits, w->hits + 1, __ATOMIC_RELEASE);
}

void upstream_window_refused(struct upstream_window *w, int64_t sent_ns)
{
    if (w->hits > 0 && sent_ns >= w->opened_ns && w->refused < w->hits)
        w->refused++;
}

uint32_t upstream_window_passed(const struct upstream_window *w)
{
    return w->hits > w->refused ? w->hits - w->refused : 0;
}

int64_t upstream_window_reopens_ns(const struct upstream_window *w,
                                   const struct retreat_rule *u)
{
    return w->opened_ns + u->window_ns + u->margin_ns;
}

/* One that was not the one we think of can make the count nonsense, so that it is
 * not believed to be below a quarter, unless most of it was refused; or it is
 * known already. */
uint32_t upstream_window_left(const struct upstream_window *w, uint32_t before)
{
    uint32_t passed = upstream_window_passed(w);

    if (w->allowance > 0)
        return at_least_one(min_u32(passed, before));
    if (passed == 0 && w->hits > 1)
        return 0; /* of any size: somebody else's, or it was out of order */
    if (passed >= before) /* it was refused all the same */
        passed = before - before / 4 - (before < 4);
    if (w->refused < 2 * passed)
        passed = max_u32(passed, before / 4);
    return at_least_one(passed);
}

uint32_t upstream_window_limit(const struct upstream_window *w,
                               uint32_t requests)
{
    return w->allowance == 0 ? requests : min_u32(w->allowance, requests);
}

void upstream_window_learn(struct upstream_window *w, uint32_t size)
{
    w->allowance = w->size = at_least_one(size);
    w->sure = w->calm = 0;
    w->calm_next = at_least_one(w->calm_next);
    w->step = 1;
}

void upstream_window_meet(struct upstream_window *w,
                          const struct retreat_rule *u)
{
    uint32_t before = at_least_one(upstream_window_limit(w, u->requests));

    w->calm = w->calm_next = min_u32(2 * w->calm_next + 1, CALM_MAX);
    w->allowance = max_u32(upstream_window_left(w, before), w->size);
    w->sure = 1;
    w->step = 1;
}

void upstream_window_grow(struct upstream_window *w,
                          const struct retreat_rule *u, int64_t at)
{
    if (w->calm > 0) {
        w->calm--;
        return;
    }
    if (w->allowance == 0)
        return;
    if (w->hits >= w->allowance && w->refused == 0 &&
        at >= w->opened_ns + u->window_ns / 2)
        w->size = w->allowance; /* so many have passed */
    w->allowance = min_u32(w->allowance + at_least_one(w->step), u->requests);
    w->step = min_u32(2 * at_least_one(w->step), u->requests);
}

void upstream_window_forget(struct upstream_window *w)
{
    w->allowance = w->size = w->sure = 0;
    w->step = w->calm = w->calm_next = 0;
}
