/* Mirrors state/policy/window.c, and the window's part of state/policy/admit.c. */
#include "state/policy/window.h"

#include <string.h>

#include "lab.h"
#include "state/file/repair.h"
#include "state/policy/admit.h"
#include "state/policy/row.h"

/* ---- the log against an array ------------------------------------------- */

#define MODEL_MAX 5000

struct model {
    int64_t t[MODEL_MAX];
    uint32_t first, end;
};

static void model_step(struct layout *lay, uint32_t scope, struct model *m,
                       int64_t now)
{
    uint32_t what = lab_random(10);
    int64_t horizon = now - (int64_t)lab_random(400);

    if (what < 7 && m->end < MODEL_MAX) {
        CU_ASSERT_TRUE_FATAL(window_has_room(lay, scope));
        window_push(lay, scope, now, TAKE_ONE, m->end + 1u);
        CU_ASSERT_TRUE(window_has_last(lay, scope, m->end + 1u));
        CU_ASSERT_FALSE(window_has_last(lay, scope, m->end));
        m->t[m->end++] = now;
    } else if (what == 7) {
        window_expire(lay, scope, horizon);
        while (m->first < m->end && m->t[m->first] <= horizon)
            m->first++;
    }
    CU_ASSERT_EQUAL_FATAL(lay->scopes[scope].window.n, m->end - m->first);
    if (m->end > m->first) {
        uint32_t k = lab_random(m->end - m->first);

        CU_ASSERT_EQUAL(window_nth(lay, scope, k), m->t[m->first + k]);
    }
}

static void the_log_agrees_with_an_array(void)
{
    struct layout *lay = lab_new();
    struct model *m = calloc(3, sizeof(*m));
    int64_t now = LAB_T0;
    int i;

    CHECK(m != NULL);
    for (i = 0; i < 20000; i++) {
        uint32_t scope = lab_random(3);

        now += lab_random(3);
        lay->live.now_ns = now;
        model_step(lay, scope, &m[scope], now);
        if (i % 500 == 0)
            repair_run(lay, now); /* changes nothing in a sound state */
    }
    lab_recount(lay);
    free(m);
    free(lay);
}

static void a_time_below_the_newest_is_raised_to_it(void)
{
    struct layout *lay = lab_new();

    window_push(lay, 0, LAB_T0, TAKE_ONE, 1);
    window_push(lay, 0, LAB_T0 - 5, TAKE_ONE, 2);
    CU_ASSERT_EQUAL(window_nth(lay, 0, 1), LAB_T0);
    free(lay);
}

static void a_pool_that_is_empty_says_so(void)
{
    struct layout *lay = lab_new();
    uint32_t i;

    for (i = 0; window_has_room(lay, i % 16); i++)
        window_push(lay, i % 16, LAB_T0, TAKE_ONE, i + 1);
    CU_ASSERT_TRUE(i >= 160000); /* 16 windows of 10,000 */
    lab_recount(lay);
    window_expire(lay, 3, LAB_T0);
    CU_ASSERT_TRUE(window_has_room(lay, 3));
    CU_ASSERT_TRUE(window_has_room(lay, 7));
    free(lay);
}

/* ---- the limit against a list of all sends -------------------------------- */

#define SENDS 400

struct send {
    uint32_t row;
    int64_t granted, wrote, booked; /* booked: 0 while open */
};

struct run {
    struct layout *lay;
    struct send s[SENDS];
    uint32_t n;
    int64_t now, span;
};

static uint32_t counted(const struct run *r, int64_t now)
{
    uint32_t i, n = 0;

    for (i = 0; i < r->n; i++)
        n += r->s[i].booked == 0 || r->s[i].booked > now - r->span;
    return n;
}

