/*
 * The rows of the state file's tables, by their indices.
 *
 * Part of layout.h, which is what is to be included.
 */
#ifndef SLUICE_LAY_AT_H
#define SLUICE_LAY_AT_H

#ifndef SLUICE_LAYOUT_H
#error "include state/policy/layout.h"
#endif

/*
 * Where a wrong index leads.  The functions below never return a pointer
 * outside the map: they leave the guarded section (sigbus.h) instead, and the
 * file is replaced.
 */
__attribute__((cold)) _Noreturn void sigbus_damaged(const char *what);

#define LAY_AT(lay, table, i, max)                                             \
    ((i) < (max) ? &(lay)->table[i]                                            \
                 : (sigbus_damaged(#table), &(lay)->table[0]))

static inline struct lay_row *row_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, rows, i, LAY_ROWS);
}

static inline struct lay_want *want_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, wants, i, LAY_ROWS);
}

/* Is it with the upstream, or may it be on its way at any moment? */
static inline bool row_is_in_flight(const struct lay_row *r)
{
    return r->state >= ROW_OFFERED && r->state <= ROW_SENT;
}

static inline struct lay_flow *flow_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, flows, i, LAY_FLOWS);
}

static inline struct lay_scope *scope_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, scopes, i, LAY_SCOPES);
}

/* The log of a scope, or of client OWNER - LAY_SCOPES. */
static inline struct lay_window *window_at(struct layout *lay, uint32_t owner)
{
    if (owner < LAY_SCOPES)
        return &lay->scopes[owner].window;
    return &LAY_AT(lay, quotas, owner - LAY_SCOPES, LAY_CLIENTS)->window;
}

static inline struct lay_chunk *chunk_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, chunks, i, LAY_CHUNKS);
}

static inline struct lay_lease *lease_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, leases, i, LAY_LEASES);
}

static inline struct lay_room *room_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, rooms, i, LAY_SCOPES);
}

static inline struct lay_worker *worker_at(struct layout *lay, uint32_t i)
{
    return LAY_AT(lay, workers, i, LAY_WORKERS);
}

static inline struct lay_class *class_at(struct lay_scope *s, uint32_t i)
{
    if (i >= LIMITER_CLASSES)
        sigbus_damaged("class");
    return &s->cls[i];
}

#endif
