/*
 * attempt.c - one arrival, one decision, one line in the log.
 *
 * In the order of NVIDIA's gateway: key, limiter, then the model server with
 * its own errors.  Limiter and log see the same clock reading under the same
 * lock, so the log is the exact history of what the limiter was asked.
 */
#include "judge.h"

#include <gnutls/crypto.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "jobs.h"
#include "keys.h"
#include "quote.h"
#include "refuse.h"
#include "request.h"
#include "sim.h"
#include "tokens.h"
#include "upload.h"
#include "vectors.h"
#include "workers.h"

#define JSON_DEPTH_MAX 64

/* --- the request --- */

static void body_parse(struct request *r)
{
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX);
    struct json_object *value;

    r->model = "";
    if (tok == NULL || r->body.len == 0 || r->body_bytes > BODY_BYTES_MAX)
        goto out;
    /* Not strict: json-c 0.18 would refuse every letter beyond ASCII. */
    r->json = json_tokener_parse_ex(tok, r->body.data, (int)r->body.len);
    if (json_tokener_get_error(tok) != json_tokener_success ||
        !json_object_is_type(r->json, json_type_object)) {
        json_object_put(r->json);
        r->json = NULL;
        goto out;
    }
    if (json_object_object_get_ex(r->json, "model", &value) &&
        json_object_is_type(value, json_type_string))
        r->model = json_object_get_string(value);
    if (json_object_object_get_ex(r->json, "stream", &value))
        r->is_stream = (json_object_is_type(value, json_type_boolean) ||
                        json_object_is_type(value, json_type_int)) &&
                       json_object_get_boolean(value);
out:
    if (tok != NULL)
        json_tokener_free(tok);
}

static const char *header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

/* Header bytes need not be UTF-8, the log must be. */
static void copy_ascii(char *dst, size_t size, const char *s)
{
    arrivals_copy(dst, size, s);
    for (; *dst != '\0'; dst++) {
        if ((unsigned char)*dst >= 0x7f)
            *dst = '?';
    }
}

static void describe(const struct request *r, struct arrival *a)
{
    const char *auth = header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *id = header(r, "x-request-id");
    const char *poll = header(r, "NVCF-POLL-SECONDS");
    const char *encoding = header(r, MHD_HTTP_HEADER_ACCEPT_ENCODING);

    *a = (struct arrival){.body_bytes = r->body_bytes, .stream = r->is_stream};
    copy_ascii(a->method, sizeof(a->method), r->method);
    copy_ascii(a->path, sizeof(a->path), r->uri);
    arrivals_copy(a->model, sizeof(a->model), r->model);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, r->body.data, r->body.len,
                     a->body_sha256);
    if (auth != NULL) {
        a->has_auth = true;
        gnutls_hash_fast(GNUTLS_DIG_SHA256, auth, strlen(auth), a->auth_sha256);
    }
    if (id != NULL) {
        a->has_request_id = true;
        copy_ascii(a->request_id, sizeof(a->request_id), id);
    }
    if (poll != NULL)
        copy_ascii(a->poll_seconds, sizeof(a->poll_seconds), poll);
    if (encoding != NULL)
        copy_ascii(a->accept_encoding, sizeof(a->accept_encoding), encoding);
}

/* --- key and model --- */

static bool has_key(const struct request *r)
{
    const char *auth = header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    size_t len = strlen("Bearer ");

    return auth != NULL && strncasecmp(auth, "Bearer ", len) == 0 &&
           strcmp(auth + len, r->sim->key) == 0;
}

/* Embeddings and rankings are small: made here, so that errors show here. */
static void judge_vectors(struct request *r)
{
    bool is_good = r->route == ROUTE_EMBEDDINGS
                       ? embeddings_body(r->json, r->how.counts_tokens, &r->out)
                       : ranking_body(r->json, &r->out);

    if (!is_good)
        refuse_bad(r, r->route == ROUTE_EMBEDDINGS
                          ? "'input' must be a text or a list of 1 to 2048"
                          : "'passages' must be a list of 1 to 512");
}

/* POST of a file: made here too, as the body is not kept.  One without a file
 * is answered like any other thing. */
static void judge_upload(struct request *r)
{
    if (strcmp(r->method, "POST") == 0 && strcmp(r->path, "/v1/files") == 0)
        (void)upload_answer(&r->body, r->seq, &r->out);
}

/* A field that its model does not have; NULL: it has all of them. */
static const char *unknown_field(const struct request *r)
{
    const struct {
        bool refuses;
        const char *name;
    } fields[] = {{r->how.refuses_options, "stream_options"},
                  {r->how.lacks_template, "chat_template_kwargs"},
                  {r->how.lacks_effort, "reasoning_effort"}};
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].refuses &&
            json_object_object_get_ex(r->json, fields[i].name, NULL))
            return fields[i].name;
    return NULL;
}

static void refuse_field(struct request *r)
{
    char words[96];

    (void)snprintf(words, sizeof(words),
                   "Unrecognized request argument supplied: %s",
                   unknown_field(r));
    refuse_bad(r, words);
}

