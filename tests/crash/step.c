/*
 * step.c - what if a worker dies at this very instruction?
 *
 * A worker takes its turn one machine instruction at a time.  Whenever one of
 * the shared files has changed, a copy of both is what a SIGKILL at this moment
 * would leave behind.  Each copy must be repairable, must have lost no send and
 * invented none, and the survivors must be able to go on until nothing is
 * left.  So every instruction of a locked section is tried, in one run.
 *
 * A row of `scenes` is a turn with something particular in it.
 */
#include "crash.h"

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/operator.h"
#include "state/policy/admit.h"
#include "state/policy/limits.h"
#include "state/policy/queue.h"
#include "state/policy/rescope.h"
#include "state/policy/row.h"
#include "state/policy/virtual_time.h"
#include "state/readiness.h"
#include "state/stats.h"
#include "state/stats/sums.h"
#include "state/view.h"

#define T0     (INT64_C(400000000) * NS_PER_S)
#define SECOND NS_PER_S
#define MAX    200
#define MOST   60000 /* instructions a scene: a repair has more */

struct scene {
    const char *name;
    int64_t limit;        /* requests a window */
    void (*before)(void); /* of the victim, then of the survivor */
    void (*other)(void);
    int64_t later;
    void (*turn)(void); /* of the victim: watched */
    uint32_t dips;      /* by how many the sends that count may dip between */
    uint32_t stride;    /* look after so many instructions */
    uint32_t forms;     /* of what answers and orders change: struct decided */
};

static struct limiter_settings set;
static struct limiter *lim; /* the victim's in the child, else the survivor's */
static struct limiter *third;
static struct ticket *ticket[MAX];
static uint32_t granted[MAX]; /* by the victim's tickets */
static int64_t now = T0;
static bool counted; /* who joins has limits in tokens of its own */

static void hear(void *arg, const struct ticket_news *news)
{
    if (news->event == TICKET_GRANTED)
        (*(uint32_t *)arg)++;
}

static void turn(void)
{
    (void)limiter_turn(lim, now);
}

static void join(uint32_t from, uint32_t n, const char *client)
{
    struct limiter_request req = request(client);

    if (counted) {
        req.tokens_per_min = 1000;
        req.tokens_per_day = 2000;
    }
    for (; n > 0; n--, from++)
        ticket[from] = limiter_join(lim, &req, hear, &granted[from]);
}

/* ---- scenes --------------------------------------------------------------- */

static void nothing(void)
{
}

static void join_3(void)
{
    join(0, 3, "victim");
}

static void join_3_and_turn(void)
{
    join_3();
    turn();
}

static void other_joins_2(void)
{
    join(0, 2, "survivor");
    turn();
}

static void two_are_sent(void)
{
    limiter_sent(lim, ticket[0]);
    limiter_sent(lim, ticket[1]);
    turn();
}

static void sent_and_done(void)
{
    limiter_sent(lim, ticket[0]);
    limiter_done(lim, ticket[0], false);
    limiter_done(lim, ticket[1], false);
    limiter_body_gone(lim, ticket[2]);
    turn();
}

static void one_comes_back(void)
{
    limiter_again(lim, ticket[0], false);
    turn();
}

static void one_comes_back_unsent(void)
{
    limiter_again(lim, ticket[0], true);
    turn();
}

static void one_steps_aside(void)
{
    limiter_aside(lim, ticket[0], false, SECOND);
    turn();
}

static void one_steps_aside_unsent(void)
{
    limiter_aside(lim, ticket[0], true, SECOND);
    turn();
}

static void one_ends_unsent(void)
{
    limiter_done(lim, ticket[0], true);
    turn();
}

/* The survivor waits, and is offered the slot. */
static void free_and_offer(void)
{
    limiter_done(lim, ticket[1], true);
    limiter_done(lim, ticket[2], true);
    limiter_done(lim, ticket[0], true);
    turn();
}

/* The victim waits, and is offered a slot more. */
static void other_raises_the_limit(void)
{
    set.rules[0].requests = ++set.rules[0].burst;
    limiter_set(lim, &set);
    turn();
}

/* A worker that is stopped is offered a slot. */
static void third_is_offered_1(void)
{
    struct limiter *mine = lim;

    join(0, 2, "survivor");
    turn();
    lim = third = worker(&set, now);
    join(100, 1, "third");
    turn();
    lim = mine;
    limiter_done(lim, ticket[0], true);
    turn();
}

