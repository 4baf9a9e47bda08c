/*
 * tally.c - what has become of requests so far?
 */
#include "tally.h"

void tally_rebuild(struct lay_tally *t, int64_t now)
{
    (void)t;
    (void)now;
}
