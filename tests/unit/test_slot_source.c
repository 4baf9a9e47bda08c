/* Mirrors state/policy/slot_source.c: a source that is not our own window, as a
 * store's leases will be, and nobody who hands out slots knows the difference. */
#include "state/policy/slot_source.h"

#include <string.h>

#include "desk.h"
#include "state/policy/row.h"

/* Leases that come and go; what was taken, and how it ended. */
static struct {
    uint32_t leases; /* there are so many, of weight 1 */
    uint32_t have, want, take, adopt, sent, back, refused;
    uint32_t yes;            /* have() said it, and nobody took it since */
    uint32_t held[LAY_ROWS]; /* weights, of rows that have a slot */
} fake;

static bool fake_have(struct layout *lay, uint32_t scope, struct take what,
                      int64_t now, int64_t *when)
{
    (void)lay, (void)scope;
    fake.have++;
    *when = fake.leases >= what.weight ? now : NEVER;
    fake.yes = fake.leases >= what.weight ? what.weight : 0;
    return fake.yes > 0;
}

static void fake_want(struct layout *lay, uint32_t scope, int64_t when,
                      int64_t now)
{
    CU_ASSERT_TRUE(lay->scopes[scope].waiting > 0);
    CU_ASSERT_TRUE(when > now);
    fake.want++;
}

static void fake_take(struct layout *lay, uint32_t row, int64_t now)
{
    (void)now;
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_WAITING);
    CU_ASSERT_EQUAL(fake.held[row], 0);
    CU_ASSERT_TRUE_FATAL(fake.yes >= lay->rows[row].weight);
    fake.yes = 0;
    fake.held[row] = lay->rows[row].weight;
    fake.leases -= fake.held[row];
    fake.take++;
}

static void fake_adopt(struct layout *lay, uint32_t row)
{
    CU_ASSERT_EQUAL(fake.held[row], 0);
    fake.held[row] = lay->rows[row].weight;
    fake.adopt++;
}

static void fake_sent(struct layout *lay, uint32_t row, int64_t at)
{
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_OPEN);
    CU_ASSERT_TRUE(at >= lay->rows[row].changed_ns);
    CU_ASSERT_TRUE(fake.held[row] > 0);
    fake.held[row] = 0;
    fake.sent++;
}

static void fake_back(struct layout *lay, uint32_t row)
{
    CU_ASSERT_TRUE(lay->rows[row].state == ROW_OPEN ||
                   lay->rows[row].state == ROW_OFFERED);
    CU_ASSERT_TRUE(fake.held[row] > 0);
    fake.leases += fake.held[row];
    fake.held[row] = 0;
    fake.back++;
}

static bool fake_verdict(struct layout *lay, uint32_t scope, uint32_t row,
                         const struct limiter_report *rep, int64_t now)
{
    (void)scope, (void)now;
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_SENT);
    fake.refused += rep->answer == ANSWER_RATE;
    return false;
}

static const struct slot_source leases = {
    "leases",   fake_have, fake_want, fake_take,
    fake_adopt, fake_sent, fake_back, fake_verdict,
};

/* What is there otherwise. */
static const struct slot_source *own;

/* N workers, whose own window lets one through: nobody may ask it. */
static struct desk *leased_desk(uint32_t n)
{
    struct desk *d = desk_of(n, 1);

    memset(&fake, 0, sizeof(fake));
    own = slot_source_set(SLOTS_SHARED, &leases);
    desk_turn(d);
    desk_layout(d, 0)->scopes[0].source = SLOTS_SHARED;
    return d;
}

static void end(struct desk *d)
{
    desk_free(d);
    (void)slot_source_set(SLOTS_SHARED, own);
}

static uint32_t granted(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

/* A store has lent N more, and woke the host. */
static void lend(struct desk *d, uint32_t n)
{
    fake.leases += n;
    desk_pass(d, 1);
}

static void without_a_lease_nothing_goes_and_it_is_wanted(void)
{
    struct desk *d = leased_desk(1);
    uint32_t i;

    for (i = 0; i < 5; i++)
        desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 0);
    CU_ASSERT_TRUE(fake.have > 0 && fake.want > 0);
    CU_ASSERT_EQUAL(fake.take, 0);
    lend(d, 3); /* more than its own window would let through */
    CU_ASSERT_EQUAL(granted(d), 3);
    CU_ASSERT_EQUAL(fake.take, 3);
    lend(d, 9);
    CU_ASSERT_EQUAL(granted(d), 5);
    desk_finish(d);
    CU_ASSERT_EQUAL(fake.sent, 5);
    CU_ASSERT_EQUAL(fake.back, 0);
    CU_ASSERT_EQUAL(fake.leases, 7);
    end(d);
}

static void nobody_waits_so_nothing_is_wanted(void)
{
    struct desk *d = leased_desk(1);

    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(fake.want, 0);
    fake.leases = 1;
    desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 1);
    CU_ASSERT_EQUAL(fake.want, 0);
    end(d);
}

static void what_is_not_written_comes_back(void)
{
    struct desk *d = leased_desk(1);
    struct ask *a, *b;

    fake.leases = 2;
    a = desk_ask(d, 0, NULL);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(fake.leases, 0);
    desk_done(a, true); /* hung up before a byte was written */
    desk_turn(d);
    CU_ASSERT_EQUAL(fake.leases, 1);
    desk_again(b, true); /* and takes it again, at once */
    desk_turn(d);
    CU_ASSERT_EQUAL(fake.back, 2);
    CU_ASSERT_EQUAL(fake.take, 3);
    desk_sent(b);
    desk_turn(d);
    CU_ASSERT_EQUAL(fake.sent, 1);
    end(d);
}