/* Like a file whose writer died. */
static void leave_it_dirty(void)
{
    join(0, 2, "survivor");
    turn();
    lim->file.lay->live.dirty = 1;
}

static void one_is_aside(void)
{
    join(0, 3, "victim");
    turn();
    one_steps_aside();
}

/* Three wait and two are in flight, one of which is answered so. */
static void two_in_flight(void)
{
    join(0, 5, "victim");
    turn();
    limiter_sent(lim, ticket[0]);
    limiter_sent(lim, ticket[1]);
    turn();
}

/* Each of 116 tokens, by its estimate. */
static void two_counted(void)
{
    counted = true;
    two_in_flight();
    counted = false;
}

static void it_tells(void)
{
    limiter_settle(lim, ticket[1], &(struct limiter_usage){9, 7});
    limiter_done(lim, ticket[1], false);
    turn();
}

static void answer(enum limiter_answer what, int64_t retry_after_ns)
{
    struct limiter_report rep = {.answer = what,
                                 .retry_after_ns = retry_after_ns,
                                 .cause = EJECTED_DEGRADED,
                                 .tokens_left = -1,
                                 .reason = "why"};

    limiter_report(lim, ticket[1], &rep);
}

static void rate(void)
{
    answer(ANSWER_RATE, -1);
    limiter_again(lim, ticket[1], false);
    turn();
}

static void busy(void)
{
    answer(ANSWER_BUSY, -1);
    limiter_again(lim, ticket[1], false);
    turn();
}

static void off(void)
{
    answer(ANSWER_OFF, -1);
    limiter_done(lim, ticket[1], false);
    turn();
}

static void unpaid(void)
{
    answer(ANSWER_UNPAID, -1);
    limiter_done(lim, ticket[1], false);
    turn();
}

/* Until a tenth of a second from now. */
static void holding(void)
{
    two_in_flight();
    answer(ANSWER_RATE, SECOND / 10);
    limiter_again(lim, ticket[1], false);
    turn();
}

/* In flight is the probe, and it is answered in the turn. */
static void probing(void)
{
    holding();
    now += SECOND / 5;
    turn();
    limiter_sent(lim, ticket[1]);
    turn();
    now -= SECOND / 5;
}

static void fine(void)
{
    answer(ANSWER_FINE, -1);
    limiter_done(lim, ticket[1], false);
    turn();
}

/* What became of it is counted in the turn that ends it. */
static void noted(void)
{
    struct limiter_note note = {.outcome = OUTCOME_OK,
                                .upstreamed = true,
                                .status = 200,
                                .granted = true,
                                .cls = CLASS_NORMAL,
                                .at_ms = 1,
                                .tokens_in = 5,
                                .route = "chat",
                                .provider = "meta",
                                .client = "victim",
                                .model = "meta/model"};
    struct limiter_attempt a = {1, 2, UPSTREAM_FINE, false, true, "meta", 0};

    limiter_note_attempt(lim, &a);
    limiter_note(lim, &note);
    fine();
}

static void full_log(void)
{
    uint32_t i;

    join(0, MAX - 2, "victim");
    turn();
    for (i = 0; i < MAX - 2; i++) {
        limiter_sent(lim, ticket[i]);
        limiter_done(lim, ticket[i], false);
        if (i % 50 == 0)
            turn();
    }
    join(0, 3, "victim");
    turn();
}

static void other_rules(void)
{
    struct limiter_settings new = set;

    new.rules[0].requests = 5;
    new.rules[0].burst = 3;
    new.rules[0].window_ns = 90 * SECOND;
    limiter_set(lim, &new);
    turn();
}

static void close_it(void)
{
    limiter_sent(lim, ticket[0]);
    limiter_close(lim);
}

static void view_it(void)
{
    struct limiter_view v;

    if (limiter_view(lim, now, &v))
        view_free(&v);
}

static void pause_it(void)
{
    CHECK(limiter_pause(lim, "operator", now));
}

/* All that wait and run have the same id. */
static void cancel_all(void)
{
    uint32_t n = 0;

    CHECK(limiter_cancel(lim, "r", now, &n) && n > 0);
}

static void other_cancels_all(void)
{
    turn();
    cancel_all();
}

static void newer_rules(void)
{
    struct limiter_settings new = set;

    new.rules[0].margin_ns = SECOND;
    limiter_adopt(lim, &new, 7);
    turn();
}

static void resume_it(void)
{
    CHECK(limiter_pause(lim, NULL, now));
}

static void other_pauses(void)
{
    turn();
    pause_it();
}

