/*
 * control.c - the test's side door.
 *
 *   GET   /sim/arrivals?since=SEQ   the log
 *   GET   /sim/stats                counters and gauges
 *   GET   /sim/max?window_ms=N      most arrivals in any window of N ms
 *   POST  /sim/reset                log, counters and limiter from nothing
 *   GET, PATCH /sim/config          limiter and transit delay
 *
 * Needs no key and is never counted.  Answers are written under the lock: a
 * test that reads them while it fires gets one consistent moment.
 */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "request.h"
#include "sim.h"

const char *control_check_requests(int64_t requests)
{
    if (requests < 1 || requests > WINDOW_REQUESTS_MAX)
        return "requests must be 1 to 100000";
    return NULL;
}

const char *control_check_window(double seconds)
{
    if (!(seconds >= 0.001 && seconds <= 86400))
        return "window_s must be 0.001 to 86400";
    return NULL;
}

const char *control_check_delay(int64_t min_ms, int64_t max_ms)
{
    if (min_ms < 0 || max_ms < min_ms || max_ms > DELAY_MS_MAX)
        return "delay_ms must be [min, max], each 0 to 600000";
    return NULL;
}

static int fail(struct text *out, int status, const char *message)
{
    out->len = 0;
    text_str(out, "{\"error\":{\"message\":");
    text_json(out, message);
    text_str(out, ",\"type\":\"invalid_request_error\",\"param\":null,"
                  "\"code\":null}}");
    return status;
}

/* Reads the whole number in argument NAME; DEFAULT_VALUE without it. */
static bool argument(struct request *r, const char *name, int64_t default_value,
                     int64_t *out)
{
    const char *s =
        MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
    char *end;

    *out = default_value;
    if (s == NULL)
        return true;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return errno == 0 && end != s && *end == '\0' && *out >= 0;
}

/* --- the log --- */

static int get_arrivals(struct request *r, struct text *out)
{
    struct sim *sim = r->sim;
    int64_t since;

    if (!argument(r, "since", 0, &since))
        return fail(out, MHD_HTTP_BAD_REQUEST, "since must be a number");
    text_str(out, "{\"arrivals\":");
    arrivals_write(sim->arrivals, (uint64_t)since, out);
    text_fmt(out,
             ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
             ",\"dropped\":%" PRIu64 "}\n",
             sim->counters.accepted, sim->counters.refused,
             arrivals_dropped(sim->arrivals));
    return MHD_HTTP_OK;
}

static int get_stats(struct request *r, struct text *out)
{
    struct sim *sim = r->sim;
    const struct counters *n = &sim->counters;

    text_fmt(
        out,
        "{\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"unauthorized\":%" PRIu64 ",\"open\":%" PRId64 ",\"models\":%" PRIu64
        ",\"max_in_window\":%zu,\"connections\":%" PRId64
        ",\"client_gone\":%" PRIu64 ",\"dropped\":%" PRIu64
        ",\"now_ns\":%" PRId64 "}\n",
        n->accepted, n->refused, n->unauthorized, n->open, n->models,
        arrivals_max_in(sim->arrivals, sim->window.length_ns), n->connections,
        n->client_gone, arrivals_dropped(sim->arrivals), clock_now_ns());
    return MHD_HTTP_OK;
}

static int get_max(struct request *r, struct text *out)
{
    int64_t window_ms;

    if (!argument(r, "window_ms", 0, &window_ms) || window_ms < 1 ||
        window_ms > 86400000)
        return fail(out, MHD_HTTP_BAD_REQUEST,
                    "window_ms must be 1 to 86400000");
    text_fmt(out, "{\"window_ms\":%" PRId64 ",\"max\":%zu}\n", window_ms,
             arrivals_max_in(r->sim->arrivals, window_ms * NS_PER_MS));
    return MHD_HTTP_OK;
}

static int post_reset(struct request *r, struct text *out)
{
    struct sim *sim = r->sim;
    struct counters fresh = {.open = sim->counters.open,
                             .connections = sim->counters.connections};

    sim->counters = fresh;
    window_reset(&sim->window);
    arrivals_clear(sim->arrivals);
    text_str(out, "{\"reset\":true}\n");
    return MHD_HTTP_OK;
}

/* --- the settings --- */

