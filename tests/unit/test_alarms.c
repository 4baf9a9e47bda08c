/*
 * Mirrors state/slots.c: who wakes, and when?
 *
 * A random schedule is played twice.  In one world the workers take a turn only
 * when they have a wish, were poked, or the time has come that their last turn
 * asked for; in the other each takes one every millisecond.  No grant of the
 * first may be later than in the second.
 */
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "desk.h"
#include "state/operator.h"

#define ASKS     48
#define ATTEMPTS 3
#define LONG_MS  5000 /* of a schedule, after its beginning */
#define ROUNDS   50
#define NOT_YET  (-1)

/* What becomes of an attempt. */
enum end { END_FINE, END_BUSY, END_RATE, END_UNPAID, END_FAULT, END_UNSENT };

struct plan {
    int64_t at_ms; /* asked */
    uint32_t worker, client, model;
    enum limiter_class cls;
    struct {
        int64_t write_ms, answer_ms, retry_s;
        int64_t aside_ms; /* before it comes back; 0: at once */
        enum end end;
    } of[ATTEMPTS];
};

struct schedule {
    struct limiter_settings set;
    uint32_t workers;
    uint32_t per_min[3]; /* of each client */
    int64_t from_ms;     /* nothing happens between the first asks and this */
    /* What operators do, and when the last worker leaves; or NOT_YET. */
    int64_t pause_ms, resume_ms, end_ms, rules_ms, leave_ms;
    struct limiter_settings later;
    struct plan asks[ASKS];
};

/* ---- a random one --------------------------------------------------------- */

static bool one_in(uint32_t n)
{
    return lab_random(n) == 0;
}

static void draw_rules(struct limiter_rules *r)
{
    *r = lab_rules(1 + lab_random(5), 1, lab_random(40));
    r->window_ns = (200 + lab_random(1200)) * NS_PER_MS;
    if (one_in(4))
        r->burst = 1 + lab_random(r->requests);
    if (one_in(4))
        r->min_gap_ns = lab_random(90) * NS_PER_MS;
    if (one_in(4))
        r->in_flight = 1 + lab_random(4);
    r->per_model = one_in(4);
}

static void draw_ask(const struct schedule *s, struct plan *p, uint32_t i)
{
    static const enum end ends[] = {END_FINE, END_FINE,   END_FINE,   END_BUSY,
                                    END_BUSY, END_RATE,   END_UNPAID, END_FAULT,
                                    END_FINE, END_UNSENT, END_BUSY,   END_FINE};
    uint32_t k;

    /* Some before a client's minute is over, the rest in bursts after it. */
    p->at_ms = i < 8 ? lab_random(900) : s->from_ms + lab_random(8) * 350;
    p->at_ms += lab_random(3);
    p->worker = lab_random(s->workers);
    p->client = lab_random(3);
    p->model = lab_random(3);
    p->cls = (enum limiter_class)lab_random(3);
    for (k = 0; k < ATTEMPTS; k++) {
        p->of[k].write_ms = one_in(3) ? lab_random(30) : 0;
        p->of[k].answer_ms = 1 + lab_random(one_in(3) ? 900 : 60);
        p->of[k].retry_s = one_in(4) ? 1 : -1;
        p->of[k].aside_ms = one_in(2) ? 1 + lab_random(400) : 0;
        p->of[k].end = ends[lab_random(ARRAY_LEN(ends))];
        if (p->of[k].end == END_UNPAID && !one_in(8))
            p->of[k].end = END_BUSY;
        if (p->of[k].end == END_RATE && !one_in(4))
            p->of[k].end = END_FINE;
    }
    p->of[ATTEMPTS - 1].end = END_FINE;
}

static int64_t draw_moment(const struct schedule *s, uint32_t n)
{
    return one_in(n) ? s->from_ms + lab_random(LONG_MS - 1500) : NOT_YET;
}

static void draw_operators(struct schedule *s)
{
    s->pause_ms = draw_moment(s, 6);
    s->resume_ms = s->pause_ms + 1 + lab_random(600);
    s->end_ms = draw_moment(s, 3);
    s->rules_ms = draw_moment(s, 5);
    s->leave_ms = s->workers > 1 ? draw_moment(s, 3) : NOT_YET;
    s->later = s->set;
    draw_rules(&s->later.rules[0]);
    s->later.rules[0].per_model = s->set.rules[0].per_model ^ one_in(3);
}

static void draw(struct schedule *s)
{
    uint32_t i;

    memset(s, 0, sizeof(*s));
    s->set.n_upstreams = 1;
    draw_rules(&s->set.rules[0]);
    s->set.bounds = (struct limiter_bounds){LAY_WAITERS, LAY_WAITERS, 1u << 30};
    s->workers = 1 + lab_random(3);
    s->from_ms = one_in(3) ? 58500 : 1000;
    for (i = 0; i < ARRAY_LEN(s->per_min); i++)
        s->per_min[i] = one_in(2) ? 1 + lab_random(6) : 0;
    draw_operators(s);
    for (i = 0; i < ASKS; i++)
        draw_ask(s, &s->asks[i], i);
}

