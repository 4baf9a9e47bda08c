/*
 * line_order.c - who goes after whom?
 *
 * As queue.c would pick them, one after the other, if each could go: the rows of
 * a flow start at start, start + step, and so on, and so do the classes.  A heap
 * for each class, so that all of a line cost n log(flows).
 */
#include "state/policy/line_order.h"

#include "state/policy/virtual_time.h"

static bool is_before(const struct layout *lay, const struct line_cursor *a,
                      const struct line_cursor *b)
{
    if (a->start != b->start)
        return a->start < b->start;
    return lay->rows[a->row].arrival < lay->rows[b->row].arrival;
}

static void sink(const struct layout *lay, struct line_cursor *heap, uint32_t n,
                 uint32_t i)
{
    struct line_cursor moved = heap[i];
    uint32_t child;

    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(lay, &heap[child + 1], &heap[child]))
            child++;
        if (!is_before(lay, &heap[child], &moved))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

void line_order_begin(struct line_order *o, struct layout *lay, uint32_t scope)
{
    const struct lay_scope *s = scope_at(lay, scope);
    struct line_cursor *at = o->all;
    uint32_t cls, i;

    o->lay = lay;
    o->scope = scope;
    o->hops = 0;
    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        const struct lay_class *c = &s->cls[cls];

        o->start[cls] = class_start(s, c);
        o->of[cls] = at;
        for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
            const struct lay_flow *f = flow_at(lay, i);

            if (at == o->all + LAY_FLOWS)
                sigbus_damaged("flow list");
            if (f->head >= LAY_ROWS)
                sigbus_damaged("line");
            *at++ = (struct line_cursor){flow_start(c, f), i, f->head};
        }
        o->n[cls] = (uint32_t)(at - o->of[cls]);
        for (i = o->n[cls] / 2; i-- > 0;)
            sink(lay, o->of[cls], o->n[cls], i);
    }
}

/* The class that is next; ties go by arrival. */
static uint32_t next_class(const struct line_order *o)
{
    uint32_t cls, best = LIMITER_CLASSES;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        if (o->n[cls] == 0)
            continue;
        if (best == LIMITER_CLASSES || o->start[cls] < o->start[best] ||
            (o->start[cls] == o->start[best] &&
             o->lay->rows[o->of[cls]->row].arrival <
                 o->lay->rows[o->of[best]->row].arrival))
            best = cls;
    }
    return best;
}

uint32_t line_order_next(struct line_order *o)
{
    uint32_t cls = next_class(o), row;
    struct line_cursor *top;

    if (cls == LIMITER_CLASSES)
        return NONE;
    if (++o->hops > LAY_ROWS)
        sigbus_damaged("line");
    top = o->of[cls];
    row = top->row;
    o->start[cls] += class_step(cls);
    top->start += flow_step(flow_at(o->lay, top->flow));
    top->row = row_at(o->lay, row)->next;
    if (top->row == NONE)
        *top = o->of[cls][--o->n[cls]];
    else if (top->row >= LAY_ROWS)
        sigbus_damaged("line");
    if (o->n[cls] > 0)
        sink(o->lay, o->of[cls], o->n[cls], 0);
    return row;
}
