/*
 * chance.c - how often is a request refused for no reason that we know of?
 *
 * Refused by an upstream that sheds, or by a model whose workers others use as
 * well.  A share that is known explains as many refusals as a binomial
 * distribution makes likely: its mean, 2.5 standard deviations and one.
 */
#include "state/policy/chance.h"

#define MANY   200 /* answers that are remembered, about */
#define SIGMAS 2.5

void chance_note(struct chance *c, uint32_t fine, uint32_t refused)
{
    c->fine += fine;
    c->refused += refused;
    while (c->fine > MANY || c->refused > MANY) {
        c->fine /= 2;
        c->refused /= 2;
    }
}

double chance_share(const struct chance *c)
{
    return c->refused < 2 ? 0 : c->refused / ((double)c->fine + c->refused);
}

bool chance_explains(double share, uint32_t refused, uint32_t sent)
{
    double mean = share * sent, off = refused - mean - 1;

    return share > 0 &&
           (off <= 0 || off * off <= SIGMAS * SIGMAS * mean * (1 - share));
}
