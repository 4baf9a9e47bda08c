/*
 * pieces.c - how does one limit, model, client or request look in the snapshot?
 *
 * Times are seconds as numbers; null stands for "cannot be told".  No prompt
 * is in here: the state file has none.  No line breaks either: a snapshot is
 * one line, as a server-sent event wants it.
 */
#include "fcgi/pages/pieces.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/told.h"

const char *piece_class(enum limiter_class cls)
{
    return limiter_class_names[cls];
}

/* ---- values ------------------------------------------------------------- */

void piece_seconds(struct buf *b, const char *key, int64_t ns)
{
    buf_json(b, key);
    if (ns < 0)
        buf_str(b, ":null");
    else
        buf_fmt(b, ":%.3f", (double)ns / 1e9);
}

static void name(struct buf *b, const char *key, const char *value)
{
    buf_json(b, key);
    buf_str(b, ":");
    buf_json(b, value);
}

static void text(struct buf *b, const char *key, const char *value)
{
    name(b, key, value);
    buf_str(b, ",");
}

/* ,"KEY":VALUE */
static void count(struct buf *b, const char *key, uint64_t value)
{
    buf_str(b, ",\"");
    buf_str(b, key);
    buf_str(b, "\":");
    buf_int(b, (int64_t)value);
}

static void count_or_null(struct buf *b, const char *key, int64_t value)
{
    if (value >= 0) {
        count(b, key, (uint64_t)value);
        return;
    }
    buf_str(b, ",\"");
    buf_str(b, key);
    buf_str(b, "\":null");
}

/* ,"KEY": a moment */
static void moment(struct buf *b, const char *key, int64_t ms)
{
    if (ms > 0)
        buf_fmt(b, ",\"%s\":%.3f", key, (double)ms / 1e3);
    else
        buf_fmt(b, ",\"%s\":null", key);
}

/* {"NAME":COUNT,...}, without those that have no name or, if SHORT, that are
 * zero. */
static void put_counts(struct buf *b, const char *const *names,
                       const uint64_t *counts, size_t n, bool is_short)
{
    const char *comma = "";
    size_t i;

    buf_str(b, "{");
    for (i = 0; i < n; i++) {
        if (names[i] == NULL || (is_short && counts[i] == 0))
            continue;
        buf_fmt(b, "%s\"%s\":%" PRIu64, comma, names[i], counts[i]);
        comma = ",";
    }
    buf_str(b, "}");
}

static void put_outcomes(struct buf *b, const uint64_t *counts, bool is_short)
{
    put_counts(b, outcome_names, counts, OUTCOMES, is_short);
}

/* ---- limits -------------------------------------------------------------- */

static void put_retreat(struct buf *b, const struct view_retreat *v)
{
    bool is_normal = v->state == RETREAT_NORMAL;

    buf_fmt(b, "{\"state\":\"%s\",", retreat_state_names[v->state]);
    text(b, "reason", is_normal ? "" : v->reason);
    piece_seconds(b, "age_s", v->age_ns);
    buf_str(b, ",");
    piece_seconds(b, "ends_s", v->ends_ns);
    buf_fmt(b, ",\"streak\":%u,\"allowance\":%u}", v->streak, v->allowance);
}

/* What refusals have taught, and what could be set instead; 0: nothing. */
static void put_learned(struct buf *b, const struct view_learned *v,
                        int64_t window_ns)
{
    uint32_t requests = v->requests;

    if (v->kind == LEARNED_RATE && v->gap_ns > 0)
        requests = (uint32_t)max_i64(window_ns / v->gap_ns, 1);
    buf_fmt(b, "{\"kind\":\"%s\",\"requests\":%u,", learned_names[v->kind],
            requests);
    piece_seconds(b, "gap_s", v->gap_ns);
    buf_fmt(b, ",\"refused_percent\":%.1f,", (double)v->refused_permille / 10);
    piece_seconds(b, "age_s", v->age_ns);
    buf_str(b, "}");
}

