/*
 * access_log.c - what does the log tell of a request, and when?
 */
#include "fcgi/access_log.h"

#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "lib/clock.h"
#include "lib/log.h"

static int64_t ms_between(int64_t from, int64_t to)
{
    return from == 0 || to == 0 || to < from ? -1 : (to - from) / NS_PER_MS;
}

static void log_count(struct log_line *l, const char *key, int64_t value)
{
    if (value >= 0)
        log_int(l, key, value);
}

/* The publisher part of a model id: a bounded kind of name. */
static const char *provider_of(const char *model, char *out, size_t max)
{
    size_t n = strcspn(model, "/");

    if (model[n] == '\0' || n == 0)
        return NULL;
    snprintf(out, max, "%.*s", (int)n, model);
    return out;
}

/* Where there is only one that could have, nothing is said. */
static void log_who_served(struct log_line *l, const struct exchange *x)
{
    if (x->s->cfg->n_upstreams > 1)
        log_str(l, "upstream", x->s->cfg->upstreams[x->attempt.upstream].name);
    if (exchange_seldom(x)->stand_in[0] != '\0')
        log_str(l, "served", exchange_seldom(x)->short_stand_in);
}

void access_log_exchange(const struct exchange *x)
{
    const struct request *r = x->req;
    const struct seldom *seldom = exchange_seldom(x);
    int64_t now = clock_now_ns();
    char provider[MODEL_MAX];
    struct log_line l;

    log_begin(&l, x->s->log,
              r->route != NULL && r->route->access == ACCESS_CLIENT
                  ? LOG_INFO_
                  : LOG_DEBUG_,
              x->left != LEFT_BY_NOBODY ? "hangup" : "request");
    log_str(&l, "request_id", r->id);
    if (r->trace[0] != '\0')
        log_str(&l, "trace_id", r->trace);
    log_str(&l, "client", r->client);
    log_str(&l, "route", r->route != NULL ? r->route->name : "none");
    if (r->model[0] != '\0') {
        log_str(&l, "model", r->model);
        log_str(&l, "provider",
                provider_of(r->model, provider, sizeof(provider)));
    }
    if (x->attempt.sends > 0)
        log_who_served(&l, x);
    log_bool(&l, "stream", r->stream);
    if (x->left != LEFT_BY_NOBODY)
        log_str(&l, "phase", phase_names[request_stats_phase(x)]);
    else
        log_int(&l, "status",
                seldom->error.status != 0 ? seldom->error.status
                                          : x->relay.status);
    if (seldom->error.code != ERROR_NONE)
        log_str(&l, "code", error_rows[seldom->error.code].text);
    if (x->place.granted_ns != 0)
        log_int(&l, "queue_ms", x->place.waited_ns / NS_PER_MS);
    log_count(&l, "ttfb_ms",
              ms_between(x->place.granted_ns, x->attempt.first_byte_ns));
    log_int(&l, "total_ms", (now - r->arrived_ns) / NS_PER_MS);
    log_int(&l, "attempts", x->attempt.sends);
    log_int(&l, "bytes", (int64_t)x->client.bytes);
    log_count(&l, "prompt_tokens", x->relay.usage.prompt);
    log_count(&l, "completion_tokens", x->relay.usage.completion);
    if (x->attempt.status != 0)
        log_int(&l, "upstream_status", x->attempt.status);
    if (x->relay.nvcf_reqid[0] != '\0')
        log_str(&l, "nvcf_reqid", x->relay.nvcf_reqid);
    if (seldom->detail[0] != '\0')
        log_str(&l, "detail", seldom->detail);
    log_end_later(&l);
}

/* ---- when ------------------------------------------------------------------- */

/* Behind the answer: nobody waits for the line, and many share a write. */
#define WAIT_NS (10 * NS_PER_MS)

static void on_due(void *arg)
{
    log_flush(((struct sluice *)arg)->log);
}

void access_log_step(struct sluice *s)
{
    struct loop_timer *t = &s->log_timer;

    if (t->place != 0 || !log_waits(s->log))
        return;
    t->fn = on_due;
    t->arg = s;
    loop_at(s->loop, t, loop_now(s->loop) + WAIT_NS);
}