/* The first time at which one is free if nothing more happens, or NEVER. */
static int64_t opens(const struct run *r, uint32_t limit)
{
    int64_t best = NEVER;
    uint32_t i;

    if (counted(r, r->now) < limit)
        return r->now;
    for (i = 0; i < r->n; i++)
        if (r->s[i].booked != 0 && r->s[i].booked + r->span < best &&
            counted(r, r->s[i].booked + r->span) < limit)
            best = r->s[i].booked + r->span;
    return best;
}

static void try_one(struct run *r, uint32_t limit)
{
    int64_t when, expected = opens(r, limit);
    bool yes;

    admit_refresh(r->lay, 0, r->now);
    yes = admit_now(r->lay, 0, TAKE_ONE, r->now, &when);
    CU_ASSERT_EQUAL_FATAL(yes, expected <= r->now); /* no more and no less */
    CU_ASSERT_EQUAL(when, expected);
    if (!yes || r->n == SENDS)
        return;
    r->s[r->n] = (struct send){lab_join(r->lay, "c", r->now), r->now, 0, 0};
    row_grant(r->lay, r->s[r->n++].row, r->now);
}

/* One that is open is written, at any time since its grant, and then booked;
 * or it ends unsent and never was. */
static void finish_one(struct run *r)
{
    uint32_t i, from = lab_random(r->n > 0 ? r->n : 1);

    for (i = 0; i < r->n; i++) {
        struct send *s = &r->s[(from + i) % r->n];

        if (s->booked != 0)
            continue;
        s->booked = r->now;
        s->wrote = s->granted + lab_random((uint32_t)(r->now - s->granted) + 1);
        if (lab_random(8) == 0)
            s->booked = s->wrote = -NEVER; /* unsent */
        else
            CU_ASSERT_TRUE(row_sent(r->lay, s->row, r->now));
        row_leave(r->lay, s->row);
        return;
    }
}

static void check_run(const struct run *r, uint32_t limit)
{
    uint32_t i, k, n;

    for (i = 0; i < r->n; i++) {
        if (r->s[i].booked <= 0)
            continue;
        for (k = n = 0; k < r->n; k++)
            n += r->s[k].booked > 0 && r->s[k].wrote <= r->s[i].wrote &&
                 r->s[k].wrote > r->s[i].wrote - r->span;
        CU_ASSERT_TRUE(n <= limit);
    }
}

static void no_window_holds_more_and_no_slot_is_wasted(void)
{
    struct run r;
    int round, i;

    r.lay = lab_new();
    for (round = 0; round < 1500; round++) {
        uint32_t limit = 1 + lab_random(round % 50 == 0 ? 150 : 9);

        r.lay->rules[0].window_ns = 100 + lab_random(500);
        r.lay->rules[0].margin_ns = lab_random(50);
        r.lay->rules[0].requests = r.lay->rules[0].burst = limit;
        r.span = r.lay->rules[0].window_ns + r.lay->rules[0].margin_ns;
        r.n = 0;
        r.now = r.lay->live.now_ns + 1000; /* the last round has passed */
        for (i = 0; i < 150; i++) {
            r.now += lab_random(lab_random(20) == 0 ? 400 : 12);
            r.lay->live.now_ns = r.now;
            if (lab_random(3) > 0)
                try_one(&r, limit);
            else
                finish_one(&r);
        }
        check_run(&r, limit);
        for (i = 0; i < SENDS; i++)
            finish_one(&r);
    }
    lab_is_settled(r.lay);
    free(r.lay);
}

static const struct unit_test tests[] = {
    {"the log agrees with an array", the_log_agrees_with_an_array},
    {"a time below the newest is raised to it",
     a_time_below_the_newest_is_raised_to_it},
    {"a pool that is empty says so", a_pool_that_is_empty_says_so},
    {"no window ever holds more than the limit, and no slot is wasted",
     no_window_holds_more_and_no_slot_is_wasted},
    {NULL, NULL},
};

CU_ErrorCode test_window_add(void)
{
    return unit_add("window", tests);
}
