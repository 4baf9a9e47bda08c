/*
 * retreat.c - the upstream said 429: may the next one go?
 *
 * It may be a full window, a rate (a bucket without tokens), or bad luck: an
 * upstream that sheds.  Two observations tell them apart.
 *
 * Time.  A full fixed window lets nothing pass before it opens anew, and our own
 * sends tell when.  So nothing goes after a refusal but a try, soon, then ever
 * later, and when the window must have opened (finding.c); what passes, and when,
 * says what it was (recovery.c).
 *
 * Order.  What is known to shed is believed to do so as long as chance explains
 * the refusals of a window, and those in a row (chance.c).
 *
 * What is known already is no riddle: one more than a window holds
 * (upstream_window.c), one too soon for a pace (pace.c).
 *
 * Refused sends that are older than the hold say nothing new about when; they
 * are counted, though, because most of a burst is refused after the hold has
 * begun.
 */
#include "state/policy/retreat.h"

#include <string.h>

#include "lib/base.h"
#include "state/policy/retreat_steps.h"

#define HOLD_MIN_NS (50 * NS_PER_MS) /* a Retry-After of 0 is no command */
#define LEASE_NS    (5 * NS_PER_S)   /* of a probe */
#define SILENCE_NS  (2 * NS_PER_S)   /* a refusal comes sooner, or not */
#define STRAYS_MAX  32
#define DAY_NS      (86400 * NS_PER_S)

#define LUCK_LEAST 0.001 /* what is less likely than this is none */

static bool is_past(int64_t t, int64_t now)
{
    return t >= 0 && t <= now;
}

