/* Requests that weigh more than 1, from the log to the forecast, and the log of
 * tokens.
 * What weighs 1 is in test_window.c, test_admit.c and test_quota.c. */
#include <string.h>

#include "lab.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/policy/admit.h"
#include "state/policy/naming.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/window.h"

/* ---- the log against an array ------------------------------------------- */

#define MODEL_MAX 3000

struct model {
    int64_t t[MODEL_MAX];
    uint32_t w[MODEL_MAX], tokens[MODEL_MAX];
    uint32_t first, end;
};

/* Of what each took of the one or the other. */
static uint64_t model_after(const struct model *m, const uint32_t *took,
                            int64_t horizon)
{
    uint64_t sum = 0;
    uint32_t i;

    for (i = m->first; i < m->end; i++)
        sum += m->t[i] > horizon ? took[i] : 0;
    return sum;
}

/* The time of the send with which so MUCH has gone; 0: there is less. */
static int64_t model_frees(const struct model *m, const uint32_t *took,
                           uint64_t much)
{
    uint64_t sum = 0;
    uint32_t i;

    for (i = m->first; i < m->end; i++) {
        sum += took[i];
        if (sum >= much)
            return m->t[i];
    }
    return 0;
}

static void check_log(struct layout *lay, const struct model *m, int64_t now)
{
    uint64_t all = model_after(m, m->w, 0), weight = 1 + lab_random(40);
    int64_t sent = 0, horizon = now - (int64_t)lab_random(400);
    struct window_walk walk;

    CU_ASSERT_EQUAL_FATAL(lay->scopes[1].window.n, m->end - m->first);
    CU_ASSERT_EQUAL_FATAL(lay->scopes[1].window.weight, all);
    CU_ASSERT_EQUAL(window_frees(lay, 1, weight, &sent), weight <= all);
    CU_ASSERT_EQUAL(sent, model_frees(m, m->w, weight));
    CU_ASSERT_EQUAL(window_weight_after(lay, 1, horizon),
                    model_after(m, m->w, horizon));
    window_walk_begin(lay, 1, &walk);
    for (weight = 1; weight <= all; weight += 1 + lab_random(9)) {
        CU_ASSERT_TRUE(window_walk_to(lay, &walk, weight));
        CU_ASSERT_EQUAL(walk.sent_ns, model_frees(m, m->w, weight));
    }
    CU_ASSERT_FALSE(window_walk_to(lay, &walk, all + 1));
}

static void check_tokens(struct layout *lay, const struct model *m, int64_t now)
{
    uint64_t all = model_after(m, m->tokens, 0), some = 1 + lab_random(4000);
    int64_t sent = 0, horizon = now - (int64_t)lab_random(400);

    CU_ASSERT_EQUAL_FATAL(lay->scopes[1].window.tokens, all);
    CU_ASSERT_EQUAL(window_frees_tokens(lay, 1, some, &sent), some <= all);
    CU_ASSERT_EQUAL(sent, model_frees(m, m->tokens, some));
    CU_ASSERT_EQUAL(window_tokens_after(lay, 1, horizon),
                    model_after(m, m->tokens, horizon));
}

/* One of them, where it is now, took something else. */
static void settle_one(struct layout *lay, struct model *m,
                       const struct lay_place *places)
{
    uint32_t i = lab_random(m->end), tokens = lab_random(300);

    CU_ASSERT_EQUAL(window_settle(lay, 1, &places[i], m->tokens[i], tokens),
                    i >= m->first);
    m->tokens[i] = tokens;
}

static void weights_agree_with_an_array(void)
{
    struct layout *lay = lab_new();
    struct model *m = calloc(1, sizeof(*m));
    struct lay_place *places = calloc(MODEL_MAX, sizeof(*places));
    int64_t now = LAB_T0;
    int i;

    CHECK(m != NULL && places != NULL);
    for (i = 0; i < 4000 && m->end < MODEL_MAX; i++) {
        now += lab_random(3);
        lay->live.now_ns = now;
        if (lab_random(10) < 7) {
            /* Sometimes none but ones: then it is an array. */
            uint32_t w = i < 1500 ? 1 : 1 + lab_random(7);

            m->tokens[m->end] = lab_random(300);
            places[m->end] = window_push(
                lay, 1, now, (struct take){w, m->tokens[m->end]}, 1);
            m->t[m->end] = now;
            m->w[m->end++] = w;
        } else if (lab_random(4) == 0) {
            window_expire(lay, 1, now - 200);
            while (m->first < m->end && m->t[m->first] <= now - 200)
                m->first++;
        }
        if (m->end > 0 && i % 3 == 0)
            settle_one(lay, m, places);
        if (i % 7 == 0)
            check_log(lay, m, now);
        if (i % 7 == 0)
            check_tokens(lay, m, now);
        if (i % 500 == 0)
            repair_run(lay, now);
    }
    lab_recount(lay);
    free(places);
    free(m);
    free(lay);
}

