/*
 * What is the limiter told of an answer?
 */
#ifndef SLUICE_TELL_LIMITER_H
#define SLUICE_TELL_LIMITER_H

#include <stddef.h>
#include <stdint.h>

#include "fcgi/exchange_parts.h"
#include "state/limiter.h"

struct verdict;

/* V, as the ANSWER that its row has or a milder one; NULL: none came.  RETRY_MS is
 * the upstream's wish, -1: none.  REASON goes into the state file, the log and to
 * other clients: words of the upstream only where they are about the model or the
 * account, because errors of other kinds can quote a prompt.  What X asks for
 * besides its request (a poll, a result) says nothing of the limits. */
void tell_limiter(struct exchange *x, enum limiter_answer answer,
                  const struct verdict *v, int64_t retry_ms,
                  const char *reason);

/* Why others wait, too: in our words. */
const char *tell_limiter_reason(const struct verdict *v);

/* X's stream, which had begun well, has an error among the LEN bytes of EVENTS, the
 * last of which is whole: is it one that others would meet as well? */
void tell_limiter_of_events(struct exchange *x, const char *events, size_t len);

#endif
