/*
 * window.c - how many sends still count, and when does the next one stop?
 *
 *   window.first --> chunk --> chunk --> chunk <-- window.last
 *                          [begin..end) holds sends, oldest first
 *
 * Scopes have such a window, and clients with a limit of their own; OWNER is
 * a scope, or LAY_SCOPES + a client.  Each kind has its part of the chunks.
 *
 * A send exists once `end` covers it and a chunk belongs to a window once
 * `scope1` says so: each is one store, so a writer that dies leaves either the
 * old log or the new one.  Lists and counts are rebuilt from the chunks.
 */
#include "state/policy/window.h"

#include "state/policy/layout.h"

static void set_u16(uint16_t *to, uint16_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static void chunk_free(struct layout *lay, uint32_t i)
{
    struct lay_chunk *c = chunk_at(lay, i);

    lay->live.client_chunks -= c->scope1 > LAY_SCOPES;
    __atomic_store_n(&c->scope1, 0, __ATOMIC_RELEASE);
    c->next = lay->live.free_chunk;
    lay->live.free_chunk = i;
    lay->live.free_chunks++;
}

static uint32_t chunk_take(struct layout *lay, uint32_t owner)
{
    uint32_t i = lay->live.free_chunk;
    struct lay_chunk *c = chunk_at(lay, i);

    lay->live.free_chunk = c->next;
    lay->live.free_chunks--;
    lay->live.client_chunks += owner >= LAY_SCOPES;
    c->begin = c->end = 0;
    c->grant = 0;
    c->grant_end = 0;
    c->next = NONE;
    c->number = ++lay->live.last_chunk;
    __atomic_store_n(&c->scope1, owner + 1, __ATOMIC_RELEASE);
    return i;
}

static void link_last(struct layout *lay, struct lay_window *w, uint32_t i)
{
    if (w->last == NONE)
        w->first = i;
    else
        chunk_at(lay, w->last)->next = i;
    w->last = i;
}

static uint32_t weight_at(const struct lay_chunk *c, uint32_t k)
{
    if (c->weight[k] == 0 || c->weight[k] > LAY_WEIGHT_MAX)
        sigbus_damaged("weight of a send");
    return c->weight[k];
}

static uint32_t tokens_at(const struct lay_chunk *c, uint32_t k)
{
    if (c->tokens[k] > LAY_TOKENS_MAX)
        sigbus_damaged("tokens of a send");
    return c->tokens[k];
}

/* What the sends of a window take is added up as they come and go. */
static void take_off(struct lay_window *w, struct take what)
{
    if (w->n == 0 || what.weight > w->weight || what.tokens > w->tokens)
        sigbus_damaged("weight of the sends");
    w->n--;
    w->weight -= what.weight;
    w->tokens -= what.tokens;
}

static uint32_t chunk_len(const struct lay_chunk *c)
{
    if (c->begin > c->end || c->end > CHUNK_TIMES)
        sigbus_damaged("chunk");
    return (uint32_t)(c->end - c->begin);
}

void window_expire(struct layout *lay, uint32_t owner, int64_t horizon_ns)
{
    struct lay_window *w = window_at(lay, owner);

    while (w->n > 0) {
        uint32_t i = w->first;
        struct lay_chunk *c = chunk_at(lay, i);

        while (chunk_len(c) > 0 && c->t[c->begin] <= horizon_ns) {
            take_off(w, (struct take){weight_at(c, c->begin),
                                      tokens_at(c, c->begin)});
            set_u16(&c->begin, (uint16_t)(c->begin + 1));
        }
        if (chunk_len(c) > 0)
            return;
        if (i == w->last) {
            if (w->n > 0)
                sigbus_damaged("count of sends");
            /* Kept, so that a slow trickle does not allocate each time.  In
             * this order: old times that come to life again expire again. */
            set_u16(&c->begin, 0);
            set_u16(&c->end, 0);
            return;
        }
        w->first = c->next;
        chunk_free(lay, i);
    }
}

uint32_t window_chunks_left(const struct layout *lay, bool of_clients)
{
    const struct lay_live *l = &lay->live;
    uint32_t left;

    /* A count that is wrong would look the same as a log that is full, and be
     * for ever: so it is looked at. */
    if (l->free_chunks > LAY_CHUNKS || l->client_chunks > LAY_CLIENT_CHUNKS ||
        (l->free_chunks == 0) != (l->free_chunk == NONE))
        sigbus_damaged("counts of the log");
    left = LAY_CLIENT_CHUNKS - l->client_chunks;
    if (left > l->free_chunks)
        sigbus_damaged("counts of the log");
    return of_clients ? left : l->free_chunks - left;
}

bool window_has_room(struct layout *lay, uint32_t owner)
{
    const struct lay_window *w = window_at(lay, owner);

    if (w->last != NONE && chunk_at(lay, w->last)->end < CHUNK_TIMES)
        return true;
    return window_chunks_left(lay, owner >= LAY_SCOPES) > 0;
}

/* The newest time, or NEVER's opposite.  Nearly always in the last chunk. */
static int64_t newest(struct layout *lay, uint32_t owner)
{
    const struct lay_window *w = window_at(lay, owner);
    const struct lay_chunk *c;

    if (w->n == 0)
        return INT64_MIN;
    c = chunk_at(lay, w->last);
    if (chunk_len(c) > 0 && c->t[c->end - 1] <= lay->live.now_ns)
        return c->t[c->end - 1];
    return window_nth(lay, owner, w->n - 1);
}

struct lay_place window_push(struct layout *lay, uint32_t owner, int64_t t_ns,
                             struct take what, uint64_t grant)
{
    struct lay_window *w = window_at(lay, owner);
    int64_t t = max_i64(t_ns, newest(lay, owner));
    struct lay_chunk *c;

    if (w->last == NONE || chunk_at(lay, w->last)->end >= CHUNK_TIMES)
        link_last(lay, w, chunk_take(lay, owner));
    c = chunk_at(lay, w->last);
    c->t[c->end] = t;
    c->weight[c->end] = what.weight;
    c->tokens[c->end] = what.tokens;
    /* While grant_end and end differ, neither the old grant nor the new one
     * is believed: see window_has_last(). */
    __atomic_store_n(&c->grant_end, c->end + 1u, __ATOMIC_RELEASE);
    __atomic_store_n(&c->grant, grant, __ATOMIC_RELEASE);
    set_u16(&c->end, (uint16_t)(c->end + 1));
    w->n++;
    w->weight += what.weight;
    w->tokens += what.tokens;
    return (struct lay_place){t, w->last, c->end - 1u};
}

struct lay_place window_newest(struct layout *lay, uint32_t owner)
{
    const struct lay_window *w = window_at(lay, owner);
    const struct lay_chunk *c;

    if (w->last == NONE)
        return (struct lay_place){0, NONE, 0};
    c = chunk_at(lay, w->last);
    if (chunk_len(c) == 0)
        return (struct lay_place){0, NONE, 0};
    return (struct lay_place){c->t[c->end - 1], w->last, c->end - 1u};
}

int64_t window_nth(struct layout *lay, uint32_t owner, uint32_t k)
{
    int64_t t;

    window_copy(lay, owner, k, 1, &t);
    return t;
}

void window_copy(struct layout *lay, uint32_t owner, uint32_t k, uint32_t n,
                 int64_t *out)
{
    uint32_t i = window_at(lay, owner)->first;
    uint32_t hops = 0;

    while (n > 0) {
        const struct lay_chunk *c = chunk_at(lay, i);
        uint32_t len = chunk_len(c);

        for (; k < len && n > 0; k++, n--) {
            if (c->t[c->begin + k] > lay->live.now_ns)
                sigbus_damaged("a send in the future");
            *out++ = c->t[c->begin + k];
        }
        k -= k < len ? k : len;
        i = c->next;
        if (++hops > LAY_CHUNKS)
            sigbus_damaged("chunk list");
    }
}

/* ---- weights ----------------------------------------------------------- */

void window_walk_begin(struct layout *lay, uint32_t owner,
                       struct window_walk *walk)
{
    const struct lay_window *w = window_at(lay, owner);

    *walk = (struct window_walk){.chunk = w->first, .even = w->weight == w->n};
}

void window_walk_tokens(struct layout *lay, uint32_t owner,
                        struct window_walk *walk)
{
    *walk = (struct window_walk){.chunk = window_at(lay, owner)->first,
                                 .tokens = true};
}

/* Past sends of C, as far as they are needed to come to WEIGHT. */
static void walk_chunk(struct layout *lay, const struct lay_chunk *c,
                       struct window_walk *walk, uint64_t weight)
{
    uint32_t len = chunk_len(c);

    if (walk->even && walk->k < len) {
        uint64_t n = weight - walk->weight;

        n = n < len - walk->k ? n : len - walk->k;
        walk->k += (uint32_t)n;
        walk->weight += n;
    }
    for (; walk->k < len && walk->weight < weight; walk->k++)
        walk->weight += walk->tokens ? tokens_at(c, c->begin + walk->k)
                                     : weight_at(c, c->begin + walk->k);
    if (walk->k > 0 && walk->k <= len)
        walk->sent_ns = c->t[c->begin + walk->k - 1];
    if (walk->sent_ns > lay->live.now_ns)
        sigbus_damaged("a send in the future");
}

bool window_walk_to(struct layout *lay, struct window_walk *walk,
                    uint64_t weight)
{
    while (walk->weight < weight && walk->chunk != NONE) {
        const struct lay_chunk *c = chunk_at(lay, walk->chunk);

        walk_chunk(lay, c, walk, weight);
        if (walk->weight >= weight)
            break;
        walk->chunk = c->next;
        walk->k = 0;
        if (++walk->hops > LAY_CHUNKS)
            sigbus_damaged("chunk list");
    }
    return walk->weight >= weight;
}

static bool walk_frees(struct layout *lay, struct window_walk *walk,
                       uint64_t weight, int64_t *sent_ns)
{
    if (!window_walk_to(lay, walk, weight))
        sigbus_damaged("weight of the sends");
    *sent_ns = walk->sent_ns;
    return true;
}

bool window_frees(struct layout *lay, uint32_t owner, uint64_t weight,
                  int64_t *sent_ns)
{
    struct window_walk walk;

    if (weight > window_at(lay, owner)->weight)
        return false;
    window_walk_begin(lay, owner, &walk);
    return walk_frees(lay, &walk, weight, sent_ns);
}

bool window_frees_tokens(struct layout *lay, uint32_t owner, uint64_t tokens,
                         int64_t *sent_ns)
{
    struct window_walk walk;

    if (tokens > window_at(lay, owner)->tokens)
        return false;
    window_walk_tokens(lay, owner, &walk);
    return walk_frees(lay, &walk, tokens, sent_ns);
}

/* Of ALL, what was sent after the horizon. */
static uint64_t left_after(struct layout *lay, uint32_t owner,
                           int64_t horizon_ns, uint64_t all, bool tokens)
{
    uint32_t i, k, hops = 0;
    uint64_t left = all;

    for (i = window_at(lay, owner)->first; i != NONE && left > 0;
         i = chunk_at(lay, i)->next) {
        const struct lay_chunk *c = chunk_at(lay, i);
        uint32_t len = chunk_len(c);

        for (k = 0; k < len && c->t[c->begin + k] <= horizon_ns; k++)
            left -= tokens ? tokens_at(c, c->begin + k)
                           : weight_at(c, c->begin + k);
        if (k < len)
            break;
        if (++hops > LAY_CHUNKS || left > all)
            sigbus_damaged("chunk list");
    }
    return left;
}

uint64_t window_weight_after(struct layout *lay, uint32_t owner,
                             int64_t horizon_ns)
{
    return left_after(lay, owner, horizon_ns, window_at(lay, owner)->weight,
                      false);
}

uint64_t window_tokens_after(struct layout *lay, uint32_t owner,
                             int64_t horizon_ns)
{
    return left_after(lay, owner, horizon_ns, window_at(lay, owner)->tokens,
                      true);
}

bool window_has_last(struct layout *lay, uint32_t owner, uint64_t grant)
{
    const struct lay_window *w = window_at(lay, owner);
    const struct lay_chunk *c;

    /* Rows from another file have no number: rather count one twice. */
    if (w->last == NONE || grant == 0)
        return false;
    c = chunk_at(lay, w->last);
    return c->grant == grant && c->grant_end == c->end;
}

/* ---- after a crash --------------------------------------------------- */

/* Inserts chunk I into its window by allocation number. */
static void relink(struct layout *lay, uint32_t i)
{
    struct lay_chunk *c = chunk_at(lay, i);
    struct lay_window *w = window_at(lay, c->scope1 - 1);
    uint32_t *at = &w->first, k;

    while (*at != NONE && chunk_at(lay, *at)->number < c->number)
        at = &chunk_at(lay, *at)->next;
    c->next = *at;
    *at = i;
    if (c->next == NONE)
        w->last = i;
    w->n += chunk_len(c);
    for (k = c->begin; k < c->end; k++) {
        w->weight += weight_at(c, k);
        w->tokens += tokens_at(c, k);
    }
    if (c->scope1 > LAY_SCOPES && ++lay->live.client_chunks > LAY_CLIENT_CHUNKS)
        sigbus_damaged("chunks of clients");
}

/* Times rise within a window and none lies in the future. */
static void check_times(struct layout *lay, const struct lay_window *w)
{
    int64_t before = INT64_MIN;
    uint32_t i, k;

    for (i = w->first; i != NONE; i = chunk_at(lay, i)->next) {
        const struct lay_chunk *c = chunk_at(lay, i);

        for (k = c->begin; k < c->end; k++) {
            if (c->t[k] < before || c->t[k] > lay->live.now_ns)
                sigbus_damaged("log of sends");
            before = c->t[k];
        }
    }
}

void window_rebuild(struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < LAY_SCOPES + LAY_CLIENTS; i++)
        *window_at(lay, i) = (struct lay_window){NONE, NONE, 0, 0, 0, 0};
    lay->live.free_chunk = NONE;
    lay->live.free_chunks = 0;
    lay->live.client_chunks = 0;
    for (i = LAY_CHUNKS; i-- > 0;) {
        if (lay->chunks[i].scope1 == 0)
            chunk_free(lay, i);
        else if (lay->chunks[i].scope1 > LAY_SCOPES + LAY_CLIENTS)
            sigbus_damaged("chunk of nobody");
        else
            relink(lay, i);
    }
    (void)window_chunks_left(lay, true); /* looks at them */
    for (i = 0; i < LAY_SCOPES + LAY_CLIENTS; i++)
        check_times(lay, window_at(lay, i));
}
