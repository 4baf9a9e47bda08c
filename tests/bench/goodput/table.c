/* table.c - rows of figures, for people. */
#include "table.h"

#include <math.h>
#include <stdio.h>

#include "lib/base.h"

#define NAME_WIDTH 50

const struct policy *const table_policies[POLICIES] = {
    &policy_sluice, &policy_sluice_model, &policy_cubic,
    &policy_aimd,   &policy_backoff,
};

static void print_group(const struct row *row)
{
    if (row->group != NULL)
        printf("\n# %s\n", row->group);
}

/* "MEAN WORST" of a metric, in 14 columns. */
static void print_pair(const struct summary *s, enum metric m)
{
    if (isnan(s->mean.of[m]))
        printf("      -      -");
    else
        printf(" %6.*f %6.*f", metrics[m].digits, s->mean.of[m],
               metrics[m].digits, s->worst.of[m]);
}

static void print_mean(const struct summary *s, enum metric m)
{
    if (isnan(s->mean.of[m]))
        printf("      -");
    else
        printf(" %6.*f", metrics[m].digits, s->mean.of[m]);
}

static const char *verdict(const struct bound *b, const struct summary *s)
{
    if (bound_holds(b, &s->worst))
        return "reached";
    return bound_holds(b, &s->mean) ? "on average" : "MISSED";
}

static void print_row(const struct row *row, const struct result *r)
{
    static const enum metric shown[] = {EVEN,   LATER,  RECOVER, WATCHED,
                                        OTHERS, CLIENT, ETA_P50, ETA_P90,
                                        WAIT,   BEYOND};
    const struct summary *s = &r->of[0];
    uint32_t i;

    print_group(row);
    printf("%-*s %6.1f", NAME_WIDTH, row->name, r->oracle);
    print_pair(s, GOODPUT);
    print_pair(s, REFUSED);
    for (i = 0; i < ARRAY_LEN(shown); i++)
        print_mean(s, shown[i]);
    printf("\n");
}

static void print_bound(const struct row *row, const struct bound *b,
                        const struct summary *s)
{
    const struct metric_about *m = &metrics[b->metric];

    printf("%-*s %-28s %s %5g %8.*f %8.*f  %s\n", NAME_WIDTH, row->name,
           m->name, m->more_is_better ? ">=" : "<=", b->at, m->digits,
           s->mean.of[b->metric], m->digits, s->worst.of[b->metric],
           verdict(b, s));
}

static void print_seen(const struct row *row, const struct bound *seen,
                       const struct summary *s)
{
    printf("%-*s %-28s %8g %8.1f  %.1f to %.1f\n", NAME_WIDTH, row->name,
           metrics[seen->metric].name, seen->at, s->mean.of[seen->metric],
           s->worst.of[seen->metric], s->best.of[seen->metric]);
}

static void count(const struct row *row, const struct result *r,
                  uint32_t *reached, uint32_t *missed)
{
    uint32_t i;

    for (i = 0; i < row_bounds(row); i++) {
        bool holds = bound_holds(&row->bounds[i], &r->of[0].worst);

        *reached += holds;
        *missed += !holds;
    }
}

void table_print(const struct table *t)
{
    uint32_t i;

    printf("%-*s oracle     goodput %%    refused/w   even  later recov-"
           "   its others  least    ETA off, s  wait   be-\n",
           NAME_WIDTH, "");
    printf("%-*s    a w   mean  worst   mean  worst      %%     /w  ers w"
           "  own %%      %% client    p50    p90  max s  yond\n",
           NAME_WIDTH, "");
    for (i = 0; i < t->n; i++)
        print_row(&rows[t->rows[i]], &t->results[i]);
}

void table_bounds(const struct table *t)
{
    uint32_t i, k;

    printf("%-*s %-28s %8s %8s %8s\n", NAME_WIDTH, "what is asked for", "", "",
           "mean", "worst");
    for (i = 0; i < t->n; i++)
        for (k = 0; k < row_bounds(&rows[t->rows[i]]); k++)
            print_bound(&rows[t->rows[i]], &rows[t->rows[i]].bounds[k],
                        &t->results[i].of[0]);
}

void table_seen(const struct table *t)
{
    uint32_t i;

    printf("%-*s %-28s %8s %8s  %s\n", NAME_WIDTH, "end to end, and here", "",
           "measured", "here", "of all seeds");
    for (i = 0; i < t->n; i++) {
        const struct bound *seen = &rows[t->rows[i]].seen;

        if (seen->at > 0)
            print_seen(&rows[t->rows[i]], seen, &t->results[i].of[0]);
    }
}

void table_compare(const struct table *t)
{
    uint32_t i, p;

    printf("%-*s", NAME_WIDTH, "goodput % (refusals a window), means");
    for (p = 0; p < POLICIES; p++)
        printf(" %16s", table_policies[p]->name);
    printf("\n");
    for (i = 0; i < t->n; i++) {
        print_group(&rows[t->rows[i]]);
        printf("%-*s", NAME_WIDTH, rows[t->rows[i]].name);
        for (p = 0; p < POLICIES; p++)
            printf(" %6.1f (%7.1f)", t->results[i].of[p].mean.of[GOODPUT],
                   t->results[i].of[p].mean.of[REFUSED]);
        printf("\n");
    }
}

void table_count(const struct table *t, uint32_t *reached, uint32_t *missed)
{
    uint32_t i;

    for (i = 0; i < t->n; i++)
        count(&rows[t->rows[i]], &t->results[i], reached, missed);
}
