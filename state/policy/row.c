/*
 * row.c - what changes when a ticket changes its state?
 *
 * A transition is: take away what it stands for (row_count.c), store the state,
 * add.
 */
#include "state/policy/row.h"

#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/naming.h"
#include "state/policy/queue.h"
#include "state/policy/quota.h"
#include "state/policy/row_count.h"
#include "state/policy/slot_source.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"
#include "state/policy/window.h"

/* Has the row's client, if it has a limit of its own, come to it? */
static void watch(struct layout *lay, const struct lay_row *r, int64_t now)
{
    if (r->client < LAY_CLIENTS && quota_limits(lay, r->client))
        quota_watch(lay, r->client, now);
}

static void set_state(struct layout *lay, uint32_t i, enum row_state state,
                      int64_t now)
{
    struct lay_row *r = row_at(lay, i);

    row_count_state(lay, r, -1);
    r->changed_ns = now;
    __atomic_store_n(&r->state, (uint32_t)state, __ATOMIC_RELEASE);
    row_count_state(lay, r, 1);
    if (state <= ROW_OFFERED || state == ROW_ASIDE)
        watch(lay, r, now);
}

/* ---- making and freeing ---------------------------------------------- */

uint32_t row_scope(struct layout *lay, const struct limiter_request *req,
                   int64_t now, uint32_t *model)
{
    *model = NONE;
    if (req->upstream >= LAY_UPSTREAMS)
        sigbus_damaged("upstream index");
    if (req->model[0] != '\0')
        *model = naming_model(lay, req->upstream, req->model, now);
    if (!lay->rules[req->upstream].per_model)
        return req->upstream;
    if (*model == NONE && req->model[0] == '\0')
        *model = naming_model(lay, req->upstream, "(none)", now);
    return *model == NONE ? NONE : LAY_UPSTREAMS + *model;
}

static int64_t next_arrival(struct layout *lay, int64_t now)
{
    lay->live.last_arrival = max_i64(now, lay->live.last_arrival + 1);
    return lay->live.last_arrival;
}

/* What is there already is not written again: most have none. */
static void note_trace(struct lay_trace *t, const char *trace)
{
    if (trace != NULL && strlen(trace) == sizeof(t->text))
        memcpy(t->text, trace, sizeof(t->text));
    else if (t->text[0] != '\0')
        memset(t->text, 0, sizeof(t->text));
}

/* Where row I, for REQ, waits, and for which model; NONE: no room for that.  A
 * line that several share it reads off from its first choice. */
static uint32_t settle(struct layout *lay, uint32_t i,
                       const struct limiter_request *req, int64_t now,
                       uint32_t *model)
{
    uint32_t line;

    row_at(lay, i)->flags = 0;
    if (req->upstream >= LAY_UPSTREAMS)
        sigbus_damaged("upstream index");
    line = wants_line(lay, req->upstream);
    if (line == NONE)
        return row_scope(lay, req, now, model);
    wants_make(lay, i, line, req, now);
    row_at(lay, i)->flags = ROW_CHOOSES;
    *model = wants_place(lay, i, 0).model;
    return line;
}

/* Fills a free row, of CLIENT, and stores STATE last. */
static enum limiter_refusal make(struct layout *lay, const struct row_join *j,
                                 uint32_t client, uint32_t state, int64_t now,
                                 uint32_t *out)
{
    const struct limiter_request *req = j->req;
    uint32_t i = lay->live.free_row;
    uint32_t model, scope;
    struct lay_row *r;

    if (i == NONE || client == NONE)
        return REFUSED_TABLE;
    scope = settle(lay, i, req, now, &model);
    if (scope == NONE)
        return REFUSED_TABLE;
    quota_set(lay, client,
              &(struct quota_word){req->requests_per_min, req->tokens_per_min,
                                   req->tokens_per_day, j->generation,
                                   j->said_ns > 0 ? j->said_ns : now});
    r = row_at(lay, i);
    lay->live.free_row = r->next;
    if (i >= lay->live.rows_high)
        lay->live.rows_high = i + 1;
    r->worker = j->worker;
    r->id = ++lay->live.last_id;
    r->joined_ns = now;
    r->changed_ns = now;
    r->grant = 0;
    r->body_bytes = req->body_bytes;
    r->scope = (uint16_t)scope;
    r->cls = (uint16_t)req->cls;
    r->client = client;
    r->model = model;
    r->share = (uint16_t)req->weight;
    r->weight = j->weight > 0 ? j->weight : 1;
    tokens_estimate(lay, i, req);
    r->flow = r->prev = r->next = NONE;
    r->fingerprint = req->fingerprint;
    r->flags |= (uint16_t)((req->stream ? ROW_STREAM : 0) |
                           (j->to_head ? ROW_TO_HEAD : 0));
    r->arrival = j->arrival;
    if (r->arrival == 0 && j->to_head)
        r->arrival = queue_head_arrival(lay, i);
    if (r->arrival == 0)
        r->arrival = next_arrival(lay, now);
    lay->live.last_arrival = max_i64(lay->live.last_arrival, r->arrival);
    memset(r->request_id, 0, sizeof(r->request_id));
    memcpy(r->request_id, req->request_id,
           strnlen(req->request_id, sizeof(r->request_id) - 1));
    note_trace(&lay->traces[i], req->trace);
    __atomic_store_n(&r->state, state, __ATOMIC_RELEASE);
    row_count(lay, i);
    watch(lay, r, now);
    if (model != NONE && model_limit_is_new(lay, model) &&
        lay->live.limited == 0)
        lay->live.limited = 1;
    *out = i;
    return REFUSED_NOT;
}

