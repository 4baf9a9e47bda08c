/*
 * place.c - when is it a request's turn, and until when does it wait for that?
 */
#include "fcgi/place.h"

#include <stdlib.h>

#include "fcgi/as_chat.h"
#include "fcgi/attempt.h"
#include "fcgi/choices.h"
#include "fcgi/config/config.h"
#include "fcgi/config/protocols.h"
#include "fcgi/conversation.h"
#include "fcgi/fingerprint.h"
#include "fcgi/refuse.h"
#include "fcgi/route.h"
#include "fcgi/sign_of_life.h"
#include "fcgi/tongue.h"
#include "fcgi/usage_report.h"

/* ---- how long ---------------------------------------------------------------- */

static void bound(struct place *p, int64_t at_ns, const char *whose)
{
    if (at_ns >= p->deadline_ns)
        return;
    p->deadline_ns = at_ns;
    p->deadline_name = whose;
}

/* A client that gets no byte before the answer has its own patience, and so has
 * one that counts events. */
static void bound_by_client(struct exchange *x)
{
    int64_t client_ms = x->req->client_timeout_ms;
    int64_t event_ms = sign_of_life_patience_ms(x);

    if (sign_of_life_is_silent(x) && client_ms >= 0)
        bound(&x->place, x->req->arrived_ns + client_ms * NS_PER_MS,
              "the client's own timeout");
    if (event_ms >= 0)
        bound(&x->place, x->req->arrived_ns + event_ms * NS_PER_MS,
              "event_patience_s");
}

static void bound_anew(struct exchange *x)
{
    struct place *p = &x->place;
    int64_t left = x->s->cfg->queue_timeout_ms * NS_PER_MS - p->waited_ns;

    p->deadline_ns = exchange_now(x) + max_i64(left, 0);
    p->deadline_name = "queue.timeout_s";
    bound_by_client(x);
}

void place_bound_patience(struct exchange *x)
{
    int64_t left = x->req->deadline_ms * NS_PER_MS - x->place.waited_ns;

    bound_anew(x);
    if (x->req->deadline_ms >= 0)
        bound(&x->place, exchange_now(x) + max_i64(left, 0),
              "X-Sluice-Deadline");
}

static void bound_first(struct exchange *x)
{
    const struct request *r = x->req;
    struct place *p = &x->place;

    p->deadline_ns = r->arrived_ns + x->s->cfg->queue_timeout_ms * NS_PER_MS;
    p->deadline_name = "queue.timeout_s";
    if (r->deadline_ms >= 0)
        bound(p, r->arrived_ns + r->deadline_ms * NS_PER_MS,
              "X-Sluice-Deadline");
    bound_by_client(x);
}

int64_t place_deadline(const struct place *p)
{
    return p->was_tried ? p->deadline_ns : NEVER;
}

/* ---- in and out -------------------------------------------------------------- */

/* The slot is of one of the upstreams that X could go to. */
static void go_by(struct exchange *x, uint32_t k)
{
    const struct choices *c = x->place.choices;

    if (c == NULL || k >= c->n)
        return;
    if (!attempt_choose(x, c->list[k].upstream, c->names[k]))
        x->attempt.upstream = c->list[k].upstream; /* it asks as it came */
}

static void on_ticket(void *arg, const struct ticket_news *news)
{
    struct exchange *x = arg;
    struct place *p = &x->place;

    switch (news->event) {
    case TICKET_WAITS:
        p->news = *news;
        p->was_tried = true;
        break;
    case TICKET_GRANTED:
        p->news = *news;
        p->state = PLACE_GRANTED;
        go_by(x, news->choice);
        break;
    case TICKET_REFUSED:
        p->ticket = NULL;
        p->state = PLACE_REFUSED;
        refuse_explain(x, news);
        break;
    case TICKET_CANCELLED:
        p->order = ORDER_CANCEL;
        break;
    }
    exchange_run(x);
}

/* The API whose words alone can say it.  Where it could be said otherwise, it was
 * (as_chat.c). */
static const char *only(const struct exchange *x)
{
    const char *protocol = as_chat_protocol(x->req);

    return protocol != NULL && x->req->got == NULL &&
                   protocols_speakers(x->s->cfg, protocol) == PROTOCOLS_SOME
               ? protocol
               : NULL;
}

