/* rhythm.c - do refusals come in a rhythm? */
#include "state/policy/rhythm.h"

#include "lib/base.h"

#define LEAST  6    /* refusals, before anything is believed */
#define SIGMAS 2.5  /* that they are too few by */
#define MANY   1000 /* answers, after which it begins anew */
#define LOST   64   /* grants later, nobody will say what became of one */

bool rhythm_is_sane(const struct rhythm *r, int64_t now)
{
    return r->since_ns >= 0 && r->since_ns <= now;
}

void rhythm_forget(struct rhythm *r)
{
    *r = (struct rhythm){0};
}

void rhythm_sent(struct rhythm *r, uint64_t grant)
{
    if (r->known == 0 || grant <= r->known)
        return;
    r->next = grant;
    r->known = 0;
}

static void count(struct rhythm *r, uint64_t grant, bool is_refused)
{
    r->passed += !is_refused;
    r->refused += is_refused;
    if (grant != r->next)
        return;
    r->after++;
    r->after_bad += is_refused;
    r->next = 0;
}

void rhythm_passed(struct rhythm *r, uint64_t grant)
{
    if (r->since_ns > 0)
        count(r, grant, false);
    if (r->passed > MANY)
        rhythm_forget(r);
}

void rhythm_refused(struct rhythm *r, uint64_t grant, uint64_t last,
                    int64_t sent_ns)
{
    if (r->refused > MANY)
        rhythm_forget(r);
    if (r->since_ns == 0)
        r->since_ns = max_i64(sent_ns, 1);
    count(r, grant, true);
    if (r->next == 0 || last > r->next + LOST)
        r->known = last;
}

bool rhythm_is_even(const struct rhythm *r)
{
    double n = r->after;
    double share = r->refused / ((double)r->refused + r->passed + 1);
    double off = share * n - r->after_bad;

    return r->after >= LEAST && off > 0 &&
           off * off > SIGMAS * SIGMAS * n * share * (1 - share);
}

int64_t rhythm_gap_ns(const struct rhythm *r, int64_t now)
{
    return (now - r->since_ns) / (r->passed > 0 ? r->passed : 1);
}
