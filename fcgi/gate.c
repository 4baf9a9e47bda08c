/*
 * gate.c - who may send a body?
 *
 *   receive.c --> gate_admits(): route.c, auth.c    before STDIN is read
 *   adopt.c   --> gate_follow()                     when settings change
 *
 * A stranger's body is neither held nor parsed: path, method, length, address
 * and key are all in the parameters, which come first.
 *
 * It is a reader thread that asks while the loop may replace the settings, so
 * the lock is held for as long as a request is checked: some microseconds.
 */
#include "fcgi/gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/auth.h"
#include "fcgi/config/asking.h"
#include "fcgi/config/bounds.h"
#include "fcgi/cors.h"
#include "fcgi/fault.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "lib/base.h"

struct gate {
    const struct routes *table;
    int64_t max_body;
    pthread_mutex_t lock; /* of what follows */
    const struct config *cfg;
};

struct gate *gate_new(const struct routes *table, int64_t max_body)
{
    struct gate *g = calloc(1, sizeof(*g));

    CHECK(g != NULL);
    g->table = table;
    g->max_body = max_body;
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void gate_free(struct gate *g)
{
    if (g == NULL)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void gate_follow(struct gate *g, const struct config *cfg)
{
    pthread_mutex_lock(&g->lock);
    g->cfg = cfg;
    pthread_mutex_unlock(&g->lock);
}

int64_t gate_max_body(const struct gate *g)
{
    return g->max_body;
}

enum protocols_who gate_speakers(struct gate *g, const char *protocol)
{
    enum protocols_who who = PROTOCOLS_ALL;

    pthread_mutex_lock(&g->lock);
    if (g->cfg != NULL)
        who = protocols_speakers(g->cfg, protocol);
    pthread_mutex_unlock(&g->lock);
    return who;
}

void gate_asking(struct gate *g, const char *model, const char *protocol,
                 struct asking *out)
{
    pthread_mutex_lock(&g->lock);
    if (g->cfg != NULL)
        asking_of(g->cfg, model, protocol, out);
    pthread_mutex_unlock(&g->lock);
}

static void check_caller(struct gate *g, struct request *r)
{
    pthread_mutex_lock(&g->lock);
    if (g->cfg != NULL) {
        auth_check(g->cfg, r);
        r->is_checked = true;
    }
    pthread_mutex_unlock(&g->lock);
}

void gate_route(const struct routes *table, struct request *r)
{
    const char *allow = NULL;

    if (cors_is_preflight(r)) {
        r->route = table->preflight;
        return;
    }
    r->route = route_find(table, r->method, r->path, &allow);
    if (r->route != NULL && r->route->proxied && r->wants_socket) {
        r->route = NULL;
        fault_set(&r->fault, ERROR_UPGRADE,
                  "Sluice speaks no WebSocket: POST to this path and read the "
                  "events of its answer (Codex: supports_websockets = false).");
    }
    if (r->route != NULL || r->fault.status != 0)
        return;
    if (allow == NULL) {
        fault_set(
            &r->fault, ERROR_NOT_FOUND,
            "There is nothing at this path. Sluice serves the OpenAI API "
            "under /v1/, so that a base URL ends with /v1; and /health, "
            "/health/ready, /metrics, /api/status, /api/queue, /api/events, "
            "/api/history, /api/config, /api/keys, /api/me.");
        return;
    }
    (void)snprintf(r->allow, sizeof(r->allow), "%s", allow);
    fault_set(&r->fault, ERROR_METHOD, "This path takes %s, not %.16s.", allow,
              r->method);
}

bool gate_admits(struct gate *g, struct request *r)
{
    if (r->fault.status == 0)
        gate_route(g->table, r);
    if (r->content_length > g->max_body)
        fault_too_large(&r->fault, g->max_body);
    check_caller(g, r);
    return r->fault.status == 0;
}
