/*
 * snapshot.c - what does the whole of it look like?
 *
 * Lists are cut to what a page can show, and to half of that, again and again,
 * until all fits into its bound; `more` tells how many are left out.
 */
#include "fcgi/pages/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/fields.h"
#include "fcgi/pages/pieces.h"
#include "fcgi/pages/store_piece.h"
#include "state/view_cause.h"

/* ---- lists --------------------------------------------------------------- */

static int compare_busy(uint64_t a, uint64_t b, int64_t last_a, int64_t last_b)
{
    if (a != b)
        return a > b ? -1 : 1;
    return last_a > last_b ? -1 : last_a < last_b;
}

static int compare_models(const void *pa, const void *pb)
{
    const struct view_model *a = pa, *b = pb;
    bool benched_a = a->bench.ends_ns >= 0, benched_b = b->bench.ends_ns >= 0;

    if (benched_a != benched_b)
        return benched_a ? -1 : 1; /* whoever looks, looks for that */
    return compare_busy((uint64_t)a->waiting + a->in_flight,
                        (uint64_t)b->waiting + b->in_flight,
                        a->figures.last_at_ms, b->figures.last_at_ms);
}

static int compare_clients(const void *pa, const void *pb)
{
    const struct view_client *a = pa, *b = pb;

    return compare_busy((uint64_t)a->waiting + a->in_flight,
                        (uint64_t)b->waiting + b->in_flight,
                        a->figures.last_at_ms, b->figures.last_at_ms);
}

/* Returns how many were left out. */
static uint32_t put_rows(struct buf *b, const struct limiter_view *v,
                         bool waiting, uint32_t max)
{
    uint32_t i, n = 0;

    buf_str(b, "[");
    for (i = 0; i < v->n_rows; i++) {
        if (v->rows[i].waiting != waiting || n++ >= max)
            continue;
        buf_str(b, n > 1 ? "," : "");
        piece_row(b, v, &v->rows[i]);
    }
    buf_str(b, "]");
    return n > max ? n - max : 0;
}

typedef void item_fn(struct buf *b, const struct limiter_view *v, uint32_t i);

/* At most MAX of N.  Returns how many were left out. */
static uint32_t put_list(struct buf *b, const struct limiter_view *v,
                         item_fn *item, uint32_t n, uint32_t max)
{
    uint32_t i;

    buf_str(b, "[");
    for (i = 0; i < n && i < max; i++) {
        buf_str(b, i > 0 ? "," : "");
        item(b, v, i);
    }
    buf_str(b, "]");
    return n - i;
}

static void put_model(struct buf *b, const struct limiter_view *v, uint32_t i)
{
    piece_model(b, v, &v->models[i]);
}

static void put_client(struct buf *b, const struct limiter_view *v, uint32_t i)
{
    piece_client(b, &v->clients[i]);
}

static void put_recent(struct buf *b, const struct limiter_view *v, uint32_t i)
{
    piece_recent(b, &v->recent[i]);
}

static void put_worker(struct buf *b, const struct limiter_view *v, uint32_t i)
{
    piece_worker(b, &v->workers[i]);
}

/* Limits are not cut to MAX: where each model has one, 256 matter. */
static void put_limits(struct buf *b, const struct limiter_view *v,
                       const struct config *cfg, uint32_t max)
{
    uint32_t i;

    buf_str(b, "[");
    for (i = 0; i < v->n_scopes && i < 4 * max; i++) {
        buf_str(b, i > 0 ? "," : "");
        piece_limit(b, v, cfg, &v->scopes[i], 10 * max);
    }
    buf_str(b, "]");
}

/* The names that stand for models, as they are set. */
static void put_aliases(struct buf *b, const struct config *cfg, uint32_t max)
{
    if (cfg == NULL)
        buf_str(b, "{}");
    else
        aliases_put(b, cfg->aliases,
                    cfg->n_aliases < max ? cfg->n_aliases : max);
}

/* Those that wait, by what they wait for. */
static void put_causes(struct buf *b, const struct limiter_view *v,
                       uint32_t max)
{
    struct view_group groups[VIEW_GROUPS];
    uint32_t n = view_causes(v, groups, VIEW_GROUPS), i;

    buf_str(b, "[");
    for (i = 0; i < n && i < max; i++) {
        buf_str(b, i > 0 ? "," : "");
        piece_group(b, v, &groups[i]);
    }
    buf_str(b, "]");
}

/* ---- sums ------------------------------------------------------------------- */

