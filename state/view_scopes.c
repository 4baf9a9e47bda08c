/*
 * view_scopes.c - how does each limit stand, for people?
 *
 *   view_queue.c --> view_scopes_copy()   before the rows, which say where in
 *                                         this list their limit is
 */
#include "state/view_scopes.h"

#include <string.h>

#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/model_state.h"
#include "state/policy/slot_source.h"
#include "state/policy/virtual_time.h"
#include "state/policy/wants.h"
#include "state/policy/window.h"
#include "state/view_copy.h"
#include "state/view_lists.h"

/* When each send of the window stops to count, soonest first. */
static void copy_opens(struct view_queue *q, struct view_scope *v, uint32_t id)
{
    const struct lay_rules *r = limits_of(q->lay, id);
    uint32_t n = scope_at(q->lay, id)->window.n, i;
    int64_t *out = &q->out->opens[q->out->n_opens];

    n = (uint32_t)min_i64(n, VIEW_OPENS);
    n = (uint32_t)min_i64(n, VIEW_OPENS_ALL - q->out->n_opens);
    window_copy(q->lay, id, 0, n, out);
    for (i = 0; i < n; i++)
        out[i] = max_i64(0, out[i] + r->window_ns + r->margin_ns - q->now);
    v->opens = q->out->n_opens;
    v->n_opens = n;
    q->out->n_opens += n;
}

/* Of the window, by all hosts that share it. */
static uint32_t used_of(struct layout *lay, uint32_t id, int64_t now)
{
    uint32_t limit = limits_of(lay, id)->requests;
    uint64_t used = admit_used(lay, id, now);

    if (scope_at(lay, id)->source == SLOTS_SHARED)
        used += room_at(lay, id)->elsewhere;
    return used < limit ? (uint32_t)used : limit;
}

/* When a new request would go: the same for all that share a line. */
static int64_t eta_of_next(struct view_queue *q, uint32_t id, uint32_t line)
{
    struct layout *lay = q->lay;

    if (line == NONE)
        return max_i64(admit_eta(lay, id, scope_at(lay, id)->waiting, q->now),
                       lent_eta(lay, id, scope_at(lay, id)->waiting, q->now));
    if (q->of_next[line] == 0)
        q->of_next[line] = line_eta_nth(q->line, lay, line,
                                        scope_at(lay, line)->waiting, q->now);
    return q->of_next[line];
}

static void copy_tokens(struct view_queue *q, struct view_scope *v, uint32_t id)
{
    struct admit_tokens tokens;

    v->tokens_milli = admit_tokens_milli(q->lay, id, q->now);
    admit_tokens(q->lay, id, q->now, &tokens);
    v->tokens_used = tokens.used;
    v->tokens_reserved = tokens.reserved;
    v->tokens_limit = tokens.limit;
}

static void copy_key(struct view_queue *q, struct view_scope *v)
{
    const struct lay_own_key *k = &q->lay->own_keys[v->upstream];

    v->key = (struct view_key){.since_ns = -1};
    if (!own_key_is_sane(k, q->now) || k->word == KEY_UNTOLD)
        return;
    v->key.word = (enum key_word)k->word;
    v->key.status = k->word == KEY_REFUSED ? k->status : 0;
    v->key.since_ns = view_since(q->now, k->since_ns);
    view_reason(v->key.message, k->message);
}

static void copy_scope(struct view_queue *q, uint32_t id)
{
    struct layout *lay = q->lay;
    struct lay_scope *s = scope_at(lay, id);
    const struct lay_rules *r = limits_of(lay, id);
    struct view_scope *v = &q->out->scopes[q->out->n_scopes];
    int64_t when;
    uint32_t i;

    admit_refresh(lay, id, q->now);
    if (id < LAY_UPSTREAMS)
        memcpy(v->name, r->name, sizeof(r->name) - 1);
    else
        view_name(v->name, lay->models[id - LAY_UPSTREAMS].text);
    v->upstream =
        id < LAY_UPSTREAMS ? id : lay->models[id - LAY_UPSTREAMS].owner;
    v->line = wants_line(lay, v->upstream);
    limits_tell(r, &v->rules);
    v->used = used_of(lay, id, q->now);
    v->open = s->open;
    v->in_flight = s->in_flight;
    for (i = 0; i < LIMITER_CLASSES; i++) {
        v->waiting[i] = s->cls[i].n;
        q->start[q->out->n_scopes][i] = class_start(s, &s->cls[i]);
    }
    copy_opens(q, v, id);
    view_retreat_copy(q->lay, id, q->now, &v->retreat);
    view_learned_copy(q->lay, id, q->now, &v->learned);
    copy_key(q, v);
    view_bench(&v->unpaid, q->now,
               &model_state_debt(lay, v->upstream)->ejection);
    copy_tokens(q, v, id);
    if (!slot_source_of(lay, id)->have(lay, id, TAKE_ONE, q->now, &when) &&
        when == NEVER) /* or a store brings it */
        when = s->source == SLOTS_SHARED ? lent_eta(lay, id, 0, q->now) : NEVER;
    v->next_slot_ns = when == NEVER ? -1 : max_i64(0, when - q->now);
    when = eta_of_next(q, id, v->line);
    v->eta_ns = when == NEVER ? -1 : when - q->now;
    q->scope_ids[q->out->n_scopes++] = id;
    q->scope_of[id] = q->out->n_scopes;
}

void view_scopes_copy(struct view_queue *q)
{
    const struct layout *lay = q->lay;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i))
            copy_scope(q, i);
    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && limits_in_force(lay, lay->models[i].owner) &&
            lay->rules[lay->models[i].owner].per_model)
            copy_scope(q, LAY_UPSTREAMS + i);
}
