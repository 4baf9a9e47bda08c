/*
 * far.c - what does the state look like that cannot be read from here?
 *
 * A worker tells it as JSON (/api/status, /api/queue); out of that is made the
 * same view as out of the state file, so that status, queue and top have one
 * way to show either.  Lists are as the snapshot cuts them, but for the queue,
 * which is whole.  What a worker of another version leaves out is as if there
 * were none of it.
 *
 * Left out, because no page shows it: figures of models and clients, what ended, when
 * each slot of a window opens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "ctl/ctl.h"
#include "lib/base.h"
#include "state/view_verdict.h"

/* The verdict of the last view that was had so: a worker knows of a store or a
 * setting what no view holds, so its word is taken, not made anew. */
static struct view_verdict told;
static bool has_told;

/* ---- values ------------------------------------------------------------------- */

/* A number that is missing is zero, as it would be in a state that has it not. */
static int64_t whole(struct json_object *o, const char *key)
{
    return json_object_get_int64(call_at(o, key));
}

/* Numbers of another machine are not believed: NONE, the largest, means "no index"
 * in a view, and a negative one would be a large one. */
static uint32_t count(struct json_object *o, const char *key)
{
    int64_t n = whole(o, key);

    return n < 0 ? 0 : n > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)n;
}

/* Seconds as nanoseconds; null: -1. */
static int64_t ns(struct json_object *o, const char *key)
{
    struct json_object *value = call_at(o, key);
    double s = json_object_get_double(value);

    return value == NULL ? -1 : s > 1e9 ? (int64_t)1e18 : (int64_t)(s * 1e9);
}

/* Borrowed; a text that is missing is "". */
static const char *text(struct json_object *o, const char *key)
{
    const char *value = json_object_get_string(call_at(o, key));

    return value != NULL ? value : "";
}

/* Which of N names the text at KEY is; the first one, if it is none. */
static unsigned kind(struct json_object *o, const char *key,
                     const char *const *names, unsigned n)
{
    const char *value = text(o, key);
    unsigned i;

    for (i = 0; i < n; i++)
        if (names[i] != NULL && strcmp(names[i], value) == 0)
            return i;
    return 0;
}

/* As many zeroed elements as LIST has, for the view; their number in *N. */
static void *room(struct json_object *list, size_t size, uint32_t *n)
{
    void *out;

    *n = json_object_is_type(list, json_type_array)
             ? (uint32_t)json_object_array_length(list)
             : 0;
    out = calloc(*n > 0 ? *n : 1, size);
    CHECK(out != NULL);
    return out;
}

/* Borrowed from LIST; NULL, which every reader here takes for an empty object,
 * beyond its end. */
static struct json_object *at(struct json_object *list, uint32_t i)
{
    return json_object_array_get_idx(list, i);
}

#define COPY(to, o, key) snprintf((to), sizeof(to), "%s", text(o, key))

/* ---- parts ---------------------------------------------------------------------- */

/* The names of states are the vocabulary's, on either side: a state that this
 * build does not know is shown as normal, not as another one. */
static void put_retreat(struct view_retreat *v, struct json_object *o)
{
    v->state = kind(o, "state", retreat_state_names, RETREAT_STATES);
    v->age_ns = ns(o, "age_s");
    v->ends_ns = ns(o, "ends_s");
    v->streak = count(o, "streak");
    v->allowance = count(o, "allowance");
    COPY(v->reason, o, "reason");
}

/* Percent with one decimal there, thousandths here. */
static void put_learned(struct view_learned *v, struct json_object *o)
{
    v->kind = kind(o, "kind", learned_names, LEARNED_KINDS);
    v->requests = count(o, "requests");
    v->gap_ns = ns(o, "gap_s");
    v->refused_permille =
        (uint32_t)(json_object_get_double(call_at(o, "refused_percent")) * 10);
    v->age_ns = ns(o, "age_s");
}