static void put_queue_sums(struct buf *b, const struct limiter_view *v)
{
    uint32_t waiting[LIMITER_CLASSES] = {0}, n = 0, i;
    int64_t oldest[LIMITER_CLASSES] = {-1, -1, -1}, all = -1;

    for (i = 0; i < v->n_rows; i++) {
        const struct view_row *r = &v->rows[i];

        if (!r->waiting)
            continue;
        n++;
        waiting[r->cls]++;
        oldest[r->cls] = max_i64(oldest[r->cls], r->age_ns);
        all = max_i64(all, r->age_ns);
    }
    buf_fmt(b,
            "{\"waiting\":%u,\"running\":%u,\"max\":%u,\"per_client\":%u,"
            "\"held_bytes\":%" PRIu64 ",\"max_bytes\":%" PRIu64 ",",
            n, v->n_rows - n, v->bounds.waiting, v->bounds.per_client,
            v->held_bytes, v->bounds.bytes);
    piece_seconds(b, "oldest_s", all);
    buf_str(b, ",\"classes\":{");
    for (i = 0; i < LIMITER_CLASSES; i++) {
        buf_fmt(b, "%s\"%s\":{\"waiting\":%u,", i > 0 ? "," : "",
                piece_class((enum limiter_class)i), waiting[i]);
        piece_seconds(b, "oldest_s", oldest[i]);
        buf_str(b, "}");
    }
    buf_str(b, "}}");
}

static void put_spent(struct buf *b, const struct limiter_view *v)
{
    buf_fmt(b, "{\"requests\":%" PRIu64 ",", v->requests);
    piece_seconds(b, "queue_s", v->queue_ns);
    buf_str(b, ",");
    piece_seconds(b, "first_byte_s", v->first_byte_ns);
    buf_str(b, ",");
    piece_seconds(b, "generation_s", v->generation_ns);
    buf_str(b, "}");
}

/* Lists of at most MAX, and the rest in proportion. */
static void put(struct buf *b, const struct limiter_view *v,
                const struct config *cfg, int64_t time_ms, uint32_t max)
{
    uint32_t models, clients, waiting, running;
    struct view_verdict verdict;

    buf_fmt(b, "{\"version\":\"%s\",\"time\":%.3f,", SLUICE_VERSION,
            (double)time_ms / 1e3);
    piece_seconds(b, "uptime", v->uptime_ns);
    buf_fmt(b, ",\"snapshot\":{\"builds\":%" PRIu64 ",\"viewers\":%u}",
            v->builds + 1, v->viewers);
    buf_str(b, ",\"paused\":");
    piece_pause(b, v);
    buf_str(b, ",\"queue\":");
    put_queue_sums(b, v);
    view_verdict(v, time_ms, &verdict);
    buf_str(b, ",\"verdict\":");
    piece_verdict(b, &verdict);
    buf_str(b, ",\"waiting_by_cause\":");
    put_causes(b, v, max);
    buf_str(b, ",\"limits\":");
    put_limits(b, v, cfg, max);
    buf_str(b, ",\"models\":");
    models = put_list(b, v, put_model, v->n_models, max);
    buf_str(b, ",\"aliases\":");
    put_aliases(b, cfg, max);
    buf_str(b, ",\"clients\":");
    clients = put_list(b, v, put_client, v->n_clients, max);
    buf_str(b, ",\"spent\":");
    put_spent(b, v);
    buf_str(b, ",\"waiting\":");
    waiting = put_rows(b, v, true, max);
    buf_str(b, ",\"running\":");
    running = put_rows(b, v, false, max);
    buf_str(b, ",\"recent\":");
    (void)put_list(b, v, put_recent, v->n_recent, max);
    buf_str(b, ",\"workers\":");
    (void)put_list(b, v, put_worker, v->n_workers, 4 * max);
    buf_str(b, ",\"shared\":");
    piece_store(b, v, cfg);
    buf_str(b, ",\"counters\":");
    piece_counters(b, v);
    buf_fmt(b,
            ",\"more\":{\"models\":%u,\"clients\":%u,\"waiting\":%u,"
            "\"running\":%u}}",
            models, clients, waiting, running);
}

void snapshot_put(struct buf *b, struct limiter_view *v,
                  const struct config *cfg, int64_t time_ms, size_t max)
{
    uint32_t lists = SNAPSHOT_LIST;
    size_t before = b->len;

    qsort(v->models, v->n_models, sizeof(*v->models), compare_models);
    qsort(v->clients, v->n_clients, sizeof(*v->clients), compare_clients);
    for (;; lists /= 2) {
        b->len = before;
        put(b, v, cfg, time_ms, lists);
        if (b->len - before <= max || lists == 0)
            break;
    }
}

void snapshot_put_queue(struct buf *b, const struct limiter_view *v)
{
    buf_str(b, "{\"waiting\":");
    (void)put_rows(b, v, true, UINT32_MAX);
    buf_str(b, ",\"running\":");
    (void)put_rows(b, v, false, UINT32_MAX);
    buf_str(b, "}\n");
}
