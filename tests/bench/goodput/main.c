/*
 * main.c - how much of what an upstream gives do we use?
 *
 *   goodput                 checks, the table, the other policies beside it
 *   goodput --only TEXT     the rows with TEXT in their name
 *   goodput --seeds N       20 for ours; the others take a quarter of them
 *   goodput --short         a few seconds: checks, and the rows whose bounds
 *                           hold today; "N passed, N failed"
 *   goodput --trace ROW SEED [POLICY]    what was in each window
 *   goodput --jobs N        processes; as many as there are processors
 *
 * All in virtual time.  The map: rows.c is the table, run.c the loop over
 * events, upstream.c and limit.c the upstreams, policy.h what a policy is and
 * oracle.c, sluice.c, cubic.c, aimd.c, backoff.c those there are, figures.c
 * what is measured, table.c how it is shown, check.c why to believe it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lib/base.h"
#include "table.h"

#define ROWS_MAX    128
#define SEEDS       20
#define SEEDS_SHORT 2

struct options {
    const char *only;
    uint32_t seeds, jobs;
    bool is_short;
};

/* ---- measuring --------------------------------------------------------------- */

/* Of the first N policies of the row's contest. */
static void run_seed(const struct row *row, uint64_t seed, uint32_t n,
                     struct result *res)
{
    const struct contest *c = &contests[row->kind];
    struct score oracle, s[POLICIES];
    struct figures f;
    uint32_t p, beside = 0;

    run_row(row, c->oracle, seed, &oracle);
    res->oracle += (double)oracle.passed / row->windows;
    for (p = n; p-- > 0;) { /* the first is told what the others have */
        run_row(row, c->policies[p], seed, &s[p]);
        if (p > 0 && s[p].passed > beside)
            beside = s[p].passed;
    }
    s[0].beside = beside;
    for (p = 0; p < n; p++) {
        f = figures_of(row, &s[p], &oracle);
        summary_add(&res->of[p], &f);
    }
}

/* Where it costs little all of them run with each seed. */
static uint32_t policies_with(const struct options *o, const struct row *row,
                              uint32_t i)
{
    if (row->kind != ROW_ONE || (i % 4 == 0 && !o->is_short))
        return contests[row->kind].n;
    return 1;
}

static void run_seeds(const struct options *o, const struct row *r,
                      struct result *res)
{
    struct row row = row_whole(r);
    uint32_t i;

    memset(res, 0, sizeof(*res));
    for (i = 0; i < o->seeds; i++)
        run_seed(&row, i + 1, policies_with(o, r, i), res);
    res->oracle /= o->seeds;
}

/* Rows are apart, so every process takes some of them. */
static void run_all(const struct options *o, const struct table *t)
{
    uint32_t job, i;
    int status, failed = 0;

    fflush(stdout);
    for (job = 0; job < o->jobs; job++)
        if (fork() == 0) {
            for (i = job; i < t->n; i += o->jobs)
                run_seeds(o, t->rows[i], &t->results[i]);
            _exit(0);
        }
    while (wait(&status) > 0)
        failed |= status;
    if (failed != 0) {
        fprintf(stderr, "goodput: a process failed\n");
        exit(1);
    }
}

static bool is_wanted(const struct options *o, const struct row *row)
{
    if (o->is_short && !row->holds)
        return false;
    return o->only == NULL || strstr(row->name, o->only) != NULL;
}

/* ---- what can be asked ----------------------------------------------------------- */

static int show(const struct options *o, const struct table *t)
{
    uint32_t reached = 0, missed = 0, passed = 0, failed = 0;

    check_models(&passed, &failed);
    run_all(o, t);
    if (o->is_short) {
        table_count(t, &passed, &failed);
        if (failed > 0)
            table_bounds(t);
    } else {
        table_print(t);
        printf("\n");
        table_bounds(t);
        printf("\n");
        table_seen(t);
        printf("\n");
        table_compare(t);
        table_contest(t);
        table_count(t, &reached, &missed);
        printf("\n%u bounds reached, %u missed (%u rows, %u seeds)\n", reached,
               missed, t->n, o->seeds);
    }
    printf("goodput: %u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

static int measure(const struct options *o)
{
    static const struct row *chosen[ROWS_MAX];
    struct table t = {chosen, 0, NULL};
    size_t size = ROWS_MAX * sizeof(*t.results);
    const struct row *r;
    uint32_t kind;

    for (kind = 0; kind < ROW_KINDS; kind++)
        for (r = rows_of[kind]; r->name != NULL; r++)
            if (is_wanted(o, r)) {
                CHECK(t.n < ROWS_MAX);
                chosen[t.n++] = r;
            }
    t.results = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(t.results != MAP_FAILED);
    return show(o, &t);
}

static const struct policy *policy_named(const struct contest *c,
                                         const char *name)
{
    uint32_t p;

    if (name != NULL && strcmp(name, c->oracle->name) == 0)
        return c->oracle;
    for (p = 0; name != NULL && p < c->n; p++)
        if (strcmp(name, c->policies[p]->name) == 0)
            return c->policies[p];
    return c->policies[0];
}

static int trace(const char *name, uint64_t seed, const char *policy)
{
    const struct row *r = row_named(name);
    struct row row;
    struct score s;
    uint32_t w, i;

    if (r == NULL) {
        fprintf(stderr, "goodput: no row %s\n", name);
        return 2;
    }
    row = row_whole(r);
    run_row(&row, policy_named(&contests[row.kind], policy), seed, &s);
    for (w = 0; w < row.windows; w++)
        printf("window %3u: %4u passed, %4u refused\n", w, s.passed_in[w],
               s.refused_in[w]);
    printf("%u passed, %u refused, %u jobs done, %u failed, %.1f evenly, "
           "the last after %.1f s\n",
           s.passed, s.refused, s.done, s.failed, s.even,
           (double)s.finished_ns / NS_PER_S);
    for (i = 0; i < MODELS; i++)
        if (s.by_model[i] > 0)
            printf("model %u: %u\n", i, s.by_model[i]);
    return 0;
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static bool read_options(struct options *o, char **argv)
{
    for (argv++; *argv != NULL; argv++) {
        const char *name = *argv;

        if (strcmp(name, "--short") == 0) {
            o->is_short = true;
            o->seeds = SEEDS_SHORT;
            continue;
        }
        if (*++argv == NULL)
            return false;
        if (strcmp(name, "--only") == 0)
            o->only = *argv;
        else if (strcmp(name, "--seeds") == 0)
            o->seeds = number(*argv);
        else if (strcmp(name, "--jobs") == 0)
            o->jobs = number(*argv);
        else
            return false;
    }
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: goodput [--only TEXT] [--seeds N] [--jobs N] "
                    "[--short] | --trace ROW SEED [POLICY]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = SEEDS};
    if (argc >= 4 && strcmp(argv[1], "--trace") == 0)
        return trace(argv[2], number(argv[3]), argv[4]);
    o.jobs = (uint32_t)max_i64(sysconf(_SC_NPROCESSORS_ONLN), 1);
    if (!read_options(&o, argv) || o.seeds == 0 || o.jobs == 0)
        return usage();
    return measure(&o);
}
