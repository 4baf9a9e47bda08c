/* recent.c - which requests ended last? */
#include "state/stats/recent.h"

#include <string.h>

#include "state/stats/tally.h"

#define WALL_MAX (INT64_C(1) << 53) /* what JSON can tell exactly */

/* A text of SIZE bytes, cut, with zeros behind it. */
static void cut(char *to, const char *from, size_t size)
{
    size_t n = strnlen(from, size - 1);

    memcpy(to, from, n);
    memset(to + n, 0, size - n);
}

void recent_add(struct lay_tally *t, const struct limiter_note *n)
{
    struct lay_recent *r = &t->recent[t->n_recent % LIMITER_RECENT];

    __atomic_store_n(&r->used, 0, __ATOMIC_SEQ_CST);
    r->at_ms = n->at_ms;
    cut(r->id, n->id, sizeof(r->id));
    cut(r->client, n->client, sizeof(r->client));
    cut(r->model, n->model, sizeof(r->model));
    cut(r->route, n->route, sizeof(r->route));
    cut(r->code, n->code, sizeof(r->code));
    r->stream = n->stream;
    r->status = n->status;
    r->outcome = n->outcome;
    r->attempts = n->attempts;
    r->queue_ns = n->queue_ns;
    r->first_byte_ns = n->first_byte_ns;
    r->total_ns = n->total_ns;
    r->bytes = n->bytes;
    r->tokens_in = n->tokens_in;
    r->tokens_out = n->tokens_out;
    __atomic_store_n(&r->used, 1, __ATOMIC_SEQ_CST);
    t->n_recent++;
}

/* False: no worker wrote it. */
static bool is_sound(const struct lay_recent *r)
{
    return r->used == 1 && r->stream <= 1 && r->outcome < OUTCOMES &&
           r->status <= UINT16_MAX && r->at_ms >= -WALL_MAX &&
           r->at_ms <= WALL_MAX && r->tokens_in <= LIMITER_TOKENS_MAX &&
           r->tokens_out <= LIMITER_TOKENS_MAX;
}

bool recent_tell(const struct lay_tally *t, uint32_t nth,
                 struct view_recent *out)
{
    const struct lay_recent *r;

    if (nth >= LIMITER_RECENT || nth >= t->n_recent)
        return false;
    r = &t->recent[(t->n_recent - 1 - nth) % LIMITER_RECENT];
    if (!is_sound(r))
        return false;
    out->at_ms = r->at_ms;
    cut(out->id, r->id, sizeof(out->id));
    cut(out->client, r->client, sizeof(out->client));
    cut(out->model, r->model, sizeof(out->model));
    cut(out->route, r->route, sizeof(out->route));
    cut(out->code, r->code, sizeof(out->code));
    out->stream = r->stream != 0;
    out->status = (uint16_t)r->status;
    out->outcome = (enum outcome)r->outcome;
    out->attempts = r->attempts;
    out->queue_ns = r->queue_ns;
    out->first_byte_ns = r->first_byte_ns;
    out->total_ns = r->total_ns;
    out->bytes = r->bytes;
    out->tokens_in = r->tokens_in;
    out->tokens_out = r->tokens_out;
    return true;
}

void recent_rebuild(struct lay_tally *t)
{
    uint32_t i;

    for (i = 0; i < LIMITER_RECENT; i++)
        if (!is_sound(&t->recent[i]))
            memset(&t->recent[i], 0, sizeof(t->recent[i]));
    if (t->wall_ms < -WALL_MAX || t->wall_ms > WALL_MAX)
        t->wall_ms = 0;
}
