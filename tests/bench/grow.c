/*
 * grow.c - how does each step of the shared limiter grow with what waits?
 *
 * Cells of WAITERS, WORKERS and a MIX of who waits: one client, many, or many
 * over all three classes.  The workers are all in this process, each with its
 * own map, lock and roster place, and the waiters are spread over them; so a
 * step is timed alone, and no other process takes part.
 *
 *   window full:  hang-up  one from the middle leaves     join  it comes back
 *                 place    where is one in the middle?    sweep none is dead
 *                 dead     the sweep after a worker died with all waiters
 *   one in flight, and it ends:
 *                 grant    the next one is ours
 *                 offer    it is another worker's: until that one is poked
 *                 accept   ... and that worker's turn that takes it
 *                 beside   a third worker's turn between the two
 *
 * Each is a median, after a warm-up, with the lock taken and dropped.
 *
 * Verdicts compare 16 waiters with 4,096 (sweep: 1 worker with 64).  What is
 * within a factor of 3, as the logarithms are, has passed; what grows faster
 * is a scan and must stay below SCAN_US with everything full.  The sweep, once
 * a second, may take SWEEP_US; a dead worker's waiters are each taken out, once,
 * and may take DEAD_US.
 */
#include "grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "lib/file_lock.h"
#include "samples.h"
#include "state/worker.h"

#define WARM_UP     20  /* rounds that do not count */
#define ROUNDS      101 /* and those that do */
#define DEATHS      5
#define WINDOW_NS   (120 * NS_PER_S) /* the machine must be up for longer */
#define WORKERS_MAX 64
#define CLIENTS     1000 /* names; the state file has room for 1,024 */
#define SCAN_US     50.0 /* a hundredth of what a slot may take to the wire */
#define SWEEP_US    200.0
#define DEAD_US     1000.0
#define FLAT_US     1.0 /* noise */

enum mix { MIX_ONE = 0, MIX_MANY = 1, MIX_CLASSES = 2, MIXES = 3 };

enum step {
    STEP_JOIN = 0,
    STEP_HANG_UP = 1,
    STEP_PLACE = 2,
    STEP_GRANT = 3,
    STEP_OFFER = 4,
    STEP_ACCEPT = 5,
    STEP_BESIDE = 6,
    STEP_SWEEP = 7,
    STEP_DEAD = 8,
    STEPS = 9,
};

static const char *const mix_names[MIXES] = {"one", "many", "classes"};
static const char *const step_names[STEPS] = {
    "join",   "hang-up", "place", "grant", "offer",
    "accept", "beside",  "sweep", "dead",
};
static const int sizes[] = {1, 16, 256, 1024, 4096};
static const int teams[] = {1, 4, 16, 64};

struct cell {
    enum mix mix;
    int waiters, workers, round;
    struct limiter *lim[WORKERS_MAX];
    struct ask *asks; /* number I is asked of worker I % workers */
    struct samples s[STEPS];
};

static char clients[CLIENTS][16];

/* ---- a cell ------------------------------------------------------------------ */

static void note(struct cell *c, enum step step, int64_t since)
{
    if (c->round >= WARM_UP)
        samples_add(&c->s[step], desk_now_ns() - since);
}

static struct limiter *worker_of(const struct cell *c, int i)
{
    return c->lim[i % c->workers];
}

static void describe(const struct cell *c, struct ask *a, int i)
{
    memset(a, 0, sizeof(*a));
    a->client = c->mix == MIX_ONE ? "client" : clients[i % CLIENTS];
    a->cls = c->mix == MIX_CLASSES ? (enum limiter_class)(i % 3) : CLASS_NORMAL;
}

static void set_up(struct cell *c, const struct limiter_settings *set)
{
    int i;

    c->round = 0;
    desk_init();
    for (i = 0; i < c->workers; i++)
        c->lim[i] = desk_worker(set);
}

static void line_up(struct cell *c)
{
    int i;

    for (i = 0; i < c->waiters; i++) {
        describe(c, &c->asks[i], i);
        desk_join(worker_of(c, i), &c->asks[i]);
        desk_turn(worker_of(c, i));
        CHECK(!c->asks[i].refused);
    }
}

static void tear_down(struct cell *c)
{
    int i;

    for (i = 0; i < c->workers; i++)
        limiter_close(c->lim[i]); /* with its tickets */
    desk_fini();
}

