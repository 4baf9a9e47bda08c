/*
 * turns.c - for how long is the lock held, with every table full?
 *
 * Whoever holds it keeps all other workers from theirs; one that was offered a
 * slot has 50 ms to take it.  So no hold may take LONGEST_MS, whatever there is
 * to do: what is more waits for the next turn.
 *
 * flock() is ours here: it asks the kernel, and notes the time between taking
 * and dropping, the thread's CPU time beside the wall's, for the machine is not
 * ours alone.  A row is a job that is done in as many turns as it takes; told
 * are the holds it took, the longest of them and all together, from the run of
 * RUNS whose longest took the least CPU time.  The verdict is about that.
 *
 * Full means 4,096 waiters of 1,024 clients in three classes, as many running,
 * 256 models; of 16 upstreams where each model has a window of its own.
 */
#include "turns.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "lib/file_lock.h"
#include "state/attach.h"
#include "state/operator.h"
#include "state/policy/queue.h"
#include "state/policy/window.h"
#include "state/stats.h"
#include "state/stats/rings.h"
#include "state/view.h"
#include "state/worker.h"

#define RUNS       5
#define LONGEST_MS 5.0
#define WINDOW_NS  (120 * NS_PER_S) /* longer than a job */
#define N          LAY_WAITERS
#define CLIENTS    LAY_CLIENTS

/* ---- holds ------------------------------------------------------------------- */

struct holds {
    int64_t wall_ns, cpu_ns; /* the longest */
    int64_t all_ns;          /* CPU time of all */
    int n;
};

static struct holds holds;
static bool watching;
static int64_t wall_from, cpu_from;