/* ---- a world --------------------------------------------------------------- */

struct life {
    struct ask *ask;
    uint32_t grants;
    int64_t granted_ms[8];
    int64_t write_ms, answer_ms, back_ms; /* NOT_YET: none is due */
};

struct world {
    const struct schedule *s;
    struct desk *d;
    bool every_ms;
    int64_t ms, next[DESK_WORKERS];
    struct life lives[ASKS];
};

static uint32_t workers(const struct world *w)
{
    bool left = w->s->leave_ms != NOT_YET && w->ms >= w->s->leave_ms;

    return w->s->workers - left;
}

static bool is_poked(const struct world *w, uint32_t i)
{
    struct pollfd p = {.fd = limiter_fd(w->d->w[i]), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

/* Did it take a turn?  LOOK: because it looks all the time. */
static bool step(struct world *w, uint32_t i, bool look)
{
    struct limiter *lim = w->d->w[i];

    if (!look && !limiter_has_wishes(lim) && w->next[i] > w->d->now &&
        !is_poked(w, i))
        return false;
    w->next[i] = limiter_turn(lim, w->d->now);
    return true;
}

/* Who has something to say comes first, in both worlds. */
static void step_all(struct world *w)
{
    bool again = true;
    uint32_t i, rounds = 0;

    for (i = 0; i < workers(w); i++)
        if (limiter_has_wishes(w->d->w[i]))
            (void)step(w, i, false);
    for (i = 0; i < workers(w) && w->every_ms; i++)
        (void)step(w, i, true);
    while (again) {
        again = false;
        for (i = 0; i < workers(w); i++)
            again |= step(w, i, false);
        CU_ASSERT_TRUE_FATAL(++rounds < 100);
    }
}

static void ask(struct world *w, struct life *l, const struct plan *p)
{
    static const char *const names[] = {"a", "b", "c"};
    struct limiter_request req = lab_request(names[p->client], p->cls, 1);

    req.model = names[p->model];
    req.requests_per_min = w->s->per_min[p->client];
    l->ask = desk_ask(w->d, p->worker % workers(w), &req);
    l->write_ms = l->answer_ms = l->back_ms = NOT_YET;
}

static void note_grant(struct world *w, struct life *l, const struct plan *p)
{
    uint32_t k = l->grants % ATTEMPTS;

    if (l->ask == NULL || l->ask->grants == l->grants)
        return;
    l->granted_ms[l->grants % ARRAY_LEN(l->granted_ms)] = w->ms;
    l->grants++;
    l->write_ms = w->ms + p->of[k].write_ms;
    l->answer_ms = l->write_ms + p->of[k].answer_ms;
}

/* At once, or when it was aside for a while. */
static void come_back(struct world *w, struct life *l, int64_t aside_ms,
                      bool unsent)
{
    if (aside_ms == 0) {
        desk_again(l->ask, unsent);
        return;
    }
    limiter_aside(l->ask->lim, l->ask->ticket, unsent, aside_ms * NS_PER_MS);
    l->back_ms = w->ms + aside_ms;
}

static void answer(struct world *w, struct life *l, const struct plan *p)
{
    static const struct {
        enum limiter_answer answer;
        bool again;
    } what[] = {
        [END_FINE] = {ANSWER_FINE, false},
        [END_BUSY] = {ANSWER_BUSY, true},
        [END_RATE] = {ANSWER_RATE, true},
        [END_UNPAID] = {ANSWER_UNPAID, false},
        [END_FAULT] = {ANSWER_FAULT, false},
        [END_UNSENT] = {ANSWER_FINE, true},
    };
    uint32_t k = (l->grants - 1) % ATTEMPTS;
    enum end end = p->of[k].end;

    l->answer_ms = NOT_YET;
    if (end != END_UNSENT)
        desk_report(l->ask, what[end].answer, p->of[k].retry_s);
    if (what[end].again)
        come_back(w, l, p->of[k].aside_ms, end == END_UNSENT);
    else
        desk_done(l->ask, false);
}

/* What happens at this moment. */
static void act(struct world *w, struct life *l, const struct plan *p)
{
    if (p->at_ms == w->ms)
        ask(w, l, p);
    if (l->ask == NULL || l->ask->ticket == NULL || l->grants == 0)
        return;
    if (l->write_ms == w->ms &&
        p->of[(l->grants - 1) % ATTEMPTS].end != END_UNSENT)
        desk_sent(l->ask);
    if (l->answer_ms == w->ms)
        answer(w, l, p);
    if (l->back_ms == w->ms)
        desk_again(l->ask, true);
}

/* The last worker ends, and with it what was asked of it. */
static void leave(struct world *w)
{
    struct limiter **lim = &w->d->w[w->s->workers - 1];
    uint32_t i;

    for (i = 0; i < ASKS; i++)
        if (w->lives[i].ask != NULL && w->lives[i].ask->lim == *lim)
            w->lives[i].ask->ticket = NULL;
    (void)limiter_turn(*lim, w->d->now); /* the last time that it knows of */
    limiter_close(*lim);
    *lim = NULL;
}

static void operate(struct world *w)
{
    const struct schedule *s = w->s;
    struct limiter *lim = w->d->w[0];

    if (w->ms == s->leave_ms)
        leave(w);
    if (w->ms == s->pause_ms)
        CU_ASSERT_TRUE(limiter_pause(lim, "o", w->d->now));
    if (w->ms == s->resume_ms && s->pause_ms != NOT_YET)
        CU_ASSERT_TRUE(limiter_pause(lim, NULL, w->d->now));
    if (w->ms == s->end_ms) {
        CU_ASSERT_TRUE(limiter_end_hold(lim, 0, ""));
        CU_ASSERT_TRUE(limiter_end_hold(lim, 0, "a"));
    }
    if (w->ms == s->rules_ms)
        limiter_adopt(lim, &s->later, 2);
    if (w->ms == s->pause_ms || w->ms == s->resume_ms || w->ms == s->rules_ms)
        w->next[0] = w->d->now; /* who asked takes a turn */
}

static void live(struct world *w)
{
    uint32_t i;

    w->d->now = LAB_T0 + w->ms * NS_PER_MS;
    operate(w);
    for (i = 0; i < ASKS; i++)
        act(w, &w->lives[i], &w->s->asks[i]);
    step_all(w);
    for (i = 0; i < ASKS; i++)
        note_grant(w, &w->lives[i], &w->s->asks[i]);
}

static void play(struct world *w)
{
    uint32_t i;

    w->d = desk_new(1);
    w->d->set = w->s->set;
    for (i = 0; i < w->s->workers; i++)
        desk_open(w->d, i);
    for (; w->ms < w->s->from_ms + LONG_MS; w->ms++) {
        /* What lies between is of no interest, as long as nobody waits. */
        if (w->ms == 4000 && w->s->from_ms > 5000)
            w->ms = w->s->from_ms;
        live(w);
    }
    desk_free(w->d);
}

/* ---- both ------------------------------------------------------------------ */

/* How much later than in REFERENCE was the first grant that differs? */
static int64_t lateness(const struct world *w, const struct world *reference)
{
    int64_t first = INT64_MAX, late = 0;
    uint32_t i, k;

    for (i = 0; i < ASKS; i++) {
        const struct life *a = &w->lives[i], *b = &reference->lives[i];

        for (k = 0; k < ARRAY_LEN(a->granted_ms); k++) {
            int64_t got = k < a->grants ? a->granted_ms[k] : INT32_MAX;
            int64_t due = k < b->grants ? b->granted_ms[k] : INT32_MAX;

            if (got == due || min_i64(got, due) >= first)
                continue;
            first = min_i64(got, due);
            late = got - due;
        }
    }
    return late;
}

static void no_grant_is_late(void)
{
    struct world *w = calloc(2, sizeof(*w));
    struct schedule *s = malloc(sizeof(*s));
    uint32_t round, late = 0;
    int64_t ms;

    CHECK(w != NULL && s != NULL);
    for (round = 0; round < ROUNDS; round++) {
        draw(s);
        memset(w, 0, 2 * sizeof(*w));
        w[0].s = w[1].s = s;
        w[1].every_ms = true;
        play(&w[0]);
        play(&w[1]);
        ms = lateness(&w[0], &w[1]);
        if (ms != 0)
            fprintf(stderr, "schedule %u: a grant is %" PRId64 " ms late\n",
                    round, ms);
        late += ms != 0;
    }
    CU_ASSERT_EQUAL(late, 0);
    free(s);
    free(w);
}

/* ---- one by one -------------------------------------------------------------- */

/* Lets worker 0 take the turns that it asks for, until A is granted. */
static void wait_for(struct desk *d, const struct ask *a)
{
    uint32_t grants = a->grants, i;

    for (i = 0; i < 1000 && a->grants == grants; i++)
        d->now = max_i64(d->now, limiter_turn(d->w[0], d->now));
}

static void a_rest_that_outlasts_the_window_ends_on_time(void)
{
    struct desk *d = desk_of(1, 1);
    struct ask *a = desk_ask_model(d, 0, "m");

    desk_turn(d);
    desk_sent(a);
    desk_pass(d, 500);
    desk_report(a, ANSWER_BUSY, 60);
    desk_again(a, false);
    desk_turn(d);
    desk_pass(d, 300); /* turns that come once a second are no help */
    wait_for(d, a);
    CU_ASSERT_EQUAL(a->grants, 2);
    CU_ASSERT_EQUAL(a->granted_ns, LAB_T0 + 60500 * NS_PER_MS);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a rest that outlasts the window ends on time",
     a_rest_that_outlasts_the_window_ends_on_time},
    {"no grant is late for want of an alarm", no_grant_is_late},
    {NULL, NULL},
};

CU_ErrorCode test_alarms_add(void)
{
    return unit_add("alarms", tests);
}
