/*
 * key_refused.c - what becomes of a request whose upstream refuses our key?
 *
 * No client can have done anything about it, and each is told whose key it was.
 * It is our failure, in every number (OUTCOME_UPSTREAM_KEY), and the limiter
 * remembers it for all workers (state/own_keys.c).  Where several upstreams may
 * serve the model, another one does.  A client's own key is the client's
 * business: follow_up.c.
 */
#include "fcgi/key_refused.h"

#include "fcgi/again.h"
#include "fcgi/place.h"
#include "fcgi/request_stats.h"
#include "fcgi/tell.h"
#include "fcgi/tell_limiter.h"
#include "state/own_keys.h"

/* Our key is refused where others may have another: this one is left alone for a
 * while, and X goes on. */
static bool key_is_dead(struct exchange *x, const struct verdict *v)
{
    struct verdict dead = *v;

    if (!place_may_move(x))
        return false;
    dead.cause = EJECTED_KEY;
    tell_limiter(x, ANSWER_UNPAID, &dead, -1, v->words.message);
    return true;
}

/* What asked without a ticket tells of it, too; if the state is busy, the next
 * one will. */
static void tell_of_key(struct exchange *x, const struct verdict *v)
{
    const struct own_key_told told = {.word = KEY_REFUSED,
                                      .status = (uint16_t)v->status,
                                      .message = v->words.message};

    if (x->place.state == PLACE_FREE &&
        limiter_key_told(x->s->lim, x->attempt.upstream, &told,
                         exchange_now(x)))
        return;
    tell_limiter(x, ANSWER_FINE, v, -1, v->words.message);
}

enum step key_refused_told(struct exchange *x, const struct verdict *v)
{
    request_stats_judged(x, OUTCOME_UPSTREAM_KEY, UPSTREAM_KEY);
    if (key_is_dead(x, v))
        return again_in_line(x, false);
    tell_of_key(x, v);
    return tell_key(x, v);
}