static void end_hold(void)
{
    CHECK(limiter_end_hold(lim, 0, ""));
    turn();
}

static void end_bench(void)
{
    CHECK(limiter_end_hold(lim, 0, "m"));
    turn();
}

/* Its ceiling was cut, too. */
static void benched(void)
{
    two_in_flight();
    answer(ANSWER_BUSY, -1);
    turn();
    answer(ANSWER_OFF, -1);
    turn();
}

/* An hour ago nobody paid; now one tries whether somebody does. */
static void one_tries(void)
{
    now -= 3600 * SECOND;
    join(1, 1, "victim");
    turn();
    limiter_sent(lim, ticket[1]);
    turn();
    unpaid();
    now += 3600 * SECOND;
    join(1, 1, "victim");
    turn();
    limiter_sent(lim, ticket[1]);
    turn();
}

static struct limiter_probe_times probe_times = {SECOND / 10, SECOND};

static void asks(void)
{
    struct limiter_ready r;

    turn();
    CHECK(limiter_ready(lim, &probe_times, now, &r));
    CHECK(limiter_probed(lim, false, 502, "", now));
    now += SECOND / 5;
    turn();
    CHECK(limiter_ready(lim, &probe_times, now, &r) && r.probe == PROBE_OURS);
    now -= SECOND / 5;
}

static void answer_it(void)
{
    CHECK(limiter_probed(lim, true, 200, "", now + SECOND / 5));
}

/* Two of four tokens are left. */
static void smooth(void)
{
    struct limiter_settings new = set;

    new.rules[0].burst = 3;
    limiter_set(lim, &new);
    two_in_flight();
}

static void longer_window(void)
{
    struct limiter_settings new = set;

    new.rules[0].burst = 3;
    new.rules[0].window_ns *= 10;
    limiter_set(lim, &new);
    turn();
}

static void other_scope(void)
{
    struct limiter_settings new = set;

    new.rules[0].per_model = !lim->file.lay->rules[0].per_model;
    limiter_set(lim, &new);
    turn();
}

static void models_wait(void)
{
    other_scope();
    two_in_flight();
}

/* Two upstreams share a line, or (SHARED false) not any more. */
static void set_line(bool shared)
{
    struct limiter_settings new = set;

    new.rules[0].line = new.rules[1].line = shared;
    limiter_set(lim, &new);
}

static void lines_come_together(void)
{
    set_line(true);
    turn();
}

/* More than there are slots at both. */
static void join_shared(void)
{
    static const struct limiter_choice choices[] = {
        {0, "meta/model", 0, 0}, {1, "meta/other", 0, SECOND}};
    struct limiter_request req = request("victim");
    uint32_t i;

    req.choices = choices;
    req.n_choices = 2;
    for (i = 0; i < 6; i++)
        ticket[i] = limiter_join(lim, &req, hear, &granted[i]);
}

static void shared_and_turn(void)
{
    set_line(true);
    join_shared();
    turn();
}

static void join_shared_and_turn(void)
{
    join_shared();
    turn();
}

/* The third error in a row, which another server would not have given. */
static void one_fails(void)
{
    const struct limiter_report rep = {.answer = ANSWER_FAULT,
                                       .retry_after_ns = -1,
                                       .shun = 1,
                                       .tokens_left = -1,
                                       .reason = "why"};

    limiter_sent(lim, ticket[0]);
    limiter_report(lim, ticket[0], &rep);
    limiter_again(lim, ticket[0], false);
    turn();
}

static void two_have_failed(void)
{
    shared_and_turn();
    lim->file.lay->debts[0].faults = 2;
    lim->file.lay->debts[0].fault_id = 1;
}

static void lines_part(void)
{
    set_line(false);
    turn();
}

static void long_ago(void)
{
    struct lay_scope *s;

    turn();
    s = &lim->file.lay->scopes[0];
    s->v = s->cls[CLASS_NORMAL].v = VTIME_MARK - QUEUE_QUANTUM;
}

/* A third worker, which dies at once with all it holds. */
static void another_dies(void)
{
    struct limiter *mine = lim;

    lim = worker(&set, now);
    join(100, 4, "dead");
    turn();
    limiter_sent(lim, ticket[100]);
    turn();
    file_close(&lim->file);
    lim->seat = NONE;
    limiter_close(lim);
    lim = mine;
    turn();
}