static void rebuild(void *lay)
{
    window_rebuild(lay);
}

static void a_weight_that_nobody_wrote_is_damage(void)
{
    struct layout *lay = lab_new();
    const char *what = NULL;

    window_push(lay, 0, LAB_T0, (struct take){3, 0}, 1);
    lay->chunks[lay->scopes[0].window.first].weight[0] = 0;
    CU_ASSERT_EQUAL(sigbus_run(rebuild, lay, &what), GUARD_DAMAGED);
    free(lay);
}

/* ---- exact, and true --------------------------------------------------------- */

#define SENDS 300

struct run {
    struct layout *lay;
    int64_t t[SENDS];
    uint32_t w[SENDS];
    uint32_t n;
};

/* In any window no more than the limit, counted from the sends alone. */
static void check_run(const struct run *r, uint32_t limit, int64_t span)
{
    uint32_t i, k, sum;

    for (i = 0; i < r->n; i++) {
        for (k = sum = 0; k <= i; k++)
            sum += r->t[k] > r->t[i] - span ? r->w[k] : 0;
        CU_ASSERT_TRUE(sum <= limit);
    }
}

static void send(struct run *r, uint32_t weight, int64_t now)
{
    uint32_t row = lab_join_heavy(r->lay, "c", weight, now);

    r->lay->live.now_ns = now;
    row_grant(r->lay, row, now);
    CU_ASSERT_TRUE(row_sent(r->lay, row, now));
    row_leave(r->lay, row);
    r->t[r->n] = now;
    r->w[r->n++] = weight;
}

static void random_rules(struct lay_rules *u)
{
    u->window_ns = 100 + lab_random(500);
    u->margin_ns = lab_random(50);
    u->requests = 5 + lab_random(30);
    u->burst =
        lab_random(3) == 0 ? 5 + lab_random(u->requests - 4) : u->requests;
    u->min_gap_ns = lab_random(4) == 0 ? lab_random(60) : 0;
}

/* The first time from NOW at which one of WEIGHT may go. */
static int64_t wait_for(struct layout *lay, uint32_t weight, int64_t now)
{
    int64_t when;

    admit_refresh(lay, 0, now);
    while (!admit_now(lay, 0, (struct take){weight, 0}, now, &when)) {
        CU_ASSERT_TRUE_FATAL(when > now && when != NEVER);
        now = lay->live.now_ns = when;
        admit_refresh(lay, 0, now);
    }
    return now;
}

/* Twelve that wait: each goes as it was foretold.  When the last has gone. */
static int64_t foretell_and_send(struct run *r, int64_t now)
{
    struct take w[12];
    uint32_t k;
    int64_t eta[12];

    for (k = 0; k < ARRAY_LEN(w); k++)
        w[k] = (struct take){1 + lab_random(5), 0};
    admit_refresh(r->lay, 0, now);
    admit_etas(r->lay, 0, w, ARRAY_LEN(w), now, eta);
    for (k = 0; k < ARRAY_LEN(w); k++) {
        now = wait_for(r->lay, w[k].weight, now);
        CU_ASSERT_EQUAL(eta[k], now);
        send(r, w[k].weight, now);
    }
    return now;
}

static void no_window_weighs_more_and_the_etas_are_when_they_go(void)
{
    struct run r = {.lay = lab_new()};
    struct lay_rules *u = &r.lay->rules[0];
    uint32_t round, i;
    int64_t now;

    for (round = 0; round < 400; round++) {
        random_rules(u);
        r.n = 0;
        now = r.lay->live.now_ns + 2000;
        for (i = 0; i < 8; i++) {
            r.lay->live.now_ns = now;
            now = foretell_and_send(&r, now) + lab_random(300);
        }
        check_run(&r, u->requests, u->window_ns + u->margin_ns);
    }
    free(r.lay);
}

