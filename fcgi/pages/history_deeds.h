/* What models and clients did, as columns of /api/history. */
#ifndef SLUICE_HISTORY_DEEDS_H
#define SLUICE_HISTORY_DEEDS_H

#include "lib/buf.h"
#include "state/history.h"

/* "WHAT_kept_from", "WHAT" and, unless NAME was asked for alone, "WHAT_other",
 * each behind a comma. */
void history_deeds_put(struct buf *b, const char *what,
                       const struct limiter_past *p,
                       const struct past_ledger *ledger, const char *name);

#endif