/* null: it is on. */
static void put_bench(struct buf *b, const struct view_bench *v)
{
    if (v->ends_ns < 0) {
        buf_str(b, "null");
        return;
    }
    buf_fmt(b, "{\"cause\":\"%s\",\"status\":%d,",
            ejection_cause_names[v->cause], told_status(v->cause));
    text(b, "reason", v->reason);
    piece_seconds(b, "ends_s", v->ends_ns);
    buf_fmt(b, ",\"streak\":%u}", v->streak);
}

/* An upstream's own row comes before those of its models. */
const char *piece_upstream(const struct limiter_view *v, uint32_t which)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (v->scopes[i].upstream == which)
            return v->scopes[i].rules.name;
    return "";
}

static void put_opens(struct buf *b, const struct limiter_view *v,
                      const struct view_scope *s, uint32_t max)
{
    uint32_t i;

    buf_str(b, ",\"opens_s\":[");
    for (i = 0; i < s->n_opens && i < max; i++)
        buf_fmt(b, "%s%.2f", i > 0 ? "," : "",
                (double)v->opens[s->opens + i] / 1e9);
    buf_str(b, "]");
}

/* The upstream that CFG calls NAME, if it is one of several with a key each;
 * else NULL. */
static const struct config_upstream *pooled(const struct config *cfg,
                                            const char *name)
{
    size_t i;

    for (i = 0; cfg != NULL && i < cfg->n_upstreams; i++)
        if (strcmp(cfg->upstreams[i].name, name) == 0 &&
            cfg->upstreams[i].pool_n > 1)
            return &cfg->upstreams[i];
    return NULL;
}

/* With whom it shares what, and how much went there. */
static void put_company(struct buf *b, const struct limiter_view *v,
                        const struct config *cfg, const struct view_scope *s)
{
    const struct config_upstream *up = pooled(cfg, s->rules.name);

    if (s->line == NONE)
        buf_str(b, "\"line\":null");
    else
        name(b, "line", piece_upstream(v, s->line));
    if (up == NULL) {
        buf_str(b, ",\"pool\":null,\"pool_key\":null");
    } else {
        buf_str(b, ",");
        name(b, "pool", cfg->upstreams[up->pool].name);
        count(b, "pool_key", (uint64_t)(up - &cfg->upstreams[up->pool]) + 1);
    }
    count(b, "weight", s->rules.share > 0 ? s->rules.share : 1);
    buf_fmt(b, ",\"went\":{\"all\":%" PRIu64 ",\"minute\":%" PRIu64,
            s->went.all, s->went.minute);
    buf_fmt(b,
            ",\"refused\":%" PRIu64 ",\"tokens_in\":%" PRIu64
            ",\"tokens_out\":%" PRIu64,
            s->went.refused, s->went.tokens_in, s->went.tokens_out);
    count(b, "answers", s->went.answers);
    count(b, "answers_told", s->went.told);
    buf_str(b, "},");
}

void piece_limit(struct buf *b, const struct limiter_view *v,
                 const struct config *cfg, const struct view_scope *s,
                 uint32_t opens_max)
{
    uint32_t i;

    buf_str(b, "{");
    text(b, "name", s->name);
    text(b, "upstream", piece_upstream(v, s->upstream));
    put_company(b, v, cfg, s);
    buf_fmt(b, "\"requests\":%u,", s->rules.requests);
    piece_seconds(b, "window_s", s->rules.window_ns);
    buf_str(b, ",");
    piece_seconds(b, "margin_s", s->rules.margin_ns);
    buf_fmt(b,
            ",\"window_used\":%u,\"open\":%u,\"in_flight\":%u,"
            "\"in_flight_max\":%u,\"burst\":%u,\"tokens\":%.3f,",
            s->used, s->open, s->in_flight, s->rules.in_flight, s->rules.burst,
            (double)s->tokens_milli / 1000);
    buf_fmt(b,
            "\"tokens_used\":%" PRIu64 ",\"tokens_reserved\":%" PRIu64
            ",\"tokens_limit\":%" PRIu64 ",",
            s->tokens_used, s->tokens_reserved, s->tokens_limit);
    piece_seconds(b, "next_slot_s", s->next_slot_ns);
    buf_str(b, ",");
    piece_seconds(b, "eta_s", s->eta_ns);
    buf_str(b, ",\"waiting\":{");
    for (i = 0; i < LIMITER_CLASSES; i++)
        buf_fmt(b, "%s\"%s\":%u", i > 0 ? "," : "", limiter_class_names[i],
                s->waiting[i]);
    buf_str(b, "}");
    put_opens(b, v, s, opens_max);
    buf_str(b, ",\"retreat\":");
    put_retreat(b, &s->retreat);
    buf_str(b, ",\"learned\":");
    put_learned(b, &s->learned, s->rules.window_ns);
    buf_str(b, ",\"unpaid\":");
    put_bench(b, &s->unpaid);
    piece_key(b, cfg, s);
    buf_str(b, "}");
}

