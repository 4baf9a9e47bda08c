/*
 * What the crash tests share: a state directory, real workers, and a count of
 * what held.  Each test is one program that ends with "N passed, M failed".
 */
#ifndef SLUICE_CRASH_H
#define SLUICE_CRASH_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "state/file/repair.h"
#include "state/limiter.h"
#include "state/worker.h"

static int passed, failed;
static char dir[] = "/tmp/sluice-crash-XXXXXX";

__attribute__((format(printf, 2, 3))) static inline bool check(bool holds,
                                                               const char *fmt,
                                                               ...)
{
    va_list ap;

    if (holds) {
        passed++;
        return true;
    }
    if (failed++ < 20) {
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("\n");
    }
    return false;
}

static inline void make_dir(void)
{
    CHECK(mkdtemp(dir) != NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline void empty_dir(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.' || strncmp(e->d_name, ".sluice", 7) == 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
}

/* Removes the directory and prints the summary.  The exit code. */
static inline int finish(const char *name)
{
    empty_dir();
    (void)rmdir(dir);
    printf("%s: %d passed, %d failed\n", name, passed, failed);
    return failed > 0;
}

static inline struct limiter_settings settings(uint32_t requests,
                                               int64_t window_ms,
                                               int64_t margin_ms)
{
    struct limiter_settings set;

    memset(&set, 0, sizeof(set));
    set.n_upstreams = 1;
    set.bounds = (struct limiter_bounds){LAY_WAITERS, LAY_WAITERS, 1u << 30};
    set.rules[0] = (struct limiter_rules){.name = "nim",
                                          .window_ns = window_ms * NS_PER_MS,
                                          .margin_ns = margin_ms * NS_PER_MS,
                                          .requests = requests,
                                          .burst = requests};
    return set;
}

static inline struct limiter *worker(const struct limiter_settings *set,
                                     int64_t now)
{
    struct limiter *lim = NULL;
    char err[256];

    if (limiter_open(&lim, dir, NULL, set, now, NULL, NULL, err, sizeof(err)) ==
        -1) {
        printf("limiter_open: %s\n", err);
        abort();
    }
    return lim;
}

static inline struct limiter_request request(const char *client)
{
    return (struct limiter_request){.cls = CLASS_NORMAL,
                                    .weight = 1,
                                    .client = client,
                                    .model = "m",
                                    .request_id = "r",
                                    .body_bytes = 100,
                                    .prompt_bytes = 100,
                                    .max_tokens = 50,
                                    .deadline_ns = NEVER};
}

/* Are the counts of a file whose dirty word is down those of its slots? */
static inline bool counts_hold(const struct layout *lay)
{
    struct layout *again = malloc(sizeof(*again));
    bool same;
    uint32_t i;

    CHECK(again != NULL);
    memcpy(again, lay, sizeof(*again));
    repair_run(again, again->live.now_ns);
    same = lay->live.waiting == again->live.waiting &&
           lay->live.offered == again->live.offered &&
           lay->live.open == again->live.open &&
           lay->live.held_bytes == again->live.held_bytes &&
           lay->live.rows_high == again->live.rows_high &&
           lay->live.free_chunks == again->live.free_chunks;
    for (i = 0; i < LAY_SCOPES; i++)
        same = same && lay->scopes[i].waiting == again->scopes[i].waiting &&
               lay->scopes[i].open == again->scopes[i].open &&
               lay->scopes[i].in_flight == again->scopes[i].in_flight &&
               lay->scopes[i].open_tokens == again->scopes[i].open_tokens &&
               lay->scopes[i].lined_tokens == again->scopes[i].lined_tokens &&
               lay->scopes[i].window.tokens == again->scopes[i].window.tokens &&
               lay->scopes[i].window.n == again->scopes[i].window.n;
    same = same && memcmp(lay->live.retreating, again->live.retreating,
                          sizeof(lay->live.retreating)) == 0;
    same = same && lay->live.limited >= again->live.limited;
    for (i = 0; i < LAY_MODELS; i++)
        same = same &&
               lay->model_states[i].in_flight ==
                   again->model_states[i].in_flight &&
               lay->model_states[i].waiting == again->model_states[i].waiting;
    for (i = 0; i < LAY_CLIENTS; i++)
        same = same && lay->clients[i].refs == again->clients[i].refs &&
               lay->clients[i].lined == again->clients[i].lined &&
               lay->quotas[i].window.tokens == again->quotas[i].window.tokens &&
               lay->quotas[i].open_tokens == again->quotas[i].open_tokens &&
               lay->quotas[i].lined_tokens == again->quotas[i].lined_tokens;
    free(again);
    return same;
}

static inline bool is_settled(const struct layout *lay)
{
    return lay->live.waiting == 0 && lay->live.open == 0 &&
           lay->live.held_bytes == 0 && lay->live.rows_high == 0 &&
           lay->live.offered == 0 && lay->scopes[0].in_flight == 0 &&
           counts_hold(lay);
}

/* ---- who lives ---------------------------------------------------------- */

/* A file of our own, on which only the living hold their places. */
struct places {
    int hold, locks; /* to claim by; to look at */
};

static inline void places_open(struct places *p)
{
    char name[] = "/tmp/sluice-crash-locks-XXXXXX";

    p->hold = mkstemp(name);
    p->locks = open(name, O_RDWR | O_CLOEXEC);
    (void)unlink(name);
}

static inline void places_claim(struct places *p, const struct limiter *lim)
{
    CHECK(file_lock_claim_seat(p->hold, lim->seat));
}

static inline void places_close(struct places *p)
{
    close(p->hold);
    close(p->locks);
}

/* Has whoever had LIM's file let go of it? */
static inline bool lock_is_free(const struct limiter *lim)
{
    if (flock(lim->file.fd, LOCK_EX | LOCK_NB) == -1)
        return false;
    file_lock_drop(lim->file.fd);
    return true;
}

/* ---- a process that is led by the hand ---------------------------------- */

/* What PID does is not what it was led to: it is gone, or a signal that is not
 * ours came. */
static inline bool is_astray(pid_t pid, int status)
{
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP)
        return false;
    printf("process %d is not where it was led to: status %#x\n", (int)pid,
           (unsigned)status);
    return true;
}

/* Waits until it stops itself; false: it is gone, or something else stopped it,
 * wherever it was. */
static inline bool wait_stop(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, WUNTRACED) == -1)
        CHECK(errno == EINTR);
    return !is_astray(pid, status);
}