/* NULL is no bench: -1, as the state file has it. */
static void put_bench(struct view_bench *v, struct json_object *o)
{
    v->ends_ns = o == NULL ? -1 : ns(o, "ends_s");
    v->streak = count(o, "streak");
    v->cause = kind(o, "cause", ejection_cause_names, EJECTION_CAUSES);
    COPY(v->reason, o, "reason");
}

/* Upstreams have numbers in a view: here that of the first row of theirs. */
static uint32_t upstream_of(const struct limiter_view *v, const char *name)
{
    uint32_t i;

    for (i = 0; i < v->n_scopes; i++)
        if (strcmp(v->scopes[i].rules.name, name) == 0)
            return i;
    return NONE;
}

/* As piece_key() words it. */
static void put_key(struct view_key *k, struct json_object *o)
{
    static const char *const words[] = {[KEY_UNTOLD] = "unknown",
                                        [KEY_ACCEPTED] = "ok",
                                        [KEY_REFUSED] = "refused"};

    k->word = kind(o, "state", words, ARRAY_LEN(words));
    k->status = (uint16_t)count(o, "status");
    k->since_ns = ns(o, "since_s");
    COPY(k->message, o, "message");
}

/* Sums of the whole life of the statistics file, but for the minute. */
static void put_went(struct view_scope *s, struct json_object *o)
{
    s->went.all = (uint64_t)whole(o, "all");
    s->went.minute = (uint64_t)whole(o, "minute");
    s->went.refused = (uint64_t)whole(o, "refused");
    s->went.tokens_in = (uint64_t)whole(o, "tokens_in");
    s->went.tokens_out = (uint64_t)whole(o, "tokens_out");
    s->went.answers = (uint64_t)whole(o, "answers");
    s->went.told = (uint64_t)whole(o, "answers_told");
}

/* Only what is shown: retreat_max, line and share stay zero. */
static void put_rules(struct limiter_rules *r, struct json_object *o)
{
    COPY(r->name, o, "upstream");
    r->requests = count(o, "requests");
    r->window_ns = ns(o, "window_s");
    r->margin_ns = ns(o, "margin_s");
    r->burst = count(o, "burst");
    r->in_flight = count(o, "in_flight_max");
}

/* A row of `limits`.  What only a worker's settings know (weight, pool) is not in a
 * view, and not shown here. */
static void put_scope(struct view_scope *s, struct json_object *o)
{
    struct json_object *waiting = call_at(o, "waiting");
    int cls;

    COPY(s->name, o, "name");
    put_rules(&s->rules, o);
    put_went(s, call_at(o, "went"));
    s->used = count(o, "window_used");
    s->open = count(o, "open");
    s->in_flight = count(o, "in_flight");
    for (cls = 0; cls < LIMITER_CLASSES; cls++)
        s->waiting[cls] = count(waiting, limiter_class_names[cls]);
    s->tokens_milli =
        (int64_t)(json_object_get_double(call_at(o, "tokens")) * 1000);
    s->tokens_used = (uint64_t)whole(o, "tokens_used");
    s->tokens_reserved = (uint64_t)whole(o, "tokens_reserved");
    s->tokens_limit = (uint64_t)whole(o, "tokens_limit");
    s->next_slot_ns = ns(o, "next_slot_s");
    s->eta_ns = ns(o, "eta_s");
    put_retreat(&s->retreat, call_at(o, "retreat"));
    put_learned(&s->learned, call_at(o, "learned"));
    put_key(&s->key, call_at(o, "key"));
    put_bench(&s->unpaid, call_at(o, "unpaid"));
}

/* In two passes: whose line it is can only be said when all names are there. */
static void put_scopes(struct limiter_view *v, struct json_object *list)
{
    uint32_t i;

    v->scopes = room(list, sizeof(*v->scopes), &v->n_scopes);
    for (i = 0; i < v->n_scopes; i++)
        put_scope(&v->scopes[i], at(list, i));
    for (i = 0; i < v->n_scopes; i++) {
        const char *line = text(at(list, i), "line");

        v->scopes[i].upstream = upstream_of(v, v->scopes[i].rules.name);
        v->scopes[i].line = line[0] != '\0' ? upstream_of(v, line) : NONE;
    }
}

