/*
 * retreat.c - the upstream said 429: when may the next one go, and how many
 * after it?
 *
 * When: a fixed window opens at the first hit after the last one expired, and
 * refused hits count too.  So our own sends tell when it must have opened; it
 * is over a window later.  Where that was wrong (somebody else's hit opened
 * it), each further refusal makes the hold longer by a jittered back-off.
 *
 * How many: what the upstream let pass of our sends in that window, because
 * somebody else may use the account too.  The allowance starts there, stays
 * for some windows and then grows by 1, 2, 4, ... a window until the limit is
 * reached or refuses again; each refusal on the way doubles the windows to
 * stay.  So a limit that is really lower costs ever fewer refusals, and one
 * that was only busy is back in a few windows.
 *
 * Refused sends that are older than the hold say nothing new about when; they
 * are counted, though, because most of a burst is refused after the hold has
 * begun.
 */
#include "state/policy/retreat.h"

#include <string.h>

#include "lib/base.h"

#define HOLD_MIN_NS  (50 * NS_PER_MS) /* a Retry-After of 0 is no command */
#define LEASE_NS     (5 * NS_PER_S)   /* a refusal comes at once, or not */
#define CALM_MAX     15               /* a quarter of an hour at NIM's window */
#define STREAK_MAX   32
#define BACKOFF_PART 8 /* of a window is the first back-off */
#define DAY_NS       (86400 * NS_PER_S)

bool retreat_is_sane(const struct retreat *r, int64_t now)
{
    return r->state < RETREAT_STATES && r->streak <= STREAK_MAX &&
           r->since_ns >= 0 && r->since_ns <= now && r->until_ns >= 0 &&
           r->until_ns <= now + 3 * DAY_NS && r->opened_ns >= 0 &&
           r->opened_ns <= now && r->before <= 10000 && r->allowance <= 10000 &&
           r->step <= 20000 && r->calm <= CALM_MAX &&
           r->calm_next <= CALM_MAX &&
           (r->state == RETREAT_NORMAL || r->allowance > 0);
}

