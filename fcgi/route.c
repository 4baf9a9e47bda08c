/*
 * route.c - which handler answers this?
 *
 * The table is read from the top; the first path that fits decides, and its
 * methods decide between an answer and a 405.  A path may stand there twice,
 * one row below the other, where who may do it depends on the method; the last
 * one names them all.
 */
#include "route.h"

#include <string.h>

#include "../state/limiter.h"
#include "configs.h"
#include "cors.h"
#include "events.h"
#include "health.h"
#include "metrics.h"
#include "models.h"
#include "past.h"
#include "ready.h"
#include "request.h"
#include "status.h"
#include "steer.h"

static const struct route routes[] = {
    {"/v1/chat/completions", "POST", "chat", ACCESS_CLIENT, true, true,
     ENDS_DONE, NULL},
    {"/v1/completions", "POST", "completions", ACCESS_CLIENT, true, true,
     ENDS_DONE, NULL},
    {"/v1/embeddings", "POST", "embeddings", ACCESS_CLIENT, true, true,
     ENDS_ANYHOW, NULL},
    {"/v1/responses", "POST", "responses", ACCESS_CLIENT, true, true,
     ENDS_RESPONSE, NULL},
    {"/v1/ranking", "POST", "ranking", ACCESS_CLIENT, true, true, ENDS_ANYHOW,
     NULL},
    {"/v1/models", "GET, HEAD", "models", ACCESS_CLIENT, false, false,
     ENDS_ANYHOW, models_answer},
    {"/v1/models/*", "GET, HEAD", "models", ACCESS_CLIENT, false, false,
     ENDS_ANYHOW, models_answer},
    {"/v1/messages", "GET, POST", "other", ACCESS_CLIENT, true, false,
     ENDS_MESSAGE, NULL},
    {"/v1/*", "GET, POST", "other", ACCESS_CLIENT, true, false, ENDS_ANYHOW,
     NULL},
    {"/health", "GET, HEAD", "health", ACCESS_ALL, false, false, ENDS_ANYHOW,
     health_answer},
    {"/health/ready", "GET, HEAD", "ready", ACCESS_ALL, false, false,
     ENDS_ANYHOW, ready_answer},
    {"/metrics", "GET, HEAD", "metrics", ACCESS_READ, false, false, ENDS_ANYHOW,
     metrics_answer},
    {"/api/status", "GET, HEAD", "status", ACCESS_READ, false, false,
     ENDS_ANYHOW, status_answer},
    {"/api/queue", "GET, HEAD", "queue", ACCESS_READ, false, false, ENDS_ANYHOW,
     queue_answer},
    {"/api/queue/*", "DELETE", "control", ACCESS_ADMIN, false, false,
     ENDS_ANYHOW, steer_cancel},
    {"/api/config", "PATCH", "config", ACCESS_ADMIN, false, false, ENDS_ANYHOW,
     configs_patch},
    {"/api/config", "GET, HEAD, PATCH", "config", ACCESS_READ, false, false,
     ENDS_ANYHOW, configs_answer},
    {"/api/pause", "POST", "control", ACCESS_ADMIN, false, false, ENDS_ANYHOW,
     steer_pause},
    {"/api/resume", "POST", "control", ACCESS_ADMIN, false, false, ENDS_ANYHOW,
     steer_resume},
    {"/api/retreat/clear", "POST", "control", ACCESS_ADMIN, false, false,
     ENDS_ANYHOW, steer_clear},
    {"/api/reload", "POST", "control", ACCESS_ADMIN, false, false, ENDS_ANYHOW,
     steer_reload},
    {"/api/events", "GET", "events", ACCESS_READ, false, false, ENDS_ANYHOW,
     events_answer},
    {"/api/history", "GET, HEAD", "history", ACCESS_READ, false, false,
     ENDS_ANYHOW, past_answer},
};

static bool path_fits(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] != '*')
        return strcmp(pattern, path) == 0;
    return strncmp(pattern, path, n - 1) == 0 && path[n - 1] != '\0';
}

static bool method_fits(const char *methods, const char *method)
{
    size_t n = strlen(method);
    const char *p = methods;

    while (n > 0 && strpbrk(method, ", ") == NULL &&
           (p = strstr(p, method)) != NULL) {
        if ((p == methods || p[-1] == ' ') && (p[n] == '\0' || p[n] == ','))
            return true;
        p += n;
    }
    return false;
}

const struct route *route_find(struct request *r, const char **allow)
{
    const struct route *preflight = cors_route(r);
    size_t i;

    if (preflight != NULL)
        return preflight;
    for (i = 0; i < ARRAY_LEN(routes); i++) {
        if (!path_fits(routes[i].path, r->path))
            continue;
        if (method_fits(routes[i].methods, r->method))
            return &routes[i];
        if (i + 1 < ARRAY_LEN(routes) &&
            strcmp(routes[i].path, routes[i + 1].path) == 0)
            continue;
        *allow = routes[i].methods;
        fault_set(&r->fault, 405, "sluice_method",
                  "This path takes %s, not %.16s.", routes[i].methods,
                  r->method);
        return NULL;
    }
    fault_set(&r->fault, 404, "sluice_not_found",
              "There is nothing at this path. Sluice serves the OpenAI API "
              "under /v1/, and /health, /health/ready, /metrics, "
              "/api/status, /api/queue, /api/events, /api/history.");
    return NULL;
}