/* What the model server says, once limiter and key let the request in. */
static void judge_request(struct request *r)
{
    const struct fault_answer *answer = fault_answer(r->how.fault);

    if (r->body_bytes > BODY_BYTES_MAX)
        refuse_bad(r, "The request body is larger than 25 MB");
    else if (r->route == ROUTE_OTHER && !r->how.is_audio)
        refuse_with(r, fault_answer(FAULT_UNKNOWN));
    else if (r->route != ROUTE_THING && r->json == NULL)
        refuse_bad(r, "The request body is not a JSON object");
    else if (r->route != ROUTE_THING && *r->model == '\0')
        refuse_bad(r, "'model' must be a text that is not empty");
    else if (unknown_field(r) != NULL)
        refuse_field(r);
    else if (answer != NULL)
        refuse_with(r, answer);
    else if (!refuse_code(r) && !refuse_context(r) &&
             (r->route == ROUTE_EMBEDDINGS || r->route == ROUTE_RANKING))
        judge_vectors(r);
    if (!r->is_refused && r->route == ROUTE_THING)
        judge_upload(r);
    if (!r->is_refused && r->how.fault != FAULT_NONE)
        r->status = fault_status(r->how.fault);
    if (r->is_refused)
        quote_into(&r->out, 0, &r->how,
                   header(r, MHD_HTTP_HEADER_AUTHORIZATION));
}

/* --- answers that are fetched later --- */

static bool is_later(const struct request *r)
{
    return r->json != NULL && *r->model != '\0' && r->route != ROUTE_OTHER &&
           (r->how.polls != -1 || r->how.poll_ms != -1 || r->how.is_redirect);
}

static void answer_later(struct request *r, int64_t now_ns)
{
    struct job job = {.seq = r->seq,
                      .route = r->route,
                      .is_stream = r->is_stream,
                      .json = r->json,
                      .how = r->how,
                      .due_ns = now_ns};
    bool must_poll = r->how.polls != -1 || r->how.poll_ms != -1;

    if (r->how.polls > 0)
        job.polls_left = r->how.polls;
    if (r->how.poll_ms > 0)
        job.due_ns += r->how.poll_ms * NS_PER_MS;
    job.how.slow_ms = -1;
    jobs_add(r->sim->jobs, &job);
    if (must_poll)
        refuse_pending(r);
    else
        refuse_redirect(r);
}

/* A poll, or who follows a 302: R becomes the request that started the job. */
static bool find_job(struct request *r, struct job **out)
{
    struct job *job = jobs_find(r->sim->jobs, r->path);
    struct json_object *value;

    *out = job;
    if (job == NULL) {
        refuse_with(r, fault_answer(FAULT_NO_JOB));
        return false;
    }
    json_object_put(r->json);
    r->json = json_object_get(job->json);
    if (json_object_object_get_ex(r->json, "model", &value))
        r->model = json_object_get_string(value);
    r->how = job->how;
    r->route = job->route;
    r->is_stream = job->is_stream;
    r->answer_seq = job->seq;
    return true;
}

static enum arrival_verdict decide_poll(struct request *r, int64_t now_ns)
{
    struct job *job;

    r->sim->counters.polls++;
    if (!find_job(r, &job))
        return ARRIVAL_POLL;
    if (!job_poll(job, now_ns))
        refuse_pending(r);
    else if (r->how.is_redirect)
        refuse_redirect(r);
    else
        judge_request(r);
    return ARRIVAL_POLL;
}

static enum arrival_verdict decide_result(struct request *r)
{
    struct job *job;

    r->sim->counters.results++;
    if (find_job(r, &job))
        judge_request(r);
    return ARRIVAL_RESULT;
}

/* --- the decision --- */

/* What R's model and the test's orders ask for; who did, for the log. */
static const char *take_orders(struct request *r)
{
    static const char *const names[] = {[ORDERS_BY_MODEL] = "model",
                                        [ORDERS_BY_NEXT] = "next",
                                        [ORDERS_BY_CHANCE] = "chance"};
    struct sim *sim = r->sim;

    behaviour_parse(&r->how, r->model);
    r->how.counts_tokens = sim->tokens > 0;
    behaviour_add(&r->how, orders_for_model(&sim->orders, r->model));
    if (r->how.times != -1 &&
        arrivals_of_model(sim->arrivals, r->model) >= (uint64_t)r->how.times)
        behaviour_heal(&r->how);
    if (r->how.percent != -1 &&
        !orders_chance(&sim->orders, (double)r->how.percent))
        behaviour_heal(&r->how);
    return names[orders_give(&sim->orders, &r->how)];
}

/* Are all workers of R's model busy?  Then R has been told so. */
static bool has_no_worker(struct request *r)
{
    if (r->how.workers != -1 && !workers_take(r, r->how.workers)) {
        r->how.fault = FAULT_EXHAUSTED;
        refuse_exhausted(r, r->how.workers);
        return true;
    }
    if (r->how.queue != -1 && !r->is_busy && !workers_take(r, r->how.queue)) {
        r->how.fault = FAULT_RATE_DETAIL;
        refuse_with(r, fault_answer(FAULT_RATE_DETAIL));
        return true;
    }
    return false;
}

