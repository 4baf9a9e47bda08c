/* table.c - rows of figures, for people. */
#include "table.h"

#include <math.h>
#include <stdio.h>

#include "lib/base.h"

#define NAME_WIDTH 50

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
                        const struct summary *s, const char *is)
{
    const struct metric_about *m = &metrics[b->metric];

    printf("%-*s %-28s %s %5g %8.*f %8.*f  %s\n", NAME_WIDTH, row->name,
           m->name, m->more_is_better ? ">=" : "<=", b->at, m->digits,
           s->mean.of[b->metric], m->digits, s->worst.of[b->metric], is);
}

static void print_bounds(const struct row *row, const struct summary *s)
{
    const struct bound *b;
    uint32_t i;

    for (i = 0; i < row_bounds(row); i++)
        print_bound(row, &row->bounds[i], s, verdict(&row->bounds[i], s));
    for (b = row->wanted; b < row->wanted + WANTED_MAX && b->at > 0; b++)
        print_bound(row, b, s,
                    bound_holds(b, &s->worst) ? "at last" : "not yet");
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
        if (t->rows[i]->kind == ROW_ONE)
            print_row(t->rows[i], &t->results[i]);
}

void table_bounds(const struct table *t)
{
    uint32_t i;

    printf("%-*s %-28s %8s %8s %8s\n", NAME_WIDTH, "what is asked for", "", "",
           "mean", "worst");
    for (i = 0; i < t->n; i++)
        print_bounds(t->rows[i], &t->results[i].of[0]);
}

void table_seen(const struct table *t)
{
    uint32_t i;

    printf("%-*s %-28s %8s %8s  %s\n", NAME_WIDTH, "end to end, and here", "",
           "measured", "here", "of all seeds");
    for (i = 0; i < t->n; i++) {
        const struct bound *seen = &t->rows[i]->seen;

        if (seen->at > 0)
            print_seen(t->rows[i], seen, &t->results[i].of[0]);
    }
}

void table_compare(const struct table *t)
{
    const struct contest *c = &contests[ROW_ONE];
    uint32_t i, p;

    printf("%-*s", NAME_WIDTH, "goodput % (refusals a window), means");
    for (p = 0; p < c->n; p++)
        printf(" %16s", c->policies[p]->name);
    printf("\n");
    for (i = 0; i < t->n; i++) {
        if (t->rows[i]->kind != ROW_ONE)
            continue;
        print_group(t->rows[i]);
        printf("%-*s", NAME_WIDTH, t->rows[i]->name);
        for (p = 0; p < c->n; p++)
            printf(" %6.1f (%7.1f)", t->results[i].of[p].mean.of[GOODPUT],
                   t->results[i].of[p].mean.of[REFUSED]);
        printf("\n");
    }
}

/* ---- policies among each other -------------------------------------------------- */

#define SHOWN_MAX 10

static const struct {
    const char *about;
    struct {
        enum metric metric;
        const char *head;
    } shown[SHOWN_MAX]; /* up to the first without a head */
} contest_columns[ROW_KINDS] = {
    [ROW_CHOICE] = {"several upstreams: means, and the worst of the seeds",
                    {{GOODPUT, "goodput"},
                     {EVEN, "even"},
                     {WAIT_P50, "wait p50"},
                     {WAIT_P90, "p90 s"},
                     {ETA_P50, "ETA p50"},
                     {ETA_P90, "p90 s"},
                     {MOST, "most %"},
                     {REFUSED, "refused"}}},
    [ROW_TOKENS] = {"tokens: means, and the worst of the seeds",
                    {{TOKENS, "% oracle"},
                     {USED, "% limit"},
                     {MOST, "most %"},
                     {SERVED, "answers"},
                     {WAIT_P50, "wait p50"},
                     {ETA_P50, "ETA p50"},
                     {ETA_P90, "p90 s"},
                     {REFUSED, "refused"}}},
};

static void print_heads(enum row_kind kind)
{
    uint32_t i;

    printf("\n%-*s %13s", NAME_WIDTH, contest_columns[kind].about, "");
    for (i = 0; i < SHOWN_MAX; i++)
        if (contest_columns[kind].shown[i].head != NULL)
            printf(" %13s", contest_columns[kind].shown[i].head);
    printf("\n");
}

static void print_policy(enum row_kind kind, const struct policy *p,
                         const struct summary *s)
{
    uint32_t i;

    printf(" %-13s", p->name);
    for (i = 0; i < SHOWN_MAX; i++) {
        enum metric m = contest_columns[kind].shown[i].metric;

        if (contest_columns[kind].shown[i].head == NULL)
            break;
        if (!p->tells && (m == ETA_P50 || m == ETA_P90))
            printf(" %6s %6s", "-", "-");
        else
            print_pair(s, m);
    }
    printf("\n");
}

static void print_contest(const struct row *row, const struct result *r)
{
    const struct contest *c = &contests[row->kind];
    uint32_t p;

    for (p = 0; p < c->n; p++) {
        printf("%-*s", NAME_WIDTH, p == 0 ? row->name : "");
        print_policy(row->kind, c->policies[p], &r->of[p]);
    }
}

void table_contest(const struct table *t)
{
    enum row_kind kind, last = ROW_ONE;
    uint32_t i;

    for (i = 0; i < t->n; i++) {
        kind = t->rows[i]->kind;
        if (kind == ROW_ONE)
            continue;
        if (kind != last)
            print_heads(kind);
        print_contest(t->rows[i], &t->results[i]);
        last = kind;
    }
}

void table_count(const struct table *t, uint32_t *reached, uint32_t *missed)
{
    uint32_t i;

    for (i = 0; i < t->n; i++)
        count(t->rows[i], &t->results[i], reached, missed);
}
