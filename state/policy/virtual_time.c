/*
 * virtual_time.c - how does virtual time stay small?
 *
 * Only differences to V mean anything, and what lies before V means the same as
 * V.  So when V has come far, it is taken from every time that is measured by
 * it: once in some hundred million grants, a look at all flows.
 *
 * V itself comes first.  Killed after it, times that are not set back yet lie
 * beyond V and a step, where no honest one is, and queue_rebuild() brings them
 * back to that: a debt of one request at most.
 */
#include "state/policy/virtual_time.h"

void virtual_time_clamp(uint64_t *start, uint64_t *finish, uint64_t v,
                        uint64_t step)
{
    if (*finish > v + step)
        *finish = v + step;
    if (*start > v + step)
        *start = v + step;
}

static void set_back(uint64_t *t, uint64_t by)
{
    *t = *t > by ? *t - by : 0;
}

static void flows_back(struct layout *lay, uint32_t scope, uint32_t cls)
{
    struct lay_class *c = class_at(scope_at(lay, scope), cls);
    uint64_t by = c->v;
    uint32_t i;

    __atomic_store_n(&c->v, 0, __ATOMIC_SEQ_CST);
    for (i = 0; i < LAY_FLOWS; i++) {
        struct lay_flow *f = &lay->flows[i];

        if (!f->used || f->scope != scope || f->cls != cls)
            continue;
        set_back(&f->start, by);
        set_back(&f->finish, by);
    }
}

static void classes_back(struct lay_scope *s)
{
    uint64_t by = s->v;
    uint32_t i;

    __atomic_store_n(&s->v, 0, __ATOMIC_SEQ_CST);
    for (i = 0; i < LIMITER_CLASSES; i++) {
        set_back(&s->cls[i].start, by);
        set_back(&s->cls[i].finish, by);
    }
}

void virtual_time_keep_small(struct layout *lay, uint32_t scope, uint32_t cls)
{
    struct lay_scope *s = scope_at(lay, scope);

    if (class_at(s, cls)->v >= VTIME_MARK)
        flows_back(lay, scope, cls);
    if (s->v >= VTIME_MARK)
        classes_back(s);
}
