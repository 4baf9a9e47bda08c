/*
 * How often is a request refused for no reason that we know of?
 */
#ifndef SLUICE_CHANCE_H
#define SLUICE_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Part of the shared file: any value is safe, if not sensible. */
struct chance {
    uint32_t fine, refused; /* answers of late; halved before they are many */
};

/* FINE and REFUSED more answers. */
void chance_note(struct chance *c, uint32_t fine, uint32_t refused);
/* The share that is refused, 0 to 1; 0 while it was not twice. */
double chance_share(const struct chance *c);
/* Would a SHARE that is refused explain REFUSED of SENT? */
bool chance_explains(double share, uint32_t refused, uint32_t sent);

#endif
