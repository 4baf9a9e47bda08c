/*
 * run.c - one loop over the events of a run.
 *
 *   ASK --> policy's ask()       ... run_send()
 *             ARRIVE --> upstream_hit()
 *             ANSWER --> policy's heard() ... run_done(), or again
 *
 * After all events of a moment the policy has its turn.  A request is 5 to 40
 * ms on its way, so that windows are reached in another order than they were
 * sent in; the oracle's are there at once.
 */
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "lib/base.h"

#define TRANSIT_MIN_NS (5 * NS_PER_MS)
#define TRANSIT_NS     (35 * NS_PER_MS)
#define SORRY_NS       NS_PER_S /* a client that was told of an error thinks */
#define SPREAD_NS      (100 * NS_PER_MS) /* the loops begin within this */

/* ---- what policies ask for ------------------------------------------------------ */

static void arrive(struct run *r, struct job *j);

static void note_eta(struct run *r, const struct job *j, int64_t off_ns)
{
    samples_add(&r->etas, off_ns);
    if (j->model == 0)
        samples_add(&r->own_etas, off_ns);
}

/* In the first window nobody can know what the upstream is like. */
static bool is_foretellable(const struct run *r, const struct job *j)
{
    return j->asked_ns >= RUN_T0 + r->row->window_ns;
}

static void note_first_slot(struct run *r, const struct job *j)
{
    int64_t wait = r->now - j->asked_ns;

    if (!j->poisoned) {
        r->score.wait_ns = max_i64(r->score.wait_ns, wait);
        samples_add(&r->waits, wait);
    }
    if (j->eta_ns >= 0 && is_foretellable(r, j))
        note_eta(r, j, llabs(r->now - j->eta_ns));
}

static int64_t way_ns(struct run *r, const struct job *j)
{
    int64_t most = row_upstream(r->row, j->at)->way_ns;

    return TRANSIT_MIN_NS +
           dice_below(&r->dice, most > 0 ? most - TRANSIT_MIN_NS : TRANSIT_NS);
}

void run_send(struct run *r, struct job *j)
{
    if (j->attempts++ == 0)
        note_first_slot(r, j);
    j->sent_ns = r->now;
    if (r->policy->sees)
        arrive(r, j);
    else
        heap_add(&r->heap, r->now + way_ns(r, j), EVENT_ARRIVE, j);
}

void run_later(struct run *r, struct job *j, int64_t at)
{
    heap_add(&r->heap, at, EVENT_RESUME, j);
}

/* Of a mean, by chance: the same for all policies. */
static int64_t think_ns(const struct run *r, const struct job *j)
{
    uint64_t luck = dice_mix(dice_mix(r->seed) ^
                             ((uint64_t)(j - r->jobs) << 32 | ~j->asked));

    if (!j->at_any_time)
        return j->think_ns;
    return (int64_t)(-log((double)(luck % 1000000 + 1) / 1000000) *
                     (double)j->think_ns);
}

void run_done(struct run *r, struct job *j, bool good)
{
    int64_t pause = think_ns(r, j);

    r->score.done += good;
    r->score.failed += !good;
    r->score.finished_ns = r->now - RUN_T0;
    j->waits = false;
    if (r->row->jobs == 0)
        heap_add(&r->heap, r->now + (good ? pause : max_i64(pause, SORRY_NS)),
                 EVENT_ASK, j);
}

int64_t run_pause_ns(struct run *r, uint32_t n, int64_t first_ns,
                     int64_t max_ns)
{
    int64_t span = first_ns;

    for (; n > 1 && span < max_ns; n--)
        span *= 2;
    span = min_i64(span, max_ns);
    return span - dice_below(&r->dice, span / 4);
}

/* ---- events -------------------------------------------------------------------------- */

