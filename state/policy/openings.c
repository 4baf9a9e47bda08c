/*
 * openings.c - which of the upstreams that share a line have a slot now?
 */
#include "state/policy/openings.h"

#include <string.h>

#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/slot_source.h"

static uint32_t bit(uint32_t upstream)
{
    return UINT32_C(1) << upstream;
}

void openings_look_at(struct layout *lay, struct openings *o, uint32_t upstream)
{
    bool open = lay->rules[upstream].per_model != 0 ||
                slot_source_of(lay, upstream)
                    ->have(lay, upstream,
                           (struct take){lay->scopes[upstream].kept + 1, 0},
                           o->now, &o->when[upstream]);

    if (open)
        o->open |= bit(upstream);
    else
        o->open &= ~bit(upstream);
}

void openings_look_all(struct layout *lay, struct openings *o)
{
    uint32_t i;

    for (i = 0; o->members >> i != 0; i++)
        if ((o->members & bit(i)) != 0) {
            admit_refresh(lay, i, o->now);
            openings_look_at(lay, o, i);
        }
}

void openings_shut(struct openings *o, uint32_t upstream, int64_t when)
{
    o->open &= ~bit(upstream);
    o->when[upstream] = when;
}

void openings_forget(struct openings *o)
{
    memset(o->claims, 0, sizeof(o->claims));
}

void openings_all(const struct layout *lay, uint32_t line, int64_t now,
                  struct openings *o)
{
    uint32_t i;

    o->line = line;
    o->now = now;
    o->members = 0;
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        o->when[i] = NEVER;
        o->claims[i] = 0;
        if (lay->rules[i].line == line + 1 && limits_in_force(lay, i))
            o->members |= bit(i);
    }
    o->open = o->members;
}

int64_t openings_next(const struct openings *o)
{
    int64_t next = NEVER;
    uint32_t i;

    for (i = 0; i < LIMITER_UPSTREAMS; i++)
        if ((o->members & ~o->open & bit(i)) != 0)
            next = min_i64(next, o->when[i]);
    return next;
}