/* At its arrival, by what it will take in truth.  False: that is too much. */
static bool count_tokens(struct request *r, struct arrival *a)
{
    struct sim *sim = r->sim;
    int64_t used, asked;

    r->tokens_limit = sim->tokens;
    if (sim->tokens == 0)
        return true;
    used = arrivals_tokens_in(sim->arrivals, sim->window.length_ns, a->t_ns);
    asked = tokens_of(r);
    if (sim->refuses_tokens && used + asked > sim->tokens) {
        refuse_tokens(r, sim->tokens, used, asked);
        asked = 0;
    }
    a->tokens = asked;
    sim->counters.tokens += (uint64_t)asked;
    r->tokens_left = sim->tokens - used - asked;
    r->tokens_left = r->tokens_left > 0 ? r->tokens_left : 0;
    return !r->is_refused || r->status != MHD_HTTP_TOO_MANY_REQUESTS;
}

static void decide_accepted(struct request *r, struct arrival *a)
{
    struct text words = {0};

    r->sim->counters.accepted++;
    a->fault_by = take_orders(r);
    if (has_no_worker(r))
        a->fault_by = "workers";
    else if (is_later(r))
        answer_later(r, a->t_ns);
    else
        judge_request(r);
    if (!count_tokens(r, a))
        a->fault_by = "tokens";
    behaviour_faults(&r->how, &words);
    if (words.len > 0) {
        r->sim->counters.faults++;
        arrivals_copy(a->fault, sizeof(a->fault), words.data);
    }
    text_free(&words);
}

/* The window of its key, by the rules of all; false: that is not good, and R is
 * refused. */
static bool choose_window(struct request *r, struct window **window)
{
    const char *auth = header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    struct sim_key *key = keys_find(&r->sim->keys, auth);

    if (key == NULL || key->state == KEY_REVOKED)
        refuse_with(
            r, fault_answer(auth == NULL ? FAULT_NO_KEY : FAULT_WRONG_KEY));
    else if (key->state == KEY_UNPAID)
        refuse_with(r, fault_answer(FAULT_CREDITS));
    if (key == NULL || key->state != KEY_GOOD)
        return false;
    *window = &key->window;
    (*window)->kind = r->sim->window.kind;
    (*window)->requests = r->sim->window.requests;
    (*window)->length_ns = r->sim->window.length_ns;
    return true;
}

/*
 * Needs the lock.  Who is turned away here never reached the model, so its
 * name asks for nothing: no delay and no header of its own.
 */
static enum arrival_verdict decide(struct request *r, struct arrival *a)
{
    struct sim *sim = r->sim;
    struct window *window = &sim->window;
    bool is_let_in;

    if (r->route == ROUTE_RESULT)
        return decide_result(r);
    if (sim->key != NULL && !has_key(r)) {
        bool has_auth = header(r, MHD_HTTP_HEADER_AUTHORIZATION) != NULL;

        sim->counters.unauthorized++;
        refuse_with(r, fault_answer(has_auth ? FAULT_WRONG_KEY : FAULT_NO_KEY));
        return ARRIVAL_UNAUTHORIZED;
    }
    if (r->route == ROUTE_STATUS)
        return decide_poll(r, a->t_ns);
    if (sim->keys.n > 0 && !choose_window(r, &window)) {
        sim->counters.unauthorized++;
        return ARRIVAL_UNAUTHORIZED;
    }
    is_let_in = window_hit(window, a->t_ns);
    r->limit = window->requests;
    r->remaining = window_remaining(window, a->t_ns);
    r->reopens_ns = window_reopens_ns(window, a->t_ns);
    if (!is_let_in) {
        sim->counters.refused++;
        refuse_with(r, fault_answer(FAULT_RATE));
        if (sim->tells_retry_after)
            r->retry_after = (r->reopens_ns + NS_PER_S - 1) / NS_PER_S;
        return ARRIVAL_REFUSED;
    }
    decide_accepted(r, a);
    return ARRIVAL_ACCEPTED;
}

void judge_arrival(struct request *r)
{
    struct sim *sim = r->sim;
    struct arrival a;

    r->status = MHD_HTTP_OK;
    r->type = "application/json";
    r->nvcf_status = "fulfilled";
    r->retry_after = -1;
    body_parse(r);
    behaviour_parse(&r->how, "");
    describe(r, &a);

    pthread_mutex_lock(&sim->lock);
    a.t_ns = clock_now_ns();
    r->seq = r->answer_seq = arrivals_next(sim->arrivals);
    a.verdict = decide(r, &a);
    a.status = r->status;
    arrivals_copy(a.model, sizeof(a.model), r->model);
    arrivals_add(sim->arrivals, &a);
    sim->counters.open++;
    pthread_mutex_unlock(&sim->lock);
    text_free(&r->body);
}
