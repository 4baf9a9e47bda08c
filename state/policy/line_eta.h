/*
 * When will those that wait in a line that several upstreams share go, and
 * where?
 */
#ifndef SLUICE_LINE_ETA_H
#define SLUICE_LINE_ETA_H

#include <stdint.h>

#include "state/policy/line_places.h"

/* For each that waits in LINE.  The logs are refreshed. */
void line_eta_all(struct line_eta *e, struct layout *lay, uint32_t line,
                  int64_t now);
/* For one that could go anywhere, after K others of the same kind; what E knew
 * is gone. */
int64_t line_eta_nth(struct line_eta *e, struct layout *lay, uint32_t line,
                     uint32_t k, int64_t now);

#endif