static const struct scene scenes[] = {
    {"joining a full line", 2, turn, other_joins_2, 0, join_3_and_turn, 0, 1,
     2},
    {"a first turn", 4, nothing, other_joins_2, 0, turn, 0, 1, 2},
    {"joining, with slots free", 4, turn, nothing, 0, join_3_and_turn, 0, 1, 2},
    {"two are sent", 3, join_3_and_turn, nothing, 0, two_are_sent, 0, 1, 2},
    {"sent and done", 3, join_3_and_turn, other_joins_2, 0, sent_and_done, 0, 1,
     2},
    {"an answer tells of tokens", 2, two_counted, other_joins_2, 0, it_tells, 0,
     1, 2},
    {"one comes back", 2, join_3_and_turn, other_joins_2, 0, one_comes_back, 0,
     1, 2},
    {"one comes back unsent", 2, join_3_and_turn, other_joins_2, 0,
     one_comes_back_unsent, 1, 1, 2},
    {"one steps aside", 2, join_3_and_turn, other_joins_2, 0, one_steps_aside,
     0, 1, 2},
    {"one steps aside unsent", 2, join_3_and_turn, other_joins_2, 0,
     one_steps_aside_unsent, 1, 1, 2},
    {"one comes back from aside", 2, one_is_aside, other_joins_2, 0,
     one_comes_back, 0, 1, 2},
    {"one ends unsent", 1, join_3_and_turn, nothing, 0, one_ends_unsent, 1, 1,
     2},
    {"a slot is offered", 1, join_3_and_turn, other_joins_2, 0, free_and_offer,
     1, 1, 2},
    {"an offer is accepted", 2, join_3_and_turn, other_raises_the_limit, 0,
     turn, 0, 1, 2},
    {"an offer lapses", 2, turn, third_is_offered_1, 60 * NS_PER_MS,
     join_3_and_turn, 1, 1, 2},
    {"a dead worker is swept", 6, join_3_and_turn, another_dies, SECOND, turn,
     0, 1, 2},
    {"a log of four chunks expires", MAX, full_log, other_joins_2, 61 * SECOND,
     turn, 0, 1, 2},
    {"a refusal makes it hold", 2, two_in_flight, other_joins_2, 0, rate, 0, 1,
     2},
    {"a model is busy", 2, two_in_flight, other_joins_2, 0, busy, 0, 1, 2},
    {"a model goes off", 2, two_in_flight, other_joins_2, 0, off, 0, 1, 2},
    {"one is noted", 2, two_in_flight, other_joins_2, 0, noted, 0, 1, 2},
    {"nobody pays", 2, two_in_flight, other_joins_2, 0, unpaid, 0, 1, 2},
    {"a hold is over", 6, holding, other_joins_2, SECOND, turn, 0, 1, 3},
    {"an operator ends a hold", 6, holding, other_joins_2, 0, end_hold, 0, 1,
     2},
    {"an operator ends a bench", 6, benched, other_joins_2, 0, end_bench, 0, 1,
     3}, /* the ceiling, then the bench */
    {"somebody pays", 6, one_tries, other_joins_2, 0, fine, 0, 1, 2},
    {"the probe is answered", 6, probing, other_joins_2, SECOND / 5, fine, 0, 1,
     2},
    {"other rules", 4, join_3_and_turn, other_joins_2, 0, other_rules, 0, 1, 2},
    {"a longer window", 4, smooth, other_joins_2, 0, longer_window, 0, 1, 2},
    {"another scope", 4, two_in_flight, other_joins_2, 0, other_scope, 0, 1, 2},
    {"another scope again", 4, models_wait, other_joins_2, 0, other_scope, 0, 1,
     2},
    {"virtual time is set back", 9, long_ago, other_joins_2, 0, join_3_and_turn,
     0, 1, 2},
    {"newer rules", 4, join_3_and_turn, other_joins_2, 0, newer_rules, 0, 1, 2},
    {"a pause takes an offer back", 2, turn, third_is_offered_1, 0, pause_it, 0,
     1, 2},
    {"it goes again", 2, turn, other_pauses, 0, resume_it, 0, 1, 2},
    {"what was asked is answered", 2, asks, nothing, 0, answer_it, 0, 1, 3},
    {"rows are marked", 2, join_3_and_turn, other_joins_2, 0, cancel_all, 0, 1,
     2},
    {"marked ones end", 2, join_3_and_turn, other_cancels_all, 0, turn, 0, 1,
     2},
    {"closing", 2, join_3_and_turn, other_joins_2, 0, close_it, 0, 1, 2},
    {"a view, with a log to expire", MAX, full_log, other_joins_2, 61 * SECOND,
     view_it, 0, 1, 2},
    {"a repair", 3, join_3_and_turn, leave_it_dirty, 0, two_are_sent, 0, 97, 2},
};

