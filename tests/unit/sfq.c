/* sfq.c - start-time fair queuing by looking at everything. */
#include "sfq.h"

#define ONE (UINT64_C(1) << 32)

static const uint32_t share[SFQ_CLASSES] = {16, 4, 1};

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint32_t waiting(const struct sfq *q, uint32_t cls, int client)
{
    uint32_t i, n = 0;

    for (i = 0; i < q->n; i++)
        n += q->r[i].waits && q->r[i].cls == cls &&
             (client < 0 || q->r[i].client == (uint32_t)client);
    return n;
}

void sfq_arrive(struct sfq *q, uint32_t i)
{
    uint32_t cls = q->r[i].cls, client = q->r[i].client;
    struct sfq_line *c = &q->cls[cls], *l = &q->client[cls][client];

    if (waiting(q, cls, -1) == 0)
        c->start = later(q->v, c->finish);
    if (waiting(q, cls, (int)client) == 0)
        l->start = later(q->class_v[cls], l->finish);
    q->r[i].waits = true;
}

void sfq_leave(struct sfq *q, uint32_t i)
{
    q->r[i].waits = false;
}

/* The first of its own line? */
static bool is_head(const struct sfq *q, uint32_t i)
{
    uint32_t k;

    if (!q->r[i].waits)
        return false;
    for (k = 0; k < q->n; k++)
        if (q->r[k].waits && q->r[k].cls == q->r[i].cls &&
            q->r[k].client == q->r[i].client &&
            q->r[k].arrival < q->r[i].arrival)
            return false;
    return true;
}

static uint32_t best_of_class(const struct sfq *q, uint32_t cls)
{
    uint32_t i, best = q->n;

    for (i = 0; i < q->n; i++) {
        uint64_t a, b;

        if (q->r[i].cls != cls || !is_head(q, i))
            continue;
        a = q->client[cls][q->r[i].client].start;
        b = best == q->n ? UINT64_MAX : q->client[cls][q->r[best].client].start;
        if (a < b || (a == b && q->r[i].arrival < q->r[best].arrival))
            best = i;
    }
    return best;
}

uint32_t sfq_best(const struct sfq *q)
{
    uint32_t cls, best = q->n;

    for (cls = 0; cls < SFQ_CLASSES; cls++) {
        uint32_t i = best_of_class(q, cls);
        uint64_t a = q->cls[cls].start;
        uint64_t b = best == q->n ? UINT64_MAX : q->cls[q->r[best].cls].start;

        if (i != q->n &&
            (a < b || (a == b && q->r[i].arrival < q->r[best].arrival)))
            best = i;
    }
    return best;
}

void sfq_grant(struct sfq *q, uint32_t i)
{
    uint32_t cls = q->r[i].cls, client = q->r[i].client;
    struct sfq_line *c = &q->cls[cls], *l = &q->client[cls][client];

    q->r[i].waits = false;
    q->class_v[cls] = l->start;
    l->finish = l->start + ONE / q->weight[cls][client];
    l->start = later(q->class_v[cls], l->finish);
    q->v = c->start;
    c->finish = c->start + ONE / share[cls];
    c->start = later(q->v, c->finish);
}

void sfq_refund(struct sfq *q, uint32_t i)
{
    uint32_t cls = q->r[i].cls, client = q->r[i].client;
    struct sfq_line *c = &q->cls[cls], *l = &q->client[cls][client];

    l->finish -= ONE / q->weight[cls][client];
    l->start = later(q->class_v[cls], l->finish);
    c->finish -= ONE / share[cls];
    c->start = later(q->v, c->finish);
}

void sfq_positions(const struct sfq *q, uint32_t out[SFQ_REQUESTS])
{
    struct sfq copy = *q;
    uint32_t n, best;

    for (n = 0; (best = sfq_best(&copy)) != copy.n; n++) {
        out[best] = n;
        sfq_grant(&copy, best);
    }
}
