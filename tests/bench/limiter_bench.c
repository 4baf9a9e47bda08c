/*
 * limiter_bench.c - what does a decision of the shared limiter cost?
 *
 *   limiter_bench one            one worker alone, per step
 *   limiter_bench many P         P processes on one state file, for 2 s
 *   limiter_bench grow           from 1 to 4,096 waiters, 1 to 64 workers
 *   limiter_bench watch DIR S    a line whenever the number of waiters or of
 *                                running requests changes, for S seconds
 *
 * Links state/ as it is.  Only the sweep is called from inside, because a turn
 * does it once a second.  State files are made below TMPDIR and removed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "limiter.h"
#include "lock.h"
#include "view.h"
#include "worker.h"

#define ROUNDS    20000 /* of "one" */
#define MANY_NS   (2 * NS_PER_S)
#define REPEATS   60 /* of each step in a cell of "grow" */
#define BATCH_MAX 64

struct samples {
    int64_t ns[ROUNDS];
    int n;
};

struct ask {
    struct ticket *ticket;
    bool granted, refused;
};

static char dir[64];
static struct samples s_join, s_sent, s_done, s_place, s_grant, s_view, s_sweep;

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t now_ns(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}

/* ---- figures --------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void add(struct samples *s, int64_t since)
{
    if (s->n < ROUNDS)
        s->ns[s->n++] = now_ns() - since;
}

static void add_us(struct samples *s, double us)
{
    if (us >= 0 && s->n < ROUNDS)
        s->ns[s->n++] = (int64_t)(us * 1e3);
}

/* Microseconds. */
static double at(struct samples *s, int permille)
{
    int rank;

    if (s->n == 0)
        return 0;
    qsort(s->ns, (size_t)s->n, sizeof(s->ns[0]), compare);
    rank = (s->n - 1) * permille / 1000;
    return (double)s->ns[rank] / 1e3;
}

/* ---- a state directory and its workers ---------------------------------------- */

static void make_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%.30s/sluice-bench-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
    struct dirent **list = NULL;
    char path[400];
    /* cppcheck-suppress nullPointer ; it may be: all, unsorted */
    int n = scandir(dir, &list, NULL, NULL);

    while (n > 0) {
        snprintf(path, sizeof(path), "%s/%s", dir, list[--n]->d_name);
        (void)unlink(path);
        free(list[n]);
    }
    free(list);
    (void)rmdir(dir);
}

static struct limiter_settings settings(uint32_t requests, int64_t window_ns,
                                        uint32_t in_flight)
{
    struct limiter_settings set;

    memset(&set, 0, sizeof(set));
    set.n_upstreams = 1;
    snprintf(set.rules[0].name, sizeof(set.rules[0].name), "bench");
    set.rules[0].window_ns = window_ns;
    set.rules[0].requests = set.rules[0].burst = requests;
    set.rules[0].in_flight = in_flight;
    set.bounds = (struct limiter_bounds){4096, 4096, UINT64_C(1) << 40};
    return set;
}

static struct limiter *open_worker(const struct limiter_settings *set)
{
    struct limiter *lim;
    char err[256];

    if (limiter_open(&lim, dir, set, now_ns(), NULL, NULL, err, sizeof(err)) ==
        -1) {
        fprintf(stderr, "limiter_bench: %s\n", err);
        exit(1);
    }
    (void)limiter_turn(lim, now_ns());
    return lim;
}

static void on_news(void *arg, const struct ticket_news *news)
{
    struct ask *a = arg;

    a->granted = news->event == TICKET_GRANTED;
    a->refused = news->event == TICKET_REFUSED;
    if (a->refused)
        a->ticket = NULL;
}

static void join(struct limiter *lim, struct ask *a, const char *client)
{
    struct limiter_request req = {.cls = CLASS_NORMAL,
                                  .weight = 1,
                                  .client = client,
                                  .model = "meta/llama-3.1-8b-instruct",
                                  .request_id = "req_0123456789abcdef01234567",
                                  .deadline_ns = NEVER};

    a->granted = a->refused = false;
    a->ticket = limiter_join(lim, &req, on_news, a);
}

