/*
 * repair.c - the last writer died half way: what is true?
 *
 * Slots (rows, flows, names, workers, chunks) are true once their first word
 * is stored.  Lists, counts and hash chains are thrown away and built anew.
 * One transition spans two slots: a write moves a send from its open row into
 * the log.  The log comes first and remembers for whom, so the row is told
 * here if its writer could not.  A client's own log comes even before that: the
 * row then stays open, and quota.c knows it when it is written again.  What is
 * changed as a whole has a draft, which is finished here (draft.c).
 */
#include "state/file/repair.h"

#include <stdbool.h>
#include <string.h>

#include "state/policy/affinity.h"
#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/policy/queue.h"
#include "state/policy/quota.h"
#include "state/policy/retry_priority.h"
#include "state/policy/row_count.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"
#include "state/policy/window.h"

/* Clocks of one boot agree to the nanosecond; a second allows for a reader
 * that was put to sleep between reading the clock and looking here. */
#define FUTURE_MAX NS_PER_S
#define UNSEEN_MAX (INT64_C(2) * 86400 * NS_PER_S) /* a window and its margin */
#define VALUE_MAX  (INT64_C(1) << 62) /* what honest arithmetic stays below */

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool is_past(int64_t t, int64_t now)
{
    return t >= 0 && t <= now + FUTURE_MAX;
}

/* The rules themselves are looked at wherever they are used. */
static void check_live(struct layout *lay, int64_t now)
{
    struct lay_live *l = &lay->live;
    uint32_t i;

    if (!is_past(l->now_ns, now) || !is_past(l->last_arrival, now) ||
        !is_past(l->service_start_ns, now))
        sigbus_damaged("a time in the future");
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        if (!is_past(l->lost_ns[i], now + FUTURE_MAX))
            sigbus_damaged("a time in the future");
        if (!is_past(l->scope_ns[i], now))
            l->scope_ns[i] = 0; /* anybody's word holds */
    }
}

static void check_scope(struct lay_scope *s, int64_t now)
{
    uint32_t i;

    s->open = s->in_flight = 0;
    s->open_weight = s->open_tokens = s->lined_tokens = 0;
    if (s->unseen > LAY_TOKENS_MAX || s->unseen_ns < 0 ||
        s->unseen_ns > now + UNSEEN_MAX)
        s->unseen = 0;
    /* A lost hold costs a refusal; the log of sends is what must not err. */
    if (!retreat_is_sane(&s->retreat, now))
        memset(&s->retreat, 0, sizeof(s->retreat));
    s->last_send_ns = is_past(s->last_send_ns, now) ? s->last_send_ns : now;
    s->bucket.at_ns = is_past(s->bucket.at_ns, now) ? s->bucket.at_ns : now;
    if (s->bucket.level < -VALUE_MAX || s->bucket.level > VALUE_MAX)
        s->bucket.level = 0;
    if (s->v > VALUE_MAX)
        sigbus_damaged("virtual time");
    for (i = 0; i < LIMITER_CLASSES; i++)
        if (s->cls[i].v > VALUE_MAX)
            sigbus_damaged("virtual time");
}

static void check_worker(struct lay_live *l, struct lay_worker *w, uint32_t i)
{
    w->offers = 0;
    if (!w->used)
        return;
    l->workers_high = i + 1;
    l->stalled += w->stalled != 0;
    if (!is_past(w->started_ns, l->now_ns))
        w->started_ns = l->now_ns;
    if (!is_past(w->seen_ns, l->now_ns))
        w->seen_ns = l->now_ns;
}

static void reset_counts(struct layout *lay)
{
    struct lay_live *l = &lay->live;
    uint32_t i;

    l->waiting = l->offered = l->open = l->running = l->stalled = 0;
    l->held_bytes = 0;
    l->free_row = NONE;
    l->rows_high = l->workers_high = 0;
    l->swept_ns = 0; /* who did not finish is dead: look for it */
    memset(l->retreating, 0, sizeof(l->retreating));
    for (i = 0; i < LAY_SCOPES; i++) {
        check_scope(&lay->scopes[i], l->now_ns);
        if (lay->scopes[i].retreat.state != RETREAT_NORMAL)
            l->retreating[i / 64] |= UINT64_C(1) << i % 64;
    }
    for (i = 0; i < LAY_WORKERS; i++)
        check_worker(l, &lay->workers[i], i);
}

static void check_row(struct layout *lay, struct lay_row *r, int64_t now)
{
    if (r->state > ROW_ASIDE || r->worker >= LAY_WORKERS ||
        r->scope >= LAY_SCOPES || r->cls >= LIMITER_CLASSES ||
        r->client >= LAY_CLIENTS || !lay->clients[r->client].used ||
        (r->model != NONE && r->model >= LAY_MODELS) || r->share == 0 ||
        r->weight == 0 || r->weight > LAY_WEIGHT_MAX)
        sigbus_damaged("row");
    if (!is_past(r->arrival, now) || !is_past(r->joined_ns, now) ||
        !is_past(r->changed_ns, now) || r->body_bytes > VALUE_MAX / LAY_ROWS)
        sigbus_damaged("row value");
    /* A row of nobody would stay for ever; a worker without a lock is swept. */
    lay->workers[r->worker].used = 1;
}

static void rebuild_row(struct layout *lay, uint32_t i, int64_t now)
{
    struct lay_row *r = &lay->rows[i];

    if (r->state == ROW_FREE)
        return;
    check_row(lay, r, now);
    wants_rebuild(lay, i);
    if (r->state != ROW_OPEN || !window_has_last(lay, r->scope, r->grant))
        return;
    tokens_found_sent(lay, i);
    __atomic_store_n(&r->state, ROW_SENT, __ATOMIC_RELEASE);
}

/* Torn, or noise: then it is found out anew. */
static void rebuild_own_keys(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (!own_key_is_sane(&lay->own_keys[i], now))
            own_key_forget(&lay->own_keys[i], 0);
}

void repair_run(struct layout *lay, int64_t now)
{
    uint32_t i;

    check_live(lay, now);
    draft_repair(lay);
    window_rebuild(lay);
    names_rebuild(lay);
    model_state_rebuild(lay, now);
    tokens_rebuild(lay);
    quota_rebuild(lay, now + 2 * FUTURE_MAX);
    reachability_rebuild(&lay->probe, now + FUTURE_MAX);
    rebuild_own_keys(lay, now + FUTURE_MAX);
    control_rebuild(&lay->control, now);
    retry_priority_rebuild(lay, now + FUTURE_MAX);
    affinity_rebuild(lay, now + FUTURE_MAX);
    for (i = 0; i < LAY_ROWS; i++)
        rebuild_row(lay, i, now);
    leases_rebuild(lay, now);
    reset_counts(lay);
    queue_rebuild(lay);
    for (i = LAY_ROWS; i-- > 0;) {
        if (lay->rows[i].state == ROW_FREE) {
            lay->rows[i].next = lay->live.free_row;
            lay->live.free_row = i;
            continue;
        }
        row_count(lay, i);
        lay->live.rows_high = max_u32(lay->live.rows_high, i + 1);
    }
    if (lay->live.quota_span_ns != 0)
        lay->live.limited += quota_count(lay);
}