/* The same with two upstreams. */
static const struct scene scenes_of_two[] = {
    {"lines come together", 2, join_3_and_turn, nothing, 0, lines_come_together,
     0, 1, 2},
    {"several join a shared line", 2, lines_come_together, nothing, 0,
     join_shared_and_turn, 0, 1, 2},
    {"several of a shared line are sent", 2, shared_and_turn, nothing, 0,
     two_are_sent, 0, 1, 2},
    {"one comes back to a shared line", 2, shared_and_turn, nothing, 0,
     one_comes_back, 0, 1, 2},
    {"one comes back to it unsent", 2, shared_and_turn, nothing, 0,
     one_comes_back_unsent, 1, 1, 2},
    {"one says nothing but errors", 2, two_have_failed, nothing, 0, one_fails,
     0, 1, 2},
    {"lines part", 2, shared_and_turn, nothing, 0, lines_part, 0, 1, 2},
};

/* ---- what a death leaves behind --------------------------------------------- */

/* What answers and orders change.  Each is one thing in several words, and so
 * it must be found as it was or as it is to be, and nothing in between. */
struct decided {
    struct retreat retreat;
    struct ejection bench;
    struct concurrency ceiling;
    struct lay_debt debt;
    struct lay_control control;
    uint32_t known, known_status;
    int64_t known_ns;
};

struct wreck {
    const struct scene *scene;
    struct layout *lay; /* copies */
    struct stats_layout *stats;
    int locks;      /* a file on which only the living hold a place */
    uint32_t sum;   /* sends that count, once it was repaired */
    int64_t tokens; /* thousandths */
    struct decided decided;
    const char *wrong;
};

static void expect(struct wreck *w, bool holds, const char *what)
{
    if (!holds && w->wrong == NULL)
        w->wrong = what;
}

static void find_decided(struct wreck *w)
{
    const struct layout *lay = w->lay;
    struct decided *d = &w->decided;

    d->retreat = lay->scopes[0].retreat;
    /* Counted with each send: as good as can be. */
    d->retreat.window.hits = d->retreat.window.refused = 0;
    d->retreat.window.opened_ns = 0;
    d->retreat.luck = (struct chance){0, 0}; /* and with each answer */
    d->retreat.passed_ns = d->retreat.refused_ns = d->retreat.refuse_ns = 0;
    d->bench = lay->model_states[0].ejection;
    d->ceiling = lay->model_states[0].concurrency;
    d->ceiling.lone = (struct chance){0, 0};
    d->ceiling.credit = d->ceiling.took = 0;
    d->debt = lay->debts[0];
    d->control = lay->control;
    d->control.cancels = 0; /* a repair has everybody look */
    if (lay->probe.known == 0)
        return;
    d->known = lay->probe.known;
    d->known_status = lay->probe.status;
    d->known_ns = lay->probe.known_ns;
}

static uint32_t sends_that_count(struct layout *lay)
{
    admit_refresh(lay, 0, lay->live.now_ns);
    return lay->scopes[0].window.n + lay->scopes[0].open;
}

/* Of a model that is off: all of these scenes are of one. */
static void refuse_all(struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_WAITING)
            row_leave(lay, i);
}

/* The survivors end what they have and let the others through. */
static void drain(struct wreck *w)
{
    struct layout *lay = w->lay;
    int64_t when = 0;
    uint32_t i, tries;

    for (i = 0; i < LAY_ROWS; i++) {
        if (lay->rows[i].state == ROW_OFFERED)
            row_grant(lay, i, lay->live.now_ns);
        if (lay->rows[i].state > ROW_WAITING) {
            expect(w, row_sent(lay, i, lay->live.now_ns), "the log is full");
            row_leave(lay, i);
        }
    }
    for (tries = 0; lay->live.waiting > 0 && tries < 2 * MAX; tries++) {
        expect(w, sends_that_count(lay) <= lay->rules[0].requests,
               "more sends than the limit");
        if (!admit_now(lay, 0, TAKE_ONE, lay->live.now_ns, &when)) {
            lay->live.now_ns = when;
            continue;
        }
        i = queue_best(lay, 0);
        if (i == NONE &&
            lay->model_states[0].ejection.until_ns > lay->live.now_ns) {
            refuse_all(lay);
            continue;
        }
        expect(w, i != NONE, "somebody waits, and nobody is next");
        if (i == NONE)
            return;
        row_grant(lay, i, lay->live.now_ns);
        expect(w, row_sent(lay, i, lay->live.now_ns), "the log is full");
        row_leave(lay, i);
    }
    expect(w, is_settled(lay), "something is left for ever");
}

