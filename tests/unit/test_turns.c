/*
 * Mirrors the bounds of state/worker.h: what is too much for one turn?  The
 * next one follows at once, and nothing else is any different.
 */
#include <string.h>

#include "desk.h"
#include "state/attach.h"
#include "state/operator.h"
#include "state/policy/admit.h"
#include "state/view.h"
#include "state/worker.h"

#define MANY 1500

/* More than a turn's worth of one worker, over three classes and some clients,
 * in line since an operator paused. */
static struct desk *paused_desk(uint32_t requests, bool per_model)
{
    struct desk *d = desk_new(requests);

    d->set.rules[0].per_model = per_model;
    desk_open(d, 0);
    CU_ASSERT_TRUE(limiter_pause(d->w[0], "o", d->now));
    return d;
}

static void ask_many(struct desk *d)
{
    char client[16], id[16];
    uint32_t i;

    for (i = 0; i < MANY; i++) {
        struct limiter_request req =
            lab_request(client, (enum limiter_class)(i / 7 % 3), 1 + i % 3);

        snprintf(client, sizeof(client), "c%u", i % 23);
        snprintf(id, sizeof(id), "%u", i);
        req.request_id = id;
        (void)desk_ask(d, 0, &req);
    }
}

/* Is the next one due at once? */
static bool turn(struct desk *d)
{
    return limiter_turn(d->w[0], d->now) <= d->now;
}

static void resume(struct desk *d)
{
    CU_ASSERT_TRUE(limiter_pause(d->w[0], NULL, d->now));
}

static uint32_t told(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].told;
    return n;
}

/* ---- bounds ---------------------------------------------------------------- */

static void so_many_come_into_line_in_a_turn(void)
{
    struct desk *d = paused_desk(1, false);
    const struct lay_live *live = &desk_layout(d, 0)->live;
    uint32_t before = 0, turns = 0;
    bool more = true;

    ask_many(d);
    for (; more; turns++) {
        more = turn(d);
        CU_ASSERT_TRUE(live->waiting - before <= TURN_MAX);
        before = live->waiting;
    }
    CU_ASSERT_EQUAL(live->waiting, MANY);
    CU_ASSERT_TRUE(turns > MANY / TURN_MAX);
    CU_ASSERT_EQUAL(told(d), MANY);
    desk_free(d);
}

static void so_many_are_told_their_place_in_a_turn(void)
{
    struct desk *d = paused_desk(1, false);
    uint32_t before = 0, most = 0;
    bool more = true;

    ask_many(d);
    while (more) {
        uint32_t waiting = desk_layout(d, 0)->live.waiting, n;

        more = turn(d);
        n = told(d) - before;
        before += n;
        CU_ASSERT_TRUE(n <= TURN_MAX);
        CU_ASSERT_TRUE((n - (n > 0)) * (uint64_t)waiting <= TURN_LOOKS);
        most = n > most ? n : most;
    }
    CU_ASSERT_TRUE(most > 1);
    desk_free(d);
}

static void so_many_are_granted_in_a_turn(void)
{
    struct desk *d = paused_desk(MANY, false);
    const struct lay_live *live = &desk_layout(d, 0)->live;
    uint32_t before = 0;
    bool more = true;

    ask_many(d);
    desk_turn(d);
    resume(d);
    while (more) {
        uint32_t n;

        more = turn(d);
        n = live->open - before;
        before = live->open;
        CU_ASSERT_TRUE(n > 0 && n <= TURN_MAX);
        CU_ASSERT_EQUAL(more, live->waiting > 0);
    }
    CU_ASSERT_EQUAL(live->open, MANY);
    desk_free(d);
}

static void so_many_are_adopted_in_a_turn(void)
{
    struct desk *d = paused_desk(MANY, false);
    struct limiter *lim = d->w[0];
    uint32_t before = 0, i;

    resume(d);
    ask_many(d);
    desk_turn(d);
    for (i = 0; i < MANY / 2; i++)
        desk_sent(&d->asks[i]);
    desk_turn(d);
    attach_lose(lim, "a test", true);
    for (i = 0; (lim->seat == NONE || lim->unsettled) && i < 1000; i++) {
        int64_t due = limiter_turn(lim, d->now);

        if (lim->seat != NONE) {
            const struct lay_live *live = &desk_layout(d, 0)->live;

            CU_ASSERT_TRUE(live->running - before <= TURN_MAX);
            CU_ASSERT_EQUAL(due <= d->now, lim->unsettled);
            before = live->running;
        }
        d->now += lim->seat == NONE ? 100 * NS_PER_MS : 0;
    }
    CU_ASSERT_EQUAL(before, MANY);
    lab_recount(desk_layout(d, 0));
    desk_free(d);
}

