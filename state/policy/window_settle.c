/*
 * window_settle.c - an answer told what it took: which send of the log was it?
 *
 * Whoever wrote the send knows where it is.  The log may have forgotten it since,
 * and the place be another's: then its time, or what it took, is another.
 */
#include "state/policy/window.h"

#include "state/policy/layout.h"

/* A place may be a send's that is long gone, or nobody's. */
static bool is_there(struct layout *lay, uint32_t owner,
                     const struct lay_place *at)
{
    const struct lay_chunk *c;

    if (at->chunk >= LAY_CHUNKS || at->k >= CHUNK_TIMES)
        return false;
    c = chunk_at(lay, at->chunk);
    return c->scope1 == owner + 1 && at->k >= c->begin && at->k < c->end &&
           c->t[at->k] == at->t_ns;
}

/* The sum is made anew from the sends by whoever finds that its writer died. */
bool window_settle(struct layout *lay, uint32_t owner,
                   const struct lay_place *at, uint32_t was, uint32_t tokens)
{
    struct lay_window *w = window_at(lay, owner);
    struct lay_chunk *c;

    if (!is_there(lay, owner, at))
        return false;
    c = chunk_at(lay, at->chunk);
    if (c->tokens[at->k] != was)
        return false;
    if (was > w->tokens)
        sigbus_damaged("tokens of the sends");
    __atomic_store_n(&c->tokens[at->k], tokens, __ATOMIC_RELEASE);
    w->tokens = w->tokens - was + tokens;
    return true;
}
