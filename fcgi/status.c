/*
 * status.c - who waits, who runs, and how full is the window?
 *
 * Times are seconds as numbers; null stands for "cannot be told".  No prompt
 * is in here: the state file has none.
 */
#include "status.h"

#include <inttypes.h>

#include "clock.h"
#include "exchange.h"

#define RETRY_NS    (3 * NS_PER_MS) /* the lock is held for microseconds */
#define PATIENCE_NS NS_PER_S

static const char *const class_names[LIMITER_CLASSES] = {"high", "normal",
                                                         "low"};

static const char *const state_names[RETREAT_STATES] = {
    "normal", "holding", "probing", "recovering"};

static void seconds(struct buf *b, const char *key, int64_t ns)
{
    buf_json(b, key);
    if (ns < 0)
        buf_str(b, ":null");
    else
        buf_fmt(b, ":%.3f", (double)ns / 1e9);
}

static void put_retreat(struct buf *b, const struct view_retreat *v)
{
    bool is_normal = v->state == RETREAT_NORMAL;

    buf_fmt(b, "{\"state\":\"%s\",\"reason\":", state_names[v->state]);
    buf_json(b, is_normal ? "" : v->reason);
    buf_str(b, ",");
    seconds(b, "age_s", v->age_ns);
    buf_str(b, ",");
    seconds(b, "ends_s", v->ends_ns);
    buf_fmt(b, ",\"streak\":%u,\"allowance\":%u}", v->streak, v->allowance);
}

/* null: it is on. */
static void put_bench(struct buf *b, const struct view_bench *v)
{
    if (v->ends_ns < 0) {
        buf_str(b, "null");
        return;
    }
    buf_fmt(b, "{\"status\":%u,\"reason\":", v->status);
    buf_json(b, v->reason);
    buf_str(b, ",");
    seconds(b, "ends_s", v->ends_ns);
    buf_fmt(b, ",\"streak\":%u}", v->streak);
}

static void put_scope(struct buf *b, const struct view_scope *v)
{
    uint32_t i;

    buf_str(b, "{\"name\":");
    buf_json(b, v->name);
    buf_fmt(b, ",\"requests\":%u,", v->rules.requests);
    seconds(b, "window_s", v->rules.window_ns);
    buf_str(b, ",");
    seconds(b, "margin_s", v->rules.margin_ns);
    buf_fmt(b,
            ",\"window_used\":%u,\"open\":%u,\"in_flight\":%u,"
            "\"burst\":%u,\"tokens\":%.3f,",
            v->used, v->open, v->in_flight, v->rules.burst,
            (double)v->tokens_milli / 1000);
    seconds(b, "next_slot_s", v->next_slot_ns);
    buf_str(b, ",");
    seconds(b, "eta_s", v->eta_ns);
    buf_str(b, ",\"waiting\":{");
    for (i = 0; i < LIMITER_CLASSES; i++)
        buf_fmt(b, "%s\"%s\":%u", i > 0 ? "," : "", class_names[i],
                v->waiting[i]);
    buf_str(b, "},\"retreat\":");
    put_retreat(b, &v->retreat);
    buf_str(b, ",\"unpaid\":");
    put_bench(b, &v->unpaid);
    buf_str(b, "}");
}

/* An upstream's own row comes before those of its models. */
static const char *upstream_name(const struct limiter_view *v, uint32_t which)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (v->scopes[i].upstream == which)
            return v->scopes[i].rules.name;
    return "";
}

static void put_model(struct buf *b, const struct limiter_view *v,
                      const struct view_model *m)
{
    buf_str(b, "{\"name\":");
    buf_json(b, m->name);
    buf_str(b, ",\"upstream\":");
    buf_json(b, upstream_name(v, m->upstream));
    buf_fmt(b, ",\"in_flight\":%u,\"waiting\":%u,\"ceiling\":%u,", m->in_flight,
            m->waiting, m->ceiling);
    seconds(b, "rest_s", m->rest_ns);
    buf_str(b, ",\"bench\":");
    put_bench(b, &m->bench);
    buf_str(b, "}");
}

static void put_models(struct buf *b, const struct limiter_view *v)
{
    uint32_t i;

    buf_str(b, "[");
    for (i = 0; i < v->n_models; i++) {
        buf_str(b, i > 0 ? ",\n" : "");
        put_model(b, v, &v->models[i]);
    }
    buf_str(b, "]");
}

/* {"NAME":COUNT,...}, without those that have no name. */
static void put_counts(struct buf *b, const char *const *names,
                       const uint64_t *counts, size_t n)
{
    const char *comma = "";
    size_t i;

    buf_str(b, "{");
    for (i = 0; i < n; i++) {
        if (names[i] == NULL)
            continue;
        buf_fmt(b, "%s\"%s\":%" PRIu64, comma, names[i], counts[i]);
        comma = ",";
    }
    buf_str(b, "}");
}

