/*
 * One change of the settings that all workers follow.
 */
#ifndef SLUICE_REVISE_H
#define SLUICE_REVISE_H

#include "fcgi/config/revision.h"

/* Reads, builds, writes; waits for the disk.  R is to be given to
 * revise_fini() whatever comes of it. */
void revise(struct revision *r);
void revise_fini(struct revision *r); /* what was not taken out of it */

#endif