static int get_config(struct request *r, struct text *out)
{
    const struct sim *sim = r->sim;

    text_fmt(out,
             "{\"requests\":%" PRId64
             ",\"window_s\":%.9g,\"limiter\":\"%s\",\"delay_ms\":[%" PRId64
             ",%" PRId64 "]}\n",
             sim->window.requests, (double)sim->window.length_ns / 1e9,
             window_kind_name(sim->window.kind), sim->delay.min_ms,
             sim->delay.max_ms);
    return MHD_HTTP_OK;
}

static const char *set_requests(struct sim *sim, struct json_object *value)
{
    int64_t n;
    const char *problem;

    if (!json_object_is_type(value, json_type_int))
        return "requests must be a whole number";
    n = json_object_get_int64(value);
    problem = control_check_requests(n);
    if (problem == NULL)
        sim->window.requests = n;
    return problem;
}

static const char *set_window(struct sim *sim, struct json_object *value)
{
    double seconds;
    const char *problem;

    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_double))
        return "window_s must be a number";
    seconds = json_object_get_double(value);
    problem = control_check_window(seconds);
    if (problem == NULL)
        sim->window.length_ns = (int64_t)(seconds * 1e9 + 0.5);
    return problem;
}

static const char *set_limiter(struct sim *sim, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string) ||
        !window_kind_parse(&sim->window.kind, json_object_get_string(value)))
        return "limiter must be fixed, sliding or none";
    return NULL;
}

static const char *set_delay(struct sim *sim, struct json_object *value)
{
    struct json_object *min;
    struct json_object *max;
    const char *problem;

    if (!json_object_is_type(value, json_type_array) ||
        json_object_array_length(value) != 2)
        return "delay_ms must be a list of two whole numbers";
    min = json_object_array_get_idx(value, 0);
    max = json_object_array_get_idx(value, 1);
    if (!json_object_is_type(min, json_type_int) ||
        !json_object_is_type(max, json_type_int))
        return "delay_ms must be a list of two whole numbers";
    problem = control_check_delay(json_object_get_int64(min),
                                  json_object_get_int64(max));
    if (problem == NULL) {
        sim->delay.min_ms = json_object_get_int64(min);
        sim->delay.max_ms = json_object_get_int64(max);
    }
    return problem;
}

static const struct {
    const char *key;
    const char *(*set)(struct sim *sim, struct json_object *value);
} setters[] = {
    {"requests", set_requests},
    {"window_s", set_window},
    {"limiter", set_limiter},
    {"delay_ms", set_delay},
};

static const char *set_one(struct sim *sim, const char *key,
                           struct json_object *value)
{
    size_t i;

    for (i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        if (strcmp(setters[i].key, key) == 0)
            return setters[i].set(sim, value);
    }
    return "known settings are requests, window_s, limiter and delay_ms";
}

/* All or nothing: a bad value leaves everything as it was. */
static int patch_config(struct request *r, struct text *out)
{
    struct sim *sim = r->sim;
    struct window window = sim->window;
    struct delay delay = sim->delay;
    const char *problem = NULL;
    struct json_object *json = NULL;

    if (r->body.len > 0)
        json = json_tokener_parse(r->body.data);
    if (!json_object_is_type(json, json_type_object)) {
        problem = "the body must be a JSON object";
    } else {
        json_object_object_foreach(json, key, value)
        {
            if (problem == NULL)
                problem = set_one(sim, key, value);
        }
    }
    json_object_put(json);
    if (problem == NULL)
        return get_config(r, out);
    sim->window = window;
    sim->delay = delay;
    return fail(out, MHD_HTTP_BAD_REQUEST, problem);
}

/* --- the table --- */

static const struct {
    const char *path;
    const char *method;
    int (*run)(struct request *r, struct text *out);
} rows[] = {
    {"/sim/arrivals", "GET", get_arrivals},
    {"/sim/stats", "GET", get_stats},
    {"/sim/max", "GET", get_max},
    {"/sim/reset", "POST", post_reset},
    {"/sim/config", "GET", get_config},
    {"/sim/config", "PATCH", patch_config},
};

int control_answer(struct request *r, struct text *out)
{
    int status = 0;
    bool is_known = false;
    size_t i;

    pthread_mutex_lock(&r->sim->lock);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && status == 0; i++) {
        if (strcmp(rows[i].path, r->path) != 0)
            continue;
        is_known = true;
        if (strcmp(rows[i].method, r->method) == 0)
            status = rows[i].run(r, out);
    }
    pthread_mutex_unlock(&r->sim->lock);
    if (status != 0)
        return status;
    if (is_known)
        return fail(out, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong method");
    return fail(out, MHD_HTTP_NOT_FOUND, "no such control path");
}
