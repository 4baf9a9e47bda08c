/* Mirrors state/stats/trails.c: what went where, by the rings' own time. */
#include "state/stats/trails.h"

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define T 1800000000 /* a whole hour */

struct past {
    struct lay_history history;
    struct lay_trails trails;
    char of_row[LIMITER_UPSTREAMS][TRAIL_NAME_SIZE]; /* the last one's name */
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

static void send(struct past *p, uint32_t row, const char *name)
{
    char *last = row < LIMITER_UPSTREAMS ? p->of_row[row] : NULL;

    rings_sent(&p->history, 1);
    trails_sent(&p->trails, &p->history, row, name,
                last != NULL && strcmp(last, name) == 0);
    if (last != NULL)
        (void)snprintf(last, TRAIL_NAME_SIZE, "%s", name);
}

static uint32_t names(const struct past *p)
{
    uint32_t i, n = 0;

    for (i = 0; i < TRAILS; i++)
        n += p->trails.of[i].name[0] != '\0';
    return n;
}

static const struct lay_trail *trail(const struct past *p, const char *name)
{
    uint32_t i;

    for (i = 0; i < TRAILS; i++)
        if (strcmp(p->trails.of[i].name, name) == 0)
            return &p->trails.of[i];
    return NULL;
}

/* NAME's step of T, if it has one. */
static struct lay_trail_step step(const struct past *p, const char *name,
                                  uint32_t ring, int64_t t)
{
    const struct history_ring *r = &history_rings[ring];
    const struct lay_trail *found = trail(p, name);
    struct lay_trail_step s = {0, 0, 0, 0, 0};

    if (found != NULL)
        s = found->steps[rings_place(r, t)];
    if (s.when != trails_when(r, t))
        s = (struct lay_trail_step){0, 0, 0, 0, 0};
    return s;
}

/* All that a ring knows of NAME; whatever cannot be there is not counted. */
static uint64_t sends(const struct past *p, const char *name, uint32_t ring)
{
    const struct history_ring *r = &history_rings[ring];
    const struct lay_trail *found = trail(p, name);
    uint64_t n = 0;
    uint32_t i;
    int64_t t;

    for (i = r->first; found != NULL && i < r->first + r->n; i++)
        if (trails_belongs(&found->steps[i], i, &t))
            n += found->steps[i].sends;
    return n;
}

/* ---- recording --------------------------------------------------------------- */

static void what_goes_out_is_in_all_three_rings_under_its_name(void)
{
    static const struct upstream_answer refused = {1, -1, -1, 0, 0},
                                        told = {0, 70, 9, 1, 1};
    struct past *p = empty();
    uint32_t r;

    at(p, T + 3661);
    send(p, 0, "one");
    send(p, 0, "one");
    send(p, 1, "two");
    trails_count(&p->trails, &p->history, NONE, "two", &refused);
    trails_count(&p->trails, &p->history, NONE, "one", &told);
    for (r = 0; r < HISTORY_RINGS; r++) {
        struct lay_trail_step one = step(p, "one", r, T + 3661),
                              two = step(p, "two", r, T + 3661);

        CU_ASSERT_EQUAL(one.sends, 2);
        CU_ASSERT_EQUAL(one.refused, 0);
        CU_ASSERT_EQUAL(one.tokens_in, 70);
        CU_ASSERT_EQUAL(one.tokens_out, 9);
        CU_ASSERT_EQUAL(two.sends, 1);
        CU_ASSERT_EQUAL(two.refused, 1);
        CU_ASSERT_EQUAL(two.tokens_in, 0);
    }
    CU_ASSERT_EQUAL(p->trails.first_s, T + 3661);
    CU_ASSERT_EQUAL(names(p), 2);
    free(p);
}

/* Hours hold all of three days, minutes and seconds the last of it. */
static void sums_are_the_rings_own(void)
{
    static const char *const name[] = {"one", "two", "three"};
    struct past *p = empty();
    uint64_t all[3] = {0, 0, 0};
    int64_t t = T, end = T + 3 * 86400;
    uint32_t i;

    for (; t < end; t += 1 + lab_random(200)) {
        uint32_t k = lab_random(4);

        at(p, t);
        for (; k > 0; k--) {
            i = lab_random(3);
            send(p, i, name[i]);
            all[i]++;
        }
    }
    for (i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(sends(p, name[i], 2), all[i]);
        CU_ASSERT_TRUE(sends(p, name[i], 1) < all[i]);
        CU_ASSERT_TRUE(sends(p, name[i], 1) > all[i] / 2);
    }
    for (t = T; t < end; t += 3600)
        CU_ASSERT_EQUAL(
            p->history.moments[rings_place(&history_rings[2], t)].sends,
            step(p, "one", 2, t).sends + step(p, "two", 2, t).sends +
                step(p, "three", 2, t).sends);
    free(p);
}

static void an_end_is_no_beginning(void)
{
    static const struct upstream_answer most = {0, INT64_C(1) << 40, UINT32_MAX,
                                                0, 0};
    struct past *p = empty();
    int i;

    at(p, T);
    for (i = 0; i < 2; i++)
        trails_count(&p->trails, &p->history, NONE, "one", &most);
    CU_ASSERT_EQUAL(step(p, "one", 0, T).tokens_in, UINT32_MAX);
    CU_ASSERT_EQUAL(step(p, "one", 0, T).tokens_out, UINT32_MAX);
    free(p);
}

/* A clock that shows nothing, and one that is behind what is kept. */
static void what_the_rings_do_not_keep_is_not_kept(void)
{
    struct past *p = empty();

    at(p, 5);
    send(p, 0, "one");
    CU_ASSERT_EQUAL(names(p), 0);
    at(p, T);
    send(p, 0, "one");
    at(p, T - INT64_C(9600) * 3600); /* at the same place in each ring */
    send(p, 0, "one");
    CU_ASSERT_EQUAL(sends(p, "one", 0), 1);
    CU_ASSERT_EQUAL(sends(p, "one", 2), 1);
    CU_ASSERT_EQUAL(step(p, "one", 2, T).sends, 1);
    at(p, T + 1);
    send(p, 0, "one");
    CU_ASSERT_EQUAL(step(p, "one", 2, T).sends, 2);
    free(p);
}

/* ---- names ----------------------------------------------------------------------- */

static void a_name_keeps_its_past_wherever_its_row_is(void)
{
    struct past *p = empty();

    at(p, T);
    send(p, 0, "one");
    send(p, 1, "two");
    at(p, T + 1);
    send(p, 1, "one"); /* they were listed the other way round */
    send(p, 0, "two");
    send(p, 0, "renamed");
    send(p, NONE, "one");
    CU_ASSERT_EQUAL(step(p, "one", 1, T).sends, 3);
    CU_ASSERT_EQUAL(step(p, "two", 1, T).sends, 2);
    CU_ASSERT_EQUAL(step(p, "two", 0, T).sends, 1);
    CU_ASSERT_EQUAL(step(p, "renamed", 1, T).sends, 1);
    send(p, 2, "");
    CU_ASSERT_EQUAL(names(p), 3);
    at(p, 5); /* no time: the row is another's meanwhile */
    send(p, 1, "three");
    at(p, T + 2);
    send(p, 1, "three");
    CU_ASSERT_EQUAL(step(p, "one", 1, T).sends, 3);
    CU_ASSERT_EQUAL(step(p, "three", 1, T).sends, 1);
    free(p);
}

/* And what was under it counts for nobody else. */
static void the_name_that_was_used_last_the_longest_time_ago_goes(void)
{
    char name[TRAIL_NAME_SIZE];
    struct past *p = empty();
    uint32_t i;

    for (i = 0; i < TRAILS; i++) {
        at(p, T + i);
        (void)snprintf(name, sizeof(name), "name-%u", i);
        send(p, i, name);
    }
    send(p, 0, "name-0"); /* it is of use again */
    send(p, 1, "another");
    CU_ASSERT_EQUAL(names(p), TRAILS);
    CU_ASSERT_PTR_NULL(trail(p, "name-1"));
    CU_ASSERT_EQUAL(sends(p, "another", 2), 1);
    CU_ASSERT_EQUAL(sends(p, "name-0", 2), 2);
    CU_ASSERT_EQUAL(sends(p, "name-2", 2), 1);
    send(p, 1, "name-1"); /* back, it begins anew */
    CU_ASSERT_EQUAL(sends(p, "name-1", 2), 1);
    free(p);
}

/* Killed while a trail was given away: its name is gone, its steps are not. */
static void half_a_trail_is_cleared(void)
{
    struct past *p = empty();

    at(p, T);
    send(p, 0, "one");
    p->trails.of[0].name[0] = '\0';
    trails_rebuild(&p->trails);
    at(p, T + 1);
    send(p, 0, "another");
    CU_ASSERT_PTR_EQUAL(trail(p, "another"), &p->trails.of[0]);
    CU_ASSERT_EQUAL(sends(p, "another", 0), 1);
    CU_ASSERT_EQUAL(sends(p, "another", 2), 1);
    free(p);
}

static void only_what_settings_may_call_an_upstream_is_a_name(void)
{
    static const struct {
        const char name[TRAIL_NAME_SIZE + 1];
        bool is;
    } rows[] = {
        {"nim", true},  {"nim-2", true},
        {"a_9", true},  {"abcdefghijklmnopqrstuvwxyz01234", true},
        {"", false},    {"Nim", false},
        {"a b", false}, {"a\n", false},
        {"<b>", false}, {"abcdefghijklmnopqrstuvwxyz012345", false},
    };
    size_t i;

    struct past *p = empty();

    at(p, T);
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_EQUAL(trails_is_name(rows[i].name), rows[i].is);
        trails_sent(&p->trails, &p->history, 0, rows[i].name, false);
        CU_ASSERT_EQUAL(p->trails.of_row[0] != 0, rows[i].is);
    }
    CU_ASSERT_EQUAL(names(p), 4); /* those that are */
    free(p);
}