/* ---- models, clients -------------------------------------------------------- */

static void put_spread(struct buf *b, const char *key,
                       const struct view_spread *s)
{
    if (s->p50 < 0)
        buf_fmt(b, ",\"%s\":null", key);
    else
        buf_fmt(b, ",\"%s\":{\"p50\":%.4g,\"p95\":%.4g}", key, s->p50, s->p95);
}

static void put_figures(struct buf *b, const struct view_figures *f)
{
    count(b, "requests", f->requests);
    count(b, "sent", f->sent);
    count(b, "minute", f->minute);
    count(b, "refused", f->refused);
    buf_str(b, ",\"outcomes\":");
    put_outcomes(b, f->outcomes, true);
    count(b, "streams", f->streams);
    count(b, "tokens_in", f->tokens_in);
    count(b, "tokens_out", f->tokens_out);
    count(b, "answers", f->answers);
    count(b, "answers_told", f->told);
    put_spread(b, "first_byte_s", &f->first_byte_s);
    put_spread(b, "tokens_per_s", &f->tokens_per_s);
    put_spread(b, "token_gap_s", &f->token_gap_s);
    put_spread(b, "queue_s", &f->queue_s);
    put_spread(b, "prompt_bytes", &f->prompt_bytes);
    moment(b, "last_at", f->last_at_ms);
}

static int64_t upstream_window_ns(const struct limiter_view *v, uint32_t which)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (v->scopes[i].upstream == which)
            return v->scopes[i].rules.window_ns;
    return 0;
}

void piece_model(struct buf *b, const struct limiter_view *v,
                 const struct view_model *m)
{
    buf_str(b, "{");
    text(b, "name", m->name);
    text(b, "upstream", piece_upstream(v, m->upstream));
    buf_fmt(b, "\"waiting\":%u,\"in_flight\":%u,\"ceiling\":%u,", m->waiting,
            m->in_flight, m->ceiling);
    piece_seconds(b, "rest_s", m->rest_ns);
    buf_str(b, ",\"retreat\":");
    put_retreat(b, &m->retreat);
    buf_str(b, ",\"learned\":");
    put_learned(b, &m->learned, upstream_window_ns(v, m->upstream));
    buf_str(b, ",\"bench\":");
    put_bench(b, &m->bench);
    put_figures(b, &m->figures);
    buf_str(b, "}");
}

void piece_client(struct buf *b, const struct view_client *c)
{
    buf_str(b, "{");
    text(b, "name", c->name);
    buf_fmt(b, "\"waiting\":%u,\"in_flight\":%u", c->waiting, c->in_flight);
    buf_fmt(b, ",\"requests_per_min\":%u,\"used_per_min\":%u",
            c->requests_per_min, c->used_per_min);
    count(b, "tokens_per_min", c->tokens_per_min);
    count(b, "tokens_used", c->tokens_used);
    count(b, "tokens_per_day", c->tokens_per_day);
    count(b, "tokens_used_day", c->tokens_used_day);
    put_figures(b, &c->figures);
    buf_str(b, "}");
}

void piece_pause(struct buf *b, const struct limiter_view *v)
{
    if (v->paused_ns < 0) {
        buf_str(b, "null");
        return;
    }
    buf_str(b, "{");
    text(b, "by", v->paused_by);
    piece_seconds(b, "since_s", v->paused_ns);
    buf_str(b, "}");
}

