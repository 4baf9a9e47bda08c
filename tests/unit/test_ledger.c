/* Mirrors state/stats/ledger.c and ledger_row.c: who did what, and when? */
#include "state/stats/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define T 1800000000 /* a whole hour */

struct past {
    struct lay_history history;
    struct lay_ledger ledger;
};

static struct past *empty(void)
{
    struct past *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    return p;
}

static void at(struct past *p, int64_t t)
{
    rings_turn(&p->history, t, LAB_T0);
}

static struct limiter_note a_note(enum outcome outcome)
{
    struct limiter_note n;

    memset(&n, 0, sizeof(n));
    n.outcome = outcome;
    n.queue_ns = n.first_byte_ns = n.generation_ns = n.speed_milli = -1;
    n.tokens_in = n.tokens_out = -1;
    return n;
}

static void ends(struct past *p, const char *name)
{
    const struct limiter_note n = a_note(OUTCOME_OK);

    ledger_note(&p->ledger, &p->history, name, &n);
}

static uint32_t names(const struct past *p)
{
    uint32_t i, n = 0;

    for (i = 0; i < LEDGER_NAMES; i++)
        n += p->ledger.ids[i] != 0;
    return n;
}

static bool is_there(const struct past *p, const char *name)
{
    uint32_t i;

    for (i = 0; i < LEDGER_NAMES; i++)
        if (p->ledger.ids[i] != 0 && strcmp(p->ledger.names[i].text, name) == 0)
            return true;
    return false;
}

/* All rows of ID that POOL has of a time from FROM on, as one. */
static struct lay_ledger_row since(const struct past *p, uint32_t id,
                                   uint32_t pool, int64_t from)
{
    struct lay_ledger_row sum;
    uint64_t i = p->ledger.pools[pool].next;
    const struct lay_ledger_row *r;
    int64_t t;

    memset(&sum, 0, sizeof(sum));
    while (i > 0 && (r = ledger_row(&p->ledger, pool, --i)) != NULL)
        if (ledger_row_is(r, pool, &t) && r->id == id && t >= from) {
            sum.requests += r->requests;
            sum.ok += r->ok;
        }
    return sum;
}

static uint32_t requests(const struct past *p, const char *name, uint32_t pool)
{
    return since(p, ledger_id(name), pool, 0).requests;
}

static uint32_t others(const struct past *p, uint32_t pool)
{
    return since(p, LEDGER_OTHERS, pool, 0).requests;
}

/* ---- recording --------------------------------------------------------------- */

