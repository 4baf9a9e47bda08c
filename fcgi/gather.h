/*
 * Does it pay to wait for more?  What arrives of many streams is passed on in
 * fewer, larger steps.
 */
#ifndef SLUICE_GATHER_H
#define SLUICE_GATHER_H

struct sluice;

/* What is never kept waiting for it. */
void gather_begin(struct sluice *s);
/* At the end of a step. */
void gather_look(struct sluice *s);

#endif
