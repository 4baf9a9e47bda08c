/*
 * recovery.c - one passed, or time did: what was it then that refused, and what
 * goes now?
 *
 * What passes before a full window would have opened opens a slow start: all
 * pass, and it was luck.  What passes only then was a full window, and what
 * passed in it is the allowance; if nothing did, a slow start finds out.  The first growth of that comes early in the next
 * window: where it passes, there is no window of that size.
 */
#include "lib/base.h"
#include "state/policy/retreat.h"
#include "state/policy/retreat_steps.h"

#define QUIET_NS NS_PER_S /* a slow start that nobody uses is over */
#define REORDER_NS                                                             \
    (100 * NS_PER_MS) /* of what is sent within this, any may be
                                       * the first to arrive */
#define TEST_PART 8   /* after this part of a window one more is tried */

/* ---- what it was ---------------------------------------------------------------- */

static void be_normal(struct retreat *r, int64_t now)
{
    find_end(r);
    upstream_window_forget(&r->window);
    r->pace.gap_ns = 0;
    enter(r, RETREAT_NORMAL, now);
}

void retreat_end(struct retreat *r, int64_t now)
{
    be_normal(r, now);
    r->luck = (struct chance){0, 0};
    learn(r, LEARNED_NOTHING, now);
}

/* As many passed since as we believe in: it was no rate, and no full window. */
static void note_luck(struct retreat *r, const struct retreat_rule *u,
                      int64_t now)
{
    struct finding *f = &r->find;

    if (!finding_is_quick(f, own_gap(u), now))
        return;
    chance_note(&r->luck, 0, f->burst);
    f->burst = 0;
}

/* Nothing stands in the way but what was learned before. */
static void settle(struct retreat *r, const struct retreat_rule *u, int64_t now)
{
    const struct finding *f = &r->find;
    struct upstream_window *w = &r->window;

    note_luck(r, u, now);
    if (w->allowance > 0 && f->before >= w->allowance &&
        chance_explains(luck_share(r), f->before - w->allowance, f->before))
        w->allowance = w->size = 0;
    find_end(r);
    if (w->allowance > 0 || r->pace.gap_ns > 0) {
        recover(r, u, now);
        return;
    }
    learn(r, luck_share(r) > 0 ? LEARNED_LUCK : LEARNED_NOTHING, now);
    be_normal(r, now);
}

/* What was sent passed before a full window would have opened. */
static void open_slowly(struct retreat *r, const struct retreat_rule *u,
                        int64_t now)
{
    finding_open(&r->find);
    note_luck(r, u, now);
    r->probe_id = 0;
    r->last_ns = now;
    r->until_ns = now + QUIET_NS;
    enter(r, RETREAT_RECOVERING, now);
}

/* More than a half passed, for the first time: somebody else may have taken the
 * rest. */
static bool is_doubtful(const struct retreat *r, const struct retreat_rule *u,
                        int64_t now)
{
    return r->window.allowance == 0 && 2 * r->find.suspect > u->requests &&
           (r->window.doubt_ns == 0 ||
            now - r->window.doubt_ns > 2 * (u->window_ns + u->margin_ns));
}

/* Of what size it is cannot be told yet. */
static void open_anew(struct retreat *r, const struct retreat_rule *u,
                      int64_t now)
{
    finding_begin(&r->find, r->window.opened_ns,
                  upstream_window_reopens_ns(&r->window, u), u->requests,
                  u->requests);
    open_slowly(r, u, now);
}

/* What was sent passed when a window must have opened. */
static void learn_window(struct retreat *r, const struct retreat_rule *u,
                         int64_t now)
{
    if (r->find.suspect == 0) { /* nothing had passed in the one that is over */
        open_anew(r, u, now);
        return;
    }
    if (is_doubtful(r, u, now)) {
        r->window.doubt_ns = now;
        find_end(r);
        recover(r, u, now);
        return;
    }
    upstream_window_learn(&r->window, r->find.suspect);
    rhythm_forget(&r->rhythm);
    find_end(r);
    learn(r, LEARNED_WINDOW, now);
    recover(r, u, now);
    r->until_ns = now + u->window_ns / TEST_PART;
}

static void probe_answered(struct retreat *r, const struct retreat_rule *u,
                           int64_t sent_ns, int64_t now)
{
    if (sent_ns >= r->find.reopens_ns) {
        learn_window(r, u, now);
        return;
    }
    if (upstream_window_passed(&r->window) > r->window.allowance) /* more */
        r->window.allowance = r->window.size = 0;
    open_slowly(r, u, now);
}

static bool passed_in_opening(struct retreat *r, const struct retreat_rule *u,
                              int64_t now)
{
    r->until_ns = now + QUIET_NS;
    if (!finding_passed(&r->find))
        return false;
    settle(r, u, now);
    return true;
}

