/*
 * exchange.c - the life of a request.
 *
 *   exchange_begin()   its first line is here
 *   exchange_step()    headers; then pieces of the body; then the phases:
 *
 *     RECEIVED --transit delay--> ARRIVED --model's delay--> ANSWER --> end
 *         |                          |                          |
 *         +--> control, models       +--> limiter's 429         +--> WIRE
 *
 *   exchange_end()     answered, broken, or the client has left
 *
 * A phase that has to wait suspends the connection and names the phase to
 * go on with; libmicrohttpd calls exchange_step() again after the wait.
 */
#include "exchange.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control.h"
#include "judge.h"
#include "refuse.h"
#include "reply.h"
#include "request.h"
#include "sim.h"
#include "wire.h"
#include "workers.h"

/* How long to leave a full socket alone; chosen by eye. */
#define WIRE_RETRY_NS (2 * NS_PER_MS)

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct request *r = calloc(1, sizeof(*r));

    (void)conn;
    if (r == NULL)
        return NULL;
    r->sim = cls;
    r->uri = strdup(uri);
    if (r->uri == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

static enum MHD_Result start(struct request *r, struct MHD_Connection *conn,
                             const char *url, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info == NULL)
        return MHD_NO;
    r->conn = conn;
    r->wait.conn = conn;
    r->wait.fd = info->connect_fd;
    r->path = url;
    r->route = route_find(method, url);
    arrivals_copy(r->method, sizeof(r->method), method);
    return MHD_YES;
}

static void take_body(struct request *r, const char *bytes, size_t len)
{
    r->body_bytes += len;
    if (r->body_bytes <= BODY_BYTES_MAX)
        text_add(&r->body, bytes, len);
    else
        text_free(&r->body);
}

/* --- the phases --- */

/* Goes on with NEXT after the wait, at once if there is none. */
static enum MHD_Result wait_then(struct request *r, enum phase next,
                                 int64_t wait_ns, bool watch)
{
    r->phase = next;
    if (waits_until(r->sim->waits, &r->wait, clock_now_ns() + wait_ns, watch) ==
        WAIT_OVER)
        return MHD_NO;
    return MHD_YES;
}

static enum MHD_Result phase_arrived(struct request *r);
static enum MHD_Result phase_answer(struct request *r);

static enum MHD_Result reply_fault(struct request *r, enum fault fault)
{
    const struct fault_answer *answer = fault_answer(fault);
    struct text body = {0};

    text_str(&body, answer->body);
    return reply_plain(r->conn, answer->status, answer->type, &body);
}

/* The list of models as the next of "free" in /sim/config wants it, else as
 * "list" does, in its own way or as a fault. */
static enum MHD_Result phase_list(struct request *r)
{
    const struct fault_answer *answer;
    struct text body = {0};
    enum fault fault;

    r->type = "application/json";
    r->retry_after = -1;
    pthread_mutex_lock(&r->sim->lock);
    r->sim->counters.models++;
    fault = orders_free(&r->sim->orders);
    behaviour_parse(&r->how, "");
    behaviour_add(&r->how, r->sim->list);
    pthread_mutex_unlock(&r->sim->lock);
    if (fault == FAULT_RESET) {
        wire_reset(r);
        return MHD_NO;
    }
    if (fault_answer(fault) != NULL)
        return reply_fault(r, fault);
    answer = fault_answer(r->how.fault);
    if (answer != NULL)
        refuse_with(r, answer);
    if (r->is_refused || refuse_code(r) || r->how.fault == FAULT_HANG)
        return phase_answer(r);
    if (!route_models_body(r->path, &r->how, &body)) {
        text_free(&body);
        return reply_fault(r, FAULT_UNKNOWN);
    }
    return reply_plain(r->conn, MHD_HTTP_OK, "application/json", &body);
}

/* What never meets the limiter and is never delayed. */
static enum MHD_Result phase_free(struct request *r)
{
    struct text body = {0};
    int status;

    if (r->route == ROUTE_MODELS)
        return phase_list(r);
    if (r->route == ROUTE_NOWHERE)
        return reply_fault(r, FAULT_UNKNOWN);
    status = control_answer(r, &body);
    return reply_plain(r->conn, status, "application/json", &body);
}

static int64_t transit_ns(struct sim *sim)
{
    struct delay delay;
    uint32_t span_us;

    pthread_mutex_lock(&sim->lock);
    delay = sim->delay;
    pthread_mutex_unlock(&sim->lock);
    span_us = (uint32_t)(delay.max_ms - delay.min_ms) * 1000;
    return delay.min_ms * NS_PER_MS +
           (int64_t)arc4random_uniform(span_us + 1) * 1000;
}

static enum MHD_Result phase_received(struct request *r)
{
    int64_t wait_ns;

    if (r->route == ROUTE_NOWHERE || r->route == ROUTE_CONTROL ||
        r->route == ROUTE_MODELS)
        return phase_free(r);
    wait_ns = transit_ns(r->sim);
    /* On its way it is out of the client's hands, so nobody watches. */
    if (wait_ns > 0)
        return wait_then(r, PHASE_ARRIVED, wait_ns, false);
    return phase_arrived(r);
}