static void unmake(struct layout *lay, uint32_t i)
{
    struct lay_row *r = row_at(lay, i);

    row_count_state(lay, r, -1);
    row_count_life(lay, r, -1);
    __atomic_store_n(&r->state, ROW_FREE, __ATOMIC_RELEASE);
    r->next = lay->live.free_row;
    lay->live.free_row = i;
    while (lay->live.rows_high > 0 &&
           row_at(lay, lay->live.rows_high - 1)->state == ROW_FREE)
        lay->live.rows_high--;
}

/* ---- its slot: taken once, and then either used or given back ---------- */

static const struct slot_source *source(struct layout *lay, uint32_t i)
{
    return slot_source_of(lay, row_at(lay, i)->scope);
}

/* Row I, in whatever state, is one of SCOPE and MODEL from now on. */
static void stand_for(struct layout *lay, uint32_t i, uint32_t scope,
                      uint32_t model)
{
    struct lay_row *r = row_at(lay, i);

    if (scope >= LAY_SCOPES)
        sigbus_damaged("scope of a choice");
    row_count_state(lay, r, -1);
    row_count_life(lay, r, -1);
    r->scope = (uint16_t)scope;
    r->model = model;
    tokens_of_other_scope(lay, i);
    row_count_life(lay, r, 1);
    row_count_state(lay, r, 1);
}

/* It goes where its mark says. */
static void go_out(struct layout *lay, uint32_t i)
{
    struct wants_place p;

    if (!wants_has(lay, i))
        return;
    p = wants_place(lay, i, want_at(lay, i)->mark - 1u);
    stand_for(lay, i, p.scope, p.model);
}

/* It is one of its line again; that may be another than it came from. */
static void come_home(struct layout *lay, uint32_t i)
{
    uint32_t line = wants_home_line(lay, i);

    if (line == NONE && wants_has(lay, i))
        wants_drop(lay, i);
    else if (line != NONE && !wants_has(lay, i))
        wants_make_single(lay, i);
    wants_unmark(lay, i);
    if (line != NONE)
        stand_for(lay, i, line, wants_place(lay, i, 0).model);
}

/* Of one that waits. */
static void take(struct layout *lay, uint32_t i, int64_t now)
{
    queue_charge(lay, i);
    go_out(lay, i);
    source(lay, i)->take(lay, i, now);
}

/* Of one that is offered or open: nothing of it was written. */
static void give_back(struct layout *lay, uint32_t i)
{
    source(lay, i)->back(lay, i);
    come_home(lay, i);
    queue_refund(lay, i);
}

static void note_pause(struct lay_row *r, int64_t for_ns)
{
    r->next = (uint32_t)max_i64(0, min_i64(for_ns / NS_PER_MS, UINT32_MAX - 1));
}

/* ---- transitions ----------------------------------------------------- */

static enum limiter_refusal bounds_check(const struct layout *lay,
                                         const struct limiter_request *req,
                                         uint32_t client)
{
    const struct lay_bounds *b = &lay->bounds;

    if (lay->live.waiting >= b->waiting || lay->live.waiting >= LAY_WAITERS)
        return REFUSED_QUEUE_FULL;
    if (client == NONE)
        return REFUSED_TABLE;
    if (lay->clients[client].lined >=
        (req->queue_max > 0 ? req->queue_max : b->per_client))
        return REFUSED_CLIENT_FULL;
    if (req->body_bytes > b->bytes ||
        lay->live.held_bytes > b->bytes - req->body_bytes)
        return REFUSED_BYTES;
    return REFUSED_NOT;
}

/* Puts a new row, or one that comes back, into its line. */
static void line_up(struct layout *lay, uint32_t i)
{
    if (!queue_insert(lay, i)) /* there are as many flows as rows */
        sigbus_damaged("flow table");
}

enum limiter_refusal row_join(struct layout *lay, const struct row_join *j,
                              int64_t now, uint32_t *out)
{
    uint32_t client = naming_client(lay, j->req->client, now);
    enum limiter_refusal why = bounds_check(lay, j->req, client);

    if (why == REFUSED_NOT)
        why = make(lay, j, client, ROW_WAITING, now, out);
    if (why == REFUSED_NOT)
        line_up(lay, *out);
    return why;
}

