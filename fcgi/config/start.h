/*
 * Which settings does a worker start with?
 */
#ifndef SLUICE_START_H
#define SLUICE_START_H

struct revision;

/* Reads, builds, writes; waits for the disk.  Part of revise(). */
void start_revision(struct revision *r);

#endif