/* The state is whole before the statistics are touched, and whatever is left of
 * these can be made sound. */
static void survive_stats(struct wreck *w)
{
    struct stats_layout *st = w->stats;
    struct lay_sums sums;

    expect(w, st->live.flag.dirty == 0 || w->lay->live.dirty == 0,
           "both files were written at once");
    if (st->live.flag.dirty != 0)
        stats_file_repair(st, now + w->scene->later);
    sums = st->tally.sums;
    sums_check(&sums);
    expect(w, memcmp(&sums, &st->tally.sums, sizeof(sums)) == 0,
           "names that cannot be");
    expect(w, sums.outcomes[OUTCOME_OK] <= 1, "it counts twice");
    expect(w, st->counters.sent <= MAX + 4, "sends that nobody made");
}

/* The estimate, or the truth, in each of the three. */
static void check_told(struct wreck *w)
{
    const struct lay_quota *q = &w->lay->quotas[0];
    uint64_t sums[3] = {w->lay->scopes[0].window.tokens, q->window.tokens, 0};
    uint32_t i;

    for (i = 0; i < DAY_HOURS; i++)
        sums[2] += q->hours[i].tokens;
    for (i = 0; i < ARRAY_LEN(sums); i++)
        expect(w, sums[i] == 232 || sums[i] == 132, "tokens that nobody took");
}

static void survive(void *arg)
{
    struct wreck *w = arg;
    struct layout *lay = w->lay;
    struct workers_gone gone = {.n = 0};
    uint32_t i, before;

    survive_stats(w);
    if (lay->live.dirty == 0)
        expect(w, counts_hold(lay), "not dirty, but a count is wrong");
    else
        repair_run(lay, now + w->scene->later);
    lay->live.now_ns = now + w->scene->later;
    if (w->scene->turn == it_tells)
        check_told(w);
    find_decided(w);
    lay->control.paused_ns = 0; /* they resume */
    expect(w, limits_is_sane(&lay->rules[0]), "rules that cannot be");
    w->tokens = admit_tokens_milli(lay, 0, lay->live.now_ns);
    (void)limits_set(lay, &set, lay->live.now_ns);
    rescope_rows(lay, lay->live.now_ns);
    w->sum = before = sends_that_count(lay);
    expect(w, w->sum <= set.rules[0].requests, "more sends than the limit");
    for (i = 0; i < LAY_ROWS; i++)
        before -= lay->rows[i].state == ROW_OFFERED &&
                  !file_lock_seat_is_held(w->locks, lay->rows[i].worker);
    workers_sweep(lay, w->locks, NONE, lay->live.now_ns, &gone);
    expect(w, sends_that_count(lay) == before, "the sweep changed the log");
    for (i = 0; i < LAY_ROWS; i++)
        expect(w,
               lay->rows[i].state == ROW_FREE ||
                   file_lock_seat_is_held(w->locks, lay->rows[i].worker),
               "a row of the dead is left");
    for (i = 0; i < LAY_WORKERS; i++)
        lay->workers[i].stalled = 0;
    lay->live.stalled = 0;
    drain(w);
}

/* ---- one scene ----------------------------------------------------------------- */

struct part {
    size_t at, len;
};

/* The parts of the files that a turn of these scenes can change. */
static const struct part parts[] = {
    {0, offsetof(struct layout, flows[300])},
    {offsetof(struct layout, clients), 8 * sizeof(struct lay_name)},
    {offsetof(struct layout, models), 8 * sizeof(struct lay_name)},
    {offsetof(struct layout, quotas), 8 * sizeof(struct lay_quota)},
    {offsetof(struct layout, model_states), 8 * sizeof(struct lay_model_state)},
    {offsetof(struct layout, debts), 8 * sizeof(struct lay_debt)},
    {offsetof(struct layout, probe), sizeof(struct lay_reachability)},
    {offsetof(struct layout, control), sizeof(struct lay_control)},
    {offsetof(struct layout, workers), 8 * sizeof(struct lay_worker)},
    {offsetof(struct layout, rows), (MAX + 20) * sizeof(struct lay_row)},
    {offsetof(struct layout, wants), (MAX + 20) * sizeof(struct lay_want)},
    {offsetof(struct layout, tokens), (MAX + 20) * sizeof(struct lay_tokens)},
    {offsetof(struct layout, chunks), 16 * sizeof(struct lay_chunk)},
    {offsetof(struct layout, store), sizeof(struct lay_store)},
    {offsetof(struct layout, leases), 16 * sizeof(struct lay_lease)},
    {offsetof(struct layout, row_lease), (MAX + 20) * sizeof(uint32_t)},
};
static const struct part stats_parts[] = {
    {0, offsetof(struct stats_layout, tally.models)},
    {offsetof(struct stats_layout, tally.models),
     8 * sizeof(struct lay_figures)},
    {offsetof(struct stats_layout, tally.clients),
     8 * sizeof(struct lay_figures)},
    {offsetof(struct stats_layout, tally.upstreams),
     2 * sizeof(struct lay_upstream_sends)},
    {offsetof(struct stats_layout, board), offsetof(struct lay_board, sheets)},
};

