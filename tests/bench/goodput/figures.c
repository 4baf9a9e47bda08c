/*
 * figures.c - what do the counts of a run say?
 *
 * A metric is a row of the table below, and a function.
 */
#include "figures.h"

#include <math.h>

#include "lib/base.h"

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static uint32_t sum_from(const uint32_t *in, uint32_t from, uint32_t n)
{
    uint32_t sum = 0;

    for (; from < n; from++)
        sum += in[from];
    return sum;
}

typedef double metric_fn(const struct row *row, const struct score *s,
                         const struct score *oracle);

/* Of a number of jobs: by the time that all of them took. */
static double goodput(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    if (row->jobs == 0)
        return percent(s->passed, oracle->passed);
    return percent((double)oracle->finished_ns * s->done,
                   (double)s->finished_ns * row->jobs);
}

static double refused(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    (void)oracle;
    return (double)s->refused / row->windows;
}

static double later(const struct row *row, const struct score *s,
                    const struct score *oracle)
{
    (void)oracle;
    return (double)sum_from(s->refused_in, 2, row->windows) /
           (row->windows - 2);
}

static double per_answer(const struct row *row, const struct score *s,
                         const struct score *oracle)
{
    uint32_t n = sum_from(s->passed_in, 2, row->windows);

    (void)oracle;
    return (double)sum_from(s->refused_in, 2, row->windows) / (n > 0 ? n : 1);
}

/* The first window after it, from 0, that gives nine tenths of the oracle's
 * with at most one refusal. */
static double recover(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    int64_t at =
        max_i64(row->upstream.change.at_ns, row->upstream.outage.to_ns);
    uint32_t first = (uint32_t)((at + row->window_ns - 1) / row->window_ns), w;

    if (at == 0)
        return NAN;
    for (w = first; w < row->windows; w++)
        if (10 * s->passed_in[w] >= 9 * oracle->passed_in[w] &&
            s->refused_in[w] <= 1)
            break;
    return w - first;
}

static double share_of(const struct row *row, const struct score *s, int from,
                       int to)
{
    double owed = 0, had = 0;
    int m;

    for (m = from; m < to; m++) {
        owed += row->owed[m] * row->windows;
        had += row->owed[m] > 0 ? s->by_model[m] : 0;
    }
    return percent(had, owed);
}

static double watched(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    (void)oracle;
    return share_of(row, s, 0, 1);
}

static double others(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    (void)oracle;
    return share_of(row, s, 1, MODELS);
}

static double client(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    uint32_t n = row->demand[0].clients, least = UINT32_MAX, i;

    (void)oracle;
    if (n < 2 || row->demand[1].loops > 0)
        return NAN;
    for (i = 0; i < n; i++)
        least = s->by_client[i] < least ? s->by_client[i] : least;
    return percent((double)least * n, s->passed);
}

static double eta_p50(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->eta_p50_ns);
}

static double eta_p90(const struct row *row, const struct score *s,
                      const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->eta_p90_ns);
}

static double own_eta_p50(const struct row *row, const struct score *s,
                          const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->own_eta_p50_ns);
}

static double own_eta_p90(const struct row *row, const struct score *s,
                          const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->own_eta_p90_ns);
}

static double wait(const struct row *row, const struct score *s,
                   const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->wait_ns);
}

static double beyond(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return s->beyond;
}

static double done(const struct row *row, const struct score *s,
                   const struct score *oracle)
{
    (void)oracle;
    return percent(s->done, row->jobs);
}

static double slower(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    return row->jobs > 0 ? (double)s->finished_ns / (double)oracle->finished_ns
                         : NAN;
}

static double even(const struct row *row, const struct score *s,
                   const struct score *oracle)
{
    return row->jobs > 0 ? NAN : percent(s->even, oracle->even);
}

static double tried(const struct row *row, const struct score *s,
                    const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return s->poisoned > 0 ? (double)s->tried / s->poisoned : NAN;
}

static double wait_p50(const struct row *row, const struct score *s,
                       const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->wait_p50_ns);
}

static double wait_p90(const struct row *row, const struct score *s,
                       const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return seconds(s->wait_p90_ns);
}

static double most(const struct row *row, const struct score *s,
                   const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return s->most;
}