static void leave(struct limiter *lim, struct ask *a, bool unsent)
{
    if (a->ticket != NULL)
        limiter_done(lim, a->ticket, unsent);
    a->ticket = NULL;
}

/* ---- one ------------------------------------------------------------------------ */

static int one(void)
{
    struct limiter_settings set = settings(10000, 100 * NS_PER_MS, 0);
    struct limiter *lim;
    struct ask a;
    int i;

    make_dir();
    lim = open_worker(&set);
    for (i = 0; i < ROUNDS; i++) {
        int64_t t = now_ns();

        join(lim, &a, "client");
        (void)limiter_turn(lim, now_ns());
        add(&s_join, t);
        if (!a.granted) { /* 10,000 in the window: wait for it to open */
            leave(lim, &a, true);
            s_join.n--;
            (void)limiter_turn(lim, now_ns());
            usleep(20000);
            continue;
        }
        t = now_ns();
        limiter_sent(lim, a.ticket);
        (void)limiter_turn(lim, now_ns());
        add(&s_sent, t);
        t = now_ns();
        leave(lim, &a, false);
        (void)limiter_turn(lim, now_ns());
        add(&s_done, t);
    }
    limiter_close(lim);
    remove_dir();
    printf("{\"decision_us\":{\"p50\":%.3f,\"p99\":%.3f},"
           "\"sent_us\":{\"p50\":%.3f,\"p99\":%.3f},"
           "\"done_us\":{\"p50\":%.3f,\"p99\":%.3f},"
           "\"all_us\":{\"p50\":%.3f}}\n",
           at(&s_join, 500), at(&s_join, 990), at(&s_sent, 500),
           at(&s_sent, 990), at(&s_done, 500), at(&s_done, 990),
           at(&s_join, 500) + at(&s_sent, 500) + at(&s_done, 500));
    return 0;
}

/* ---- many ------------------------------------------------------------------------- */

/*
 * A busy loop's turn: the last BATCH requests are over, as many join, one lock
 * for all.  Nothing is asked twice: a turn that found the lock busy is tried
 * again, as the event loop would a little later.
 */
static int64_t hammer(struct limiter *lim, int batch, int64_t until)
{
    struct ask a[BATCH_MAX];
    int64_t granted = 0;
    int i;

    memset(a, 0, sizeof(a));
    while (now_ns() < until) {
        for (i = 0; i < batch; i++) {
            leave(lim, &a[i], false);
            join(lim, &a[i], "client");
        }
        while (limiter_has_wishes(lim) && now_ns() < until + NS_PER_S) {
            (void)limiter_turn(lim, now_ns());
            if (limiter_has_wishes(lim))
                sched_yield();
        }
        for (i = 0; i < batch; i++)
            granted += a[i].granted;
    }
    return granted;
}