/* The snapshot has the hundred that matter most: those in trouble come first. */
static void put_models(struct limiter_view *v, struct json_object *list)
{
    uint32_t i;

    v->models = room(list, sizeof(*v->models), &v->n_models);
    for (i = 0; i < v->n_models; i++) {
        struct view_model *m = &v->models[i];
        struct json_object *o = at(list, i);

        COPY(m->name, o, "name");
        m->upstream = upstream_of(v, text(o, "upstream"));
        m->in_flight = count(o, "in_flight");
        m->waiting = count(o, "waiting");
        m->ceiling = count(o, "ceiling");
        m->rest_ns = ns(o, "rest_s");
        put_retreat(&m->retreat, call_at(o, "retreat"));
        put_learned(&m->learned, call_at(o, "learned"));
        put_bench(&m->bench, call_at(o, "bench"));
    }
}

/* Their numbers are of the machine, or the container, where they run. */
static void put_workers(struct limiter_view *v, struct json_object *list)
{
    uint32_t i;

    v->workers = room(list, sizeof(*v->workers), &v->n_workers);
    for (i = 0; i < v->n_workers; i++) {
        v->workers[i].pid = count(at(list, i), "pid");
        v->workers[i].stalled =
            json_object_get_boolean(call_at(at(list, i), "stalled"));
        v->workers[i].age_ns = ns(at(list, i), "age_s");
        v->workers[i].seen_ns = ns(at(list, i), "seen_s");
    }
}

/* `position` counts from 1 there, in the state from 0; whoever prints adds one. */
static void put_row(struct view_row *r, struct json_object *o, bool waiting)
{
    r->waiting = waiting;
    COPY(r->request_id, o, "id");
    COPY(r->client, o, "client");
    COPY(r->model, o, "model");
    r->cls = kind(o, "priority", limiter_class_names, LIMITER_CLASSES);
    r->stream = json_object_get_boolean(call_at(o, "stream"));
    r->cause = kind(o, "cause", wait_cause_names, WAIT_CAUSES);
    r->pid = count(o, "worker");
    r->position = count(o, "position");
    r->position -= r->position > 0;
    r->age_ns = ns(o, "age_s");
    r->eta_ns = ns(o, "eta_s");
    r->body_bytes = (uint64_t)whole(o, "body_bytes");
}

/* A row tells its cause, and the list of causes of what: of several the one of
 * its own upstream.  Which model or client that is, is told by its place there. */
static void put_cause(const struct limiter_view *v, struct view_row *r,
                      struct json_object *o, struct json_object *causes)
{
    const char *limit = text(o, "limit"), *own = "";
    bool is_found = false;
    uint32_t i, n;

    r->cause = kind(o, "cause", wait_cause_names, WAIT_CAUSES);
    r->cause_upstream = r->model_row = r->client_row = NONE;
    for (i = 0; i < v->n_scopes; i++)
        if (strcmp(v->scopes[i].name, limit) == 0)
            own = v->scopes[i].rules.name;
    free(room(causes, 1, &n));
    for (i = 0; i < n; i++) {
        struct json_object *g = at(causes, i);
        const char *model = text(g, "model"), *client = text(g, "client");
        const char *upstream = text(g, "upstream");

        if (strcmp(text(g, "cause"), wait_cause_names[r->cause]) != 0 ||
            (model[0] != '\0' && strcmp(model, r->model) != 0) ||
            (client[0] != '\0' && strcmp(client, r->client) != 0) ||
            (is_found && strcmp(upstream, own) != 0))
            continue;
        /* Goes on: a later one may be of its own upstream. */
        is_found = true;
        r->cause_upstream = upstream_of(v, upstream);
        r->model_row = r->client_row = i;
    }
}

/* As /api/queue orders them: those that wait, as they will go, before those that
 * run; the same order as view.c's. */
