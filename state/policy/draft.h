/*
 * Several words that belong together: how do they change as one?
 */
#ifndef SLUICE_DRAFT_H
#define SLUICE_DRAFT_H

#include <stddef.h>

struct layout;

/* Needs the lock.  Puts the N bytes of FROM in the place of TO, which lies in
 * LAY: all of them or, for whoever is killed before it, none. */
void draft_put(struct layout *lay, void *to, const void *from, size_t n);

/* After a death under the lock: what was begun is finished. */
void draft_repair(struct layout *lay);

#endif