/* Did one more than a full window pass, long before it can have opened? */
static bool is_refuted(const struct retreat *r, const struct retreat_rule *u,
                       int64_t sent_ns)
{
    return r->window.allowance > 0 && !r->window.sure &&
           upstream_window_passed(&r->window) > r->window.size &&
           sent_ns >= r->window.opened_ns + u->window_ns / TEST_PART;
}

/* True: there is no pace any more. */
static bool passed_at_pace(struct retreat *r, const struct retreat_rule *u,
                           uint64_t grant, int64_t now)
{
    if (pace_passed(&r->pace, grant, own_gap(u), now)) {
        if (pace_tests(&r->pace))
            r->last_ns = now - r->pace.gap_ns; /* at once */
        return false;
    }
    r->pace.gap_ns = 0;
    chance_note(&r->luck, 0, r->pace.refused);
    settle(r, u, now);
    return true;
}

static bool passed_in_recovery(struct retreat *r, const struct retreat_rule *u,
                               uint64_t grant, int64_t sent_ns, int64_t now)
{
    if (r->pace.gap_ns > 0 && passed_at_pace(r, u, grant, now))
        return true;
    if (!is_refuted(r, u, sent_ns))
        return false;
    r->window.allowance = r->window.size = 0;
    r->window.doubt_ns = now; /* whatever it is, it is not for the first time */
    open_anew(r, u, now);
    return true;
}

/* Of those before the hold: did it pass although it was sent after one that was
 * refused? */
static bool passed_before(struct retreat *r, const struct retreat_rule *u,
                          int64_t sent_ns, int64_t now)
{
    if (r->state != RETREAT_HOLDING || r->find.tries > 0 ||
        sent_ns < r->find.first_ns + REORDER_NS)
        return false;
    open_slowly(r, u, now);
    return true;
}

bool retreat_answered(struct retreat *r, const struct retreat_rule *u,
                      uint64_t grant, int64_t sent_ns, int64_t now)
{
    chance_note(&r->luck, 1, 0);
    r->passed_ns = max_i64(r->passed_ns, sent_ns);
    rhythm_passed(&r->rhythm, grant);
    if (is_older(r, grant))
        return passed_before(r, u, sent_ns, now);
    r->strays = 0;
    if (r->state == RETREAT_PROBING) {
        probe_answered(r, u, sent_ns, now);
        return true;
    }
    if (r->state != RETREAT_RECOVERING)
        return false;
    return r->find.opening ? passed_in_opening(r, u, now)
                           : passed_in_recovery(r, u, grant, sent_ns, now);
}

/* ---- time ------------------------------------------------------------------ */

static bool is_held_back(const struct retreat *r, const struct retreat_rule *u)
{
    return r->pace.gap_ns > 0 ||
           (r->window.allowance > 0 && r->window.allowance < u->requests);
}

/* A window went by without a refusal. */
static void grow(struct retreat *r, const struct retreat_rule *u)
{
    int64_t at = r->until_ns;

    r->until_ns += u->window_ns + u->margin_ns;
    pace_calm(&r->pace);
    if (r->pace.gap_ns > 0 && r->pace.gap_ns <= own_gap(u) &&
        r->window.calm == 0)
        r->pace.gap_ns = 0;
    else
        upstream_window_grow(&r->window, u, at);
}

/* Nobody uses the slow start, or what it waits for is silent. */
static bool opening_is_over(struct retreat *r, const struct retreat_rule *u,
                            int64_t now)
{
    const struct finding *f = &r->find;

    while (now >= r->until_ns && finding_is_silent(&r->find))
        r->until_ns += QUIET_NS;
    if (now < r->until_ns)
        return false;
    if (f->credit > 0 && f->burst > 1 && 2 * r->window.refused > r->window.hits)
        learn_window(r, u, r->until_ns); /* so far, it is as if it were one */
    else
        settle(r, u, r->until_ns);
    return true;
}

static bool recovery_is_over(struct retreat *r, const struct retreat_rule *u,
                             int64_t now)
{
    /* At most a few rounds: it grows ever faster. */
    while (now >= r->until_ns && is_held_back(r, u))
        grow(r, u);
    if (is_held_back(r, u))
        return false;
    learn(r, LEARNED_NOTHING, now);
    be_normal(r, now);
    return true;
}

/* What is late is done as of the time when it was due, whoever looks when. */
bool retreat_advance(struct retreat *r, const struct retreat_rule *u,
                     int64_t now)
{
    if (r->state == RETREAT_HOLDING && now >= r->until_ns) {
        if (r->until_ns >= r->find.reopens_ns)
            r->window.hits = r->window.refused = 0; /* the next opens one */
        r->probe_id = 0;
        enter(r, RETREAT_PROBING, r->until_ns);
        return true;
    }
    if (r->state != RETREAT_RECOVERING)
        return false;
    return r->find.opening ? opening_is_over(r, u, now)
                           : recovery_is_over(r, u, now);
}
