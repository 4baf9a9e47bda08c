/*
 * stand_ins.c - how often has one model served in place of another?
 *
 * Pairs come from the settings, so they are few; there are rows for some, and
 * one for all others.
 */
#include "state/stats/stand_ins.h"

#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"
#include "state/stats/tally.h"

static bool is_pair(const struct lay_stand_in *p, const char *asked,
                    const char *served)
{
    return strncmp(p->asked, asked, sizeof(p->asked)) == 0 &&
           strncmp(p->served, served, sizeof(p->served)) == 0;
}

static void copy(char to[LIMITER_NAME_MAX], const char *from)
{
    size_t n = strnlen(from, LIMITER_NAME_MAX - 1);

    memcpy(to, from, n);
    memset(to + n, 0, LIMITER_NAME_MAX - n);
}

void stand_ins_count(struct lay_sums *s, const struct limiter_note *n)
{
    uint32_t i;

    for (i = 0; i < TALLY_STAND_INS; i++) {
        struct lay_stand_in *p = &s->stand_ins[i];

        if (p->asked[0] == '\0') {
            copy(p->asked, n->asked);
            copy(p->served, n->model);
        }
        if (is_pair(p, n->asked, n->model))
            break;
    }
    s->stand_ins[i].n++;
}

/* ---- what cannot be ---------------------------------------------------------- */

static bool is_name(const char name[LIMITER_NAME_MAX])
{
    size_t n = strnlen(name, LIMITER_NAME_MAX), i;

    if (n == 0 || n == LIMITER_NAME_MAX || !buf_is_utf8(name, n))
        return false;
    for (i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

/* Rows are filled from the front; what is behind the first one that cannot be is
 * noise, too. */
void stand_ins_check(struct lay_sums *s)
{
    uint32_t i, k, good = 0;

    for (i = 0; i < TALLY_STAND_INS && good == i; i++) {
        const struct lay_stand_in *p = &s->stand_ins[i];

        if (!is_name(p->asked) || !is_name(p->served))
            break;
        for (k = 0; k < i; k++)
            if (is_pair(&s->stand_ins[k], p->asked, p->served))
                break;
        good += k == i;
    }
    memset(&s->stand_ins[good], 0,
           (TALLY_STAND_INS - good) * sizeof(s->stand_ins[0]));
    copy(s->stand_ins[TALLY_STAND_INS].asked, "");
    copy(s->stand_ins[TALLY_STAND_INS].served, "");
}

void stand_ins_tell(const struct lay_sums *s, struct tally_sums *out)
{
    uint32_t i;

    for (i = 0; i <= TALLY_STAND_INS; i++) {
        copy(out->stand_ins[i].asked, s->stand_ins[i].asked);
        copy(out->stand_ins[i].served, s->stand_ins[i].served);
        out->stand_ins[i].n = s->stand_ins[i].n;
    }
}
