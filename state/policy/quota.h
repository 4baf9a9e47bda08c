/*
 * A client's own limits: how many of its requests may go in a minute, and what
 * may they take of tokens, in a minute and in a day?
 */
#ifndef SLUICE_QUOTA_H
#define SLUICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/policy/quota_form.h"
#include "state/policy/take.h"

struct lay_place;
struct layout;

/* CLIENT's limits are as WORD has it, unless newer settings, or a later request
 * by the same ones, said otherwise: after a loss old requests come again. */
void quota_set(struct layout *lay, uint32_t client,
               const struct quota_word *word);
/* How many of CLIENT may go in a minute; 0: it has no such limit. */
uint32_t quota_per_min(struct layout *lay, uint32_t client);
/* Has CLIENT a limit? */
bool quota_limits(struct layout *lay, uint32_t client);
/* The margin in force is MARGIN_NS; sends that would count under a longer one
 * are taken as unknown. */
void quota_margin(struct layout *lay, int64_t margin_ns, int64_t now);

/* What of CLIENT may go now; UINT64_MAX: it has no limit. */
struct quota_sum quota_room(struct layout *lay, uint32_t client, int64_t now);
/* May none that takes WHAT?  Reads only, as does what follows. */
bool quota_blocks(struct layout *lay, uint32_t client, struct take what,
                  int64_t now);
/* When the last of those may go that take UP_TO together, its own included, if
 * each goes as early as it may and open ones are written now. */
int64_t quota_eta(struct layout *lay, uint32_t client, struct quota_sum up_to,
                  int64_t now);

/* How much later than the first of its line the last of UP_TO goes at least, in
 * nanoseconds: a span for each whole limit before it.  That matters where the
 * first cannot go now for another reason. */
int64_t quota_after_first(struct layout *lay, uint32_t client,
                          struct quota_sum up_to);

/* When one that takes WHAT may go, and nothing goes before it. */
int64_t quota_free_at(struct layout *lay, uint32_t client, struct take what,
                      int64_t now);

/* Of limits that are, or will be with its next request, as WORD says; where it
 * says 0: 0, and NOW. */
void quota_tell(struct layout *lay, uint32_t client,
                const struct quota_word *word, int64_t now,
                struct quota_told *out);
/* What counts now, open ones included; at most the limit. */
uint32_t quota_used(struct layout *lay, uint32_t client, int64_t now);
uint64_t quota_tokens_used(struct layout *lay, uint32_t client, int64_t now);
uint64_t quota_day_used(struct layout *lay, uint32_t client, int64_t now);

/* GRANT of CLIENT, which takes WHAT, was written AT: into the log, where *PLACE
 * is.  False: it has no room. */
MUST_USE bool quota_sent(struct layout *lay, uint32_t client, int64_t at,
                         struct take what, uint64_t grant,
                         struct lay_place *place);
/* What was written at PLACE took TOKENS, not WAS. */
void quota_settle(struct layout *lay, uint32_t client,
                  const struct lay_place *place, uint32_t was, uint32_t tokens);

/* Must CLIENT's row stay?  Drops what no longer counts. */
bool quota_is_needed(struct layout *lay, uint32_t client, int64_t now);
/* The row has a new owner. */
void quota_forget(struct layout *lay, uint32_t client);

/*
 * Clients that have more waiting than may go are counted in live.limited, so
 * that nobody looks at limits while there is none.  A row of CLIENT, which has
 * a limit, is in line or was offered: has it come to that?
 */
void quota_watch(struct layout *lay, uint32_t client, int64_t now);
/* How many clients there are of that kind. */
uint32_t quota_count(struct layout *lay);
/* The same, when the log may be touched: what has expired is dropped. */
uint32_t quota_recount(struct layout *lay, int64_t now);
/* After a crash; the logs are window.c's. */
void quota_rebuild(struct layout *lay, int64_t latest);

#endif
