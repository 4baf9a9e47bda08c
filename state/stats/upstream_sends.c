/*
 * upstream_sends.c - how many requests went to each upstream, in all and in the
 * last minute, and what did it answer?
 *
 * As figures.c: numbers go with a row of the state's table, and begin anew with
 * another name.  A ring of seconds of the machine's own clock, which does not go
 * back, tells of the last minute.
 */
#include "state/stats/upstream_sends.h"

#include <string.h>

#include "state/stats/tally.h"

static bool is_of(const struct lay_upstream_sends *u, const char *name)
{
    return strncmp(u->name, name, sizeof(u->name)) == 0;
}

static void begin(struct lay_upstream_sends *u, const char *name)
{
    memset(u, 0, sizeof(*u));
    memcpy(u->name, name, strnlen(name, sizeof(u->name) - 1));
}

/* Of those seconds that have passed since the last send nothing is left. */
static void pass(struct lay_upstream_sends *u, int64_t now_s)
{
    if (u->last_s < 0 || now_s < u->last_s ||
        now_s - u->last_s >= UPSTREAM_SENDS_S) {
        memset(u->in, 0, sizeof(u->in));
        u->last_s = now_s;
    }
    while (u->last_s < now_s)
        u->in[++u->last_s % UPSTREAM_SENDS_S] = 0;
}

bool upstream_sends_count(struct lay_tally *t, uint32_t upstream,
                          const char *name, int64_t now)
{
    struct lay_upstream_sends *u;
    int64_t now_s = max_i64(now, 0) / NS_PER_S;
    bool known;

    if (upstream >= LIMITER_UPSTREAMS || name[0] == '\0')
        return false;
    u = &t->upstreams[upstream];
    known = is_of(u, name);
    if (!known)
        begin(u, name);
    pass(u, now_s);
    u->in[now_s % UPSTREAM_SENDS_S]++;
    u->n++;
    return known;
}

bool upstream_sends_answered(struct lay_tally *t, uint32_t upstream,
                             const char *name, const struct upstream_answer *a)
{
    struct lay_upstream_sends *u;

    if (upstream >= LIMITER_UPSTREAMS || name[0] == '\0')
        return false;
    u = &t->upstreams[upstream];
    if (u->name[0] == '\0') /* it was sent before this file was made */
        begin(u, name);
    if (!is_of(u, name))
        return false;
    u->refused += a->refused;
    u->tokens_in += (uint64_t)max_i64(a->tokens_in, 0);
    u->tokens_out += (uint64_t)max_i64(a->tokens_out, 0);
    u->answers += a->answers;
    u->told += a->told;
    return true;
}

struct upstream_sends upstream_sends_tell(const struct lay_tally *t,
                                          uint32_t upstream, const char *name,
                                          int64_t now)
{
    struct upstream_sends told = {0};
    struct lay_upstream_sends u;
    uint32_t i;

    if (upstream >= LIMITER_UPSTREAMS || name[0] == '\0' ||
        !is_of(&t->upstreams[upstream], name))
        return told;
    u = t->upstreams[upstream];
    pass(&u, max_i64(now, 0) / NS_PER_S);
    for (i = 0; i < UPSTREAM_SENDS_S; i++)
        told.minute += u.in[i];
    told.all = u.n;
    told.refused = u.refused;
    told.tokens_in = u.tokens_in;
    told.tokens_out = u.tokens_out;
    told.answers = u.answers;
    told.told = u.told;
    return told;
}

void upstream_sends_rebuild(struct lay_tally *t)
{
    uint32_t i;

    for (i = 0; i < LIMITER_UPSTREAMS; i++) {
        struct lay_upstream_sends *u = &t->upstreams[i];

        if (u->name[sizeof(u->name) - 1] != '\0' || u->last_s < 0)
            memset(u, 0, sizeof(*u));
    }
}