static uint32_t at_least_one(uint32_t n)
{
    return n > 0 ? n : 1;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The state last: a writer that dies before it has changed nothing. */
static void enter(struct retreat *r, enum retreat_state state, int64_t now)
{
    r->since_ns = now;
    __atomic_store_n(&r->state, (uint32_t)state, __ATOMIC_RELEASE);
}

/* ---- the upstream's window ------------------------------------------------ */

void retreat_sent(struct retreat *r, const struct retreat_rule *u, int64_t at)
{
    if (r->hits == 0 || at - r->opened_ns >= u->window_ns) {
        /* Without hits there is no window, whatever else it says. */
        __atomic_store_n(&r->hits, 0, __ATOMIC_SEQ_CST);
        r->opened_ns = at;
        r->refused = 0;
    }
    if (r->hits < UINT32_MAX)
        __atomic_store_n(&r->hits, r->hits + 1, __ATOMIC_RELEASE);
}

/*
 * What of BEFORE is left.  A window that was not the one we think of can make
 * the count nonsense, so that it is not believed to be below a quarter, in
 * recovery (where it was counted once before) not below a half.
 */
static uint32_t tolerated(const struct retreat *r, bool again)
{
    uint32_t passed = r->hits > r->refused ? r->hits - r->refused : 0;
    uint32_t floor = r->before / (again ? 2 : 4);

    if (passed >= r->before) /* it was refused all the same */
        passed = r->before - r->before / 4 - (r->before < 4);
    return at_least_one(passed > floor ? passed : floor);
}

/* ---- holding -------------------------------------------------------------- */

/* splitmix64 (G. Steele and others, 2014): the same state, the same hold. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Between a half and all of a span that doubles with each refusal: many who
 * share an account must not all come back at once. */
static int64_t backoff(const struct retreat *r, const struct retreat_rule *u,
                       uint32_t streak, int64_t now)
{
    int64_t span = max_i64(u->window_ns / BACKOFF_PART, HOLD_MIN_NS);
    uint32_t i;

    for (i = 1; i < streak && span < u->max_ns; i++)
        span *= 2;
    span = min_i64(span, u->max_ns);
    return span - (int64_t)(mix((uint64_t)now ^ r->grant << 32) %
                            ((uint64_t)span / 2 + 1));
}

static int64_t hold_end(const struct retreat *r, const struct retreat_rule *u,
                        int64_t retry_after_ns, int64_t now)
{
    int64_t more = r->streak > 0 ? backoff(r, u, r->streak, now) : 0;
    int64_t reopens = r->opened_ns + u->window_ns + u->margin_ns;
    int64_t end;

    if (retry_after_ns >= 0)
        end = now + max_i64(min_i64(retry_after_ns, u->max_ns), more);
    else if (r->hits > 0 && reopens > now)
        end = reopens + more;
    else
        end = now + backoff(r, u, at_least_one(r->streak), now);
    return max_i64(min_i64(end, now + u->max_ns), now + HOLD_MIN_NS);
}

static void set_reason(struct retreat *r, const char *reason)
{
    size_t n = strnlen(reason, sizeof(r->reason) - 1);

    memset(r->reason, 0, sizeof(r->reason));
    memcpy(r->reason, reason, n);
}

static void hold(struct retreat *r, const struct retreat_rule *u,
                 const struct retreat_refusal *what, int64_t now)
{
    bool again = r->state != RETREAT_NORMAL;

    if (r->state == RETREAT_NORMAL)
        r->calm_next = 1;
    if (r->state == RETREAT_RECOVERING)
        r->calm_next = min_u32(2 * r->calm_next + 1, CALM_MAX);
    r->streak = again ? min_u32(r->streak + 1, STREAK_MAX) : 0;
    r->before = at_least_one(retreat_limit(r, u->requests));
    /* A refused probe says when, not how many. */
    if (r->state != RETREAT_PROBING)
        r->allowance = tolerated(r, again);
    r->step = 1;
    r->calm = r->calm_next;
    r->grant = what->last_grant;
    r->probe_id = 0;
    set_reason(r, what->reason);
    r->until_ns = hold_end(r, u, what->retry_after_ns, now);
    enter(r, RETREAT_HOLDING, now);
}

static bool is_older(const struct retreat *r, uint64_t grant)
{
    return r->grant > 0 && grant <= r->grant;
}

bool retreat_refused(struct retreat *r, const struct retreat_rule *u,
                     const struct retreat_refusal *what, int64_t now)
{
    if (r->hits > 0 && what->sent_ns >= r->opened_ns && r->refused < r->hits)
        r->refused++;
    if (!is_older(r, what->grant) && r->state != RETREAT_HOLDING) {
        hold(r, u, what, now);
        return true;
    }
    if (r->state == RETREAT_HOLDING && what->sent_ns >= r->opened_ns)
        r->allowance = min_u32(r->allowance, tolerated(r, r->streak > 0));
    return false;
}

/* ---- probing -------------------------------------------------------------- */

void retreat_probe(struct retreat *r, uint32_t row, uint64_t id, int64_t now)
{
    r->until_ns = now + LEASE_NS;
    r->probe_row = row;
    __atomic_store_n(&r->probe_id, id, __ATOMIC_RELEASE);
}

void retreat_pass_on(struct retreat *r)
{
    __atomic_store_n(&r->probe_id, 0, __ATOMIC_RELEASE);
}

bool retreat_answered(struct retreat *r, const struct retreat_rule *u,
                      uint64_t grant, int64_t now)
{
    if (r->state != RETREAT_PROBING || is_older(r, grant))
        return false;
    r->probe_id = 0;
    r->until_ns = now + u->window_ns + u->margin_ns;
    enter(r, RETREAT_RECOVERING, now);
    return true;
}

/* ---- time ------------------------------------------------------------------ */

static void be_normal(struct retreat *r, int64_t now)
{
    r->streak = r->calm = r->calm_next = 0;
    r->probe_id = 0;
    enter(r, RETREAT_NORMAL, now);
}

void retreat_end(struct retreat *r, int64_t now)
{
    be_normal(r, now);
}

/* A window went by without a refusal. */
static void grow(struct retreat *r, const struct retreat_rule *u)
{
    r->until_ns += u->window_ns + u->margin_ns;
    r->streak -= r->streak > 0;
    if (r->calm > 0) {
        r->calm--;
        return;
    }
    r->allowance = min_u32(r->allowance + at_least_one(r->step), u->requests);
    r->step = min_u32(2 * at_least_one(r->step), u->requests);
}

bool retreat_advance(struct retreat *r, const struct retreat_rule *u,
                     int64_t now)
{
    if (r->state == RETREAT_HOLDING && now >= r->until_ns) {
        r->hits = r->refused = 0; /* the next hit opens a window */
        r->probe_id = 0;
        enter(r, RETREAT_PROBING, now);
        return true;
    }
    if (r->state != RETREAT_RECOVERING)
        return false;
    /* At most a few rounds: it grows ever faster. */
    while (now >= r->until_ns && r->allowance < u->requests)
        grow(r, u);
    if (r->allowance < u->requests)
        return false;
    be_normal(r, now);
    return true;
}

uint32_t retreat_limit(const struct retreat *r, uint32_t requests)
{
    if (r->state == RETREAT_NORMAL)
        return requests;
    return min_u32(at_least_one(r->allowance), requests);
}
