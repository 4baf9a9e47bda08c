/*
 * stop.c - workers are stopped and go on: do the others wait, and is anything
 * forgotten?
 *
 *   in the lock     the others' turns come back at once, new requests are
 *                   refused after two seconds, and all goes on afterwards
 *   before the lock with a time that is old by then
 *   before writing  what was granted counts until it is written; and when the
 *                   state file is lost meanwhile, it is not written
 *   with an offer   the slot goes to the next in line
 *   with a new file its loss is no older than its place
 *   while it looks  sluicectl holds nobody up
 */
#include "crash.h"

#include "state/view.h"

#include "state/policy/window.h"

static struct limiter_settings set;

struct heard {
    uint32_t granted, refused;
    enum limiter_refusal why;
};

static void hear(void *arg, const struct ticket_news *news)
{
    struct heard *h = arg;

    h->granted += news->event == TICKET_GRANTED;
    h->refused += news->event == TICKET_REFUSED;
    h->why = news->why;
}

static struct ticket *join(struct limiter *lim, struct heard *h)
{
    struct limiter_request req = request("c");

    memset(h, 0, sizeof(*h));
    return limiter_join(lim, &req, hear, h);
}

static int64_t turn(struct limiter *lim)
{
    return limiter_turn(lim, boottime_ns());
}

/* Takes turns until what was asked is done, for ten seconds at most: one may
 * find the lock taken, and then the next one does it. */
static void settled(struct limiter *lim)
{
    int64_t start = boottime_ns();

    do
        (void)turn(lim);
    while (limiter_has_wishes(lim) && boottime_ns() < start + 10 * NS_PER_S &&
           usleep(1000) == 0);
}

/* Takes turns until that many of H were refused, for ten seconds at most: the
 * machine may be busy.  When, in ns since START. */
static int64_t refused_after(struct limiter *lim, const struct heard *h,
                             uint32_t refused, int64_t start)
{
    while (h->refused < refused && boottime_ns() < start + 10 * NS_PER_S) {
        (void)turn(lim);
        usleep(1000);
    }
    return boottime_ns() - start;
}

/* Takes turns for MS.  The longest one, in ns. */
static int64_t turns(struct limiter *lim, int ms)
{
    int64_t end_ns = boottime_ns() + ms * NS_PER_MS, longest = 0;

    while (boottime_ns() < end_ns) {
        int64_t before = boottime_ns();

        (void)turn(lim);
        longest = max_i64(longest, boottime_ns() - before);
        usleep(1000);
    }
    return longest;
}

static void forget_the_past(struct limiter *lim)
{
    memset(lim->file.lay->live.lost_ns, 0, sizeof(lim->file.lay->live.lost_ns));
}

/* ---- in the lock -------------------------------------------------------------- */

static void takes_a_turn(void)
{
    struct limiter *lim;
    struct heard h[20];
    int i;

    be_led();
    lim = worker(&set, boottime_ns());
    (void)turn(lim);
    for (i = 0; i < 20; i++)
        (void)join(lim, &h[i]);
    here();
    settled(lim); /* the others may be there first */
    here();
    for (;;) {
        (void)turn(lim);
        usleep(1000);
    }
}

/* It goes on when the kernel lets it, which on a busy machine takes a while. */
static void until_free(const struct limiter *lim)
{
    int i;

    for (i = 0; i < 5000 && !file_lock_take(lim->file.fd); i++)
        usleep(1000);
    file_lock_drop(lim->file.fd);
}

/* No turn ever waits for the lock: who holds it is stopped until we are done,
 * so one that waited would never end.  A busy machine takes its time. */
#define PROMPT_NS (20 * NS_PER_S)