/* Runs on to the begin or the end of a system call; false: it stopped itself,
 * or is gone.  Needs PTRACE_O_TRACESYSGOOD. */
static inline bool to_next_call(pid_t pid)
{
    int status;

    CHECK(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0);
    while (waitpid(pid, &status, 0) == -1)
        CHECK(errno == EINTR);
    if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80))
        return true;
    if (!WIFEXITED(status))
        (void)is_astray(pid, status);
    return false;
}

/* Runs on until it is about to make system call NR. */
static inline bool run_into_call(pid_t pid, uint64_t nr)
{
    struct __ptrace_syscall_info i = {.op = 0};

    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    while (to_next_call(pid)) {
        CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) > 0);
        if (i.op == PTRACE_SYSCALL_INFO_ENTRY && i.entry.nr == nr)
            return true;
    }
    return false;
}

/* Runs on until it has just got the lock.  Not all that comes before concerns
 * us, and to clear memory takes an instruction a byte. */
static inline bool run_into_lock(pid_t pid)
{
    struct __ptrace_syscall_info i = {.op = 0};
    bool asked = false;

    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    while (to_next_call(pid)) {
        CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) > 0);
        if (asked && i.exit.rval == 0)
            return true;
        asked = i.op == PTRACE_SYSCALL_INFO_ENTRY && i.entry.nr == SYS_flock &&
                i.entry.args[1] == (LOCK_EX | LOCK_NB);
    }
    return false;
}

/* One machine instruction; false: the process stopped itself, or is gone. */
static inline bool step(pid_t pid)
{
    int status;

    CHECK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
    while (waitpid(pid, &status, 0) == -1)
        CHECK(errno == EINTR);
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

static inline void go_on(pid_t pid)
{
    CHECK(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0);
}

static inline void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
}

/* In the child: lets the parent go on, and waits for it. */
static inline void here(void)
{
    raise(SIGSTOP);
}

/* Two processes that only ever wait for each other are quickest on one
 * processor. */
static inline void share_a_processor(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

/* In the child.  In a process group of its own: the kernel wakes who is stopped
 * in one that is orphaned, with SIGHUP and SIGCONT, and where tests run without
 * a terminal that can come with anybody's end.  It goes when we go. */
static inline void be_led(void)
{
    CHECK(setpgid(0, 0) == 0);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}

#endif