static void ask(struct run *r, struct job *j)
{
    j->asked_ns = r->now;
    j->eta_ns = -1;
    j->attempts = j->faults = 0;
    j->waits = true;
    if (r->row->kind == ROW_TOKENS)
        j->size =
            size_of(r->seed, (uint32_t)(j - r->jobs), j->asked, r->row->given);
    j->asked++;
    r->score.poisoned += j->poisoned;
    r->policy->ask(r->state, j);
}

static void count_hit(struct run *r, const struct job *j)
{
    uint32_t w = (uint32_t)((r->now - RUN_T0) / r->row->window_ns);
    bool fine = j->said.say == SAY_FINE;

    if (w >= WINDOWS_MAX)
        w = WINDOWS_MAX - 1;
    r->score.passed += fine;
    r->score.tokens += fine ? j->size.in + j->size.out : 0;
    if (fine)
        r->score.even +=
            fmin(1, (double)(r->end_ns - r->now) / (double)r->row->window_ns);
    r->score.refused += !fine;
    r->score.passed_in[w] += fine;
    r->score.refused_in[w] += !fine;
    r->score.tried += j->poisoned;
    r->score.by_model[j->model] += fine;
    r->score.by_client[j->client] += fine;
    if (!fine && w < 3 && j->sent_ns > r->refused_ns)
        r->score.beyond++;
}

static void arrive(struct run *r, struct job *j)
{
    struct hit hit = {j->model, j->poisoned, j->size.in + j->size.out};

    j->said = upstream_hit(&r->upstreams[j->at], &hit, r->now);
    if (j->said.say == SAY_FINE && j->size.answer_ns > 0)
        j->said.after_ns = j->size.answer_ns;
    count_hit(r, j);
    heap_add(&r->heap, r->now + j->said.after_ns, EVENT_ANSWER, j);
}

static void answer(struct run *r, struct job *j)
{
    if (j->said.say == SAY_FINE)
        upstream_end(&r->upstreams[j->at], j->model);
    else if (r->refused_ns == NEVER)
        r->refused_ns = r->now;
    r->policy->heard(r->state, j, &j->said);
}

static void happen(struct run *r, const struct event *e)
{
    switch (e->kind) {
    case EVENT_ASK:
        ask(r, e->job);
        return;
    case EVENT_ARRIVE:
        arrive(r, e->job);
        return;
    case EVENT_ANSWER:
        answer(r, e->job);
        return;
    case EVENT_RESUME:
        r->policy->resume(r->state, e->job);
        return;
    case EVENT_STRANGER:
        upstream_stranger(&r->upstreams[0], r->now);
        heap_add(&r->heap, r->now + r->row->upstream.stranger.every_ns,
                 EVENT_STRANGER, NULL);
        return;
    case EVENT_CHANGE:
        upstream_change(&r->upstreams[0]);
        return;
    }
}

static void loop(struct run *r)
{
    int64_t due = r->now;

    for (;;) {
        int64_t at = min_i64(heap_next_ns(&r->heap), due);

        if (at >= r->end_ns)
            return;
        r->now = at;
        while (heap_next_ns(&r->heap) <= r->now) {
            struct event e = heap_take(&r->heap);

            happen(r, &e);
        }
        if (r->row->jobs > 0 && r->score.done + r->score.failed == r->n_jobs)
            return;
        due = r->policy->turn(r->state);
    }
}

/* ---- a run ----------------------------------------------------------------------------- */

static void add_loops(struct run *r, const struct demand *d)
{
    uint32_t clients = d->clients > 0 ? d->clients : 1;
    int models = d->models > 0 ? d->models : 1;
    uint32_t i;

    for (i = 0; i < d->loops; i++) {
        struct job *j = &r->jobs[r->n_jobs++];

        CHECK(r->n_jobs <= LOOPS_MAX);
        j->client = d->first_client + i % clients;
        j->model = d->first_model + (int)(i / clients) % models;
        j->think_ns = d->think_ns;
        j->poisoned = d->poisoned;
        j->at_any_time = d->at_any_time;
        heap_add(&r->heap,
                 r->now + dice_below(&r->dice, max_i64(d->think_ns, SPREAD_NS)),
                 EVENT_ASK, j);
    }
}