/* What X's settings and request leave open. */
static void choose(struct choices *c, const struct exchange *x)
{
    const struct choices_query q = {
        .cfg = x->s->cfg,
        .listed = x->s->listed,
        .model = request_model(x->req),
        /* What is no inference runs on no model's workers: its bench and its
         * ceiling are none of that request's business. */
        .served_by = request_served_by(x->req),
        .only = only(x),
        .is_bound = x->req->is_bound,
    };

    choices_of(c, &q);
}

void place_choose(struct exchange *x)
{
    struct choices c;

    choose(&c, x);
    x->attempt.upstream = c.list[0].upstream;
}

/* Where X may go, into REQ; kept as long as there is a choice, which nearly never
 * is: then its six kilobytes are nobody's. */
static void take_choices(struct exchange *x, struct limiter_request *req)
{
    struct choices first, *c;

    choose(&first, x);
    x->attempt.upstream = req->upstream = first.list[0].upstream;
    if (first.n == 1 && first.names[0] == NULL)
        return;
    c = malloc(sizeof(*c));
    CHECK(c != NULL);
    choose(c, x); /* its texts lie in itself */
    x->place.choices = c;
    req->choices = c->list;
    req->n_choices = c->n;
    if (c->n > 1 && x->s->cfg->affinity_ms > 0 && x->req->began != 0) {
        req->affinity.key =
            conversation_key(x->req->began, limiter_secret(x->s->lim),
                             x->req->client, x->req->model);
        req->affinity.patience_ns = x->s->cfg->affinity_ms * NS_PER_MS;
    }
}

/* Of what is known by its texts alone. */
static uint32_t prompt_guess(const struct request *r)
{
    int64_t guess;

    if (r->got == NULL || r->got->tokens.sure > 0)
        return 0;
    guess = r->got->tokens.texts_m / 1000;
    return guess > INT32_MAX ? INT32_MAX : (uint32_t)guess;
}

void place_take(struct exchange *x)
{
    const struct request *r = x->req;
    struct place *p = &x->place;
    struct limiter_request req = {
        .cls = r->cls,
        .weight = r->weight,
        .requests_per_min = r->requests_per_min,
        .queue_max = r->queue_max,
        .client = r->client,
        .model = request_served_by(r),
        .request_id = r->id,
        .trace = r->trace,
        .stream = r->stream,
        .body_bytes = r->body.len + r->as_came.len,
        .prompt_bytes = r->prompt_bytes,
        .prompt_guess = prompt_guess(r),
        .max_tokens = request_max_tokens(r),
        .tokens_per_min = r->tokens_per_min,
        .tokens_per_day = r->tokens_per_day,
        .retry = r->retry_count > 0,
    };

    bound_first(x);
    take_choices(x, &req);
    req.deadline_ns = p->deadline_ns;
    req.fingerprint = fingerprint_of(
        limiter_secret(x->s->lim), r->client,
        r->body.len > 0 ? buf_head(&r->body) : NULL, r->body.len);
    p->state = PLACE_LINE;
    p->queued_ns = r->arrived_ns;
    p->ticket = limiter_join(x->s->lim, &req, on_ticket, x);
}

bool place_may_move(struct exchange *x)
{
    struct place *p = &x->place;

    return p->choices != NULL && p->ticket != NULL &&
           x->attempt.errand == ERRAND_REQUEST && p->moves++ < p->choices->n;
}

bool place_has_others(const struct exchange *x)
{
    return x->place.choices != NULL && x->place.ticket != NULL &&
           x->attempt.errand == ERRAND_REQUEST &&
           x->attempt.faults < choices_servers(x->place.choices, x->s->cfg);
}

void place_fini(struct place *p)
{
    free(p->choices);
    p->choices = NULL;
}

void place_take_again(struct exchange *x, bool unsent)
{
    struct place *p = &x->place;

    if (p->state != PLACE_REFUSED) /* meanwhile */
        p->state = PLACE_LINE;
    p->queued_ns = exchange_now(x);
    bound_anew(x);
    limiter_again(x->s->lim, p->ticket, unsent);
}

void place_leave_line(struct exchange *x)
{
    struct place *p = &x->place;

    p->granted_ns = exchange_now(x);
    p->waited_ns += max_i64(0, p->granted_ns - p->queued_ns);
    p->queued_ns = 0;
}

void place_give_back(struct exchange *x)
{
    struct place *p = &x->place;

    if (p->ticket == NULL)
        return;
    usage_report_settle(x);
    limiter_done(x->s->lim, p->ticket, !x->attempt.may_have_sent);
    p->ticket = NULL;
    x->s->busy_ns = exchange_now(x);
}