static int64_t clock_of(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void taken(void)
{
    wall_from = clock_of(CLOCK_MONOTONIC);
    cpu_from = clock_of(CLOCK_THREAD_CPUTIME_ID);
}

static void dropped(void)
{
    int64_t cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_from;
    int64_t wall = clock_of(CLOCK_MONOTONIC) - wall_from;

    holds.n++;
    holds.all_ns += cpu;
    if (cpu <= holds.cpu_ns)
        return;
    holds.cpu_ns = cpu;
    holds.wall_ns = wall;
}

/* The directory's lock is for the first worker and the last. */
static bool is_state(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* In place of the C library's. */
int flock(int fd, int op)
{
    bool counts = watching && is_state(fd);
    long rc;

    if (counts && op == LOCK_UN)
        dropped();
    rc = syscall(SYS_flock, fd, op);
    if (counts && rc == 0 && (op & LOCK_EX) != 0)
        taken();
    return (int)rc;
}

static void watch(bool on)
{
    watching = on;
    if (on)
        memset(&holds, 0, sizeof(holds));
}

/* ---- a full state -------------------------------------------------------------- */

struct scene {
    struct limiter_settings set;
    struct limiter *lim, *other; /* OTHER may be NULL */
    struct ask *asks;
    int n;
    uint32_t per_min; /* of each client; 0: no limit */
    bool one_client, models;
};

static const struct limiter_settings *few(struct scene *s, uint32_t requests)
{
    s->set = desk_settings(requests, WINDOW_NS, 0);
    return &s->set;
}

/* 16 upstreams, and a window for each model. */
static const struct limiter_settings *many(struct scene *s)
{
    uint32_t i;

    few(s, 10000);
    s->models = true;
    s->set.n_upstreams = LIMITER_UPSTREAMS;
    for (i = 0; i < LIMITER_UPSTREAMS; i++) {
        s->set.rules[i] = s->set.rules[0];
        s->set.rules[i].per_model = 1;
        snprintf(s->set.rules[i].name, sizeof(s->set.rules[i].name), "up-%u",
                 i);
    }
    return &s->set;
}

static void open_scene(struct scene *s, bool two)
{
    desk_init();
    s->asks = calloc(2 * N, sizeof(*s->asks));
    CHECK(s->asks != NULL);
    s->n = 0;
    s->lim = desk_worker(&s->set);
    s->other = two ? desk_worker(&s->set) : NULL;
}

static void close_scene(struct scene *s)
{
    limiter_close(s->lim);
    limiter_close(s->other);
    free(s->asks);
    desk_fini();
}

static void hear(void *arg, const struct ticket_news *news)
{
    struct ask *a = arg;

    a->granted |= news->event == TICKET_GRANTED;
    a->refused = news->event == TICKET_REFUSED;
    if (a->refused)
        a->ticket = NULL;
}

/* Turns until nothing is left to be done at once. */
static void settle(struct limiter *lim)
{
    int64_t now;

    do
        now = desk_now_ns();
    while (limiter_turn(lim, now) <= desk_now_ns() || lim->more ||
           limiter_has_wishes(lim));
}

static void join(struct scene *s, struct limiter *lim, int n)
{
    char client[16], model[16];
    struct limiter_request req = {.weight = 1,
                                  .client = client,
                                  .model = model,
                                  .request_id = "req_0123456789abcdef01234567",
                                  .requests_per_min = s->per_min,
                                  .deadline_ns = NEVER};

    for (; n > 0; n--, s->n++) {
        int i = s->n;

        snprintf(client, sizeof(client), "client-%d",
                 s->one_client ? 0 : i % CLIENTS);
        /* Not with a step of the number of clients: lines are mixed. */
        snprintf(model, sizeof(model), "model-%d", i * 7 / 5 % LAY_MODELS);
        req.cls = (enum limiter_class)(i / 5 % 3);
        req.upstream = s->models ? (uint32_t)(i * 7 / 5 % 16) : 0;
        s->asks[i].ticket = limiter_join(lim, &req, hear, &s->asks[i]);
    }
}

static void pause_all(struct scene *s, const char *by)
{
    while (!limiter_pause(s->lim, by, desk_now_ns()))
        settle(s->lim);
}

/* N that run, their times in the log.  Some 3,000 can be open at once: each may
 * need a chunk of the log when it is written. */
static void run_some(struct scene *s, int n)
{
    int i;

    for (; n > 0; n -= 1024) {
        join(s, s->lim, n < 1024 ? n : 1024);
        settle(s->lim);
        for (i = 0; i < s->n; i++) {
            CHECK(s->asks[i].granted);
            limiter_sent(s->lim, s->asks[i].ticket);
        }
        settle(s->lim);
    }
}

/* As many wait as can, since an operator paused; half of LIM's where there is
 * another one. */
static void wait_some(struct scene *s, struct limiter *lim)
{
    pause_all(s, "bench");
    join(s, lim, N);
    settle(lim);
}

/* All models rest, whose waiters so are stepped over. */
static void rest_all(struct scene *s)
{
    struct layout *lay = s->lim->file.lay;
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++)
        lay->model_states[i].concurrency.rest_ns =
            desk_now_ns() + 50 * NS_PER_S;
    lay->live.limited += LAY_MODELS;
}

/* ---- jobs ---------------------------------------------------------------------- */

static void settle_watched(struct limiter *lim)
{
    watch(true);
    settle(lim);
    watch(false);
}

static void job_join(struct scene *s)
{
    few(s, N);
    open_scene(s, false);
    run_some(s, N); /* so that the window is full */
    join(s, s->lim, N);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.waiting == N);
}

static void job_join_bucket(struct scene *s)
{
    few(s, N);
    s->set.rules[0].burst = 100;
    open_scene(s, false);
    join(s, s->lim, N);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.waiting > N / 2);
}

static void job_join_blocked(struct scene *s)
{
    few(s, 10000);
    open_scene(s, false);
    run_some(s, 1024); /* so that the models are there */
    rest_all(s);
    join(s, s->lim, N);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.waiting == N);
}

static void job_join_strange(struct scene *s)
{
    char name[24];
    struct limiter_request req = {.weight = 1,
                                  .client = name,
                                  .model = name,
                                  .request_id = "r",
                                  .deadline_ns = NEVER};
    int i;

    few(s, 10000);
    open_scene(s, false);
    wait_some(s, s->lim);
    pause_all(s, NULL);
    for (i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "stranger-%d", i);
        s->asks[N + i].ticket =
            limiter_join(s->lim, &req, hear, &s->asks[N + i]);
    }
    settle_watched(s->lim);
}

static void job_grant(struct scene *s)
{
    few(s, 10000);
    open_scene(s, false);
    wait_some(s, s->lim);
    pause_all(s, NULL);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.open > N / 2);
}

