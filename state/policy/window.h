/*
 * The sliding log of sends: exact, and as long as it has to be.
 *
 * A window is a list of chunks from the pool in the layout; OWNER is a scope, or
 * LAY_SCOPES + a client.  Times only rise,
 * so the oldest is always first and dropping it costs nothing.
 */
#ifndef SLUICE_WINDOW_H
#define SLUICE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct layout;

/* Drops every time that no longer counts: all up to and with HORIZON_NS. */
void window_expire(struct layout *lay, uint32_t owner, int64_t horizon_ns);

/* Chunks that are left for windows of clients, or of scopes. */
uint32_t window_chunks_left(const struct layout *lay, bool of_clients);
/* Can a time be added? */
bool window_has_room(struct layout *lay, uint32_t owner);
/* Adds a time for GRANT; there must be room.  A time below the newest one is
 * raised to it. */
void window_push(struct layout *lay, uint32_t owner, int64_t t_ns,
                 uint64_t grant);

/* The K-th oldest time, from 0; K must be below the window's count. */
int64_t window_nth(struct layout *lay, uint32_t owner, uint32_t k);
/* Copies N times from the K-th on. */
void window_copy(struct layout *lay, uint32_t owner, uint32_t k, uint32_t n,
                 int64_t *out);

/* Was the newest time added for GRANT? */
bool window_has_last(struct layout *lay, uint32_t owner, uint64_t grant);

/* Puts every chunk where it belongs again, from the chunks alone. */
void window_rebuild(struct layout *lay);

#endif
