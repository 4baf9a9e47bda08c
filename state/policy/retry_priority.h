/*
 * Which requests did we refuse or lose a moment ago, and which did fail?
 *
 * An SDK repeats them, maybe on another worker; who waited once must not start
 * at the end of its line again, and what has just failed three times must not
 * be tried three times again at each of the client's own retries.  A fingerprint stands for a client and a body;
 * what it is made of is the callers' business.
 */
#ifndef SLUICE_RETRY_PRIORITY_H
#define SLUICE_RETRY_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

#define RETRY_PRIORITY_NS                                                      \
    (60 * NS_PER_S) /* the longest Retry-After we ever tell */

struct layout;

/* The request behind FINGERPRINT was refused or lost AT; 0: nothing to
 * remember it by. */
void retry_priority_note(struct layout *lay, uint64_t fingerprint, int64_t at);
/* Was it, within RETRY_PRIORITY_NS?  Each note is good for one claim. */
bool retry_priority_claim(struct layout *lay, uint64_t fingerprint,
                          int64_t now);
/* The upstream has failed it AT as often as a request may try: whoever asks
 * for it again within RETRY_PRIORITY_NS owns the retries. */
void retry_priority_failed(struct layout *lay, uint64_t fingerprint,
                           int64_t at);
bool retry_priority_has_failed(const struct layout *lay, uint64_t fingerprint,
                               int64_t now);
/* Drops what no writer can have meant. */
void retry_priority_rebuild(struct layout *lay, int64_t now);

#endif