/* ---- from the disk --------------------------------------------------------------- */

static struct trail_item item_of(const char *name, uint32_t ring, int64_t t,
                                 uint32_t n)
{
    struct trail_item item;

    memset(&item, 0, sizeof(item));
    (void)snprintf(item.name, sizeof(item.name), "%s", name);
    item.place = rings_place(&history_rings[ring], t);
    item.step.when = trails_when(&history_rings[ring], t);
    item.step.sends = n;
    return item;
}

static void what_is_filled_is_added(void)
{
    struct past *p = empty();
    struct trail_item item;

    at(p, T + 7200);
    send(p, 0, "one");
    item = item_of("one", 2, T + 7200, 5); /* the hour under way */
    trails_fill(&p->trails, &p->history, &item);
    item = item_of("one", 2, T, 3);
    trails_fill(&p->trails, &p->history, &item);
    item = item_of("gone", 2, T, 4);
    trails_fill(&p->trails, &p->history, &item);
    CU_ASSERT_EQUAL(step(p, "one", 2, T + 7200).sends, 6);
    CU_ASSERT_EQUAL(step(p, "one", 2, T).sends, 3);
    CU_ASSERT_EQUAL(step(p, "gone", 2, T).sends, 4);
    CU_ASSERT_EQUAL(p->trails.first_s, T);
    send(p, 0, "one");
    CU_ASSERT_EQUAL(step(p, "one", 2, T + 7200).sends, 7);
    free(p);
}