static double many_run(int processes, int batch)
{
    struct limiter_settings set = settings(10000, NS_PER_MS, 0);
    int64_t *granted, from, sum = 0;
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    int i;

    CHECK(zero != -1);
    granted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    close(zero);
    CHECK(granted != MAP_FAILED);
    make_dir();
    limiter_close(open_worker(&set));
    from = now_ns() + 300 * NS_PER_MS;
    for (i = 0; i < processes; i++)
        if (fork() == 0) {
            struct limiter *lim;

            prctl(PR_SET_PDEATHSIG, SIGKILL);
            lim = open_worker(&set);
            while (now_ns() < from)
                usleep(1000);
            granted[i] = hammer(lim, batch, from + MANY_NS);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    for (i = 0; i < processes; i++)
        sum += granted[i];
    munmap(granted, 4096);
    remove_dir();
    return (double)sum * 1e9 / (double)MANY_NS;
}

static int many(int processes)
{
    double single, batched;

    if (processes < 1 || processes > 64)
        return 2;
    single = many_run(processes, 1);
    batched = many_run(processes, 16);
    printf("{\"processes\":%d,\"per_s\":%.0f,\"per_s_batch16\":%.0f}\n",
           processes, single, batched);
    return 0;
}

/* ---- grow ---------------------------------------------------------------------------- */

/* A worker that is there and does what is due, until it is killed. */
static pid_t idle_worker(const struct limiter_settings *set, int waiters)
{
    pid_t pid = fork();
    struct limiter *lim;
    struct ask *asks;
    int i;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    lim = open_worker(set);
    asks = calloc((size_t)waiters + 1, sizeof(*asks));
    CHECK(asks != NULL);
    for (i = 0; i < waiters; i++)
        join(lim, &asks[i], "dead");
    for (;;) {
        int64_t due = limiter_turn(lim, now_ns()) - now_ns();
        struct pollfd p = {limiter_fd(lim), POLLIN, 0};

        (void)poll(&p, 1, due > 0 ? (int)(due / NS_PER_MS) + 1 : 0);
    }
}

static void turn_until_done(struct limiter *lim)
{
    do
        (void)limiter_turn(lim, now_ns());
    while (limiter_has_wishes(lim));
}

/* Client names: an eighth as many as waiters, so that flows have lines. */
static void join_many(struct limiter *lim, struct ask *asks, int n)
{
    char client[32];
    int i;

    for (i = 0; i < n; i++) {
        snprintf(client, sizeof(client), "client-%d", i % (n / 8 + 1));
        join(lim, &asks[i], client);
    }
    turn_until_done(lim);
}

/* One sweep, as a turn does it once a second.  Microseconds, with the lock; -1
 * while the lock is busy. */
static double sweep_once(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    int64_t t = now_ns();

    if (!lock_take(lim->file.fd))
        return -1;
    lay->live.now_ns = t > lay->live.now_ns ? t : lay->live.now_ns;
    roster_sweep(lay, lim->file.fd, lim->slot, lay->live.now_ns, &lim->gone);
    lock_drop(lim->file.fd);
    return (double)(now_ns() - t) / 1e3;
}

/* With the window full for an hour: join, place, hang-up, view, sweep. */
static void grow_waiting(struct limiter *lim, struct ask *asks, int waiters)
{
    struct ticket_news news;
    struct limiter_view view;
    int i;

    for (i = 0; i < REPEATS; i++) {
        struct ask *last = &asks[waiters - 1], *mid = &asks[waiters / 2];
        int64_t t = now_ns();

        leave(lim, last, true);
        turn_until_done(lim);
        add(&s_done, t);
        t = now_ns();
        join(lim, last, "client-0");
        turn_until_done(lim);
        add(&s_join, t);
        t = now_ns();
        if (limiter_place(lim, mid->ticket, t, &news))
            add(&s_place, t);
        t = now_ns();
        if (limiter_view(lim, t, &view)) {
            add(&s_view, t);
            view_free(&view);
        }
        add_us(&s_sweep, sweep_once(lim));
    }
}

/* One in flight: each one that ends lets the next one in. */
static void grow_granting(struct limiter *lim, struct ask *asks, int waiters)
{
    int i, k = 0;

    for (i = 0; i < REPEATS; i++) {
        int64_t t;

        while (!asks[k].granted)
            k = (k + 1) % waiters;
        t = now_ns();
        leave(lim, &asks[k], true);
        turn_until_done(lim);
        add(&s_grant, t);
        join(lim, &asks[k], "client-0");
        turn_until_done(lim);
    }
}

static void start_over(void)
{
    s_join.n = s_sent.n = s_done.n = s_place.n = 0;
    s_grant.n = s_view.n = s_sweep.n = 0;
}

/* How long the sweep of a worker takes that died with WAITERS in line; -1 if
 * somebody else was quicker. */
static double sweep_dead(const struct limiter_settings *set,
                         struct limiter *lim, int waiters)
{
    pid_t pid = idle_worker(set, waiters);
    double us;
    int i;

    for (i = 0; i < 400; i++) {
        struct limiter_view v;
        uint32_t rows = 0;

        if (limiter_view(lim, now_ns(), &v)) {
            rows = v.n_rows;
            view_free(&v);
        }
        if (rows >= (uint32_t)waiters)
            break;
        usleep(5000);
    }
    kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    us = sweep_once(lim);
    us = lim->gone.n > 0 ? us : -1;
    turn_until_done(lim);
    return us;
}

static void grow_cell(int waiters, int workers)
{
    struct limiter_settings full = settings(40, 3600 * NS_PER_S, 0);
    struct limiter_settings narrow = settings(10000, NS_PER_S, 1);
    struct ask *asks = calloc((size_t)waiters, sizeof(*asks)), first[40];
    pid_t pids[64];
    struct limiter *lim;
    double dead;
    int i;

    CHECK(asks != NULL);
    start_over();
    make_dir();
    lim = open_worker(&full);
    for (i = 1; i < workers; i++)
        pids[i] = idle_worker(&full, 0);
    usleep(20000 + (unsigned)workers * 4000); /* until they have their places */
    join_many(lim, first, 40); /* the window is full from here on */
    for (i = 0; i < 40; i++)
        leave(lim, &first[i], false);
    turn_until_done(lim);
    dead = sweep_dead(&full, lim, waiters);
    join_many(lim, asks, waiters);
    grow_waiting(lim, asks, waiters);
    for (i = 0; i < waiters; i++)
        leave(lim, &asks[i], true);
    turn_until_done(lim);
    for (i = 1; i < workers; i++) {
        kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
    limiter_close(lim);
    remove_dir();

    /* Another file: its settings must be the same for all that map it. */
    make_dir();
    lim = open_worker(&narrow);
    for (i = 1; i < workers; i++)
        pids[i] = idle_worker(&narrow, 0);
    usleep(20000 + (unsigned)workers * 4000);
    join_many(lim, asks, waiters);
    grow_granting(lim, asks, waiters);
    for (i = 1; i < workers; i++) {
        kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
    limiter_close(lim);
    remove_dir();
    free(asks);
    printf("%7d %7d | %7.1f %7.1f %7.1f %7.1f | %8.1f %8.1f %9.1f\n", waiters,
           workers, at(&s_join, 500), at(&s_grant, 500), at(&s_place, 500),
           at(&s_done, 500), at(&s_view, 500), at(&s_sweep, 500), dead);
    fflush(stdout);
}

static int grow(void)
{
    static const int waiters[] = {1, 16, 64, 256, 1024, 4096};
    static const int workers[] = {1, 4, 16, 64};
    size_t i;

    printf("microseconds, p50 of %d; lock and unlock included\n", REPEATS);
    printf("%7s %7s | %7s %7s %7s %7s | %8s %8s %9s\n", "waiters", "workers",
           "join", "grant", "place", "hang-up", "view", "sweep", "dead one");
    for (i = 0; i < ARRAY_LEN(waiters); i++)
        grow_cell(waiters[i], 1);
    for (i = 1; i < ARRAY_LEN(workers); i++)
        grow_cell(256, workers[i]);
    grow_cell(4096, 64);
    return 0;
}

/* ---- watch ----------------------------------------------------------------------------- */

/* Lines "REALTIME_MS WAITING RUNNING". */
static int watch(const char *path, int seconds)
{
    int64_t end = now_ns() + seconds * NS_PER_S;
    int waiting = -1, running = -1;
    char err[256];

    while (now_ns() < end) {
        struct limiter_view v;
        int w = 0, r = 0;
        uint32_t i;

        usleep(1000);
        if (view_peek(path, now_ns(), &v, err, sizeof(err)) == -1)
            continue;
        for (i = 0; i < v.n_rows; i++) {
            w += v.rows[i].waiting;
            r += !v.rows[i].waiting;
        }
        view_free(&v);
        if (w == waiting && r == running)
            continue;
        waiting = w;
        running = r;
        printf("%.1f %d %d\n", (double)clock_ns(CLOCK_REALTIME) / 1e6, w, r);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "one") == 0)
        return one();
    if (argc == 3 && strcmp(argv[1], "many") == 0)
        return many(atoi(argv[2]));
    if (argc == 2 && strcmp(argv[1], "grow") == 0)
        return grow();
    if (argc == 4 && strcmp(argv[1], "watch") == 0)
        return watch(argv[2], atoi(argv[3]));
    fprintf(stderr, "usage: limiter_bench one | many P | grow | "
                    "watch DIR SECONDS\n");
    return 2;
}