/* ---- requests ------------------------------------------------------------------ */

/* Where it may go. */
static void put_ways(struct buf *b, const struct limiter_view *v,
                     const struct view_row *r)
{
    uint32_t i;

    buf_str(b, ",\"upstreams\":[");
    for (i = 0; i < r->n_ways; i++) {
        buf_str(b, i > 0 ? "," : "");
        buf_json(b, piece_upstream(v, r->ways[i]));
    }
    buf_str(b, "]");
}

void piece_row(struct buf *b, const struct limiter_view *v,
               const struct view_row *r)
{
    buf_str(b, "{");
    text(b, "id", r->request_id);
    if (r->trace[0] != '\0')
        text(b, "trace_id", r->trace);
    text(b, "client", r->client);
    text(b, "model", r->model);
    text(b, "limit", v->scopes[r->scope].name);
    buf_fmt(b,
            "\"priority\":\"%s\",\"stream\":%s,\"worker\":%u,"
            "\"body_bytes\":%" PRIu64 ",",
            limiter_class_names[r->cls], r->stream ? "true" : "false", r->pid,
            r->body_bytes);
    piece_seconds(b, "age_s", r->age_ns);
    if (r->waiting) {
        buf_fmt(b, ",\"position\":%u,", r->position + 1);
        piece_seconds(b, "eta_s", r->eta_ns);
        buf_fmt(b, ",\"cause\":\"%s\"", wait_cause_names[r->cause]);
        put_ways(b, v, r);
    }
    buf_str(b, "}");
}

void piece_recent(struct buf *b, const struct view_recent *r)
{
    buf_str(b, "{");
    text(b, "id", r->id);
    text(b, "client", r->client);
    text(b, "model", r->model);
    text(b, "route", r->route);
    buf_str(b, "\"code\":");
    if (r->code[0] != '\0')
        buf_json(b, r->code);
    else
        buf_str(b, "null");
    moment(b, "at", r->at_ms);
    buf_fmt(b, ",\"stream\":%s,\"status\":%u,\"outcome\":\"%s\",",
            r->stream ? "true" : "false", r->status, outcome_names[r->outcome]);
    piece_seconds(b, "queue_s", r->queue_ns);
    buf_str(b, ",");
    piece_seconds(b, "first_byte_s", r->first_byte_ns);
    buf_str(b, ",");
    piece_seconds(b, "total_s", r->total_ns);
    count(b, "attempts", r->attempts);
    count(b, "bytes", r->bytes);
    count_or_null(b, "tokens_in", r->tokens_in);
    count_or_null(b, "tokens_out", r->tokens_out);
    buf_str(b, "}");
}

/* ---- the rest ------------------------------------------------------------------- */

void piece_worker(struct buf *b, const struct view_worker *w)
{
    buf_fmt(b, "{\"pid\":%u,\"stalled\":%s,", w->pid,
            w->stalled ? "true" : "false");
    piece_seconds(b, "age_s", w->age_ns);
    buf_str(b, ",");
    piece_seconds(b, "seen_s", w->seen_ns);
    buf_str(b, "}");
}

void piece_counters(struct buf *b, const struct limiter_view *v)
{
    const struct limiter_counters *c = &v->counters;

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
            ",\"holds_ended\":%" PRIu64 ",\"histories_aside\":%" PRIu64,
            c->probes, c->retreats_over, c->benches, c->ceilings_cut,
            c->holds_ended, c->histories_aside);
    buf_str(b, ",\"answers\":");
    put_counts(b, limiter_answer_names, c->answers, ANSWERS, false);
    buf_str(b, ",\"holds\":");
    put_counts(b, hold_cause_names, c->holds, HOLD_CAUSES, false);
    buf_str(b, ",\"refused\":");
    put_counts(b, limiter_refusal_names, c->refused, REFUSALS, false);
    buf_str(b, ",\"outcomes\":");
    put_outcomes(b, v->outcomes, false);
    buf_str(b, "}");
}