static void answers_are_its_business(void)
{
    struct desk *d = leased_desk(1);
    struct ask *a;

    fake.leases = 1;
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_sent(a);
    desk_turn(d);
    desk_report(a, ANSWER_RATE, 5);
    desk_turn(d);
    CU_ASSERT_EQUAL(fake.refused, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].retreat.state,
                    RETREAT_NORMAL); /* it said that nothing changed */
    end(d);
}

/* An offer that is not accepted in time, and a worker that is killed. */
static void an_offer_that_lapses_comes_back(void)
{
    struct desk *d = leased_desk(2);

    desk_ask(d, 1, NULL);
    desk_turn(d);
    fake.leases = 1;
    (void)limiter_turn(d->w[0], d->now); /* offers it to the other */
    CU_ASSERT_EQUAL(fake.take, 1);
    d->now += 60 * NS_PER_MS;
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(fake.back, 1);
    CU_ASSERT_EQUAL(fake.leases, 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 1);
    desk_kill(d, 1);
    desk_pass(d, 3000);
    CU_ASSERT_EQUAL(fake.take, fake.sent + fake.back);
    end(d);
}

static void random_step(struct desk *d)
{
    struct ask *a = &d->asks[d->n > 0 ? lab_random(d->n) : 0];
    uint32_t what = lab_random(9);

    if (what < 2 && d->n < 400)
        desk_ask(d, lab_random(3), NULL);
    else if (what == 2)
        fake.leases += lab_random(4);
    else if (what == 3)
        fake.leases -= fake.leases > 0; /* one has ended */
    else if (what == 4)
        desk_pass(d, lab_random(80));
    else if (a->ticket != NULL && what == 5)
        desk_done(a, lab_random(2) == 0);
    else if (a->ticket != NULL && a->grants > 0 && !a->waiting_again) {
        if (what == 6)
            desk_sent(a);
        else if (what == 7)
            desk_again(a, lab_random(2) == 0);
        else
            limiter_aside(a->lim, a->ticket, true, NS_PER_MS);
    }
    if (lab_random(3) == 0)
        (void)limiter_turn(d->w[lab_random(3)], d->now);
}

/* Whatever happens: never more than were lent, and each that was taken ends in
 * exactly one way. */
static void each_that_is_taken_ends_once(void)
{
    struct desk *d = leased_desk(3);
    uint32_t i, held = 0;

    for (i = 0; i < 4000; i++)
        random_step(d);
    for (i = 0; i < d->n; i++)
        if (d->asks[i].ticket != NULL)
            desk_done(&d->asks[i], true);
    desk_pass(d, 3000);
    for (i = 0; i < LAY_ROWS; i++)
        held += fake.held[i];
    CU_ASSERT_EQUAL(held, 0);
    CU_ASSERT_TRUE(fake.take > 100 && fake.sent > 20 && fake.back > 20);
    CU_ASSERT_EQUAL(fake.take + fake.adopt, fake.sent + fake.back);
    end(d);
}

/* The heavy one is first: the light one behind it does not go instead. */
static void one_that_does_not_fit_is_waited_for(void)
{
    struct desk *d = leased_desk(1);
    struct ask *a = desk_ask(d, 0, NULL);
    struct layout *lay = desk_layout(d, 0);
    uint32_t i;

    desk_turn(d);
    for (i = 0; lay->rows[i].state != ROW_WAITING; i++)
        ;
    lay->rows[i].weight = 3;
    lay->quotas[lay->rows[i].client].lined_weight += 2;
    desk_ask(d, 0, NULL);
    lend(d, 2);
    CU_ASSERT_EQUAL(granted(d), 0);
    lend(d, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(granted(d), 1);
    CU_ASSERT_EQUAL(fake.leases, 0);
    end(d);
}

/* From a lost file, or from another scope: it never asked, and ends as others. */
static void who_comes_open_counts_as_one_that_took(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct row_join j = {.req = &req};
    uint32_t row = NONE;

    memset(&fake, 0, sizeof(fake));
    own = slot_source_set(SLOTS_SHARED, &leases);
    lay->scopes[0].source = SLOTS_SHARED;
    CU_ASSERT_EQUAL(row_adopt(lay, &j, ROW_OPEN, LAB_T0, &row), REFUSED_NOT);
    CU_ASSERT_EQUAL(fake.adopt, 1);
    row_move(lay, row, 1, NONE, LAB_T0); /* to a scope of our own */
    CU_ASSERT_EQUAL(fake.back, 1);
    row_move(lay, row, 0, NONE, LAB_T0);
    CU_ASSERT_EQUAL(fake.adopt, 2);
    row_leave(lay, row);
    CU_ASSERT_EQUAL(fake.back, 2);
    CU_ASSERT_EQUAL(fake.take, 0);
    (void)slot_source_set(SLOTS_SHARED, own);
    lab_is_settled(lay);
    free(lay);
}

static const struct unit_test tests[] = {
    {"without a lease nothing goes, and it is wanted",
     without_a_lease_nothing_goes_and_it_is_wanted},
    {"nobody waits, so nothing is wanted", nobody_waits_so_nothing_is_wanted},
    {"what is not written comes back", what_is_not_written_comes_back},
    {"answers are its business", answers_are_its_business},
    {"an offer that lapses comes back", an_offer_that_lapses_comes_back},
    {"each that is taken ends once", each_that_is_taken_ends_once},
    {"one that does not fit is waited for",
     one_that_does_not_fit_is_waited_for},
    {"who comes open counts as one that took",
     who_comes_open_counts_as_one_that_took},
    {NULL, NULL},
};

CU_ErrorCode test_slot_source_add(void)
{
    return unit_add("slot_source", tests);
}
