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

#define TEXTS 4

/* The strings of T's request, which may be cut, become its own, behind it. */
static void own_texts(struct ticket *t, const char *const from[TEXTS],
                      const size_t len[TEXTS])
{
    const char **const to[TEXTS] = {&t->req.client, &t->req.model,
                                    &t->req.request_id, &t->req.trace};
    char *at = t->text;
    uint32_t i;

    for (i = 0; i < TEXTS; i++) {
        memcpy(at, from[i], len[i]);
        at[len[i]] = '\0';
        *to[i] = at;
        at += len[i] + 1;
    }
}

struct ticket *ticket_new(const struct limiter_request *req, ticket_fn *fn,
                          void *arg)
{
    const char *const from[TEXTS] = {req->client, req->model, req->request_id,
                                     req->trace != NULL ? req->trace : ""};
    const size_t len[TEXTS] = {strnlen(from[0], LIMITER_NAME_MAX - 1),
                               strnlen(from[1], LIMITER_NAME_MAX - 1),
                               strnlen(from[2], LIMITER_ID_MAX - 1),
                               strnlen(from[3], LIMITER_TRACE_MAX - 1)};
    struct ticket *t =
        malloc(sizeof(*t) + len[0] + len[1] + len[2] + len[3] + TEXTS);

    CHECK(t != NULL);
    *t = (struct ticket){.row = NONE,
                         .sent_ns = NEVER,
                         .fn = fn,
                         .arg = arg,
                         .upstream = req->upstream,
                         .req = *req};
    own_texts(t, from, len);
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
