/*
 * last_minute.c - how many were there in the last minute?
 *
 * A ring of seconds of the machine's own clock, which does not go back.  What a
 * client's own limit counts is in its log (quota.c), but most have none.
 */
#include "state/stats/last_minute.h"

#include <string.h>

#include "lib/base.h"

/* Of those seconds that have passed since the last one nothing is left. */
static void pass(struct lay_last_minute *m, int64_t now_s)
{
    if (m->last_s < 0 || now_s < m->last_s ||
        now_s - m->last_s >= LAST_MINUTE_S) {
        memset(m->in, 0, sizeof(m->in));
        m->last_s = now_s;
    }
    while (m->last_s < now_s)
        m->in[++m->last_s % LAST_MINUTE_S] = 0;
}

void last_minute_count(struct lay_last_minute *m, int64_t now)
{
    uint16_t *in;

    pass(m, max_i64(now, 0) / NS_PER_S);
    in = &m->in[m->last_s % LAST_MINUTE_S];
    if (*in < UINT16_MAX)
        ++*in;
}

uint32_t last_minute_told(const struct lay_last_minute *m, int64_t now)
{
    struct lay_last_minute copy = *m;
    uint32_t i, n = 0;

    pass(&copy, max_i64(now, 0) / NS_PER_S);
    for (i = 0; i < LAST_MINUTE_S; i++)
        n += copy.in[i];
    return n;
}
