/*
 * Orders of operators: pause, cancel, and whose settings hold.  In every
 * worker, through crashes, noise and the loss of the state file.
 */
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "state/operator.h"
#include "state/view.h"
#include "state/worker.h"

static uint32_t grants(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

static void pause_at(struct desk *d, uint32_t worker, const char *by)
{
    CU_ASSERT_TRUE_FATAL(limiter_pause(d->w[worker], by, d->now));
}

static uint32_t cancel_at(struct desk *d, uint32_t worker, const char *id)
{
    uint32_t n = 0;

    if (!limiter_cancel(d->w[worker], id, d->now, &n)) {
        desk_turn(d); /* it repaired the state, and has to settle in first */
        CU_ASSERT_TRUE_FATAL(limiter_cancel(d->w[worker], id, d->now, &n));
    }
    return n;
}

static struct ask *ask_as(struct desk *d, uint32_t worker, const char *id)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);

    req.request_id = id;
    return desk_ask(d, worker, &req);
}

/* ---- pause ------------------------------------------------------------- */

static void a_pause_holds_all_workers(void)
{
    struct desk *d = desk_of(3, 10);
    struct limiter_view v;
    struct ask *a;
    uint32_t i;

    pause_at(d, 1, "192.0.2.1");
    for (i = 0; i < 6; i++)
        a = desk_ask(d, i % 3, NULL);
    desk_turn(d);
    desk_pass(d, 70000);
    CU_ASSERT_EQUAL(grants(d), 0);
    CU_ASSERT_EQUAL(a->refusals, 0);
    CU_ASSERT_EQUAL(a->news.eta_ns, -1);
    for (i = 0; i < 3; i++)
        CU_ASSERT_TRUE(limiter_is_paused(d->w[i]));
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.paused_ns, 70 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(v.paused_by, "192.0.2.1");
    CU_ASSERT_EQUAL(v.scopes[0].eta_ns, -1);
    CU_ASSERT_EQUAL(v.rows[0].eta_ns, -1);
    view_free(&v);
    pause_at(d, 0, "again");
    pause_at(d, 2, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(grants(d), 6);
    CU_ASSERT_FALSE(limiter_is_paused(d->w[1]));
    desk_free(d);
}

/* Worker 1 was offered a slot, and may not take it. */
static void a_pause_takes_offers_back(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b;

    desk_turn(d);
    b = desk_ask(d, 1, NULL);
    desk_turn(d);
    desk_done(a, true);
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.offered, 1);
    pause_at(d, 0, "x");
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.offered, 0);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.stalled, 0);
    pause_at(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static void come_back(struct ask *a)
{
    desk_again(a, false);
}

static void retries_wait_too(void)
{
    struct desk *d = desk_of(1, 10);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_turn(d);
    desk_sent(a);
    desk_turn(d);
    pause_at(d, 0, "x");
    come_back(a);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(a->grants, 1);
    pause_at(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_free(d);
}

static void lose_file(struct desk *d)
{
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1100);
    desk_pass(d, 62000);
}

/* A pause outlives workers and the file; the newest order wins. */
static void a_pause_survives(void)
{
    struct desk *d = desk_of(2, 10);
    struct ask *a;

    pause_at(d, 0, "x");
    desk_turn(d);
    desk_kill(d, 0);
    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 0);
    lose_file(d);
    CU_ASSERT_EQUAL(a->grants, 0);
    CU_ASSERT_TRUE(limiter_is_paused(d->w[0]));
    pause_at(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    lose_file(d);
    CU_ASSERT_FALSE(limiter_is_paused(d->w[0]));
    desk_free(d);
}

static void noise_in_control_is_no_crash(void)
{
    struct desk *d = desk_of(2, 10);
    struct ask *a;
    uint32_t i;

    pause_at(d, 0, "x");
    desk_turn(d);
    for (i = 0; i < 200; i++) {
        unsigned char *at = (unsigned char *)&desk_layout(d, 0)->control;

        at[lab_random(sizeof(struct lay_control))] =
            (unsigned char)lab_random(256);
        if (i % 2 == 0)
            desk_layout(d, 0)->live.dirty = 1; /* killed */
        desk_pass(d, 1100);
        CU_ASSERT_FALSE(limiter_all_follow(d->w[0], 1, d->now));
    }
    desk_pass(d, 62000);
    if (limiter_is_paused(d->w[1]))
        pause_at(d, 1, NULL);
    a = desk_ask(d, 0, NULL);
    desk_pass(d, 1000);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

/* ---- cancel ------------------------------------------------------------ */

static void one_that_waits_is_cancelled_from_anywhere(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *first = desk_ask(d, 0, NULL), *a, *b;

    desk_turn(d);
    a = ask_as(d, 1, "req_a");
    b = ask_as(d, 1, "req_b");
    desk_turn(d);
    CU_ASSERT_EQUAL(cancel_at(d, 0, "req_none"), 0);
    CU_ASSERT_EQUAL(cancel_at(d, 0, "req_a"), 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->news.event, TICKET_CANCELLED);
    CU_ASSERT_EQUAL(b->news.event, TICKET_WAITS);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 1);
    CU_ASSERT_EQUAL(cancel_at(d, 1, "req_a"), 0);
    desk_done(a, true);
    desk_done(first, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_done(b, false);
    desk_turn(d);
    lab_recount(desk_layout(d, 0));
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void one_that_runs_keeps_its_slot_used(void)
{
    struct desk *d = desk_of(2, 2);
    struct ask *sent = ask_as(d, 1, "sent"), *open = ask_as(d, 1, "open"), *c;

    desk_turn(d);
    desk_sent(sent);
    desk_turn(d);
    CU_ASSERT_EQUAL(cancel_at(d, 0, "sent") + cancel_at(d, 0, "open"), 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(sent->news.event, TICKET_CANCELLED);
    CU_ASSERT_EQUAL(open->news.event, TICKET_CANCELLED);
    CU_ASSERT_EQUAL(sent->told, open->told);
    desk_pass(d, 10);
    CU_ASSERT_EQUAL(cancel_at(d, 0, "sent"), 1); /* it is not over yet */
    desk_turn(d);
    CU_ASSERT_EQUAL(sent->told, open->told); /* told once */
    desk_done(sent, false);
    desk_done(open, true);
    c = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(c->grants, 1); /* one of two slots is used */
    c = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(c->grants, 0);
    lab_recount(desk_layout(d, 0));
    desk_free(d);
}

/* The row was marked, and nobody told: its marker was killed. */
static void a_mark_of_a_dead_worker_counts(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *first = desk_ask(d, 0, NULL), *a;
    struct lay_row *r;

    desk_turn(d);
    a = ask_as(d, 1, "req_a");
    desk_turn(d);
    for (r = desk_layout(d, 0)->rows; r->state != ROW_WAITING; r++)
        continue;
    r->flags |= ROW_CANCELLED;
    desk_layout(d, 0)->live.dirty = 1;
    desk_turn(d);
    CU_ASSERT_EQUAL(a->news.event, TICKET_CANCELLED);
    desk_done(a, true);
    desk_done(first, true);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void many_are_cancelled_at_random(void)
{
    struct desk *d = desk_of(3, 5);
    char id[LIMITER_ID_MAX];
    uint32_t i, told = 0;

    for (i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "r%u", i);
        (void)ask_as(d, i % 3, id);
        if (i % 5 == 0)
            desk_turn(d);
    }
    desk_turn(d);
    for (i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "r%u", lab_random(300));
        (void)cancel_at(d, lab_random(3), id);
        if (lab_random(20) == 0)
            desk_layout(d, 0)->live.dirty = 1;
        if (lab_random(4) == 0)
            desk_pass(d, 100);
    }
    desk_turn(d);
    for (i = 0; i < 300; i++) {
        told += d->asks[i].news.event == TICKET_CANCELLED;
        desk_done(&d->asks[i], true);
    }
    CU_ASSERT_TRUE(told > 100);
    desk_turn(d);
    lab_recount(desk_layout(d, 0));
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* ---- generations --------------------------------------------------------- */

static void adopt(struct desk *d, uint32_t worker, uint32_t requests,
                  uint64_t generation)
{
    struct limiter_settings set = d->set;

    set.rules[0].requests = set.rules[0].burst = requests;
    limiter_adopt(d->w[worker], &set, generation);
}

static uint32_t in_force(const struct desk *d)
{
    return desk_layout(d, 0)->rules[0].requests;
}

static void newer_settings_stay(void)
{
    struct desk *d = desk_of(3, 10);

    adopt(d, 0, 20, 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(in_force(d), 20);
    CU_ASSERT_EQUAL(limiter_generation(d->w[2]), 2);
    CU_ASSERT_FALSE(limiter_all_follow(d->w[0], 2, d->now));
    adopt(d, 1, 7, 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(in_force(d), 20);
    /* Whoever repairs puts its own in force only if they are as new. */
    desk_layout(d, 1)->live.dirty = 1;
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(in_force(d), 20);
    adopt(d, 1, 20, 2);
    adopt(d, 2, 20, 2);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_all_follow(d->w[0], 2, d->now));
    desk_free(d);
}

static void a_worker_that_starts_leaves_them_alone(void)
{
    struct desk *d = desk_of(2, 10);

    adopt(d, 0, 20, 2);
    adopt(d, 1, 20, 2);
    desk_turn(d);
    desk_open(d, 2); /* with 10, and no generation yet */
    desk_turn(d);
    CU_ASSERT_EQUAL(in_force(d), 20);
    CU_ASSERT_EQUAL(limiter_generation(d->w[2]), 2);
    CU_ASSERT_FALSE(limiter_all_follow(d->w[0], 2, d->now));
    adopt(d, 2, 20, 2);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_all_follow(d->w[0], 2, d->now));
    desk_free(d);
}

/* In a new file the generation begins anew; the newest wins all the same,
 * whoever comes first. */
static void they_survive_the_loss_of_the_file(void)
{
    uint32_t first;

    for (first = 0; first < 2; first++) {
        struct desk *d = desk_of(2, 10);

        adopt(d, 0, 20, 5);
        desk_turn(d);
        CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
        d->now += 1100 * NS_PER_MS;
        (void)limiter_turn(d->w[first], d->now);
        desk_turn(d);
        desk_turn(d);
        CU_ASSERT_EQUAL(in_force(d), 20);
        CU_ASSERT_EQUAL(limiter_generation(d->w[1]), 5);
        desk_free(d);
    }
}

/* Whatever number noise, or somebody with our uid, puts there: it goes on, and
 * no file is lost for it. */
static void no_number_is_the_last(void)
{
    static const uint64_t noise[] = {SERIAL_MAX / 2, SERIAL_MAX - 1,
                                     SERIAL_MAX};
    size_t i, k;

    for (i = 0; i < sizeof(noise) / sizeof(*noise); i++) {
        struct desk *d = desk_of(2, 10);
        uint64_t next = noise[i];

        desk_layout(d, 0)->control.generation = noise[i];
        desk_layout(d, 0)->control.pauses = noise[i];
        desk_turn(d);
        for (k = 0; k < 3; k++) {
            CU_ASSERT_EQUAL(limiter_generation(d->w[1]), next);
            next = serial_next(next);
            adopt(d, 0, 20 + (uint32_t)k, next);
            adopt(d, 1, 20 + (uint32_t)k, next);
            desk_turn(d);
            CU_ASSERT_EQUAL(in_force(d), 20 + k);
            CU_ASSERT_TRUE(limiter_all_follow(d->w[1], next, d->now));
            pause_at(d, 0, "x");
            desk_turn(d);
            CU_ASSERT_TRUE(limiter_is_paused(d->w[1]));
            pause_at(d, 1, NULL);
            desk_turn(d);
            CU_ASSERT_FALSE(limiter_is_paused(d->w[0]));
        }
        CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
        CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
        desk_pass(d, 1100);
        desk_turn(d);
        CU_ASSERT_EQUAL(limiter_generation(d->w[1]), next);
        CU_ASSERT_EQUAL(in_force(d), 22);
        desk_free(d);
    }
}

/* Beyond it is damage, for which there is a new file, once. */
static void a_number_that_nobody_can_count_to_is_damage(void)
{
    size_t i;

    for (i = 0; i < 5; i++) {
        struct desk *d = desk_of(1, 10);
        struct layout *lay = desk_layout(d, 0);
        uint64_t *const numbers[] = {
            &lay->live.last_id, &lay->live.last_grant, &lay->live.last_chunk,
            &lay->control.generation, &lay->control.pauses};

        *numbers[i] = i % 2 == 0 ? UINT64_C(1) << 61 : UINT64_MAX;
        desk_pass(d, 100);
        CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
        CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
        desk_pass(d, 62000);
        (void)desk_ask(d, 0, NULL);
        desk_turn(d);
        CU_ASSERT_EQUAL(grants(d), 1);
        CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
        desk_free(d);
    }
}

static const struct unit_test tests[] = {
    {"a pause holds all workers", a_pause_holds_all_workers},
    {"a pause takes offers back", a_pause_takes_offers_back},
    {"retries wait too", retries_wait_too},
    {"a pause survives workers and the file", a_pause_survives},
    {"noise in it is no crash", noise_in_control_is_no_crash},
    {"one that waits is cancelled from anywhere",
     one_that_waits_is_cancelled_from_anywhere},
    {"one that runs keeps its slot used", one_that_runs_keeps_its_slot_used},
    {"a mark of a dead worker counts", a_mark_of_a_dead_worker_counts},
    {"many are cancelled at random", many_are_cancelled_at_random},
    {"newer settings stay", newer_settings_stay},
    {"a worker that starts leaves them alone",
     a_worker_that_starts_leaves_them_alone},
    {"they survive the loss of the file", they_survive_the_loss_of_the_file},
    {"no number is the last", no_number_is_the_last},
    {"a number that nobody can count to is damage",
     a_number_that_nobody_can_count_to_is_damage},
    {NULL, NULL},
};

CU_ErrorCode test_operator_add(void)
{
    return unit_add("orders", tests);
}