/* ---- with a full window --------------------------------------------------------- */

/* As a turn does it once a second.  How many were dead. */
static uint32_t sweep(struct cell *c, enum step step)
{
    struct limiter *lim = c->lim[0];
    struct layout *lay;
    int64_t t = desk_now_ns();
    uint32_t dead;

    CHECK(lim != NULL);
    lay = lim->file.lay;
    while (!file_lock_take(lim->file.fd))
        continue;
    lay->live.now_ns = t > lay->live.now_ns ? t : lay->live.now_ns;
    workers_sweep(lay, lim->file.fd, lim->seat, lay->live.now_ns, &lim->gone);
    file_lock_drop(lim->file.fd);
    note(c, step, t);
    dead = lim->gone.n;
    desk_turn(lim); /* buries them */
    return dead;
}

/* A worker joins, with as many waiters as there will be, and dies. */
static void die_waiting(struct cell *c, const struct limiter_settings *set)
{
    pid_t pid = fork();
    int i;

    CHECK(pid != -1);
    if (pid == 0) {
        struct limiter *lim = desk_worker(set);

        for (i = 0; i < c->waiters; i++) {
            describe(c, &c->asks[i], i);
            desk_join(lim, &c->asks[i]);
        }
        desk_turn(lim);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static void in_line(struct cell *c)
{
    /* Steps of an odd size visit all, the middle as often as the ends. */
    int i = (int)((unsigned)c->round * 1571u % (unsigned)c->waiters);
    struct limiter *lim = worker_of(c, i);
    struct ticket_news news;
    int64_t t = desk_now_ns();

    desk_leave(lim, &c->asks[i], true);
    desk_turn(lim);
    note(c, STEP_HANG_UP, t);
    t = desk_now_ns();
    desk_join(lim, &c->asks[i]);
    desk_turn(lim);
    note(c, STEP_JOIN, t);
    i = (int)((unsigned)(i + c->waiters / 2) % (unsigned)c->waiters);
    t = desk_now_ns();
    CHECK(limiter_place(worker_of(c, i), c->asks[i].ticket, t, &news));
    note(c, STEP_PLACE, t);
    (void)sweep(c, STEP_SWEEP);
}

static void with_full_window(struct cell *c)
{
    struct limiter_settings set = desk_settings(1, WINDOW_NS, 0);
    struct ask first = {.client = "first", .cls = CLASS_NORMAL};
    int i;

    set_up(c, &set);
    desk_join(c->lim[0], &first);
    desk_turn(c->lim[0]);
    CHECK(first.granted);
    desk_leave(c->lim[0], &first, false);
    desk_turn(c->lim[0]);
    c->round = WARM_UP;
    for (i = 0; i < DEATHS; i++) {
        die_waiting(c, &set);
        CHECK(sweep(c, STEP_DEAD) == 1);
    }
    line_up(c);
    for (c->round = 0; c->round < WARM_UP + ROUNDS; c->round++)
        in_line(c);
    tear_down(c);
}

/* ---- with one in flight ----------------------------------------------------------- */

static int running(const struct cell *c)
{
    int i;

    for (i = 0; i < c->waiters && !c->asks[i].granted; i++)
        continue;
    return i;
}

/* The worker that was offered a slot; NONE: the slot was taken at once. */
static uint32_t offered(const struct cell *c)
{
    const struct layout *lay = c->lim[0]->file.lay;
    uint32_t i;

    for (i = 0; i < (uint32_t)c->workers; i++)
        if (lay->workers[c->lim[i]->seat].offers > 0)
            return i;
    return NONE;
}

/* The one in flight ends; the next one goes; it joins again. */
static void pass_on(struct cell *c)
{
    int i = running(c), k;
    struct limiter *from = worker_of(c, i);
    uint32_t to;
    int64_t t = desk_now_ns();

    CHECK(i < c->waiters);
    desk_leave(from, &c->asks[i], true);
    c->asks[i].granted = false;
    desk_turn(from);
    to = offered(c);
    note(c, to == NONE ? STEP_GRANT : STEP_OFFER, t);
    for (k = 0; to != NONE && k < c->workers; k++)
        if ((uint32_t)k != to && c->lim[k] != from) {
            t = desk_now_ns();
            desk_turn(c->lim[k]);
            note(c, STEP_BESIDE, t);
            break;
        }
    if (to != NONE) {
        t = desk_now_ns();
        desk_turn(c->lim[to]);
        note(c, STEP_ACCEPT, t);
    }
    desk_join(from, &c->asks[i]);
    desk_turn(from);
    if (running(c) == c->waiters) /* it is alone, or took 50 ms to accept */
        for (k = 0; k < c->workers; k++)
            desk_turn(c->lim[k]);
}

static void with_one_in_flight(struct cell *c)
{
    struct limiter_settings set = desk_settings(10000, NS_PER_S, 1);

    if (c->waiters == 1)
        return; /* nobody is next */
    set_up(c, &set);
    line_up(c);
    for (c->round = 0; c->round < WARM_UP + ROUNDS; c->round++)
        pass_on(c);
    tear_down(c);
}

/* ---- the table --------------------------------------------------------------------- */

/* Medians in microseconds; below 0: there was none. */
static double results[MIXES][ARRAY_LEN(sizes)][ARRAY_LEN(teams)][STEPS];

static void run_cell(enum mix mix, size_t size, size_t team)
{
    struct cell c = {
        .mix = mix, .waiters = sizes[size], .workers = teams[team]};
    int step;

    c.asks = calloc((size_t)c.waiters, sizeof(*c.asks));
    CHECK(c.asks != NULL);
    with_full_window(&c);
    with_one_in_flight(&c);
    printf("%-8s %7d %7d |", mix_names[mix], c.waiters, c.workers);
    for (step = 0; step < STEPS; step++) {
        double us = -1;

        samples_sort(&c.s[step]);
        if (c.s[step].n >= DEATHS)
            us = (double)samples_at(&c.s[step], 500) / 1e3;
        results[mix][size][team][step] = us;
        if (us < 0)
            printf(" %7s", "-");
        else
            printf(" %7.1f", us);
        samples_free(&c.s[step]);
    }
    printf("\n");
    fflush(stdout);
    free(c.asks);
}

/* From SMALL to BIG, of MORE waiters or workers: false if that is too fast. */
static bool judge(const char *what, double small, double big, double most,
                  int more)
{
    bool is_flat = big <= 3 * small + FLAT_US, is_short = big <= most;

    if (small < 0 || big < 0)
        return true;
    printf("%-18s %7.1f -> %7.1f us  ", what, small, big);
    if (is_flat)
        printf("at worst logarithmic\n");
    else
        printf("%s: %.1f ns for each more\n",
               is_short ? "a short scan" : "TOO LONG",
               1e3 * (big - small) / more);
    return is_flat || is_short;
}

static bool judge_all(void)
{
    const size_t last = ARRAY_LEN(sizes) - 1, most = ARRAY_LEN(teams) - 1;
    bool all = true;
    int mix, step;

    printf("\nfrom 16 waiters to 4,096 (sweep: 1 worker to 64)\n");
    for (mix = 0; mix < MIXES; mix++)
        for (step = 0; step < STEPS; step++) {
            /* What concerns other workers needs some. */
            size_t team = step >= STEP_OFFER && step <= STEP_BESIDE ? 1 : 0;
            char what[40];

            if (step == STEP_SWEEP)
                continue;
            snprintf(what, sizeof(what), "%s, %s", step_names[step],
                     mix_names[mix]);
            all &= judge(what, results[mix][1][team][step],
                         results[mix][last][team][step],
                         step == STEP_DEAD ? DEAD_US : SCAN_US, 4080);
        }
    return all & judge("sweep", results[MIX_MANY][last][0][STEP_SWEEP],
                       results[MIX_MANY][last][most][STEP_SWEEP], SWEEP_US, 63);
}

int grow(void)
{
    size_t mix, size, team;
    int i;

    for (i = 0; i < CLIENTS; i++)
        snprintf(clients[i], sizeof(clients[i]), "client-%d", i);
    printf("microseconds, medians of %d (dead: %d); lock included\n", ROUNDS,
           DEATHS);
    printf("%-8s %7s %7s |", "clients", "waiters", "workers");
    for (i = 0; i < STEPS; i++)
        printf(" %7s", step_names[i]);
    printf("\n");
    for (mix = 0; mix < MIXES; mix++)
        for (size = 0; size < ARRAY_LEN(sizes); size++)
            for (team = 0; team < ARRAY_LEN(teams); team++)
                run_cell((enum mix)mix, size, team);
    return judge_all() ? 0 : 1;
}
