/*
 * Models that are going to be switched off.
 */
#ifndef SLUICE_DEPRECATION_H
#define SLUICE_DEPRECATION_H

struct exchange;
struct upstream_head;

/* Logs that HEAD, of X's answer, announces the end of its model (a Deprecation
 * header, RFC 9745): once a day for each model, in each worker. */
void deprecation_note(struct exchange *x, const struct upstream_head *head);

#endif