static void put_counters(struct buf *b, const struct limiter_counters *c)
{
    static const char *const refusals[REFUSALS] = {
        NULL,          "queue_full", "client_queue_full",
        "queue_bytes", "deadline",   "table_full",
        "state",       "model_off",  "upstream_held",
    };
    static const char *const answers[ANSWERS] = {"fine", "rate",   "busy",
                                                 "off",  "unpaid", "fault"};
    static const char *const holds[HOLD_CAUSES] = {"rate", "probe", "recovery",
                                                   "unpaid"};

    buf_fmt(b,
            "{\"joined\":%" PRIu64 ",\"granted\":%" PRIu64 ",\"sent\":%" PRIu64
            ",\"done\":%" PRIu64 ",\"left\":%" PRIu64 ",\"again\":%" PRIu64
            ",\"state_repairs\":%" PRIu64 ",\"state_recoveries\":%" PRIu64
            ",\"workers_swept\":%" PRIu64 ",\"offers_revoked\":%" PRIu64,
            c->joined, c->granted, c->sent, c->done, c->left, c->again,
            c->repairs, c->recoveries, c->swept, c->revoked);
    buf_fmt(b,
            ",\"probes\":%" PRIu64 ",\"retreats_over\":%" PRIu64
            ",\"benches\":%" PRIu64 ",\"ceilings_cut\":%" PRIu64
            ",\"holds_ended\":%" PRIu64,
            c->probes, c->retreats_over, c->benches, c->ceilings_cut,
            c->holds_ended);
    buf_str(b, ",\"answers\":");
    put_counts(b, answers, c->answers, ANSWERS);
    buf_str(b, ",\"holds\":");
    put_counts(b, holds, c->holds, HOLD_CAUSES);
    buf_str(b, ",\"refused\":");
    put_counts(b, refusals, c->refused, REFUSALS);
    buf_str(b, "}");
}

static void put_workers(struct buf *b, const struct limiter_view *v)
{
    uint32_t i;

    buf_str(b, "[");
    for (i = 0; i < v->n_workers; i++) {
        buf_fmt(b, "%s{\"pid\":%u,\"stalled\":%s,", i > 0 ? "," : "",
                v->workers[i].pid, v->workers[i].stalled ? "true" : "false");
        seconds(b, "age_s", v->workers[i].age_ns);
        buf_str(b, ",");
        seconds(b, "seen_s", v->workers[i].seen_ns);
        buf_str(b, "}");
    }
    buf_str(b, "]");
}

static void put_pause(struct buf *b, const struct limiter_view *v)
{
    if (v->paused_ns < 0) {
        buf_str(b, "null");
        return;
    }
    buf_str(b, "{");
    seconds(b, "since_s", v->paused_ns);
    buf_str(b, ",\"by\":");
    buf_json(b, v->paused_by);
    buf_str(b, "}");
}

static void put_status(struct buf *b, const struct limiter_view *v)
{
    uint32_t i, waiting = 0;

    for (i = 0; i < v->n_rows; i++)
        waiting += v->rows[i].waiting;
    buf_fmt(b, "{\"version\":\"%s\",", SLUICE_VERSION);
    seconds(b, "uptime", v->uptime_ns);
    buf_str(b, ",\"paused\":");
    put_pause(b, v);
    buf_fmt(b,
            ",\"queue\":{\"waiting\":%u,\"running\":%u,\"max\":%u,"
            "\"per_client\":%u,\"held_bytes\":%" PRIu64
            ",\"max_bytes\":%" PRIu64 "},\"limits\":[",
            waiting, v->n_rows - waiting, v->bounds.waiting,
            v->bounds.per_client, v->held_bytes, v->bounds.bytes);
    for (i = 0; i < v->n_scopes; i++) {
        buf_str(b, i > 0 ? "," : "");
        put_scope(b, &v->scopes[i]);
    }
    buf_str(b, "],\"models\":");
    put_models(b, v);
    buf_str(b, ",\"workers\":");
    put_workers(b, v);
    buf_str(b, ",\"counters\":");
    put_counters(b, &v->counters);
    buf_str(b, "}\n");
}

static void put_row(struct buf *b, const struct limiter_view *v,
                    const struct view_row *r)
{
    buf_str(b, "{\"id\":");
    buf_json(b, r->request_id);
    buf_str(b, ",\"client\":");
    buf_json(b, r->client);
    buf_str(b, ",\"model\":");
    buf_json(b, r->model);
    buf_str(b, ",\"limit\":");
    buf_json(b, v->scopes[r->scope].name);
    buf_fmt(b,
            ",\"priority\":\"%s\",\"stream\":%s,\"worker\":%u,"
            "\"body_bytes\":%" PRIu64 ",",
            class_names[r->cls], r->stream ? "true" : "false", r->pid,
            r->body_bytes);
    seconds(b, "age_s", r->age_ns);
    if (r->waiting) {
        buf_fmt(b, ",\"position\":%u,", r->position);
        seconds(b, "eta_s", r->eta_ns);
    }
    buf_str(b, "}");
}

static void put_rows(struct buf *b, const struct limiter_view *v, bool waiting)
{
    bool first = true;
    uint32_t i;

    buf_str(b, "[");
    for (i = 0; i < v->n_rows; i++) {
        if (v->rows[i].waiting != waiting)
            continue;
        buf_str(b, first ? "" : ",\n");
        put_row(b, v, &v->rows[i]);
        first = false;
    }
    buf_str(b, "]");
}

static void put_queue(struct buf *b, const struct limiter_view *v)
{
    buf_str(b, "{\"waiting\":");
    put_rows(b, v, true);
    buf_str(b, ",\"running\":");
    put_rows(b, v, false);
    buf_str(b, "}\n");
}

static int answer(struct exchange *x,
                  void (*put)(struct buf *b, const struct limiter_view *v))
{
    struct limiter_view view;
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    if (!limiter_view(x->s->lim, clock_now_ns(), &view)) {
        if (clock_now_ns() - x->req->arrived_ns < PATIENCE_NS) {
            loop_at(x->s->loop, &x->timer, clock_now_ns() + RETRY_NS);
            return STEP_ROUTE; /* somebody writes: asked again in a moment */
        }
        return exchange_fail(x, 503, "sluice_state", 1000, 1,
                             "The shared state is busy or unavailable; try "
                             "again.");
    }
    put(&b, &view);
    view_free(&view);
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}

int status_answer(struct exchange *x)
{
    return answer(x, put_status);
}

int queue_answer(struct exchange *x)
{
    return answer(x, put_queue);
}