/* More in flight than find room, by a table that is full of others' clients. */
static void who_finds_no_room_keeps_nobody_from_ending(void)
{
    struct desk *d = paused_desk(MANY, false);
    struct limiter *lim = d->w[0];
    struct layout *lay;
    uint32_t i;

    resume(d);
    ask_many(d);
    desk_turn(d);
    for (i = 0; i < MANY; i++)
        desk_sent(&d->asks[i]);
    desk_turn(d);
    attach_lose(lim, "a test", true);
    for (i = 0; i < 100 && !attach_check(lim); i++)
        lim->now = lim->checked_ns = d->now += 100 * NS_PER_MS;
    lay = desk_layout(d, 0);
    lay->live.free_row = NONE;
    for (i = 0; i < 3; i++)
        (void)limiter_turn(lim, d->now);
    CU_ASSERT_TRUE(lim->unsettled);
    for (i = 0; i < MANY; i++)
        desk_done(&d->asks[i], false);
    for (i = 0; i < 20; i++)
        (void)limiter_turn(lim, d->now);
    CU_ASSERT_FALSE(limiter_has_tickets(lim));
    desk_free(d);
}

/* ---- what is as if there were none ------------------------------------------- */

/* The grant that each of MANY got, by its number. */
static void grants(const struct desk *d, uint64_t *by_number)
{
    const struct layout *lay = desk_layout(d, 0);
    uint32_t i;

    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_OPEN)
            by_number[atoi(lay->rows[i].request_id)] = lay->rows[i].grant;
}

static void they_go_in_the_order_that_was_told(void)
{
    struct desk *d = paused_desk(MANY, false);
    struct limiter_view v;
    uint64_t got[MANY] = {0}, last = 0;
    uint32_t i;

    ask_many(d);
    desk_turn(d);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    resume(d);
    desk_turn(d);
    grants(d, got);
    for (i = 0; i < v.n_rows; i++) {
        uint64_t grant = got[atoi(v.rows[i].request_id)];

        CU_ASSERT_TRUE(grant > last);
        last = grant;
    }
    CU_ASSERT_EQUAL(v.n_rows, MANY);
    view_free(&v);
    desk_free(d);
}

/* Places are those at the time of telling; where nobody goes meanwhile, those
 * are the last word for whoever came last. */
static void etas_are_those_of_one_by_one(void)
{
    struct desk *d = desk_of(1, 100);
    struct layout *lay = desk_layout(d, 0);
    uint32_t i, waiting;

    d->set.rules[0].burst = 10;
    d->set.rules[0].min_gap_ns = 7;
    limiter_adopt(d->w[0], &d->set, 2);
    ask_many(d);
    desk_turn(d);
    waiting = lay->live.waiting;
    CU_ASSERT_TRUE(waiting > MANY / 2);
    for (i = 0; i < MANY; i++) {
        const struct ask *a = &d->asks[i];

        if (a->grants > 0)
            continue;
        CU_ASSERT_EQUAL(a->waits, 1);
        CU_ASSERT_EQUAL(a->news.eta_ns,
                        admit_eta(lay, 0, a->news.position, d->now) - d->now);
    }
    desk_free(d);
}

static void a_long_line_keeps_no_other_waiting(void)
{
    struct desk *d = paused_desk(MANY, true);
    struct ask *other;

    ask_many(d);
    other = desk_ask_model(d, 0, "other");
    desk_turn(d);
    resume(d);
    CU_ASSERT_TRUE(turn(d));
    CU_ASSERT_TRUE(turn(d));
    CU_ASSERT_EQUAL(other->grants, 1);
    desk_free(d);
}

/* They try for the lock each millisecond; who is alone goes on at once. */
static void others_get_a_moment_in_between(void)
{
    struct desk *d = paused_desk(1, false);
    int64_t due;

    desk_open(d, 1);
    ask_many(d);
    due = limiter_turn(d->w[0], d->now);
    CU_ASSERT_TRUE(due > d->now);
    CU_ASSERT_TRUE(due < d->now + NS_PER_MS);
    limiter_close(d->w[1]);
    d->w[1] = NULL;
    CU_ASSERT_TRUE(turn(d));
    desk_free(d);
}

static void who_is_gone_is_told_nothing(void)
{
    struct desk *d = paused_desk(1, false);
    uint32_t i, heard;

    ask_many(d);
    CU_ASSERT_TRUE(turn(d));
    heard = told(d);
    for (i = 0; i < MANY; i++)
        desk_done(&d->asks[i], true);
    desk_turn(d);
    CU_ASSERT_EQUAL(told(d), heard);
    CU_ASSERT_FALSE(limiter_has_tickets(d->w[0]));
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"so many come into line in a turn", so_many_come_into_line_in_a_turn},
    {"so many are told their place in a turn",
     so_many_are_told_their_place_in_a_turn},
    {"so many are granted in a turn", so_many_are_granted_in_a_turn},
    {"so many are adopted in a turn", so_many_are_adopted_in_a_turn},
    {"who finds no room keeps nobody from ending",
     who_finds_no_room_keeps_nobody_from_ending},
    {"they go in the order that was told", they_go_in_the_order_that_was_told},
    {"ETAs are those of one by one", etas_are_those_of_one_by_one},
    {"a long line keeps no other waiting", a_long_line_keeps_no_other_waiting},
    {"others get a moment in between", others_get_a_moment_in_between},
    {"who is gone is told nothing", who_is_gone_is_told_nothing},
    {NULL, NULL},
};

CU_ErrorCode test_turns_add(void)
{
    return unit_add("turns", tests);
}
