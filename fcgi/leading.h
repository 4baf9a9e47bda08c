/*
 * Does this worker speak for its host to the store that several hosts share?
 *
 * Where `shared.url` names one.  Any worker may; the shared state says who does.
 */
#ifndef SLUICE_LEADING_H
#define SLUICE_LEADING_H

struct leading;
struct sluice;

/* NULL: there is no such store. */
struct leading *leading_new(struct sluice *s);
void leading_free(struct leading *l);

/* At the end of each step: NULL is fine.  May ask for a turn. */
void leading_step(struct leading *l);

#endif