bool retreat_is_sane(const struct retreat *r, int64_t now)
{
    return r->state < RETREAT_STATES && r->learned < LEARNED_KINDS &&
           is_past(r->since_ns, now) && is_past(r->learned_ns, now) &&
           is_past(r->until_ns, now + 3 * DAY_NS) &&
           is_past(r->last_ns, now + DAY_NS) && is_past(r->passed_ns, now) &&
           is_past(r->refused_ns, now) && is_past(r->told_ns, now) &&
           is_past(r->refuse_ns, DAY_NS) && r->strays <= STRAYS_MAX &&
           upstream_window_is_sane(&r->window, now) &&
           pace_is_sane(&r->pace, now) && rhythm_is_sane(&r->rhythm, now) &&
           finding_is_sane(&r->find, now);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void set_reason(struct retreat *r, const char *reason)
{
    size_t n = strnlen(reason, sizeof(r->reason) - 1);

    memset(r->reason, 0, sizeof(r->reason));
    memcpy(r->reason, reason, n);
}

/* ---- what goes ------------------------------------------------------------- */

void retreat_taken(struct retreat *r, int64_t now)
{
    r->last_ns = max_i64(r->last_ns, now);
    r->find.credit -= r->find.credit > 0;
}

void retreat_given_back(struct retreat *r)
{
    r->find.credit += r->find.opening;
}

/* What would the window hold in which the first was refused, if it was full?
 * Looked at with each send and refusal that becomes known: workers tell of theirs
 * in any order. */
static void weigh(struct retreat *r)
{
    struct finding *f = &r->find;
    uint32_t left;

    if (f->first_ns == 0 || f->opening || r->window.hits == 0 ||
        r->window.opened_ns > f->first_ns)
        return;
    left = upstream_window_left(&r->window, f->before);
    if (f->tries >= 2) /* it is full, however small */
        left = min_u32(left, upstream_window_passed(&r->window));
    f->suspect = left;
}

void retreat_sent(struct retreat *r, const struct retreat_rule *u,
                  uint64_t grant, int64_t at)
{
    rhythm_sent(&r->rhythm, grant);
    pace_sent(&r->pace, grant, at);
    upstream_window_sent(&r->window, u, at);
    weigh(r);
}

/* ---- luck ------------------------------------------------------------------- */

/* Would chance explain the refusals of this window, and N in a row? */
static bool is_luck(const struct retreat *r, uint32_t n)
{
    double row = 1;

    while (n-- > 0)
        row *= luck_share(r);
    return row >= LUCK_LEAST &&
           chance_explains(luck_share(r), r->window.refused, r->window.hits);
}

static void take_for_luck(struct retreat *r, const struct retreat_refusal *what,
                          int64_t now)
{
    r->strays += what->sent_ns > r->told_ns && r->strays < STRAYS_MAX;
    r->told_ns = now;
    chance_note(&r->luck, 0, 1);
}

/* ---- holding -------------------------------------------------------------- */

static int64_t hold_end(const struct retreat *r, const struct retreat_rule *u,
                        int64_t retry_after_ns, int64_t now)
{
    int64_t end = retry_after_ns >= 0
                      ? now + retry_after_ns
                      : finding_next_try(&r->find, u, r->grant, now);

    return max_i64(min_i64(end, now + u->max_ns), now + HOLD_MIN_NS);
}

static void find_begin(struct retreat *r, const struct retreat_rule *u,
                       int64_t sent_ns)
{
    uint32_t before = at_least_one(retreat_limit(r, u->requests));

    finding_begin(&r->find, sent_ns, upstream_window_reopens_ns(&r->window, u),
                  before, upstream_window_left(&r->window, before));
    r->find.burst = 1;
}

/* WHAT is refused, and nothing else goes before it is known why. */
static void hold(struct retreat *r, const struct retreat_rule *u,
                 const struct retreat_refusal *what, int64_t now)
{
    struct finding *f = &r->find;

    if (f->first_ns == 0)
        find_begin(r, u, what->sent_ns);
    finding_refused(f, r->state == RETREAT_PROBING);
    weigh(r);
    r->grant = what->last_grant;
    r->probe_id = 0;
    set_reason(r, what->reason);
    r->until_ns = hold_end(r, u, what->retry_after_ns, now);
    if (what->retry_after_ns >= 0) /* it says when it opens */
        f->reopens_ns = r->until_ns;
    enter(r, RETREAT_HOLDING, now);
}

/* ---- a rate ------------------------------------------------------------------ */

/* Is what passed since the first refusal clearly less, and no chance? */
static bool is_rate(const struct retreat *r, const struct retreat_rule *u,
                    int64_t now)
{
    const struct finding *f = &r->find;

    return f->refusals >= 3 &&
           f->refusals > 4 * luck_share(r) * (f->refusals + f->passes) &&
           finding_is_slow(f, own_gap(u), now);
}

/* One passes each GAP_NS. */
static void learn_rate(struct retreat *r, const struct retreat_rule *u,
                       const struct retreat_refusal *what, int64_t gap_ns,
                       int64_t now)
{
    pace_begin(&r->pace, gap_ns);
    rhythm_forget(&r->rhythm);
    find_end(r);
    r->window.calm = r->window.calm_next = 1;
    r->grant = what->last_grant;
    r->last_ns = now;
    set_reason(r, what->reason);
    learn(r, LEARNED_RATE, now);
    recover(r, u, now);
}

static void slow_down(struct retreat *r, const struct retreat_rule *u,
                      const struct retreat_refusal *what, int64_t now)
{
    int64_t pause = pace_refused(&r->pace, what->grant,
                                 max_i64(u->max_ns, own_gap(u)), now);

    r->grant = what->last_grant;
    r->last_ns = now + pause - r->pace.gap_ns;
    r->until_ns = now + u->window_ns + u->margin_ns;
}

/* ---- a refusal ------------------------------------------------------------------ */

void retreat_note_refused(struct retreat *r, const struct retreat_refusal *what,
                          int64_t now)
{
    int64_t took = max_i64(now - what->sent_ns, 0);

    r->refused_ns = max_i64(r->refused_ns, what->sent_ns);
    r->refuse_ns = max_i64(r->refuse_ns - r->refuse_ns / 16, took);
    r->refuse_ns = min_i64(r->refuse_ns, LEASE_NS);
    upstream_window_refused(&r->window, what->sent_ns);
}

/* Of the same burst as the one that began it. */
static void count_older(struct retreat *r)
{
    struct finding *f = &r->find;

    if (f->first_ns == 0)
        return;
    f->burst++;
    weigh(r);
}

bool retreat_is_at_limit(const struct retreat *r, const struct retreat_rule *u,
                         uint32_t in_window)
{
    return retreat_limit(r, u->requests) < u->requests &&
           (r->window.hits > r->window.size || in_window > r->window.size);
}

/* One more than is known to pass was refused: our own log says when the next
 * one may go. */
static void meet_limit(struct retreat *r, const struct retreat_rule *u,
                       const struct retreat_refusal *what, int64_t now)
{
    upstream_window_meet(&r->window, u);
    rhythm_forget(&r->rhythm);
    learn(r, LEARNED_WINDOW, now);
    r->grant = what->last_grant;
    set_reason(r, what->reason);
    recover(r, u, now);
}

/* In a recovery: is what was learned enough to know what it means? */
static bool is_understood(struct retreat *r, const struct retreat_rule *u,
                          const struct retreat_refusal *what, int64_t now)
{
    if (r->pace.gap_ns > 0) {
        slow_down(r, u, what, now);
        return true;
    }
    if (is_luck(r, r->strays + 1) ||
        !retreat_is_at_limit(r, u, what->in_window))
        return false;
    meet_limit(r, u, what, now);
    return true;
}

bool retreat_refused(struct retreat *r, const struct retreat_rule *u,
                     const struct retreat_refusal *what, int64_t now)
{
    retreat_note_refused(r, what, now);
    if (is_older(r, what->grant) || r->state == RETREAT_HOLDING) {
        count_older(r);
        return false;
    }
    if (what->retry_after_ns >= 0 || r->state == RETREAT_PROBING) {
        hold(r, u, what, now);
        return true;
    }
    if (r->find.opening && is_rate(r, u, now)) {
        learn_rate(r, u, what,
                   (now - r->find.first_ns) / at_least_one(r->find.passes),
                   now);
        return true;
    }
    if (r->state == RETREAT_RECOVERING && !r->find.opening &&
        is_understood(r, u, what, now))
        return false;
    rhythm_refused(&r->rhythm, what->grant, what->last_grant, what->sent_ns);
    if (rhythm_is_even(&r->rhythm)) {
        int64_t gap = rhythm_gap_ns(&r->rhythm, now);

        r->luck = (struct chance){0, 0};
        learn_rate(r, u, what, gap, now);
        return true;
    }
    if (is_luck(r, r->strays + 1)) {
        take_for_luck(r, what, now);
        return false;
    }
    hold(r, u, what, now);
    return true;
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

int64_t retreat_silent_at(const struct retreat *r, int64_t sent_ns)
{
    return sent_ns + max_i64(2 * r->refuse_ns, SILENCE_NS);
}

/* ---- what holds it back ------------------------------------------------------- */

bool retreat_is_finding_out(const struct retreat *r)
{
    return r->find.first_ns != 0;
}

int64_t retreat_free_at(const struct retreat *r)
{
    if (r->state != RETREAT_RECOVERING)
        return 0;
    if (r->find.opening)
        return r->find.credit > 0 ? 0 : r->until_ns;
    return r->pace.gap_ns > 0 ? r->last_ns + r->pace.gap_ns : 0;
}

uint32_t retreat_limit(const struct retreat *r, uint32_t requests)
{
    if (r->state == RETREAT_NORMAL || (r->find.opening && !r->window.sure))
        return requests;
    return upstream_window_limit(&r->window, requests);
}
