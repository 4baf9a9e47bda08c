/*
 * A request in the words of another API for an upstream that speaks chat
 * completions.
 */
#ifndef SLUICE_AS_CHAT_H
#define SLUICE_AS_CHAT_H

#include <stdbool.h>

#include "fcgi/config/asking.h"
#include "fcgi/config/protocols.h"
#include "fcgi/exchange_parts.h"
#include "fcgi/route.h"

/* The API whose words R may have to be translated from; NULL: none. */
const char *as_chat_protocol(const struct request *r);

/*
 * The body of R is there, and WHO of the upstreams speaks its API itself.  If
 * R's route has a twin for those that do not, R becomes what is asked of them,
 * in the way that HOW says, and keeps its first body as long as it may go to one
 * of the others.  R->fault says why it cannot.  From any thread.
 */
void as_chat_make(struct request *r, enum protocols_who who,
                  const struct asking *how);

/* Is X, whose upstream is known, a question that we answer for it?  Then its
 * route is that of our answer. */
bool as_chat_is_answer(struct exchange *x);
/* X goes to the upstream of its attempt: as it came, or as chat. */
void as_chat_choose(struct exchange *x);

/* May it still go as it came? */
static inline bool as_chat_is_open(const struct request *r)
{
    return r->as_came.len > 0;
}

/* Is what goes to X's upstream another body, at another path, than came? */
static inline bool as_chat_is(const struct exchange *x)
{
    return x->req->route != NULL && x->req->route->tongue != NULL;
}

/* The body that goes to X's upstream, and its path with the query. */
const struct buf *as_chat_body(const struct exchange *x);
const char *as_chat_target(const struct exchange *x);

#endif
