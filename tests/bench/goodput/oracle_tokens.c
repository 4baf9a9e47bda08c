/*
 * oracle_tokens.c - what could be had of a limit in tokens, if one knew what each
 * request will take?
 *
 * First come, first served: one goes as soon as all of it fits, and nobody before
 * it, or what is large would wait for ever.  That is not the most that could be
 * had, but it is what a line can have.
 */
#include <stdlib.h>

#include "lib/base.h"
#include "line.h"

static void *oracle_open(struct run *r)
{
    struct line *l = calloc(1, sizeof(*l));

    CHECK(l != NULL);
    line_init(l, r, 0);
    return l;
}

static void oracle_close(void *p)
{
    line_fini(p);
    free(p);
}

static void oracle_ask(void *p, struct job *j)
{
    line_append(p, j);
}

static void oracle_heard(void *p, struct job *j, const struct answer *a)
{
    struct line *l = p;

    CHECK(a->say == SAY_FINE);
    run_done(l->r, j, true);
}

/* When the first fits. */
static int64_t opens_ns(struct line *l)
{
    struct upstream *u = &l->r->upstreams[0];
    const struct job *j = l->first;

    if (j == NULL)
        return NEVER;
    return max_i64(
        line_opens_ns(l),
        ledger_falls_ns(&u->tokens,
                        u->spec->tokens.size - j->size.in - j->size.out,
                        l->r->now));
}

static int64_t oracle_turn(void *p)
{
    struct line *l = p;

    while (opens_ns(l) <= l->r->now)
        line_send(l);
    return opens_ns(l);
}

const struct policy policy_oracle_tokens = {
    .name = "oracle",
    .sees = true,
    .open = oracle_open,
    .close = oracle_close,
    .ask = oracle_ask,
    .heard = oracle_heard,
    .resume = oracle_ask,
    .turn = oracle_turn,
};