static void job_grant_models(struct scene *s)
{
    many(s);
    open_scene(s, false);
    wait_some(s, s->lim);
    pause_all(s, NULL);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.open > N / 2);
}

/* Half of them must be stepped over at each grant. */
static void job_grant_blocked(struct scene *s)
{
    struct layout *lay;
    uint32_t i;

    few(s, 10000);
    s->per_min = 10000;
    open_scene(s, false);
    wait_some(s, s->lim);
    lay = s->lim->file.lay;
    rest_all(s);
    for (i = 0; i < LAY_MODELS; i += 2)
        lay->model_states[i].concurrency.rest_ns = 0;
    lay->live.quota_lost_ns = 0;
    for (i = 0; i < LAY_CLIENTS; i++)
        lay->quotas[i].lost_ns = 0;
    pause_all(s, NULL);
    settle_watched(s->lim);
}

/* Each has a slot that is kept for it when its model begins to rest. */
static void job_let_go(struct scene *s)
{
    struct layout *lay;
    uint32_t i;

    few(s, 10000);
    open_scene(s, false);
    wait_some(s, s->lim);
    lay = s->lim->file.lay;
    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_WAITING)
            queue_keep(lay, i);
    rest_all(s);
    for (i = 0; i < LAY_MODELS; i++) /* too long to wait for */
        lay->model_states[i].concurrency.span_ns = 50 * NS_PER_S;
    CHECK(lay->scopes[0].kept == N);
    pause_all(s, NULL);
    settle_watched(s->lim);
    CHECK(lay->scopes[0].kept == 0);
}

static void job_offer(struct scene *s)
{
    few(s, 10000);
    open_scene(s, true);
    wait_some(s, s->other);
    pause_all(s, NULL);
    settle_watched(s->lim);
}

static void job_accept(struct scene *s)
{
    few(s, 10000);
    open_scene(s, true);
    wait_some(s, s->other);
    pause_all(s, NULL);
    settle(s->lim);
    settle_watched(s->other);
}

static void job_revoke(struct scene *s)
{
    few(s, 10000);
    s->one_client = true;
    open_scene(s, true);
    wait_some(s, s->other);
    pause_all(s, NULL);
    settle(s->lim);
    usleep(60000);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.offered == 0);
}

static void job_pause(struct scene *s)
{
    few(s, 10000);
    s->one_client = true;
    open_scene(s, true);
    wait_some(s, s->other);
    pause_all(s, NULL);
    settle(s->lim);
    watch(true);
    pause_all(s, "bench");
    watch(false);
}

static void job_again(struct scene *s)
{
    int i;

    few(s, 10000);
    s->one_client = true;
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    for (i = 0; i < N; i++)
        limiter_again(s->lim, s->asks[i].ticket, false);
    settle_watched(s->lim);
}

static void job_leave(struct scene *s)
{
    int i;

    few(s, 10000);
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    for (i = 0; i < s->n; i++)
        limiter_done(s->lim, s->asks[i].ticket, false);
    settle_watched(s->lim);
}

/* The file is found damaged, and another is there. */
static void lose(struct scene *s)
{
    attach_lose(s->lim, "bench", true);
    do {
        usleep(10000);
        s->lim->now = s->lim->checked_ns = desk_now_ns();
    } while (!attach_check(s->lim));
}

static void adopt(struct scene *s)
{
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    lose(s);
    watch(true);
    do
        settle(s->lim);
    while (s->lim->unsettled);
    watch(false);
    CHECK(s->lim->file.lay->live.waiting == N);
}

static void job_adopt(struct scene *s)
{
    few(s, 10000);
    adopt(s);
}

static void job_adopt_models(struct scene *s)
{
    many(s);
    adopt(s);
}

static void job_off(struct scene *s)
{
    struct limiter_report rep = {.answer = ANSWER_UNPAID,
                                 .retry_after_ns = -1,
                                 .tokens_left = -1,
                                 .reason = "pay"};

    few(s, 10000);
    open_scene(s, false);
    run_some(s, 1);
    wait_some(s, s->lim);
    limiter_report(s->lim, s->asks[0].ticket, &rep);
    settle_watched(s->lim);
    CHECK(s->lim->file.lay->live.waiting == 0);
}