static void what_a_request_tells_is_in_its_row(void)
{
    struct past *p = empty();
    struct limiter_note n = a_note(OUTCOME_OK);
    const struct lay_ledger_row *r;
    uint32_t i;

    n.stream = n.has_usage = true;
    n.attempts = 3;
    n.refusals = 2;
    n.tokens_in = 70;
    n.tokens_out = 9;
    n.prompt_bytes = 500;
    n.bytes = 6000;
    n.queue_ns = 1500 * NS_PER_MS;
    n.first_byte_ns = 200 * NS_PER_MS;
    n.generation_ns = 3 * NS_PER_S;
    at(p, T + 61);
    ledger_note(&p->ledger, &p->history, "one", &n);
    n = a_note(OUTCOME_UPSTREAM_ERROR);
    ledger_note(&p->ledger, &p->history, "one", &n);
    n = a_note(OUTCOME_HANGUP);
    ledger_note(&p->ledger, &p->history, "one", &n);
    for (i = 0; i < LEDGER_POOLS; i++) {
        CU_ASSERT_EQUAL(p->ledger.pools[i].next, 1);
        r = ledger_row(&p->ledger, i, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(r);
        CU_ASSERT_EQUAL(r->requests, 3);
        CU_ASSERT_EQUAL(r->ok, 1);
        CU_ASSERT_EQUAL(r->errors, 1); /* who hung up did no wrong */
        CU_ASSERT_EQUAL(r->refused, 2);
        CU_ASSERT_EQUAL(r->streams, 1);
        CU_ASSERT_EQUAL(r->sends, 3);
        CU_ASSERT_EQUAL(r->answers, 1);
        CU_ASSERT_EQUAL(r->told, 1);
        CU_ASSERT_EQUAL(r->tokens_in, 70);
        CU_ASSERT_EQUAL(r->tokens_out, 9);
        CU_ASSERT_EQUAL(r->bytes_in, 500);
        CU_ASSERT_EQUAL(r->bytes_out, 6000);
        CU_ASSERT_EQUAL(r->queue_ms, 1500);
        CU_ASSERT_EQUAL(r->queue_n, 1);
        CU_ASSERT_EQUAL(r->first_byte_ms, 200);
        CU_ASSERT_EQUAL(r->answer_ms, 3200);
        CU_ASSERT_EQUAL(r->answer_n, 1);
    }
    free(p);
}

static void seconds_roll_over_into_minutes_and_hours(void)
{
    struct past *p = empty();
    int64_t t;

    for (t = T; t < T + 7200; t += 5) {
        at(p, t);
        ends(p, "one");
        ends(p, "one");
    }
    CU_ASSERT_EQUAL(p->ledger.pools[0].next, 1440);
    CU_ASSERT_EQUAL(p->ledger.pools[1].next, 120);
    CU_ASSERT_EQUAL(p->ledger.pools[2].next, 2);
    CU_ASSERT_EQUAL(requests(p, "one", 0), 2880);
    CU_ASSERT_EQUAL(requests(p, "one", 1), 2880);
    CU_ASSERT_EQUAL(requests(p, "one", 2), 2880);
    CU_ASSERT_EQUAL(since(p, ledger_id("one"), 1, T + 7140).requests, 24);
    CU_ASSERT_EQUAL(since(p, ledger_id("one"), 2, T + 3600).requests, 1440);
    CU_ASSERT_EQUAL(p->ledger.first_s, T);
    free(p);
}

/* The oldest give way, whole moments are told, and the next pool goes on. */
static void a_pool_that_is_full_says_how_far_it_reaches(void)
{
    struct past *p = empty();
    char name[16];
    uint32_t i, k;

    CU_ASSERT_EQUAL(ledger_reach(&p->ledger, 0), 0);
    for (i = 0; i < 40; i++) {
        at(p, T + i * 5);
        for (k = 0; k < 100; k++) {
            (void)snprintf(name, sizeof(name), "n%u", k);
            ends(p, name);
        }
    }
    /* 3,072 rows are the last 30 moments, and 72 of the one before. */
    CU_ASSERT_EQUAL(ledger_reach(&p->ledger, 0), T + 10 * 5);
    CU_ASSERT_EQUAL(ledger_reach(&p->ledger, 1), 0);
    CU_ASSERT_EQUAL(requests(p, "n99", 0), 31);
    CU_ASSERT_EQUAL(requests(p, "n0", 0), 30);
    CU_ASSERT_EQUAL(requests(p, "n0", 1), 40);
    CU_ASSERT_PTR_NULL(ledger_row(&p->ledger, 0, 4000 - 3073));
    CU_ASSERT_PTR_NULL(ledger_row(&p->ledger, 0, 4000));
    free(p);
}

static void a_clock_that_jumps_costs_nothing(void)
{
    struct past *p = empty();

    at(p, T + 100);
    ends(p, "one");
    at(p, T + 300);
    ends(p, "two");
    at(p, T + 101); /* put back: what may be on the disk is left as it is */
    ends(p, "one");
    CU_ASSERT_EQUAL(requests(p, "one", 0), 2);
    CU_ASSERT_EQUAL(ledger_row(&p->ledger, 0, 0)->requests, 1);
    CU_ASSERT_EQUAL(since(p, ledger_id("two"), 0, T + 105).requests, 1);
    at(p, 5); /* no time at all */
    ends(p, "new");
    CU_ASSERT_EQUAL(requests(p, "one", 2), 2);
    CU_ASSERT_FALSE(is_there(p, "new"));
    free(p);
}

static void an_end_is_no_beginning(void)
{
    struct past *p = empty();
    struct limiter_note n = a_note(OUTCOME_OK);
    uint32_t i;

    n.tokens_in = INT64_C(1) << 40;
    n.queue_ns = 20 * NS_PER_MS;
    at(p, T);
    for (i = 0; i < 70000; i++)
        ledger_note(&p->ledger, &p->history, "one", &n);
    CU_ASSERT_EQUAL(ledger_row(&p->ledger, 0, 0)->tokens_in, UINT32_MAX);
    CU_ASSERT_EQUAL(ledger_row(&p->ledger, 0, 0)->queue_n, 70000);
    /* Halved once: the second bucket has them all, still. */
    CU_ASSERT_EQUAL(ledger_row(&p->ledger, 0, 0)->queue[1],
                    UINT16_MAX / 2 + 70000 - UINT16_MAX);
    free(p);
}

/* ---- names ----------------------------------------------------------------------- */

static void fill_names(struct past *p)
{
    char name[16];
    uint32_t i;

    for (i = 0; i < LEDGER_NAMES; i++) {
        at(p, T + i);
        (void)snprintf(name, sizeof(name), "n%u", i);
        ends(p, name);
    }
}

static void the_one_that_was_used_last_the_longest_time_ago_gives_way(void)
{
    struct past *p = empty();

    fill_names(p);
    at(p, T + 200);
    ends(p, "n0"); /* of use again */
    ends(p, "another");
    CU_ASSERT_EQUAL(names(p), LEDGER_NAMES);
    CU_ASSERT_TRUE(is_there(p, "another"));
    CU_ASSERT_TRUE(is_there(p, "n0"));
    CU_ASSERT_FALSE(is_there(p, "n1"));
    CU_ASSERT_EQUAL(requests(p, "another", 2), 1);
    /* It comes back, and has what it had. */
    at(p, T + 200 + LEDGER_GIVE_S);
    ends(p, "n1");
    CU_ASSERT_TRUE(is_there(p, "n1"));
    CU_ASSERT_FALSE(is_there(p, "n2"));
    CU_ASSERT_EQUAL(requests(p, "n1", 2), 2);
    free(p);
}

/* Who makes up a name for each request gets one place a minute. */
static void names_that_are_made_up_push_out_few(void)
{
    struct past *p = empty();
    char name[16];
    uint32_t i;

    fill_names(p);
    for (i = 0; i < 6000; i++) {
        at(p, T + 200 + i / 100); /* a minute, a hundred a second */
        (void)snprintf(name, sizeof(name), "x%u", i);
        ends(p, name);
    }
    CU_ASSERT_FALSE(is_there(p, "n0"));
    CU_ASSERT_TRUE(is_there(p, "n1"));
    CU_ASSERT_EQUAL(others(p, 2), 5999);
    CU_ASSERT_TRUE(p->ledger.pools[2].next < LEDGER_NAMES + 5);
    /* And the clock was put back by an hour: nobody waits for it to come. */
    at(p, T - 3600 + 200);
    ends(p, "late");
    CU_ASSERT_TRUE(is_there(p, "late"));
    free(p);
}

static void nobody_has_no_row(void)
{
    struct past *p = empty();
    char text[LIMITER_NAME_MAX];

    at(p, T);
    ends(p, "");
    CU_ASSERT_EQUAL(names(p), 0);
    CU_ASSERT_EQUAL(p->ledger.pools[0].next, 0);
    memset(text, 'a', sizeof(text));
    CU_ASSERT_FALSE(ledger_is_name(text));
    CU_ASSERT_FALSE(ledger_is_name(""));
    text[LIMITER_NAME_MAX - 1] = '\0';
    CU_ASSERT_TRUE(ledger_is_name(text));
    ends(p, text);
    CU_ASSERT_TRUE(is_there(p, text));
    free(p);
}

/* ---- from the disk --------------------------------------------------------------- */

static struct lay_ledger_row room[LEDGER_HOURS];

static void fill_one(struct past *p, const char *name, uint64_t number,
                     int64_t t, uint32_t n)
{
    struct lay_ledger_row r;

    memset(&r, 0, sizeof(r));
    r.id = ledger_id(name);
    r.when = (uint32_t)(t / 3600);
    r.requests = n;
    ledger_fill(&p->ledger, 2, number, &r);
}

static void what_the_disk_knew_comes_before_what_was_since(void)
{
    struct past *p = empty();
    int i;

    at(p, T + 7200);
    ends(p, "one");
    ends(p, "new");
    for (i = 0; i < 2; i++) { /* whoever did it was killed once */
        ledger_fill_begin(&p->ledger, 2, 20000, room);
        ledger_fill_name(&p->ledger, "old", T);
        fill_one(p, "one", 19999, T, 5);
        fill_one(p, "old", 19998, T, 7);
    }
    CU_ASSERT_EQUAL(p->ledger.pools[2].next, 20002);
    CU_ASSERT_EQUAL(requests(p, "one", 2), 6);
    CU_ASSERT_EQUAL(requests(p, "new", 2), 1);
    CU_ASSERT_EQUAL(requests(p, "old", 2), 7);
    CU_ASSERT_TRUE(is_there(p, "old"));
    CU_ASSERT_EQUAL(p->ledger.first_s, T);
    ends(p, "one");
    CU_ASSERT_EQUAL(requests(p, "one", 2), 7);
    fill_one(p, "one", 20000, T, 9);                    /* that is ours */
    fill_one(p, "one", 20002 - LEDGER_HOURS - 1, T, 9); /* and that is gone */
    fill_one(p, "one", 19990, -1, 9);
    CU_ASSERT_EQUAL(requests(p, "one", 2), 7);
    free(p);
}

/* A disk that could not be read for long: what came meanwhile may be all there
 * is room for. */
static void as_much_as_a_pool_has_moves(void)
{
    struct past *p = empty();
    uint32_t i;

    for (i = 0; i < LEDGER_HOURS + 100; i++) {
        at(p, T + (int64_t)i * 3600);
        ends(p, "one");
    }
    ledger_fill_begin(&p->ledger, 2, 777, room);
    fill_one(p, "one", 776, T, 1000);
    CU_ASSERT_EQUAL(p->ledger.pools[2].next, 777 + LEDGER_HOURS);
    CU_ASSERT_EQUAL(requests(p, "one", 2), LEDGER_HOURS);
    free(p);
}

static void a_name_from_the_disk_pushes_out_nobody(void)
{
    struct past *p = empty();

    fill_names(p);
    ledger_fill_name(&p->ledger, "long-ago", T - 7200);
    CU_ASSERT_FALSE(is_there(p, "long-ago"));
    CU_ASSERT_TRUE(is_there(p, "n0"));
    free(p);
}

/* ---- noise ------------------------------------------------------------------------ */

static void scatter(struct past *p)
{
    unsigned char *bytes = (unsigned char *)&p->ledger;
    size_t i;

    for (i = 0; i < offsetof(struct lay_ledger, rows); i++)
        if (lab_random(4) == 0)
            bytes[i] = (unsigned char)lab_random(256);
    for (i = 0; i < 40000; i++)
        bytes[offsetof(struct lay_ledger, rows) + i] =
            (unsigned char)lab_random(256);
}

static void noise_in_it_hurts_no_one(void)
{
    struct past *p = empty();
    uint32_t round, i, k;

    for (round = 0; round < 50; round++) {
        at(p, T + round * 100);
        scatter(p);
        ends(p, "one"); /* nobody has looked at it yet */
        ledger_rebuild(&p->ledger);
        for (i = 0; i < LEDGER_NAMES; i++)
            for (k = 0; k < i; k++)
                CU_ASSERT_TRUE(p->ledger.ids[i] == 0 ||
                               p->ledger.ids[i] != p->ledger.ids[k]);
        for (i = 0; i < LEDGER_POOLS; i++)
            (void)ledger_reach(&p->ledger, i);
        at(p, T + 99999 + round * 100);
        ends(p, "fresh");
        CU_ASSERT_TRUE(requests(p, "fresh", 1) >= 1);
    }
    free(p);
}

static const struct unit_test tests[] = {
    {"what a request tells is in its row", what_a_request_tells_is_in_its_row},
    {"seconds roll over into minutes and hours",
     seconds_roll_over_into_minutes_and_hours},
    {"a pool that is full says how far it reaches",
     a_pool_that_is_full_says_how_far_it_reaches},
    {"a clock that jumps costs nothing", a_clock_that_jumps_costs_nothing},
    {"an end is no beginning", an_end_is_no_beginning},
    {"the one that was used last the longest time ago gives way",
     the_one_that_was_used_last_the_longest_time_ago_gives_way},
    {"names that are made up push out few",
     names_that_are_made_up_push_out_few},
    {"nobody has no row", nobody_has_no_row},
    {"what the disk knew comes before what was since",
     what_the_disk_knew_comes_before_what_was_since},
    {"as much as a pool has moves", as_much_as_a_pool_has_moves},
    {"a name from the disk pushes out nobody",
     a_name_from_the_disk_pushes_out_nobody},
    {"noise in it hurts no one", noise_in_it_hurts_no_one},
    {NULL, NULL},
};

CU_ErrorCode test_ledger_add(void)
{
    return unit_add("ledger", tests);
}
