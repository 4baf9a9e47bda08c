/* ticket.c - what does a worker remember of a request it asked for? */
#include "state/ticket.h"

#include <string.h>

#include "state/policy/layout.h"

static void cut(char *to, size_t max, const char *from)
{
    size_t n = strnlen(from, max - 1);

    memcpy(to, from, n);
    to[n] = '\0';
}

/* Those of REQ, with their names, in one piece; most have none. */
static void copy_choices(struct ticket *t, const struct limiter_request *req)
{
    uint32_t n = req->n_choices, i;

    if (n > LIMITER_CHOICES)
        n = LIMITER_CHOICES;
    t->req.choices = NULL;
    t->req.n_choices = n;
    if (n == 0)
        return;
    t->choices = malloc(n * sizeof(*t->choices));
    CHECK(t->choices != NULL);
    for (i = 0; i < n; i++) {
        struct ticket_choice *c = &t->choices[i];

        c->as = req->choices[i];
        cut(c->model, sizeof(c->model), req->choices[i].model);
        c->as.model = c->model;
    }
}

struct ticket *ticket_new(const struct limiter_request *req, ticket_fn *fn,
                          void *arg)
{
    struct ticket *t = calloc(1, sizeof(*t));

    CHECK(t != NULL);
    t->row = NONE;
    t->sent_ns = NEVER;
    t->fn = fn;
    t->arg = arg;
    t->upstream = req->upstream;
    t->req = *req;
    cut(t->client, sizeof(t->client), req->client);
    cut(t->model, sizeof(t->model), req->model);
    cut(t->request_id, sizeof(t->request_id), req->request_id);
    cut(t->trace, sizeof(t->trace), req->trace != NULL ? req->trace : "");
    t->req.client = t->client;
    t->req.model = t->model;
    t->req.request_id = t->request_id;
    t->req.trace = t->trace;
    copy_choices(t, req);
    return t;
}

void ticket_append(struct ticket_list *all, struct ticket *t)
{
    t->prev = all->last;
    t->next = NULL;
    if (all->last != NULL)
        all->last->next = t;
    else
        all->first = t;
    all->last = t;
}

void ticket_free(struct ticket_list *all, struct ticket *t)
{
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        all->first = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    else
        all->last = t->prev;
    free(t->choices);
    free(t);
}
