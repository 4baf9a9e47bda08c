/*
 * How does a thing of this file look to another host?
 *
 * Its bytes, with times as ages and without what means something here alone: rows,
 * numbers of grants.  A head says of which layout it is: another build's is not
 * understood, and left alone.
 */
#ifndef SLUICE_MIRRORED_H
#define SLUICE_MIRRORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layout;

#define MIRRORED_MAX 640

enum mirrored_kind {
    MIRRORED_RETREAT,
    MIRRORED_MODEL, /* its ejection and its ceiling */
    MIRRORED_DEBT,
    MIRRORED_PAUSE,
};

/* Which of them, and of what: a scope, a model, an upstream, nothing. */
struct mirrored {
    enum mirrored_kind kind;
    uint32_t i;
};

struct mirrored_form {
    uint8_t bytes[MIRRORED_MAX];
    uint32_t len;
};

/* Its row in the layout's mirrors, and the K-th of all. */
uint32_t mirrored_place(struct mirrored m);
struct mirrored mirrored_nth(uint32_t k);
/* Of what it is now: changes when it does. */
uint64_t mirrored_hash(struct layout *lay, struct mirrored m);
/* Is there nothing to be said of it? */
bool mirrored_is_plain(struct layout *lay, struct mirrored m);

/* As it goes out. */
void mirrored_pack(struct layout *lay, struct mirrored m, int64_t now,
                   struct mirrored_form *out);
/* What came in, AGE_NS after it went out there, takes its place.  False: it is
 * not understood, or what is here says more (then it is to be put again). */
bool mirrored_unpack(struct layout *lay, struct mirrored m,
                     const uint8_t *bytes, size_t len, int64_t age_ns,
                     int64_t now);

#endif