static bool take_over(const struct part *part, size_t n, const void *map,
                      void *shadow)
{
    bool changed = false;
    size_t i;

    for (i = 0; i < n; i++) {
        const char *from = (const char *)map + part[i].at;
        char *to = (char *)shadow + part[i].at;

        if (memcmp(from, to, part[i].len) == 0)
            continue;
        memcpy(to, from, part[i].len);
        changed = true;
    }
    return changed;
}

/* All but the history: it promises nothing that a kill could break, and where
 * its bytes lie depends on the time of day. */
static bool is_same(const struct layout *map, const struct layout *shadow,
                    const struct stats_layout *stats,
                    const struct stats_layout *stats_shadow)
{
    return memcmp(map, shadow, sizeof(*map)) == 0 &&
           memcmp(stats, stats_shadow,
                  offsetof(struct stats_layout, history)) == 0 &&
           memcmp(&stats->board, &stats_shadow->board, sizeof(stats->board)) ==
               0;
}

#define SUMS  100000
#define FORMS 64

struct play {
    const struct scene *scene;
    struct layout *shadow, *copy;
    struct stats_layout *stats_shadow, *stats_copy;
    struct places living;
    uint32_t sums[SUMS], n;
    int64_t tokens[SUMS];
    struct decided forms[FORMS];
    uint32_t n_forms;
    int64_t instructions;
    int64_t stats_steps; /* of them in the section of the statistics */
};

static void add_form(struct play *p, const struct decided *d)
{
    uint32_t i;

    for (i = 0; i < p->n_forms; i++)
        if (memcmp(&p->forms[i], d, sizeof(*d)) == 0)
            return;
    if (p->n_forms < FORMS)
        p->forms[p->n_forms++] = *d;
}

static void look(struct play *p)
{
    struct wreck w = {.scene = p->scene,
                      .lay = p->copy,
                      .stats = p->stats_copy,
                      .locks = p->living.locks};
    const char *what = "";

    memcpy(p->copy, p->shadow, sizeof(*p->copy));
    memcpy(p->stats_copy, p->stats_shadow,
           offsetof(struct stats_layout, history));
    if (sigbus_run(survive, &w, &what) != GUARD_OK)
        w.wrong = what;
    check(w.wrong == NULL, "%s, instruction %lld: %s", p->scene->name,
          (long long)p->instructions, w.wrong);
    add_form(p, &w.decided);
    if (p->n == SUMS)
        return;
    p->tokens[p->n] = w.tokens;
    p->sums[p->n++] = w.sum;
}

/* Nothing was lost or invented on the way from the first to the last. */
static void check_sums(struct play *p)
{
    uint32_t a = p->sums[0], b = p->sums[p->n - 1], i;
    uint32_t low = (a < b ? a : b) - p->scene->dips, high = a > b ? a : b;

    for (i = 0; i < p->n; i++)
        if (p->sums[i] < low || p->sums[i] > high)
            break;
    check(i == p->n, "%s: %u sends count at step %u, not %u to %u",
          p->scene->name, p->sums[i < p->n ? i : 0], i, low, high);
}

static void check_forms(const struct play *p)
{
    check(p->n_forms <= p->scene->forms,
          "%s: what is decided was seen in %u forms, not %u", p->scene->name,
          p->n_forms, p->scene->forms);
}

/* Nor were there ever more than before or after. */
static void check_tokens(const struct play *p)
{
    int64_t most = max_i64(p->tokens[0], p->tokens[p->n - 1]) +
                   p->scene->dips * INT64_C(1000);
    uint32_t i;

    for (i = 0; i < p->n; i++)
        if (p->tokens[i] > most)
            break;
    check(i == p->n, "%s: %lld thousandths of tokens at step %u, not %lld",
          p->scene->name, (long long)p->tokens[i < p->n ? i : 0], i,
          (long long)most);
}