static void job_cancel(struct scene *s)
{
    uint32_t n;

    few(s, 10000);
    open_scene(s, false);
    wait_some(s, s->lim);
    watch(true);
    CHECK(limiter_cancel(s->lim, "req_0123456789abcdef01234567", desk_now_ns(),
                         &n));
    settle(s->lim);
    watch(false);
    CHECK(s->lim->file.lay->live.waiting == 0);
}

static void look(struct scene *s)
{
    struct limiter_view v;

    watch(true);
    while (!limiter_view(s->lim, desk_now_ns(), &v))
        continue;
    watch(false);
    view_free(&v);
}

static void job_view(struct scene *s)
{
    many(s);
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    look(s);
}

static void job_view_line(struct scene *s)
{
    few(s, 10000);
    s->one_client = true;
    s->per_min = 10000;
    open_scene(s, false);
    wait_some(s, s->lim);
    look(s);
}

static void place(struct scene *s, bool one_client)
{
    struct ticket_news news;
    int i;

    few(s, N);
    s->one_client = one_client;
    s->per_min = 10000;
    open_scene(s, false);
    wait_some(s, s->lim);
    rest_all(s);
    s->lim->file.lay->model_states[0].concurrency.rest_ns = 0;
    watch(true);
    for (i = 0; i < N; i += 61)
        CHECK(limiter_place(s->lim, s->asks[i].ticket, desk_now_ns(), &news));
    watch(false);
}

static void job_place(struct scene *s)
{
    place(s, false);
}

static void job_place_line(struct scene *s)
{
    place(s, true);
}

static void job_tally(struct scene *s)
{
    struct limiter_tally *t = malloc(sizeof(*t));

    CHECK(t != NULL);
    many(s);
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    watch(true);
    while (!limiter_tally(s->lim, desk_now_ns(), t))
        continue;
    watch(false);
    free(t);
}

/* As many workers as there can be, who live but for the first DEAD. */
static void team(struct scene *s, int fd, uint32_t dead)
{
    struct layout *lay = s->lim->file.lay;
    uint32_t i;

    for (i = lay->live.workers_high; i < LAY_WORKERS; i++) {
        lay->workers[i] = (struct lay_worker){.used = 1};
        if (dead > 0)
            dead--;
        else
            CHECK(file_lock_claim_seat(fd, i));
    }
    lay->live.workers_high = LAY_WORKERS;
    lay->live.swept_ns = 0;
}

static int open_again(const struct scene *s)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", s->lim->file.fd);
    fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd != -1);
    return fd;
}

static void job_sweep(struct scene *s)
{
    int fd;

    few(s, 10000);
    open_scene(s, false);
    fd = open_again(s);
    team(s, fd, 0);
    settle_watched(s->lim);
    close(fd);
}

/* One with all that there can be, and 64 without any. */
static void job_dead(struct scene *s)
{
    struct limiter *lim;
    int fd;

    few(s, 10000);
    open_scene(s, true);
    lim = s->lim;
    run_some(s, N);
    wait_some(s, s->lim);
    fd = open_again(s);
    s->lim = s->other;
    team(s, fd, 64);
    file_close(&lim->file); /* what a death looks like */
    lim->seat = NONE;
    settle_watched(s->lim);
    s->other = lim;
    close(fd);
}

/* A worker ends in order, with all that there can be. */
static void job_end(struct scene *s)
{
    few(s, 10000);
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    watch(true);
    limiter_close(s->lim);
    watch(false);
    s->lim = NULL;
}

/* Opened by one worker, while all windows and clients' logs end. */
static void job_expire(struct scene *s)
{
    struct layout *lay;
    uint32_t i, k;

    many(s);
    for (i = 0; i < LIMITER_UPSTREAMS; i++) {
        s->set.rules[i].per_model = 0;
        s->set.rules[i].window_ns = NS_PER_S;
    }
    open_scene(s, false);
    lay = s->lim->file.lay;
    for (i = 0; i < LIMITER_UPSTREAMS; i++)
        for (k = 0; k < 10000; k++)
            window_push(lay, s->lim->places[i], lay->live.now_ns, TAKE_ONE, 0);
    sleep(2);
    s->models = true;
    join(s, s->lim, 16);
    settle_watched(s->lim);
}

