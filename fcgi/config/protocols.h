/*
 * Which API does an upstream speak?
 */
#ifndef SLUICE_PROTOCOLS_H
#define SLUICE_PROTOCOLS_H

#include <stdbool.h>

struct complaint;
struct config;
struct config_upstream;

/* Does UP speak PROTOCOL itself? */
bool protocols_has(const struct config_upstream *up, const char *protocol);

/* How many of CFG's upstreams do. */
enum protocols_who { PROTOCOLS_NOBODY = 0, PROTOCOLS_SOME, PROTOCOLS_ALL };
enum protocols_who protocols_speakers(const struct config *cfg,
                                      const char *protocol);

/* What was left open of UP; are all of its protocols known ones?  0, or -1 and
 * ERR. */
int protocols_settle(struct config *cfg, struct config_upstream *up,
                     struct complaint *err);

#endif