static void add_weather(struct run *r)
{
    const struct upstream_spec *u = &r->row->upstream;

    if (u->stranger.n > 0)
        heap_add(&r->heap, r->now + dice_below(&r->dice, u->stranger.every_ns),
                 EVENT_STRANGER, NULL);
    if (u->change.at_ns > 0)
        heap_add(&r->heap, r->now + u->change.at_ns, EVENT_CHANGE, NULL);
}

/* Those that wait at the end have waited for so long, and if their slot was
 * foretold by now, that was wrong by what has passed since. */
static void note_waiting(struct run *r)
{
    uint32_t i;

    for (i = 0; i < r->n_jobs; i++) {
        const struct job *j = &r->jobs[i];

        if (!j->waits || j->attempts > 0)
            continue;
        if (!j->poisoned)
            r->score.wait_ns =
                max_i64(r->score.wait_ns, r->end_ns - j->asked_ns);
        if (j->eta_ns >= 0 && j->eta_ns < r->end_ns && is_foretellable(r, j))
            note_eta(r, j, r->end_ns - j->eta_ns);
    }
}

static double percent_of(uint64_t most, uint32_t limit)
{
    return 100 * (double)most / limit;
}

/* The most in any window, of any upstream. */
static double most_of(const struct run *r)
{
    double most = 0;
    uint32_t i;

    if (r->row->kind == ROW_TOKENS)
        return percent_of(r->upstreams[0].tokens.most,
                          r->row->upstream.tokens.size);
    for (i = 0; i < r->n_upstreams; i++)
        most = fmax(most, percent_of(r->upstreams[i].sends.most,
                                     row_believed(r->row, i)));
    return most;
}

static void judge(struct run *r)
{
    note_waiting(r);
    r->score.most = most_of(r);
    samples_sort(&r->waits);
    r->score.wait_p50_ns = samples_at(&r->waits, 500);
    r->score.wait_p90_ns = samples_at(&r->waits, 900);
    samples_sort(&r->etas);
    samples_sort(&r->own_etas);
    r->score.eta_p50_ns = samples_at(&r->etas, 500);
    r->score.eta_p90_ns = samples_at(&r->etas, 900);
    r->score.own_eta_p50_ns = samples_at(&r->own_etas, 500);
    r->score.own_eta_p90_ns = samples_at(&r->own_etas, 900);
    if (r->score.done < r->row->jobs)
        r->score.finished_ns = r->end_ns - RUN_T0;
}

static void open_upstreams(struct run *r)
{
    uint32_t i;

    r->n_upstreams = row_upstreams(r->row);
    for (i = 0; i < r->n_upstreams; i++)
        upstream_init(&r->upstreams[i], row_upstream(r->row, i),
                      r->row->window_ns, r->seed + i * 1000003u, r->now);
}

static void close_upstreams(struct run *r)
{
    uint32_t i;

    for (i = 0; i < r->n_upstreams; i++)
        upstream_fini(&r->upstreams[i]);
}

void run_row(const struct row *row, const struct policy *policy, uint64_t seed,
             struct score *out)
{
    static struct run r; /* large */
    uint32_t i;

    memset(&r, 0, sizeof(r));
    r.row = row;
    r.policy = policy;
    r.now = RUN_T0;
    r.end_ns = RUN_T0 + row->windows * row->window_ns;
    r.seed = seed;
    r.dice = dice_mix(seed);
    r.refused_ns = NEVER;
    open_upstreams(&r);
    for (i = 0; i < ARRAY_LEN(row->demand); i++)
        add_loops(&r, &row->demand[i]);
    add_weather(&r);
    r.state = policy->open(&r);
    loop(&r);
    judge(&r);
    policy->close(r.state);
    close_upstreams(&r);
    heap_fini(&r.heap);
    samples_free(&r.etas);
    samples_free(&r.own_etas);
    samples_free(&r.waits);
    *out = r.score;
}
