/* lab.c - a shared state in private memory, and what must hold in any. */
#include "lab.h"

#include <string.h>

#include "state/file/repair.h"
#include "state/policy/admit.h"
#include "state/policy/limits.h"
#include "state/policy/row.h"

struct layout *lab_new(void)
{
    struct layout *lay = calloc(1, sizeof(*lay));

    CHECK(lay != NULL);
    lay->live.now_ns = LAB_T0;
    lay->rules[0] = lab_lay_rules(4, 60, 0);
    lay->bounds = (struct lay_bounds){LAY_WAITERS, LAY_WAITERS, 1u << 30};
    repair_run(lay, LAB_T0);
    return lay;
}

struct stats_layout *lab_stats(void)
{
    struct stats_layout *st = calloc(1, sizeof(*st));

    CHECK(st != NULL);
    return st;
}

struct limiter_rules lab_rules(uint32_t requests, int64_t window_s,
                               int64_t margin_ms)
{
    return (struct limiter_rules){
        .name = "nim",
        .window_ns = window_s * NS_PER_S,
        .margin_ns = margin_ms * NS_PER_MS,
        .requests = requests,
        .burst = requests,
    };
}

struct lay_rules lab_lay_rules(uint32_t requests, int64_t window_s,
                               int64_t margin_ms)
{
    const struct limiter_rules rules = lab_rules(requests, window_s, margin_ms);
    struct lay_rules r;

    limits_take(&rules, &r);
    return r;
}

struct limiter_request lab_request(const char *client, enum limiter_class cls,
                                   uint32_t weight)
{
    return (struct limiter_request){
        .cls = cls,
        .weight = weight,
        .client = client,
        .model = "",
        .request_id = "r",
        .deadline_ns = NEVER,
    };
}

uint32_t lab_join(struct layout *lay, const char *client, int64_t now)
{
    return lab_join_heavy(lay, client, 1, now);
}

uint32_t lab_join_heavy(struct layout *lay, const char *client, uint32_t weight,
                        int64_t now)
{
    return lab_join_taking(lay, client, (struct take){weight, 0}, now);
}

uint32_t lab_join_taking(struct layout *lay, const char *client,
                         struct take what, int64_t now)
{
    struct limiter_request req = lab_request(client, CLASS_NORMAL, 1);
    struct row_join j = {.req = &req, .weight = what.weight};
    uint32_t row = NONE;

    req.max_tokens = what.tokens;

    CU_ASSERT_EQUAL_FATAL(row_join(lay, &j, now, &row), REFUSED_NOT);
    return row;
}

void lab_send(struct layout *lay, int64_t now)
{
    uint32_t row = lab_join(lay, "c", now);

    lay->live.now_ns = max_i64(lay->live.now_ns, now);
    row_grant(lay, row, now);
    CU_ASSERT_TRUE(row_sent(lay, row, now));
    row_leave(lay, row);
}

bool lab_may_send(struct layout *lay, int64_t now)
{
    int64_t when;

    admit_refresh(lay, 0, now);
    return admit_now(lay, 0, TAKE_ONE, now, &when);
}

/* ---- recounts ---------------------------------------------------------- */

