/*
 * Which upstreams may serve the same model?  Requests for one of them wait in
 * one line.
 */
#ifndef SLUICE_LINES_H
#define SLUICE_LINES_H

#include <stdbool.h>

struct config;
struct config_upstream;

/* Does UP take MODEL, by its patterns? */
bool lines_takes(const struct config_upstream *up, const char *model);
/* Sets `line` of each of CFG's upstreams: the lowest index of those that it
 * shares a model with, or that share one with such a one, and so on. */
void config_lines(struct config *cfg);

#endif
