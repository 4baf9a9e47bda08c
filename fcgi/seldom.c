/*
 * seldom.c - what is known of an exchange that most have nothing of?
 *
 * An error, another model that stands in, an answer that lies elsewhere: each
 * has its room from its first word on.  Whoever reads sees zeros before that,
 * which is what an exchange begins with.
 */
#include <stdlib.h>

#include "fcgi/exchange_parts.h"
#include "lib/base.h"

const struct seldom *exchange_seldom(const struct exchange *x)
{
    static const struct seldom nothing;

    return x->seldom != NULL ? x->seldom : &nothing;
}

struct seldom *exchange_noted(struct exchange *x)
{
    if (x->seldom == NULL)
        x->seldom = calloc(1, sizeof(*x->seldom));
    CHECK(x->seldom != NULL);
    return x->seldom;
}

void seldom_free(struct seldom *seldom)
{
    if (seldom == NULL)
        return;
    nvcf_fini(&seldom->nvcf);
    free(seldom);
}