static void what_cannot_be_is_not_filled(void)
{
    struct past *p = empty();
    struct trail_item item = item_of("one", 0, T - 600, 5);
    char name[TRAIL_NAME_SIZE];
    uint32_t i;

    at(p, T);
    trails_fill(&p->trails, &p->history, &item); /* a newer second is there */
    item = item_of("one", 0, T - 1, 5);
    item.place++;
    trails_fill(&p->trails, &p->history, &item);
    item.place = HISTORY_ALL;
    trails_fill(&p->trails, &p->history, &item);
    item = item_of("<script>", 0, T - 1, 5);
    trails_fill(&p->trails, &p->history, &item);
    CU_ASSERT_EQUAL(names(p), 0);
    for (i = 0; i < TRAILS; i++) {
        (void)snprintf(name, sizeof(name), "now-%u", i);
        send(p, i, name);
    }
    item = item_of("long-ago", 2, T - 7200, 5);
    trails_fill(&p->trails, &p->history, &item); /* pushes out nobody */
    CU_ASSERT_PTR_NULL(trail(p, "long-ago"));
    free(p);
}

/* ---- noise ------------------------------------------------------------------------ */

static void scatter(struct past *p)
{
    size_t of = lab_random(TRAILS), i;
    unsigned char *bytes = (unsigned char *)&p->trails;

    for (i = 0; i < offsetof(struct lay_trails, of); i++)
        bytes[i] = (unsigned char)lab_random(256);
    bytes = (unsigned char *)&p->trails.of[of];
    for (i = 0; i < 40000; i++)
        bytes[i] = (unsigned char)lab_random(256);
    memcpy(p->trails.of[lab_random(TRAILS)].name, "one", 4); /* a twin */
}

static void noise_in_it_hurts_no_one(void)
{
    struct past *p = empty();
    uint32_t round, i, k;

    for (round = 0; round < 50; round++) {
        scatter(p);
        at(p, T + round);
        send(p, lab_random(20), "one"); /* nobody has looked at it yet */
        trails_rebuild(&p->trails);
        for (i = 0; i < TRAILS; i++)
            for (k = 0; k < TRAILS; k++)
                CU_ASSERT_TRUE(
                    i == k || p->trails.of[i].name[0] == '\0' ||
                    strcmp(p->trails.of[i].name, p->trails.of[k].name) != 0);
        at(p, T + 1000 + round); /* where nothing was */
        send(p, 0, "fresh");
        send(p, 1, "other");
        CU_ASSERT_TRUE(step(p, "fresh", 0, T + 1000 + round).sends >= 1);
        CU_ASSERT_TRUE(trails_is_name(trail(p, "other")->name));
    }
    free(p);
}

static const struct unit_test tests[] = {
    {"what goes out is in all three rings under its name",
     what_goes_out_is_in_all_three_rings_under_its_name},
    {"sums are the rings' own", sums_are_the_rings_own},
    {"an end is no beginning", an_end_is_no_beginning},
    {"what the rings do not keep is not kept",
     what_the_rings_do_not_keep_is_not_kept},
    {"a name keeps its past wherever its row is",
     a_name_keeps_its_past_wherever_its_row_is},
    {"the name that was used last the longest time ago goes",
     the_name_that_was_used_last_the_longest_time_ago_goes},
    {"half a trail is cleared", half_a_trail_is_cleared},
    {"only what settings may call an upstream is a name",
     only_what_settings_may_call_an_upstream_is_a_name},
    {"what is filled is added", what_is_filled_is_added},
    {"what cannot be is not filled", what_cannot_be_is_not_filled},
    {"noise in it hurts no one", noise_in_it_hurts_no_one},
    {NULL, NULL},
};

CU_ErrorCode test_trails_add(void)
{
    return unit_add("trails", tests);
}