static void put_queue(struct limiter_view *v, struct json_object *root,
                      struct json_object *causes)
{
    struct json_object *waiting = call_at(root, "waiting");
    struct json_object *running = call_at(root, "running");
    uint32_t i, n_waiting, n_running;

    free(room(waiting, 1, &n_waiting));
    free(room(running, 1, &n_running));
    v->n_rows = n_waiting + n_running;
    v->rows = calloc(v->n_rows > 0 ? v->n_rows : 1, sizeof(*v->rows));
    CHECK(v->rows != NULL);
    for (i = 0; i < n_waiting; i++) {
        put_row(&v->rows[i], at(waiting, i), true);
        put_cause(v, &v->rows[i], at(waiting, i), causes);
    }
    for (i = 0; i < n_running; i++)
        put_row(&v->rows[n_waiting + i], at(running, i), false);
}

/* One object with a number for each word; REFUSED_NOT and its like have none. */
static void put_counts(uint64_t *to, struct json_object *o,
                       const char *const *names, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        to[i] = names[i] != NULL ? (uint64_t)whole(o, names[i]) : 0;
}

/* Some have another name on the wire than in the state: state_repairs, so that a
 * reader of the JSON knows what was repaired. */
static void put_counters(struct limiter_counters *c, struct json_object *o)
{
    c->joined = (uint64_t)whole(o, "joined");
    c->sent = (uint64_t)whole(o, "sent");
    c->left = (uint64_t)whole(o, "left");
    c->repairs = (uint64_t)whole(o, "state_repairs");
    c->recoveries = (uint64_t)whole(o, "state_recoveries");
    c->swept = (uint64_t)whole(o, "workers_swept");
    c->retreats_over = (uint64_t)whole(o, "retreats_over");
    c->benches = (uint64_t)whole(o, "benches");
    c->ceilings_cut = (uint64_t)whole(o, "ceilings_cut");
    c->holds_ended = (uint64_t)whole(o, "holds_ended");
    put_counts(c->holds, call_at(o, "holds"), hold_cause_names, HOLD_CAUSES);
    put_counts(c->refused, call_at(o, "refused"), limiter_refusal_names,
               REFUSALS);
}

/* Of a worker of a build before it there is none: has_told stays false. */
static void put_verdict(struct json_object *o)
{
    const char *word = text(o, "word");
    uint32_t i;

    has_told = false;
    for (i = 0; view_verdict_word(i) != NULL && !has_told; i++)
        if (strcmp(view_verdict_word(i), word) == 0) {
            told.word = view_verdict_word(i);
            has_told = true;
        }
    told.tone = kind(o, "tone", view_tone_names, TONE_BAD + 1);
    COPY(told.title, o, "title");
    COPY(told.reason, o, "reason");
    COPY(told.next_step, o, "next_step");
}

void far_forget(void)
{
    has_told = false;
}

const struct view_verdict *far_verdict(void)
{
    return has_told ? &told : NULL;
}

/* ---- the whole --------------------------------------------------------------------- */

/* Two questions, a moment apart: a request may be in the sums of the one and no
 * more in the rows of the other, as it may in two looks at anything. */
int far_view(struct ctl *c, struct limiter_view *out)
{
    struct json_object *status, *queue = NULL, *paused;
    int rc = call_get(c, "/api/status", &status);

    if (rc == EXIT_SUCCESS)
        rc = call_get(c, "/api/queue", &queue);
    if (rc == EXIT_SUCCESS) {
        memset(out, 0, sizeof(*out));
        paused = call_at(status, "paused");
        out->uptime_ns = ns(status, "uptime");
        out->paused_ns = paused == NULL ? -1 : ns(paused, "since_s");
        COPY(out->paused_by, paused, "by");
        put_scopes(out, call_at(status, "limits"));
        put_models(out, call_at(status, "models"));
        put_workers(out, call_at(status, "workers"));
        put_counters(&out->counters, call_at(status, "counters"));
        put_queue(out, queue, call_at(status, "waiting_by_cause"));
        put_verdict(call_at(status, "verdict"));
    }
    json_object_put(status);
    json_object_put(queue);
    return rc;
}