static enum MHD_Result phase_arrived(struct request *r)
{
    judge_arrival(r);
    if (r->how.slow_ms > 0)
        return wait_then(r, PHASE_ANSWER, r->how.slow_ms * NS_PER_MS, true);
    return phase_answer(r);
}

static enum MHD_Result phase_wire(struct request *r)
{
    if (wire_write(r) == WIRE_BLOCKED)
        return wait_then(r, PHASE_WIRE, WIRE_RETRY_NS, true);
    return MHD_NO;
}

static void put_in_brackets(struct text *body)
{
    struct text list = {0};

    text_str(&list, "[");
    text_add(&list, body->data, body->len);
    text_str(&list, "]");
    text_free(body);
    *body = list;
}

/* Fills R->out for the routes that speak; the vectors are there already. */
static void make_answer(struct request *r)
{
    static const enum answer_kind kinds[] = {
        [ROUTE_CHAT] = ANSWER_CHAT,
        [ROUTE_COMPLETIONS] = ANSWER_COMPLETION,
        [ROUTE_RESPONSES] = ANSWER_RESPONSE,
        [ROUTE_OTHER] = ANSWER_CHAT, /* only its words are counted */
    };

    if (r->route == ROUTE_EMBEDDINGS || r->route == ROUTE_RANKING ||
        r->route == ROUTE_THING) {
        r->is_stream = false;
        if (r->route == ROUTE_THING && r->out.len == 0)
            text_fmt(&r->out, "{\"id\":\"thing-%llu\",\"object\":\"thing\"}",
                     (unsigned long long)r->answer_seq);
        return;
    }
    r->is_stream = (r->is_stream && !r->how.is_whole) || r->how.is_audio;
    r->sse.how = r->how;
    r->sse.key = MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND,
                                             MHD_HTTP_HEADER_AUTHORIZATION);
    answer_init(&r->sse.answer, kinds[r->route], &r->how, r->json,
                r->answer_seq);
    if (!r->is_stream || wire_is_wanted(&r->how))
        answer_body(&r->sse.answer, &r->out);
    if (r->how.is_list && r->out.len > 0)
        put_in_brackets(&r->out);
}

static enum MHD_Result phase_answer(struct request *r)
{
    if (waits_is_over(r->sim->waits, &r->wait))
        return MHD_NO;
    if (r->is_refused)
        return reply_buffered(r);
    if (r->how.fault == FAULT_HANG) {
        r->phase = PHASE_GIVEN_UP;
        if (waits_until(r->sim->waits, &r->wait, WAIT_FOREVER, true) ==
            WAIT_OVER)
            return MHD_NO;
        return MHD_YES;
    }
    if (r->how.fault == FAULT_RESET) {
        wire_reset(r);
        return MHD_NO;
    }
    if (r->how.fault == FAULT_CLOSE) {
        wire_shut(r);
        return MHD_NO;
    }
    make_answer(r);
    if (wire_is_wanted(&r->how)) {
        wire_prepare(r);
        return phase_wire(r);
    }
    return r->is_stream ? reply_stream(r) : reply_buffered(r);
}

static enum MHD_Result phase_given_up(struct request *r)
{
    (void)r;
    return MHD_NO;
}

static enum MHD_Result (*const phases[])(struct request *r) = {
    [PHASE_RECEIVED] = phase_received, [PHASE_ARRIVED] = phase_arrived,
    [PHASE_ANSWER] = phase_answer,     [PHASE_WIRE] = phase_wire,
    [PHASE_GIVEN_UP] = phase_given_up,
};

enum MHD_Result exchange_step(void *cls, struct MHD_Connection *conn,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_len, void **req)
{
    struct request *r = *req;

    (void)cls;
    (void)version;
    if (r == NULL)
        return MHD_NO;
    if (r->conn == NULL)
        return start(r, conn, url, method);
    if (*upload_len > 0) {
        take_body(r, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return phases[r->phase](r);
}

void exchange_end(void *cls, struct MHD_Connection *conn, void **req,
                  enum MHD_RequestTerminationCode how)
{
    struct request *r = *req;
    struct sim *sim = cls;

    (void)conn;
    if (r == NULL)
        return;
    /*
     * Its client left in transit and libmicrohttpd noticed that first.  The
     * request was sent all the same, so it arrives, now that it is due.
     */
    if (r->phase == PHASE_ARRIVED && r->seq == 0 &&
        !waits_is_over(sim->waits, &r->wait))
        judge_arrival(r);
    waits_forget(sim->waits, &r->wait);
    if (r->seq > 0) {
        pthread_mutex_lock(&sim->lock);
        sim->counters.open--;
        workers_drop(r);
        if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && !r->was_ended_by_us)
            sim->counters.client_gone++;
        pthread_mutex_unlock(&sim->lock);
    }
    json_object_put(r->json);
    text_free(&r->body);
    text_free(&r->out);
    text_free(&r->location);
    free(r->uri);
    free(r);
    *req = NULL;
}

void exchange_connection(void *cls, struct MHD_Connection *conn, void **mark,
                         enum MHD_ConnectionNotificationCode what)
{
    struct sim *sim = cls;

    (void)conn;
    (void)mark;
    pthread_mutex_lock(&sim->lock);
    sim->counters.connections += what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1;
    pthread_mutex_unlock(&sim->lock);
}