static void stopped_in_the_lock(int instructions)
{
    struct limiter *lim;
    struct heard waits, late;
    struct ticket *t;
    int64_t start, after;
    uint32_t sum;
    ino_t ino;
    pid_t pid;
    int i;

    set = settings(5, 60000, 0);
    empty_dir();
    pid = fork();
    if (pid == 0)
        takes_a_turn();
    CHECK(wait_stop(pid));
    lim = worker(&set, boottime_ns());
    (void)turn(lim);
    ino = lim->file.ino;
    CHECK(run_into_lock(pid));
    for (i = 0; i < instructions; i++)
        check(step(pid), "in the lock: the turn is over");
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, SIGSTOP) == 0);

    start = boottime_ns();
    (void)join(lim, &waits);
    check(turns(lim, 200) < PROMPT_NS, "in the lock: a turn waited");
    after = refused_after(lim, &waits, 1, start);
    check(after >= 2 * NS_PER_S, "in the lock: refused too early");
    check(waits.refused == 1 && waits.why == REFUSED_STATE,
          "in the lock: not refused after two seconds");
    (void)join(lim, &late);
    (void)refused_after(lim, &late, 1, boottime_ns());
    check(late.refused == 1, "in the lock: a later one was not refused");

    CHECK(kill(pid, SIGCONT) == 0);
    until_free(lim);
    t = join(lim, &late);
    (void)turns(lim, 300);
    check(late.refused == 0, "in the lock: still refused when it is over");
    check(lim->file.ino == ino && lim->trouble_ns == NEVER,
          "in the lock: the file was given up");
    sum = lim->file.lay->scopes[0].window.n + lim->file.lay->scopes[0].open;
    check(sum == 5, "in the lock: %u of 5 slots are used", sum);
    check(lim->stats.lay->counters.repairs == 0, "in the lock: repaired");
    end(pid);
    limiter_done(lim, t, true);
    (void)turns(lim, 1200);
    check(is_settled(lim->file.lay), "in the lock: something is left");
    limiter_close(lim);
}

/* ---- before the lock ----------------------------------------------------------- */

/* A clock that was read before the stop is what a real loop would pass on. */
static void takes_an_old_turn(void)
{
    struct limiter *lim;
    struct heard told, untold;
    struct ticket *a, *b;
    int64_t old;

    be_led();
    lim = worker(&set, boottime_ns());
    a = join(lim, &told);
    b = join(lim, &untold);
    (void)turn(lim);
    old = boottime_ns();
    limiter_sent(lim, a);
    limiter_done(lim, b, false); /* when it was sent, nobody said */
    here();
    (void)limiter_turn(lim, old);
    here();
    _exit(told.granted != 1);
}

static void stopped_before_the_lock(void)
{
    struct limiter *lim;
    struct heard h;
    int64_t stopped, booked[2];
    ino_t ino;
    pid_t pid;

    set = settings(5, 60000, 0);
    empty_dir();
    pid = fork();
    if (pid == 0)
        takes_an_old_turn();
    CHECK(wait_stop(pid));
    stopped = boottime_ns();
    lim = worker(&set, boottime_ns());
    ino = lim->file.ino;
    (void)join(lim, &h);
    (void)turns(lim, 1300); /* longer than any clock may differ */
    go_on(pid);
    CHECK(wait_stop(pid));
    (void)turn(lim);
    window_copy(lim->file.lay, 0, 0, 2, booked);
    check(booked[0] <= stopped && booked[0] > stopped - NS_PER_S,
          "before the lock: the send was not booked when it was written");
    check(booked[1] >= stopped + NS_PER_S,
          "before the lock: the send was booked into the past");
    check(lim->file.ino == ino && lim->stats.lay->counters.recoveries == 0,
          "before the lock: the file was given up");
    check(lim->file.lay->scopes[0].window.n == 2, "before the lock: no send");
    check(h.granted == 1, "before the lock: the others were not served");
    end(pid);
    limiter_close(lim);
}

/* ---- before writing -------------------------------------------------------------- */

#define LIMIT   4
#define SPAN_MS 200

static void waits_with_grants(void)
{
    struct limiter *lim;
    struct heard h[2];
    struct ticket *t[2];

    be_led();
    lim = worker(&set, boottime_ns());
    t[0] = join(lim, &h[0]);
    t[1] = join(lim, &h[1]);
    (void)turn(lim);
    CHECK(h[0].granted == 1 && h[1].granted == 1);
    here(); /* for longer than the window */
    limiter_sent(lim, t[0]);
    limiter_sent(lim, t[1]);
    (void)turn(lim);
    here();
    _exit(0);
}

/* Sends all that is granted at once; how many in MS? */
static uint32_t send_for(struct limiter *lim, int ms)
{
    int64_t end_ns = boottime_ns() + ms * NS_PER_MS;
    struct ticket *t[LIMIT] = {NULL};
    struct heard h[LIMIT];
    uint32_t n = 0;
    int i;

    while (boottime_ns() < end_ns) {
        for (i = 0; i < LIMIT; i++) {
            if (t[i] == NULL)
                t[i] = join(lim, &h[i]);
            if (h[i].granted == 0)
                continue;
            n++;
            limiter_done(lim, t[i], false);
            t[i] = NULL;
        }
        (void)turn(lim);
        usleep(300);
    }
    for (i = 0; i < LIMIT; i++)
        if (t[i] != NULL)
            limiter_done(lim, t[i], true);
    (void)turn(lim);
    return n;
}

