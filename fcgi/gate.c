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
#include <stdlib.h>

#include "fcgi/auth.h"
#include "fcgi/config/bounds.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "state/limiter.h"

struct gate {
    int64_t max_body;
    pthread_mutex_t lock; /* of what follows */
    const struct config *cfg;
};

struct gate *gate_new(int64_t max_body)
{
    struct gate *g = calloc(1, sizeof(*g));

    CHECK(g != NULL);
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

static void check_caller(struct gate *g, struct request *r)
{
    pthread_mutex_lock(&g->lock);
    if (g->cfg != NULL) {
        auth_check(g->cfg, r);
        r->is_checked = true;
    }
    pthread_mutex_unlock(&g->lock);
}

bool gate_admits(struct gate *g, struct request *r)
{
    const char *allow = "";

    if (r->fault.status == 0)
        r->route = route_find(r, &allow);
    snprintf(r->allow, sizeof(r->allow), "%s", allow);
    if (r->content_length > g->max_body)
        fault_too_large(&r->fault, g->max_body);
    check_caller(g, r);
    return r->fault.status == 0;
}