/* What a repair derives is by definition what the slots say. */
void lab_recount(struct layout *lay)
{
    struct layout *again = malloc(sizeof(*again));
    uint32_t i, cls;

    CHECK(again != NULL);
    *again = *lay;
    repair_run(again, again->live.now_ns);
    CU_ASSERT_EQUAL(lay->live.waiting, again->live.waiting);
    CU_ASSERT_EQUAL(lay->live.offered, again->live.offered);
    CU_ASSERT_EQUAL(lay->live.open, again->live.open);
    CU_ASSERT_EQUAL(lay->live.stalled, again->live.stalled);
    CU_ASSERT_EQUAL(lay->live.held_bytes, again->live.held_bytes);
    CU_ASSERT_EQUAL(lay->live.rows_high, again->live.rows_high);
    CU_ASSERT_EQUAL(lay->live.free_chunks, again->live.free_chunks);
    for (i = 0; i < LAY_SCOPES; i++) {
        const struct lay_scope *a = &lay->scopes[i], *b = &again->scopes[i];

        CU_ASSERT_EQUAL(a->waiting, b->waiting);
        CU_ASSERT_EQUAL(a->kept, b->kept);
        CU_ASSERT_EQUAL(a->probed, b->probed);
        CU_ASSERT_EQUAL(a->open, b->open);
        CU_ASSERT_EQUAL(a->in_flight, b->in_flight);
        CU_ASSERT_EQUAL(a->window.n, b->window.n);
        CU_ASSERT_EQUAL(a->window.weight, b->window.weight);
        CU_ASSERT_EQUAL(a->open_weight, b->open_weight);
        CU_ASSERT_EQUAL(a->window.tokens, b->window.tokens);
        CU_ASSERT_EQUAL(a->open_tokens, b->open_tokens);
        CU_ASSERT_EQUAL(a->lined_tokens, b->lined_tokens);
        for (cls = 0; cls < LIMITER_CLASSES; cls++)
            CU_ASSERT_EQUAL(a->cls[cls].n, b->cls[cls].n);
    }
    for (i = 0; i < LAY_CLIENTS; i++) {
        CU_ASSERT_EQUAL(lay->clients[i].refs, again->clients[i].refs);
        CU_ASSERT_EQUAL(lay->clients[i].lined, again->clients[i].lined);
        CU_ASSERT_EQUAL(lay->quotas[i].open_weight,
                        again->quotas[i].open_weight);
        CU_ASSERT_EQUAL(lay->quotas[i].lined_weight,
                        again->quotas[i].lined_weight);
        CU_ASSERT_EQUAL(lay->quotas[i].open_tokens,
                        again->quotas[i].open_tokens);
        CU_ASSERT_EQUAL(lay->quotas[i].lined_tokens,
                        again->quotas[i].lined_tokens);
    }
    for (i = 0; i < LAY_MODELS; i++) {
        CU_ASSERT_EQUAL(lay->models[i].refs, again->models[i].refs);
        CU_ASSERT_EQUAL(lay->model_states[i].in_flight,
                        again->model_states[i].in_flight);
        CU_ASSERT_EQUAL(lay->model_states[i].waiting,
                        again->model_states[i].waiting);
        CU_ASSERT_EQUAL(lay->model_states[i].open, again->model_states[i].open);
        CU_ASSERT_EQUAL(lay->model_states[i].kept, again->model_states[i].kept);
        CU_ASSERT_EQUAL(lay->model_states[i].probed,
                        again->model_states[i].probed);
    }
    for (i = 0; i < ARRAY_LEN(lay->live.retreating); i++)
        CU_ASSERT_EQUAL(lay->live.retreating[i], again->live.retreating[i]);
    CU_ASSERT_TRUE(lay->live.limited >= again->live.limited);
    for (i = 0; i < LAY_WORKERS; i++)
        CU_ASSERT_EQUAL(lay->workers[i].offers, again->workers[i].offers);
    free(again);
}

void lab_is_settled(struct layout *lay)
{
    uint32_t i;

    lab_recount(lay);
    CU_ASSERT_EQUAL(lay->live.waiting, 0);
    CU_ASSERT_EQUAL(lay->live.offered, 0);
    CU_ASSERT_EQUAL(lay->live.open, 0);
    CU_ASSERT_EQUAL(lay->live.held_bytes, 0);
    CU_ASSERT_EQUAL(lay->live.rows_high, 0);
    for (i = 0; i < LAY_SCOPES; i++) {
        CU_ASSERT_EQUAL(lay->scopes[i].waiting, 0);
        CU_ASSERT_EQUAL(lay->scopes[i].open, 0);
        CU_ASSERT_EQUAL(lay->scopes[i].in_flight, 0);
    }
    for (i = 0; i < LAY_CLIENTS; i++)
        CU_ASSERT_EQUAL(lay->clients[i].refs, 0);
    for (i = 0; i < ARRAY_LEN(lay->live.active); i++)
        CU_ASSERT_EQUAL(lay->live.active[i], 0);
}

/* xorshift64*: good enough to shuffle a schedule. */
uint32_t lab_random(uint32_t n)
{
    static uint64_t x = 0x9e3779b97f4a7c15u;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    return (uint32_t)((x * 0x2545f4914f6cdd1du) >> 33) % n;
}
