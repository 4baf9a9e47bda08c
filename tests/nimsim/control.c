/*
 * control.c - the test's side door.
 *
 *   GET   /sim/arrivals?since=SEQ   the log
 *   GET   /sim/stats                counters and gauges
 *   GET   /sim/max?window_ms=N      most arrivals in any window of N ms;
 *                   &of=accepted    only those that the limiter let in
 *                   &of=tokens      most tokens, instead
 *   POST  /sim/reset                log, counters and limiter from nothing
 *   GET, PATCH /sim/config          limiter, transit delay, faults: settings.c
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
#include "jobs.h"
#include "request.h"
#include "settings.h"
#include "sim.h"

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

    text_fmt(out,
             "{\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
             ",\"unauthorized\":%" PRIu64 ",\"faults\":%" PRIu64
             ",\"polls\":%" PRIu64 ",\"results\":%" PRIu64 ",\"open\":%" PRId64
             ",\"models\":%" PRIu64 ",\"tokens\":%" PRIu64
             ",\"max_tokens_in_window\":%" PRId64
             ",\"max_in_window\":%zu,\"connections\":%" PRId64
             ",\"client_gone\":%" PRIu64 ",\"dropped\":%" PRIu64
             ",\"now_ns\":%" PRId64 "}\n",
             n->accepted, n->refused, n->unauthorized, n->faults, n->polls,
             n->results, n->open, n->models, n->tokens,
             arrivals_max_tokens(sim->arrivals, sim->window.length_ns),
             arrivals_max_in(sim->arrivals, sim->window.length_ns, false),
             n->connections, n->client_gone, arrivals_dropped(sim->arrivals),
             clock_now_ns());
    return MHD_HTTP_OK;
}

static int get_max(struct request *r, struct text *out)
{
    const char *of =
        MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, "of");
    bool only_accepted = of != NULL && strcmp(of, "accepted") == 0;
    bool in_tokens = of != NULL && strcmp(of, "tokens") == 0;
    int64_t window_ms;

    if (of != NULL && !only_accepted && !in_tokens && strcmp(of, "all") != 0)
        return fail(out, MHD_HTTP_BAD_REQUEST,
                    "of must be all, accepted or tokens");
    if (!argument(r, "window_ms", 0, &window_ms) || window_ms < 1 ||
        window_ms > 86400000)
        return fail(out, MHD_HTTP_BAD_REQUEST,
                    "window_ms must be 1 to 86400000");
    text_fmt(out, "{\"window_ms\":%" PRId64 ",\"max\":%" PRId64 "}\n",
             window_ms,
             in_tokens
                 ? arrivals_max_tokens(r->sim->arrivals, window_ms * NS_PER_MS)
                 : (int64_t)arrivals_max_in(
                       r->sim->arrivals, window_ms * NS_PER_MS, only_accepted));
    return MHD_HTTP_OK;
}

static int post_reset(struct request *r, struct text *out)
{
    struct sim *sim = r->sim;
    struct counters fresh = {.open = sim->counters.open,
                             .connections = sim->counters.connections};

    sim->counters = fresh;
    window_reset(&sim->window);
    orders_reset(&sim->orders);
    jobs_clear(sim->jobs);
    arrivals_clear(sim->arrivals);
    text_str(out, "{\"reset\":true}\n");
    return MHD_HTTP_OK;
}

/* --- the settings --- */

static int get_config(struct request *r, struct text *out)
{
    settings_write(r->sim, out);
    return MHD_HTTP_OK;
}

static int patch_config(struct request *r, struct text *out)
{
    const char *problem;
    struct json_object *json = NULL;

    if (r->body.len > 0)
        json = json_tokener_parse(r->body.data);
    problem = settings_patch(r->sim, json);
    json_object_put(json);
    if (problem != NULL)
        return fail(out, MHD_HTTP_BAD_REQUEST, problem);
    return get_config(r, out);
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