static bool may(struct layout *lay, uint32_t weight, int64_t now, int64_t *when)
{
    return admit_now(lay, 0, (struct take){weight, 0}, now, when);
}

static void what_is_heavier_than_what_is_left_waits(void)
{
    struct run r = {.lay = lab_new()};
    int64_t when;

    r.lay->rules[0] = lab_lay_rules(10, 60, 0);
    send(&r, 4, LAB_T0);
    send(&r, 3, LAB_T0 + NS_PER_S);
    CU_ASSERT_TRUE(may(r.lay, 3, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_FALSE(may(r.lay, 4, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 60 * NS_PER_S);
    CU_ASSERT_FALSE(may(r.lay, 8, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 61 * NS_PER_S);
    CU_ASSERT_EQUAL(admit_used(r.lay, 0, LAB_T0 + NS_PER_S), 7);
    /* Heavier than all there is: never, whoever lets it join. */
    CU_ASSERT_FALSE(may(r.lay, 11, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, NEVER);
    free(r.lay);
}

static void what_is_open_weighs_as_if_it_were_sent(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join_heavy(lay, "c", 9, LAB_T0);
    int64_t when;

    lay->rules[0] = lab_lay_rules(10, 60, 0);
    row_offer(lay, row, LAB_T0);
    CU_ASSERT_TRUE(may(lay, 1, LAB_T0, &when));
    CU_ASSERT_FALSE(may(lay, 2, LAB_T0, &when));
    CU_ASSERT_EQUAL(when, NEVER); /* a write must come first */
    lab_recount(lay);
    row_leave(lay, row);
    CU_ASSERT_TRUE(may(lay, 10, LAB_T0, &when));
    lab_is_settled(lay);
    free(lay);
}

/* ---- a client's own limit ------------------------------------------------------- */

static void a_clients_limit_adds_up_weights(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct row_join j = {.req = &req, .weight = 6};
    uint32_t row = NONE, client;

    lay->rules[0] = lab_lay_rules(100, 60, 0);
    lay->live.quota_span_ns = QUOTA_MINUTE_NS;
    req.requests_per_min = 10;
    CU_ASSERT_EQUAL(row_join(lay, &j, LAB_T0, &row), REFUSED_NOT);
    client = lay->rows[row].client;
    row_grant(lay, row, LAB_T0);
    CU_ASSERT_EQUAL(quota_used(lay, client, LAB_T0), 6);
    CU_ASSERT_FALSE(quota_blocks(lay, client, (struct take){4, 0}, LAB_T0));
    CU_ASSERT_TRUE(quota_blocks(lay, client, (struct take){5, 0}, LAB_T0));
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
    CU_ASSERT_EQUAL(quota_room(lay, client, LAB_T0).weight, 4);
    CU_ASSERT_EQUAL(quota_eta(lay, client, (struct quota_sum){4, 0}, LAB_T0),
                    LAB_T0);
    CU_ASSERT_EQUAL(quota_eta(lay, client, (struct quota_sum){5, 0}, LAB_T0),
                    LAB_T0 + QUOTA_MINUTE_NS);
    /* It is in line: more than may go, so somebody has to look. */
    lay->live.limited = 0;
    CU_ASSERT_EQUAL(row_join(lay, &j, LAB_T0, &row), REFUSED_NOT);
    CU_ASSERT_TRUE(lay->live.limited > 0);
    CU_ASSERT_TRUE(quota_blocks(lay, client, (struct take){6, 0}, LAB_T0));
    lab_recount(lay);
    free(lay);
}

static const struct unit_test tests[] = {
    {"weights agree with an array", weights_agree_with_an_array},
    {"a weight that nobody wrote is damage",
     a_weight_that_nobody_wrote_is_damage},
    {"no window weighs more, and the ETAs are when they go",
     no_window_weighs_more_and_the_etas_are_when_they_go},
    {"what is heavier than what is left waits",
     what_is_heavier_than_what_is_left_waits},
    {"what is open weighs as if it were sent",
     what_is_open_weighs_as_if_it_were_sent},
    {"a client's limit adds up weights", a_clients_limit_adds_up_weights},
    {NULL, NULL},
};

CU_ErrorCode test_weight_add(void)
{
    return unit_add("weight", tests);
}