/* One that is under way is so by its K-th choice. */
static void go_on(struct layout *lay, uint32_t i, uint32_t k)
{
    if (!wants_has(lay, i))
        return;
    k = wants_numbered(lay, i, k);
    if (wants_place(lay, i, k).scope == NONE)
        return;
    wants_mark(lay, i, k);
    go_out(lay, i);
}

enum limiter_refusal row_adopt(struct layout *lay, const struct row_join *j,
                               uint32_t state, int64_t now, uint32_t *out)
{
    uint32_t client = naming_client(lay, j->req->client, now);
    enum limiter_refusal why = make(lay, j, client, state, now, out);

    if (why == REFUSED_NOT && (state == ROW_OPEN || state == ROW_SENT))
        go_on(lay, *out, j->choice);
    if (why == REFUSED_NOT && state == ROW_WAITING)
        line_up(lay, *out);
    if (why == REFUSED_NOT && state == ROW_ASIDE)
        note_pause(row_at(lay, *out), j->aside_ns);
    if (why == REFUSED_NOT && state == ROW_OPEN)
        source(lay, *out)->adopt(lay, *out);
    return why;
}

void row_offer(struct layout *lay, uint32_t i, int64_t now)
{
    take(lay, i, now);
    set_state(lay, i, ROW_OFFERED, now);
}

void row_revoke(struct layout *lay, uint32_t i, int64_t now)
{
    give_back(lay, i);
    set_state(lay, i, ROW_WAITING, now);
    line_up(lay, i);
}

void row_grant(struct layout *lay, uint32_t i, int64_t now)
{
    struct lay_row *r = row_at(lay, i);

    if (r->state == ROW_WAITING)
        take(lay, i, now);
    r->grant = ++lay->live.last_grant;
    set_state(lay, i, ROW_OPEN, now);
}

bool row_sent(struct layout *lay, uint32_t i, int64_t at)
{
    struct lay_row *r = row_at(lay, i);

    if (r->state != ROW_OPEN)
        return true;
    if (!window_has_room(lay, r->scope))
        return false;
    /* Before the scope's log, which is what makes it a send: see repair.c. */
    if (!quota_sent(lay, r->client, at, tokens_of_client(lay, r), r->grant,
                    &lay->tokens[i].in_client))
        return false;
    source(lay, i)->sent(lay, i, at);
    lay->tokens[i].in_scope =
        window_push(lay, r->scope, at, tokens_of_scope(lay, r), r->grant);
    set_state(lay, i, ROW_SENT, at);
    return true;
}

/* It comes back, and was granted; one that is open did not reach the wire. */
static void come_back(struct layout *lay, uint32_t i)
{
    struct lay_row *r = row_at(lay, i);

    if (r->state == ROW_OPEN)
        give_back(lay, i);
    else if (r->state == ROW_SENT)
        come_home(lay, i);
    else
        sigbus_damaged("a request came back that was not granted");
}

void row_aside(struct layout *lay, uint32_t i, int64_t for_ns, int64_t now)
{
    come_back(lay, i);
    note_pause(row_at(lay, i), for_ns);
    set_state(lay, i, ROW_ASIDE, now);
}

int64_t row_aside_ns(const struct lay_row *r)
{
    return (int64_t)r->next * NS_PER_MS;
}

void row_again(struct layout *lay, uint32_t i, int64_t now)
{
    struct lay_row *r = row_at(lay, i);

    if (r->state != ROW_ASIDE)
        come_back(lay, i);
    set_state(lay, i, ROW_WAITING, now);
    if ((r->flags & ROW_REFUSED) == 0) {
        line_up(lay, i);
    } else {
        r->flags &= (uint16_t)~ROW_REFUSED;
        if (!queue_insert_refused(lay, i, next_arrival(lay, now)))
            sigbus_damaged("flow table");
    }
}

void row_move(struct layout *lay, uint32_t i, uint32_t scope, uint32_t model,
              int64_t now)
{
    struct lay_row *r = row_at(lay, i);

    if (r->state == ROW_OFFERED)
        row_revoke(lay, i, now);
    if (r->state == ROW_WAITING)
        queue_remove(lay, i);
    if (r->state == ROW_OPEN)
        source(lay, i)->back(lay, i);
    stand_for(lay, i, scope, model);
    if (r->state == ROW_OPEN)
        source(lay, i)->adopt(lay, i);
    if (r->state == ROW_WAITING)
        line_up(lay, i);
}

void row_body_gone(struct layout *lay, uint32_t i)
{
    struct lay_row *r = row_at(lay, i);

    lay->live.held_bytes -= r->body_bytes;
    r->body_bytes = 0;
}

void row_leave(struct layout *lay, uint32_t i)
{
    uint32_t state = row_at(lay, i)->state;

    if (state == ROW_FREE)
        sigbus_damaged("a request ended twice");
    if (state == ROW_SENT)
        model_state_served(lay, i);
    if (state == ROW_WAITING)
        queue_remove(lay, i);
    else if (state == ROW_OFFERED || state == ROW_OPEN)
        give_back(lay, i);
    unmake(lay, i);
}
