/*
 * names.c - which row is this client's, which is this model's?
 *
 * Both tables are alike: rows with a text, found through hash chains.  When a
 * row may go to another name is not known here: naming.c.
 */
#include "state/policy/names.h"

#include <stdbool.h>
#include <string.h>

#include "state/policy/layout.h"

struct names {
    struct lay_name *rows;
    uint32_t *hash;
    uint32_t max;
};

static struct names clients(struct layout *lay)
{
    return (struct names){lay->clients, lay->client_hash, LAY_CLIENTS};
}

static struct names models(struct layout *lay)
{
    return (struct names){lay->models, lay->model_hash, LAY_MODELS};
}

#define ODD UINT64_C(0x9e3779b97f4a7c15)

/* Eight bytes at a time.  Collisions only lengthen a chain, which is bounded by the
 * table. */
uint64_t names_hash(const char *name)
{
    size_t n = strnlen(name, LIMITER_NAME_MAX), part;
    uint64_t h = n * ODD, word;

    for (; n > 0; n -= part, name += part) {
        part = n < sizeof(word) ? n : sizeof(word);
        word = 0;
        memcpy(&word, name, part);
        h = (h ^ word) * ODD;
        h ^= h >> 32;
    }
    return h;
}

static uint32_t bucket_of(uint32_t owner, uint64_t hash)
{
    return (uint32_t)((hash + owner) * ODD >> 40) & (LAY_BUCKETS - 1);
}

static uint32_t bucket_of_row(const struct lay_name *row)
{
    return bucket_of(row->owner, names_hash(row->text));
}

static void chain_in(const struct names *t, uint32_t i)
{
    uint32_t *head = &t->hash[bucket_of_row(&t->rows[i])];

    t->rows[i].chain = *head;
    *head = i;
}

static void chain_out(const struct names *t, uint32_t i)
{
    uint32_t *at = &t->hash[bucket_of_row(&t->rows[i])];
    uint32_t hops = 0;

    while (*at != i) {
        if (*at >= t->max || ++hops > t->max)
            sigbus_damaged("name chain");
        at = &t->rows[*at].chain;
    }
    *at = t->rows[i].chain;
}

static uint32_t find(const struct names *t, uint32_t owner, const char *name,
                     uint64_t hash)
{
    uint32_t i = t->hash[bucket_of(owner, hash)];
    uint32_t hops = 0;

    while (i != NONE) {
        if (i >= t->max || ++hops > t->max)
            sigbus_damaged("name chain");
        if (t->rows[i].owner == owner &&
            strncmp(t->rows[i].text, name, LIMITER_NAME_MAX) == 0)
            return i;
        i = t->rows[i].chain;
    }
    return NONE;
}

/* A free row, or the oldest one that nobody needs. */
static uint32_t room(struct layout *lay, const struct names *t,
                     bool (*is_needed)(struct layout *, uint32_t, int64_t),
                     int64_t now)
{
    uint32_t best = NONE;
    uint32_t i;

    for (i = 0; i < t->max; i++) {
        if (!t->rows[i].used)
            return i;
        if ((best == NONE || t->rows[i].last_ns < t->rows[best].last_ns) &&
            !is_needed(lay, i, now))
            best = i;
    }
    if (best != NONE) {
        chain_out(t, best);
        __atomic_store_n(&t->rows[best].used, 0, __ATOMIC_SEQ_CST);
    }
    return best;
}

uint32_t names_make(struct layout *lay, enum names_table which, uint32_t owner,
                    const char *name, uint64_t hash,
                    const struct names_makers *makers, int64_t now)
{
    struct names t = which == NAMES_CLIENTS ? clients(lay) : models(lay);
    uint32_t i = find(&t, owner, name, hash);
    struct lay_name *row;

    if (i == NONE) {
        i = room(lay, &t, makers->is_needed, now);
        if (i == NONE)
            return NONE;
        row = &t.rows[i];
        memset(row->text, 0, sizeof(row->text));
        memcpy(row->text, name, strnlen(name, sizeof(row->text) - 1));
        row->owner = owner;
        row->refs = row->lined = 0;
        makers->forget(lay, i);
        __atomic_store_n(&row->used, 1, __ATOMIC_RELEASE);
        chain_in(&t, i);
    }
    t.rows[i].last_ns = now;
    return i;
}

uint32_t names_find_client(struct layout *lay, const char *name)
{
    struct names t = clients(lay);

    return find(&t, 0, name, names_hash(name));
}

uint32_t names_find_model(struct layout *lay, uint32_t upstream,
                          const char *name)
{
    struct names t = models(lay);

    return find(&t, upstream, name, names_hash(name));
}

static void rebuild(const struct names *t)
{
    uint32_t i;

    for (i = 0; i < LAY_BUCKETS; i++)
        t->hash[i] = NONE;
    for (i = 0; i < t->max; i++) {
        t->rows[i].refs = t->rows[i].lined = 0;
        t->rows[i].chain = NONE;
        t->rows[i].text[LIMITER_NAME_MAX - 1] = '\0';
        if (t->rows[i].used)
            chain_in(t, i);
    }
}

void names_rebuild(struct layout *lay)
{
    struct names c = clients(lay), m = models(lay);

    rebuild(&c);
    rebuild(&m);
}
