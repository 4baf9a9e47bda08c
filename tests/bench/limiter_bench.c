/*
 * limiter_bench.c - what does a decision of the shared limiter cost?
 *
 *   limiter_bench one [N]        one worker alone, per step; N: with so many
 *                                upstreams, of which each would do, and limits
 *                                in tokens
 *   limiter_bench many P         P processes on one state file, for 2 s
 *   limiter_bench grow           from 1 to 4,096 waiters, 1 to 64 workers: grow.c
 *   limiter_bench turns [NAME]   for how long is the lock held?  turns.c
 *   limiter_bench watch DIR S    a line whenever the number of waiters or of
 *                                running requests changes, for S seconds
 *
 * Links state/ as it is.  State files are made below TMPDIR and removed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"
#include "grow.h"
#include "samples.h"
#include "state/view.h"
#include "turns.h"

#define ROUNDS    20000 /* of "one" */
#define MANY_NS   (2 * NS_PER_S)
#define BATCH_MAX 64
#define MODEL     "meta/llama-3.1-8b-instruct"

static struct samples s_join, s_sent, s_done;

/* Microseconds. */
static double at(struct samples *s, unsigned permille)
{
    samples_sort(s);
    return (double)samples_at(s, permille) / 1e3;
}

static void add(struct samples *s, int64_t since)
{
    samples_add(s, desk_now_ns() - since);
}

/* ---- one ------------------------------------------------------------------------ */

/* N_SHARED upstreams in one line, with limits in tokens; 0: one without. */
static int one(uint32_t n_shared)
{
    static const struct limiter_choice choices[] = {
        {0, MODEL, 0, 0}, {1, MODEL, 0, 0}, {2, MODEL, 0, 0}, {3, MODEL, 0, 0}};
    static const struct limiter_usage usage = {400, 200};
    struct limiter_settings set = desk_settings(10000, 100 * NS_PER_MS, 0);
    struct limiter *lim;
    struct ask a = {.client = "client", .cls = CLASS_NORMAL};
    int i;

    if (n_shared > 0) {
        desk_share(&set, n_shared);
        a.choices = choices;
        a.n_choices = n_shared;
        a.tokens = 500;
    }
    desk_init();
    lim = desk_worker(&set);
    for (i = 0; i < ROUNDS; i++) {
        int64_t t = desk_now_ns();

        desk_join(lim, &a);
        (void)limiter_turn(lim, desk_now_ns());
        add(&s_join, t);
        if (!a.granted) { /* 10,000 in the window: wait for it to open */
            desk_leave(lim, &a, true);
            s_join.n--;
            (void)limiter_turn(lim, desk_now_ns());
            usleep(20000);
            continue;
        }
        t = desk_now_ns();
        limiter_sent(lim, a.ticket);
        (void)limiter_turn(lim, desk_now_ns());
        add(&s_sent, t);
        t = desk_now_ns();
        if (a.tokens > 0)
            limiter_settle(lim, a.ticket, &usage);
        desk_leave(lim, &a, false);
        (void)limiter_turn(lim, desk_now_ns());
        add(&s_done, t);
    }
    limiter_close(lim);
    desk_fini();
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
    for (i = 0; i < batch; i++) {
        a[i].client = "client";
        a[i].cls = CLASS_NORMAL;
    }
    while (desk_now_ns() < until) {
        for (i = 0; i < batch; i++) {
            desk_leave(lim, &a[i], false);
            desk_join(lim, &a[i]);
        }
        while (limiter_has_wishes(lim) && desk_now_ns() < until + NS_PER_S) {
            (void)limiter_turn(lim, desk_now_ns());
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
    struct limiter_settings set = desk_settings(10000, NS_PER_MS, 0);
    int64_t *granted, from, sum = 0;
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    int i;

    CHECK(zero != -1);
    granted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    close(zero);
    CHECK(granted != MAP_FAILED);
    desk_init();
    limiter_close(desk_worker(&set));
    from = desk_now_ns() + 300 * NS_PER_MS;
    for (i = 0; i < processes; i++)
        if (fork() == 0) {
            struct limiter *lim;

            prctl(PR_SET_PDEATHSIG, SIGKILL);
            lim = desk_worker(&set);
            while (desk_now_ns() < from)
                usleep(1000);
            granted[i] = hammer(lim, batch, from + MANY_NS);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    for (i = 0; i < processes; i++)
        sum += granted[i];
    munmap(granted, 4096);
    desk_fini();
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

/* ---- watch ----------------------------------------------------------------------------- */

static double realtime_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Lines "REALTIME_MS WAITING RUNNING". */
static int watch(const char *path, int seconds)
{
    int64_t end = desk_now_ns() + seconds * NS_PER_S;
    int waiting = -1, running = -1;
    char err[256];

    while (desk_now_ns() < end) {
        struct limiter_view v;
        int w = 0, r = 0;
        uint32_t i;

        usleep(1000);
        if (view_peek(path, desk_now_ns(), &v, err, sizeof(err)) == -1)
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
        printf("%.1f %d %d\n", realtime_ms(), w, r);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "one") == 0)
        return one(0);
    if (argc == 3 && strcmp(argv[1], "one") == 0 && atoi(argv[2]) >= 1 &&
        atoi(argv[2]) <= 4)
        return one((uint32_t)atoi(argv[2]));
    if (argc == 3 && strcmp(argv[1], "many") == 0)
        return many(atoi(argv[2]));
    if (argc == 2 && strcmp(argv[1], "grow") == 0)
        return grow();
    if (argc <= 3 && argc >= 2 && strcmp(argv[1], "turns") == 0)
        return turns(argv[2]);
    if (argc == 4 && strcmp(argv[1], "watch") == 0)
        return watch(argv[2], atoi(argv[3]));
    fprintf(stderr, "usage: limiter_bench one [1..4] | many P | grow | "
                    "turns [NAME] | watch DIR SECONDS\n");
    return 2;
}
