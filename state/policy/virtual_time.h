/*
 * Virtual time: when would who start?  Shared by flow.c and queue.c, which
 * pick, and position.c, which foretells.
 */
#ifndef SLUICE_VIRTUAL_TIME_H
#define SLUICE_VIRTUAL_TIME_H

#include "state/policy/layout.h"

/* One whole request of share 1 in virtual time. */
#define QUEUE_QUANTUM (UINT64_C(1) << 32)

/* Shares of the classes while all have waiters. */
#define QUEUE_CLASS_WEIGHTS                                                    \
    {                                                                          \
        16, 4, 1                                                               \
    }

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* As far as V may rise: 2^28 requests of share 1, some days of a thousand a
 * second.  A quarter of what repair.c takes for noise. */
#define VTIME_MARK (UINT64_C(1) << 60)

/* After a crash: START and FINISH beyond what the rules can produce are brought
 * back.  Needs V below 2^62. */
void virtual_time_clamp(uint64_t *start, uint64_t *finish, uint64_t v,
                        uint64_t step);
/* V of class CLS, or of SCOPE, has risen: sets back what lies beyond. */
void virtual_time_keep_small(struct layout *lay, uint32_t scope, uint32_t cls);

/* What one request costs a flow, in its class' time. */
static inline uint64_t flow_step(const struct lay_flow *f)
{
    return QUEUE_QUANTUM / (f->share > 0 ? f->share : 1);
}

/* What one request costs a class. */
static inline uint64_t class_step(uint32_t cls)
{
    static const uint32_t weight[LIMITER_CLASSES] = QUEUE_CLASS_WEIGHTS;

    return QUEUE_QUANTUM / weight[cls];
}

/* A flow that was passed over (its worker stalled) has no claim on the past:
 * it starts at V like anybody who arrives now. */
static inline uint64_t flow_start(const struct lay_class *c,
                                  const struct lay_flow *f)
{
    return max_u64(c->v, f->start);
}

static inline uint64_t class_start(const struct lay_scope *s,
                                   const struct lay_class *c)
{
    return max_u64(s->v, c->start);
}

#endif