static void stopped_before_writing(void)
{
    struct limiter *lim;
    uint32_t n;
    pid_t pid;

    set = settings(LIMIT, SPAN_MS, 0);
    empty_dir();
    pid = fork();
    if (pid == 0)
        waits_with_grants();
    CHECK(wait_stop(pid));
    lim = worker(&set, boottime_ns());
    n = send_for(lim, 5 * SPAN_MS - SPAN_MS / 2); /* five windows begin */
    check(n <= 5 * (LIMIT - 2) && n >= 4 * (LIMIT - 2),
          "before writing: %u sends, not %d nor one window less", n,
          5 * (LIMIT - 2));
    go_on(pid);
    CHECK(wait_stop(pid)); /* its two are on the wire now */
    n = send_for(lim, SPAN_MS / 2);
    check(n <= LIMIT - 2, "before writing: %u more at once", n);
    n = send_for(lim, 2 * SPAN_MS);
    check(n >= LIMIT, "before writing: %u sends in two windows", n);
    end(pid);
    limiter_close(lim);
}

/* ---- before writing, and the file is lost --------------------------------------- */

static uint32_t may_write(struct limiter *lim, struct ticket **t)
{
    uint32_t n = 0, i;

    for (i = 0; i < LIMIT; i++)
        n += limiter_may_write(lim, t[i], boottime_ns());
    return n;
}

static void waits_with_lost_grants(void)
{
    struct limiter *lim;
    struct heard h[LIMIT];
    struct ticket *t[LIMIT];
    uint32_t before, after, moved, i;

    be_led();
    lim = worker(&set, boottime_ns());
    for (i = 0; i < LIMIT; i++)
        t[i] = join(lim, &h[i]);
    settled(lim);
    before = may_write(lim, t);
    here(); /* the others lose the file, and go on with a new one */
    after = may_write(lim, t);
    (void)turn(lim);
    moved = may_write(lim, t);
    for (i = 0; i < LIMIT; i++)
        limiter_again(lim, t[i], true);
    settled(lim);
    here();
    if (before != LIMIT || after != 0 || moved != 0)
        fprintf(stderr, "file lost: may write %u, then %u, then %u\n", before,
                after, moved);
    _exit(before == LIMIT && after == 0 && moved == 0 ? 0 : 1);
}

/* Long enough that on a busy machine nothing comes back to be sent meanwhile. */
#define LOST_MS 4000

static void stopped_while_the_file_is_lost(void)
{
    struct limiter *lim;
    uint32_t n, used;
    int status;
    pid_t pid;

    set = settings(LIMIT, LOST_MS, 0);
    empty_dir();
    lim = worker(&set, boottime_ns());
    forget_the_past(lim);
    pid = fork();
    if (pid == 0)
        waits_with_lost_grants();
    CHECK(wait_stop(pid));
    CHECK(unlinkat(lim->dir, FILE_NAME, 0) == 0);
    (void)turns(lim, 2 * 1000 + LOST_MS); /* until it is seen, and a second */
    n = send_for(lim, LOST_MS / 8);
    check(n == LIMIT, "file lost: the others sent %u, not %d", n, LIMIT);
    go_on(pid);
    CHECK(wait_stop(pid));
    used = lim->file.lay->scopes[0].window.n + lim->file.lay->scopes[0].open;
    check(used <= LIMIT, "file lost: %u sends in a window of %d", used, LIMIT);
    check(lim->file.lay->live.waiting == LIMIT,
          "file lost: %u are back in line, not %d", lim->file.lay->live.waiting,
          LIMIT);
    go_on(pid);
    while (waitpid(pid, &status, 0) == -1)
        CHECK(errno == EINTR);
    check(status == 0, "file lost: it would have written");
    limiter_close(lim);
}

/* ---- with an offer ---------------------------------------------------------------- */

static void waits_in_line(void)
{
    struct limiter *lim;
    struct heard h;

    be_led();
    lim = worker(&set, boottime_ns());
    (void)join(lim, &h);
    (void)turn(lim);
    here();
    (void)turn(lim);
    here();
    _exit(0);
}