static double beside(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    (void)row;
    (void)oracle;
    return percent(s->passed, s->beside);
}

static double served(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    (void)oracle;
    return (double)s->passed / row->windows;
}

static double tokens(const struct row *row, const struct score *s,
                     const struct score *oracle)
{
    (void)row;
    return percent((double)s->tokens, (double)oracle->tokens);
}

static double used(const struct row *row, const struct score *s,
                   const struct score *oracle)
{
    (void)oracle;
    return percent((double)s->tokens,
                   (double)row->upstream.tokens.size * row->windows);
}

const struct metric_about metrics[METRICS] = {
    [GOODPUT] = {"goodput %", 1, true},
    [REFUSED] = {"refusals/window", 2, false},
    [LATER] = {"refusals/window, from the 3rd", 2, false},
    [PER_ANSWER] = {"refusals/answer", 2, false},
    [RECOVER] = {"windows to recover", 0, false},
    [WATCHED] = {"its own %", 1, true},
    [OTHERS] = {"the others %", 1, true},
    [CLIENT] = {"least client %", 0, true},
    [ETA_P50] = {"ETA p50 s", 1, false},
    [ETA_P90] = {"ETA p90 s", 1, false},
    [OWN_ETA_P50] = {"its ETA p50 s", 1, false},
    [OWN_ETA_P90] = {"its ETA p90 s", 1, false},
    [WAIT] = {"longest wait s", 1, false},
    [BEYOND] = {"refusals beyond the burst", 1, false},
    [DONE] = {"jobs %", 1, true},
    [SLOWER] = {"times the oracle's time", 1, false},
    [EVEN] = {"even goodput %", 1, true},
    [TRIED] = {"sends of what never passes", 1, false},
    [WAIT_P50] = {"wait p50 s", 1, false},
    [WAIT_P90] = {"wait p90 s", 1, false},
    [MOST] = {"most in a window, % of limit", 1, false},
    [BESIDE] = {"% of the best of the others", 1, true},
    [SERVED] = {"answers/window", 1, true},
    [TOKENS] = {"tokens, % of the oracle's", 1, true},
    [USED] = {"tokens, % of the limit", 1, true},
};

static metric_fn *const functions[METRICS] = {
    [GOODPUT] = goodput,
    [REFUSED] = refused,
    [LATER] = later,
    [RECOVER] = recover,
    [PER_ANSWER] = per_answer,
    [WATCHED] = watched,
    [OTHERS] = others,
    [CLIENT] = client,
    [ETA_P50] = eta_p50,
    [ETA_P90] = eta_p90,
    [WAIT] = wait,
    [BEYOND] = beyond,
    [DONE] = done,
    [SLOWER] = slower,
    [EVEN] = even,
    [TRIED] = tried,
    [OWN_ETA_P50] = own_eta_p50,
    [OWN_ETA_P90] = own_eta_p90,
    [WAIT_P50] = wait_p50,
    [WAIT_P90] = wait_p90,
    [MOST] = most,
    [BESIDE] = beside,
    [SERVED] = served,
    [TOKENS] = tokens,
    [USED] = used,
};

struct figures figures_of(const struct row *row, const struct score *s,
                          const struct score *oracle)
{
    struct figures f;
    int m;

    for (m = 0; m < METRICS; m++)
        f.of[m] = functions[m](row, s, oracle);
    return f;
}

void summary_add(struct summary *sum, const struct figures *f)
{
    int m;

    if (sum->n++ == 0) {
        sum->mean = sum->worst = sum->best = *f;
        return;
    }
    for (m = 0; m < METRICS; m++) {
        double *mean = &sum->mean.of[m], x = f->of[m];
        double *most = &sum->best.of[m], *least = &sum->worst.of[m];

        if (!metrics[m].more_is_better) {
            most = &sum->worst.of[m];
            least = &sum->best.of[m];
        }
        *mean += (x - *mean) / sum->n;
        *most = fmax(*most, x);
        *least = fmin(*least, x);
    }
}

/* As it is printed: 97.96 is 98.0. */
bool bound_holds(const struct bound *b, const struct figures *f)
{
    double scale = pow(10, metrics[b->metric].digits);
    double x = round(f->of[b->metric] * scale) / scale;

    return metrics[b->metric].more_is_better ? x >= b->at : x <= b->at;
}