static void victim(const struct scene *s)
{
    be_led();
    lim = worker(&set, now);
    s->before();
    here();
    now += s->later;
    here();
    s->turn();
    here();
    _exit(0);
}

static void lock_places(struct play *p)
{
    places_open(&p->living);
    places_claim(&p->living, lim);
    if (third != NULL)
        places_claim(&p->living, third);
}

/* Of ours and of the victim's. */
static bool has_changed(struct play *p)
{
    bool state = take_over(parts, ARRAY_LEN(parts), lim->file.lay, p->shadow);

    return take_over(stats_parts, ARRAY_LEN(stats_parts), lim->stats.lay,
                     p->stats_shadow) ||
           state;
}

static void copy_all(struct play *p)
{
    memcpy(p->shadow, lim->file.lay, sizeof(*p->shadow));
    memcpy(p->stats_shadow, lim->stats.lay, sizeof(*p->stats_shadow));
}

/* First the state changes; then, with the same lock, the statistics. */
static void watch(struct play *p, pid_t pid)
{
    const struct layout *map = lim->file.lay;
    const struct stats_layout *stats = lim->stats.lay;
    bool was_dirty = false, is_over = false;

    copy_all(p);
    look(p);
    check(run_into_lock(pid), "%s: no lock was taken", p->scene->name);
    while (!is_over && p->instructions < MOST && step(pid)) {
        if (++p->instructions % p->scene->stride != 0)
            continue;
        was_dirty = was_dirty || map->live.dirty != 0;
        is_over = was_dirty && map->live.dirty == 0 && lock_is_free(lim);
        p->stats_steps += stats->live.flag.dirty != 0;
        if (has_changed(p))
            look(p);
    }
    go_on(pid); /* what comes after the lock does not concern us */
    CHECK(wait_stop(pid));
    check(p->instructions == MOST ||
              is_same(map, p->shadow, stats, p->stats_shadow),
          "%s: a change was overlooked", p->scene->name);
    copy_all(p);
    look(p);
    check_sums(p);
    check_forms(p);
    check_tokens(p);
}

static bool is_of_two(const struct scene *s)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(scenes_of_two); i++)
        if (s == &scenes_of_two[i])
            return true;
    return false;
}

static void run(struct play *p, const struct scene *s)
{
    pid_t pid;

    p->scene = s;
    p->n = p->n_forms = 0;
    p->instructions = p->stats_steps = 0;
    set = settings((uint32_t)s->limit, 60000, 0);
    if (is_of_two(s)) {
        set.n_upstreams = 2;
        set.rules[1] = set.rules[0];
        snprintf(set.rules[1].name, sizeof(set.rules[1].name), "second");
    }
    third = NULL;
    empty_dir();
    pid = fork();
    if (pid == 0)
        victim(s);
    CHECK(wait_stop(pid));
    lim = worker(&set, now);
    turn();
    s->other();
    lock_places(p);
    go_on(pid);
    CHECK(wait_stop(pid));
    watch(p, pid);
    end(pid);
    places_close(&p->living);
    limiter_close(third);
    limiter_close(lim);
    printf("  %-32s %7lld instructions, %6lld of statistics, %5u states\n",
           s->name, (long long)p->instructions, (long long)p->stats_steps,
           p->n);
}

int main(void)
{
    struct play *p = calloc(1, sizeof(*p));
    size_t i;

    CHECK(p != NULL);
    p->shadow = malloc(sizeof(*p->shadow));
    p->copy = malloc(sizeof(*p->copy));
    p->stats_shadow = malloc(sizeof(*p->stats_shadow));
    p->stats_copy = calloc(1, sizeof(*p->stats_copy));
    CHECK(p->shadow != NULL && p->copy != NULL && p->stats_shadow != NULL &&
          p->stats_copy != NULL);
    make_dir();
    share_a_processor();
    sigbus_init();
    for (i = 0; i < ARRAY_LEN(scenes); i++)
        run(p, &scenes[i]);
    for (i = 0; i < ARRAY_LEN(scenes_of_two); i++)
        run(p, &scenes_of_two[i]);
    free(p->shadow);
    free(p->copy);
    free(p->stats_shadow);
    free(p->stats_copy);
    free(p);
    return finish("step");
}