static void stopped_with_an_offer(void)
{
    struct limiter *lim;
    struct heard h[2];
    struct ticket *t[2];
    int64_t start;
    pid_t pid;

    set = settings(1, 60000, 0);
    empty_dir();
    lim = worker(&set, boottime_ns());
    forget_the_past(lim);
    t[0] = join(lim, &h[0]);
    (void)turn(lim);
    pid = fork();
    if (pid == 0)
        waits_in_line();
    CHECK(wait_stop(pid));
    t[1] = join(lim, &h[1]);
    limiter_done(lim, t[0], true);
    start = boottime_ns();
    while (h[1].granted == 0 && boottime_ns() < start + PROMPT_NS) {
        (void)turn(lim);
        usleep(1000);
    }
    check(boottime_ns() - start > 40 * NS_PER_MS,
          "with an offer: it had no chance to take it");
    check(boottime_ns() - start < PROMPT_NS,
          "with an offer: the next one waited too long");
    check(lim->file.lay->live.stalled == 1, "with an offer: not marked");
    go_on(pid);
    CHECK(wait_stop(pid));
    check(lim->file.lay->live.stalled == 0, "with an offer: still marked");
    limiter_done(lim, t[1], true);
    (void)turn(lim);
    check(lim->file.lay->live.offered == 1, "with an offer: no second one");
    end(pid);
    (void)turns(lim, 1200);
    check(is_settled(lim->file.lay), "with an offer: something is left");
    limiter_close(lim);
}

/* ---- with a new file --------------------------------------------------------------- */

/* Looks at the path in its next turn. */
static void look_now(struct limiter *lim)
{
    lim->checked_ns = 0;
}

static void makes_a_file(void)
{
    struct limiter *lim;

    be_led();
    lim = worker(&set, boottime_ns());
    (void)turn(lim);
    look_now(lim);
    here();
    (void)turn(lim);
    here();
    _exit(0);
}

static void remove_file(void)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
    check(unlink(path) == 0, "with a new file: there was none");
}

/* It has made a file, but not put it in its place.  Meanwhile another one does,
 * and that is lost, too, with what was sent by it. */
static void stopped_with_a_new_file(void)
{
    struct limiter *lim, *late;
    int64_t lost;
    pid_t pid;

    set = settings(5, 60000, 0);
    empty_dir();
    pid = fork();
    if (pid == 0)
        makes_a_file();
    CHECK(wait_stop(pid));
    lim = worker(&set, boottime_ns());
    (void)turn(lim);
    remove_file();
    check(run_into_call(pid, SYS_renameat2), "with a new file: none was made");
    look_now(lim);
    (void)turns(lim, 1300); /* longer than a loss is dated ahead */
    remove_file();
    lost = boottime_ns();
    go_on(pid);
    CHECK(wait_stop(pid));
    late = worker(&set, boottime_ns()); /* knows of no other file */
    check(late->file.lay->live.lost_ns[0] >= lost,
          "with a new file: its loss is older than its place");
    end(pid);
    limiter_close(late);
    limiter_close(lim);
}

/* ---- while it looks ------------------------------------------------------------------- */

static void looks(void)
{
    struct limiter_view view;
    char err[256];

    be_led();
    here();
    if (view_peek(dir, boottime_ns(), &view, err, sizeof(err)) != 0)
        _exit(1);
    here();
    _exit(0);
}

static bool is_deaf_to(pid_t pid, int sig)
{
    unsigned long long blocked = 0;
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    CHECK(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
            break;
    fclose(f);
    return (blocked >> (sig - 1) & 1) != 0;
}

/* At each of its system calls; false: it never held the lock. */
static bool holds_up(pid_t pid, const struct limiter *lim, bool *stoppable)
{
    bool held = false;

    *stoppable = false;
    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    while (to_next_call(pid)) {
        if (file_lock_take(lim->file.fd)) {
            file_lock_drop(lim->file.fd);
            continue;
        }
        held = true;
        *stoppable = *stoppable || !is_deaf_to(pid, SIGTSTP) ||
                     !is_deaf_to(pid, SIGTTIN) || !is_deaf_to(pid, SIGTTOU);
    }
    return held;
}

/* DIRTY: a writer was killed, so the copy needs the lock. */
static void stopped_while_it_looks(bool dirty)
{
    struct limiter *lim;
    bool stoppable;
    pid_t pid;

    set = settings(5, 60000, 0);
    empty_dir();
    lim = worker(&set, boottime_ns());
    (void)turn(lim);
    lim->file.lay->live.dirty = dirty;
    pid = fork();
    if (pid == 0)
        looks();
    CHECK(wait_stop(pid));
    check(holds_up(pid, lim, &stoppable) == dirty,
          "while it looks: %s the lock", dirty ? "it did without" : "it took");
    check(!stoppable, "while it looks: Ctrl-Z would hold all up");
    end(pid);
    limiter_close(lim);
}

int main(void)
{
    make_dir();
    stopped_in_the_lock(60);
    stopped_in_the_lock(3000);
    stopped_before_the_lock();
    stopped_before_writing();
    stopped_while_the_file_is_lost();
    stopped_with_an_offer();
    stopped_with_a_new_file();
    stopped_while_it_looks(false);
    stopped_while_it_looks(true);
    return finish("stop");
}