static void job_fill(struct scene *s)
{
    struct lay_history *h;
    int64_t t = 1800000000;
    int i;

    few(s, 10000);
    open_scene(s, false);
    h = &s->lim->stats.lay->history;
    watch(true);
    taken();
    for (i = 0; i < 400; i++, t++) {
        struct lay_moment m = {.begin = t, .sends = 1};

        rings_fill(h, rings_place(&history_rings[0], t), &m);
    }
    dropped();
    watch(false);
}

static void job_lose(struct scene *s)
{
    few(s, 10000);
    open_scene(s, false);
    watch(true);
    lose(s);
    watch(false);
}

static void repair(struct scene *s, bool one_client)
{
    few(s, 10000);
    s->one_client = one_client;
    open_scene(s, false);
    run_some(s, N);
    wait_some(s, s->lim);
    s->lim->file.lay->live.dirty = 1;
    settle_watched(s->lim);
}

static void job_repair(struct scene *s)
{
    repair(s, false);
}

static void job_repair_line(struct scene *s)
{
    repair(s, true);
}

/* ---- the table ------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*run)(struct scene *s);
    bool is_rare; /* may take longer, and does not count */
} jobs[] = {
    {"4,096 join, window full", job_join, false},
    {"4,096 join, a bucket", job_join_bucket, false},
    {"4,096 join, all models rest", job_join_blocked, false},
    {"4,096 strangers are refused", job_join_strange, false},
    {"3,072 granted", job_grant, false},
    {"3,072 granted, 256 scopes", job_grant_models, false},
    {"2,048 granted, as many blocked", job_grant_blocked, false},
    {"4,096 kept slots are let go", job_let_go, false},
    {"3,072 offered", job_offer, false},
    {"3,072 accepted", job_accept, false},
    {"3,072 revoked, one line", job_revoke, false},
    {"3,072 recalled: pause", job_pause, false},
    {"4,096 come back, one line", job_again, false},
    {"8,192 leave", job_leave, false},
    {"8,192 adopted", job_adopt, false},
    {"8,192 adopted, 256 scopes", job_adopt_models, false},
    {"4,096 refused: 402", job_off, false},
    {"4,096 cancelled", job_cancel, false},
    {"view, 256 scopes", job_view, false},
    {"view, one line with a limit", job_view_line, false},
    {"place, all models rest", job_place, false},
    {"place, one line with a limit", job_place_line, false},
    {"tally", job_tally, false},
    {"sweep, 1,024 workers", job_sweep, false},
    {"dead: 64 workers, 8,192 rows", job_dead, false},
    {"a worker ends, 8,192 rows", job_end, false},
    {"16 windows of 10,000 end", job_expire, false},
    {"history: a piece is filled", job_fill, false},
    {"a damaged file is replaced", job_lose, true},
    {"repair", job_repair, true},
    {"repair, one line", job_repair_line, true},
};

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static struct holds best_of(void (*run)(struct scene *s))
{
    struct holds best = {0, 0, 0, 0};
    int i;

    for (i = 0; i < RUNS; i++) {
        struct scene s = {.n = 0};

        run(&s);
        close_scene(&s);
        if (i == 0 || holds.cpu_ns < best.cpu_ns)
            best = holds;
    }
    return best;
}

int turns(const char *only)
{
    double longest = 0;
    const char *of = "";
    size_t i;

    printf("%-32s %6s %9s %9s %9s   ms\n", "", "holds", "longest", "(wall)",
           "all");
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        struct holds h;

        if (only != NULL && strstr(jobs[i].name, only) == NULL)
            continue;
        h = best_of(jobs[i].run);
        printf("%-32s %6d %9.3f %9.3f %9.3f%s\n", jobs[i].name, h.n,
               ms(h.cpu_ns), ms(h.wall_ns), ms(h.all_ns),
               jobs[i].is_rare ? "   rare" : "");
        fflush(stdout);
        if (jobs[i].is_rare || ms(h.cpu_ns) <= longest)
            continue;
        longest = ms(h.cpu_ns);
        of = jobs[i].name;
    }
    printf("longest turn: %.3f ms (%s): %s\n", longest, of,
           longest <= LONGEST_MS ? "short enough" : "TOO LONG");
    return longest <= LONGEST_MS ? 0 : 1;
}
