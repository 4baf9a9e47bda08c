/*
 * judge.c - one arrival, one decision, one line in the log.
 *
 * In the order of NVIDIA's gateway: key, limiter, then the model server with
 * its own errors.  Limiter and log see the same clock reading under the same
 * lock, so the log is the exact history of what the limiter was asked.
 */
#include "judge.h"

#include <gnutls/crypto.h>
#include <json-c/json.h>
#include <string.h>

#include "clock.h"
#include "request.h"
#include "sim.h"
#include "vectors.h"

#define JSON_DEPTH_MAX 64

/* --- what is answered instead of a success --- */

static void refuse_with(struct request *r, const struct fault_answer *answer)
{
    r->is_refused = true;
    r->status = answer->status;
    r->type = answer->type;
    if (answer->retry_after_s > 0)
        r->retry_after = answer->retry_after_s;
    if (r->how.retry_after_s != -1)
        r->retry_after = r->how.retry_after_s;
    r->out.len = 0;
    text_str(&r->out, answer->body);
}

static void refuse_bad(struct request *r, const char *message)
{
    r->is_refused = true;
    r->status = MHD_HTTP_BAD_REQUEST;
    r->type = "application/json";
    r->out.len = 0;
    text_str(&r->out, "{\"error\":{\"message\":");
    text_json(&r->out, message);
    text_str(&r->out, ",\"type\":\"invalid_request_error\",\"param\":null,"
                      "\"code\":null}}");
}

/* sim/status-CODE */
static void refuse_status(struct request *r)
{
    r->is_refused = true;
    r->status = (int)r->how.status;
    r->type = "application/json";
    r->retry_after = r->how.retry_after_s;
    if (r->status == MHD_HTTP_NO_CONTENT || r->status == MHD_HTTP_NOT_MODIFIED)
        return;
    text_fmt(&r->out,
             "{\"error\":{\"message\":\"nimsim was asked for status %d\","
             "\"type\":\"practice_error\",\"param\":null,\"code\":%d}}",
             r->status, r->status);
}

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
        r->is_stream = json_object_is_type(value, json_type_boolean) &&
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
}

/* --- the decision --- */

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
                       ? embeddings_body(r->json, &r->out)
                       : ranking_body(r->json, &r->out);

    if (!is_good)
        refuse_bad(r, r->route == ROUTE_EMBEDDINGS
                          ? "'input' must be a text or a list of 1 to 2048"
                          : "'passages' must be a list of 1 to 512");
}

/* What the model server says, once limiter and key let the request in. */
static void judge_request(struct request *r)
{
    const struct fault_answer *answer = fault_answer(r->how.fault);

    if (r->body_bytes > BODY_BYTES_MAX)
        refuse_bad(r, "The request body is larger than 25 MB");
    else if (r->route == ROUTE_OTHER)
        refuse_with(r, fault_answer(FAULT_UNKNOWN));
    else if (r->json == NULL)
        refuse_bad(r, "The request body is not a JSON object");
    else if (*r->model == '\0')
        refuse_bad(r, "'model' must be a text that is not empty");
    else if (answer != NULL)
        refuse_with(r, answer);
    else if (r->how.status != -1)
        refuse_status(r);
    else if (r->route == ROUTE_EMBEDDINGS || r->route == ROUTE_RANKING)
        judge_vectors(r);
    if (!r->is_refused && r->how.fault != FAULT_NONE)
        r->status = fault_status(r->how.fault);
}

/*
 * Needs the lock.  Who is turned away here never reached the model, so its
 * name asks for nothing: no delay and no header of its own.
 */
static enum arrival_verdict decide(struct request *r, int64_t now_ns)
{
    struct sim *sim = r->sim;

    if (sim->key != NULL && !has_key(r)) {
        bool has_auth = header(r, MHD_HTTP_HEADER_AUTHORIZATION) != NULL;

        sim->counters.unauthorized++;
        behaviour_parse(&r->how, "");
        refuse_with(r, fault_answer(has_auth ? FAULT_WRONG_KEY : FAULT_NO_KEY));
        return ARRIVAL_UNAUTHORIZED;
    }
    if (!window_hit(&sim->window, now_ns)) {
        sim->counters.refused++;
        behaviour_parse(&r->how, "");
        refuse_with(r, fault_answer(FAULT_RATE));
        return ARRIVAL_REFUSED;
    }
    sim->counters.accepted++;
    if (r->how.times != -1 &&
        arrivals_of_model(sim->arrivals, r->model) >= (uint64_t)r->how.times)
        behaviour_heal(&r->how);
    judge_request(r);
    return ARRIVAL_ACCEPTED;
}

void judge_arrival(struct request *r)
{
    struct sim *sim = r->sim;
    struct arrival a;

    r->status = MHD_HTTP_OK;
    r->type = "application/json";
    r->retry_after = -1;
    body_parse(r);
    behaviour_parse(&r->how, r->model);
    describe(r, &a);

    pthread_mutex_lock(&sim->lock);
    a.t_ns = clock_now_ns();
    a.verdict = decide(r, a.t_ns);
    a.status = r->status;
    r->seq = arrivals_add(sim->arrivals, &a);
    sim->counters.open++;
    pthread_mutex_unlock(&sim->lock);
    text_free(&r->body);
}
