/*
 * kill.c - workers are killed for real: what do the others see?
 *
 *   points  a worker is led into its locked section and killed there, a little
 *           deeper each time; a survivor takes over the same file
 *   storm   four workers send as fast as the limit lets them, while one after
 *           the other is killed, mostly inside the lock, and replaced; each
 *           send is noted where a dead worker's memory does not matter
 *   answers the same, while all of them report refusals of every kind
 */
#include "crash.h"
#include "state/operator.h"

#include <sys/stat.h>

#define T0     (INT64_C(400000000) * NS_PER_S)
#define POINTS 45 /* at which a turn is cut short */

static void hear(void *arg, const struct ticket_news *news)
{
    if (arg != NULL && news->event == TICKET_GRANTED)
        (*(uint32_t *)arg)++;
}

/* ---- points ----------------------------------------------------------------- */

/* A turn with a bit of everything: joins, grants, sends, ends, an offer. */
static void victim(const struct limiter_settings *set)
{
    struct limiter_request req = request("victim");
    struct ticket *t[6];
    struct limiter *lim;
    int i;

    be_led();
    lim = worker(set, T0);
    for (i = 0; i < 6; i++)
        t[i] = limiter_join(lim, &req, hear, NULL);
    (void)limiter_turn(lim, T0);
    here();
    limiter_sent(lim, t[0]);
    limiter_done(lim, t[1], false);
    limiter_done(lim, t[2], true);
    limiter_again(lim, t[3], false);
    (void)limiter_join(lim, &req, hear, NULL);
    (void)limiter_turn(lim, T0);
    here();
    _exit(0);
}

/* The survivor waits with two; both must be granted, and all must end. */
static void survive(struct limiter *lim, struct ticket *const t[2],
                    const uint32_t granted[2], int point)
{
    const struct layout *lay = lim->file.lay;
    uint64_t repairs = lay->live.repairs;
    bool was_dirty = lay->live.dirty != 0;
    ino_t ino = lim->file.ino;
    int64_t now = T0 + NS_PER_S;

    (void)limiter_turn(lim, now);
    check(lim->file.ino == ino && lim->trouble_ns == NEVER,
          "point %d: the file was given up", point);
    check(lay->live.repairs - repairs == was_dirty,
          "point %d: repaired for nothing, or not", point);
    check(counts_hold(lay), "point %d: counts", point);
    check(lim->stats.lay->counters.swept == 1, "point %d: not swept", point);
    check(lay->scopes[0].window.n + lay->scopes[0].open <= 5,
          "point %d: more than the limit", point);
    now += 61 * NS_PER_S;
    (void)limiter_turn(lim, now);
    check(granted[0] == 1 && granted[1] == 1, "point %d: no grant", point);
    limiter_done(lim, t[0], true);
    limiter_done(lim, t[1], true);
    (void)limiter_turn(lim, now);
    check(is_settled(lay), "point %d: something is left", point);
}

/* Steps on while the victim writes, at most MOST instructions.  How many. */
static int step_inside(pid_t pid, const struct layout *lay, int most)
{
    bool was_dirty = false;
    int n;

    for (n = 0; n < most && step(pid); n++) {
        if (was_dirty && lay->live.dirty == 0)
            return n;
        was_dirty = was_dirty || lay->live.dirty != 0;
    }
    return n;
}

/* Kills a worker after so many instructions, or at the end of its turn.  After
 * how many it was. */
static int kill_after(int instructions, int point)
{
    struct limiter_settings set = settings(5, 60000, 0);
    struct limiter_request req = request("survivor");
    uint32_t granted[2] = {0, 0};
    struct ticket *t[2];
    struct limiter *lim;
    pid_t pid;

    empty_dir();
    pid = fork();
    if (pid == 0)
        victim(&set);
    CHECK(wait_stop(pid));
    lim = worker(&set, T0);
    t[0] = limiter_join(lim, &req, hear, &granted[0]);
    t[1] = limiter_join(lim, &req, hear, &granted[1]);
    (void)limiter_turn(lim, T0);
    CHECK(run_into_lock(pid));
    instructions = step_inside(pid, lim->file.lay, instructions);
    end(pid);
    survive(lim, t, granted, point);
    limiter_close(lim);
    return instructions;
}

static void points(void)
{
    int all = kill_after(INT32_MAX, -1), i;

    for (i = 0; i < POINTS; i++)
        (void)kill_after(all * i / POINTS, i);
    printf("  points: killed at %d of %d instructions of a turn\n", POINTS,
           all);
    check(all > 1000, "points: the turn was over too soon");
}

/* ---- storm ------------------------------------------------------------------- */

#define WORKERS 4
#define LIMIT   20
#define SPAN_MS 320
#define STORM_S 6
#define ENOUGH  200 /* sends, of which most are answered */
#define NOTES   20000
#define OPEN    8

/* Anonymous memory that all share. */
struct notes {
    uint32_t n;
    bool answers; /* report them */
    int64_t sent_ns[NOTES];
};

struct request_of_mine {
    struct ticket *ticket;
    uint32_t granted;
    int64_t write_ns, end_ns;
};

static void hear_mine(void *arg, const struct ticket_news *news)
{
    struct request_of_mine *r = arg;

    r->granted += news->event == TICKET_GRANTED;
    if (news->event == TICKET_REFUSED)
        *r = (struct request_of_mine){NULL, 0, 0, 0};
}

/* True: it has to be sent again. */
static bool answer(struct limiter *lim, struct ticket *t)
{
    static const enum limiter_answer often[] = {
        ANSWER_FINE, ANSWER_FINE, ANSWER_FINE,  ANSWER_FINE,  ANSWER_RATE,
        ANSWER_BUSY, ANSWER_OFF,  ANSWER_FAULT, ANSWER_UNPAID};
    struct limiter_report rep = {.answer = ANSWER_FINE,
                                 .retry_after_ns = -1,
                                 .tokens_left = -1,
                                 .reason = "why"};

    if (rand() % 3 == 0)
        rep.answer = often[(size_t)rand() % ARRAY_LEN(often)];
    if (rand() % 2 == 0)
        rep.retry_after_ns = rand() % 20 * NS_PER_MS;
    limiter_report(lim, t, &rep);
    if (rep.answer == ANSWER_FINE)
        limiter_settle(lim, t, &(struct limiter_usage){rand() % 50, 9});
    return rep.answer == ANSWER_RATE || rep.answer == ANSWER_BUSY;
}

static void advance(struct limiter *lim, struct request_of_mine *r,
                    struct notes *notes)
{
    static const char *const models[] = {"", "m1", "m2", "m3"};
    struct limiter_request req = request(rand() % 2 ? "a" : "b");
    int64_t now = boottime_ns();
    bool again = rand() % 4 == 0;

    if (r->ticket == NULL) {
        *r = (struct request_of_mine){NULL, 0, 0, 0};
        req.cls = (enum limiter_class)(rand() % 3);
        req.model = models[rand() % 4];
        if (notes->answers && rand() % 40 == 0)
            check(limiter_end_hold(lim, 0, models[rand() % 4]),
                  "answers: no hold can be ended");
        req.retry = rand() % 8 == 0;
        req.fingerprint = (uint64_t)(rand() % 100);
        req.tokens_per_min = rand() % 2 == 0 ? 1000000 : 0;
        r->ticket = limiter_join(lim, &req, hear_mine, r);
    } else if (r->granted == 0 && rand() % 400 == 0) {
        limiter_lost(lim, r->ticket);
        limiter_done(lim, r->ticket, true); /* tired of waiting */
        r->ticket = NULL;
    } else if (r->granted > 0 && r->write_ns == 0) {
        r->write_ns = now + rand() % 3 * NS_PER_MS;
    } else if (r->granted > 0 && r->end_ns == 0 && now >= r->write_ns) {
        uint32_t i = __atomic_fetch_add(&notes->n, 1, __ATOMIC_SEQ_CST);

        CHECK(i < NOTES);
        __atomic_store_n(&notes->sent_ns[i], boottime_ns(), __ATOMIC_SEQ_CST);
        limiter_sent(lim, r->ticket);
        r->end_ns = now + rand() % 5 * NS_PER_MS;
    } else if (r->end_ns != 0 && now >= r->end_ns) {
        if (notes->answers)
            again = answer(lim, r->ticket);
        r->granted = 0;
        r->write_ns = r->end_ns = 0;
        if (again) {
            if (now % 2 == 0) /* for no time at all */
                limiter_aside(lim, r->ticket, false, 0);
            limiter_again(lim, r->ticket, false);
            return;
        }
        limiter_done(lim, r->ticket, false);
        r->ticket = NULL;
    }
}

_Noreturn static void work(const struct limiter_settings *set,
                           struct notes *notes)
{
    struct limiter *lim = worker(set, boottime_ns());
    struct request_of_mine mine[OPEN] = {{NULL, 0, 0, 0}};
    int i;

    srand((unsigned)getpid());
    for (;;) {
        for (i = 0; i < OPEN; i++)
            advance(lim, &mine[i], notes);
        (void)limiter_turn(lim, boottime_ns());
        usleep(200);
    }
}

static pid_t spawn(const struct limiter_settings *set, struct notes *notes)
{
    pid_t pid = fork();

    if (pid == 0)
        work(set, notes);
    return pid;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void check_notes(struct notes *notes, int64_t ran_ns)
{
    const char *name = notes->answers ? "answers" : "storm";
    uint32_t i, n = notes->n, holes;
    double share;

    qsort(notes->sent_ns, n, sizeof(notes->sent_ns[0]), compare);
    for (holes = 0; holes < n && notes->sent_ns[holes] == 0;)
        holes++; /* killed on the way to the wire */
    for (i = holes + LIMIT; i < n; i++)
        check(notes->sent_ns[i] - notes->sent_ns[i - LIMIT] >=
                  SPAN_MS * NS_PER_MS,
              "%s: more than %d in %d ms", name, LIMIT, SPAN_MS);
    share = (double)(n - holes) * SPAN_MS * NS_PER_MS / LIMIT / (double)ran_ns;
    printf("  %s: %u sends, %.0f %% of the limit used\n", name, n - holes,
           share * 100);
    check(share > (notes->answers ? 0.01 : 0.1),
          "%s: the limit was hardly used", name);
}

/* The map of the file that all use; private to this process' eyes. */
static const struct layout *look_at_file(ino_t *ino)
{
    char path[128];
    struct stat st;
    void *p;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, FILE_NAME);
    while ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
        usleep(1000);
    p = mmap(NULL, sizeof(struct layout), PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED && fstat(fd, &st) == 0);
    *ino = st.st_ino;
    close(fd);
    return p;
}

/*
 * Who holds the lock, else -1.  While we run it does not: there is but one
 * processor for all of us, so a kill meets it where it was interrupted.
 */
static int holder(const struct layout *lay, ino_t ino, const pid_t pid[WORKERS])
{
    unsigned long long number;
    char line[256];
    int who, k, found = -1;
    FILE *f;

    if (lay->live.dirty == 0)
        return -1;
    f = fopen("/proc/locks", "re");
    CHECK(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %*[^:]:%*[^:]:%llu",
                   &who, &number) == 2 &&
            number == ino)
            for (k = 0; k < WORKERS; k++)
                found = who == (int)pid[k] ? k : found;
    fclose(f);
    return found;
}

static void storm(bool answers)
{
    const char *name = answers ? "answers" : "storm";
    struct limiter_settings set = settings(LIMIT, SPAN_MS - 20, 20);
    struct notes *notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t start = boottime_ns(), stop = start + STORM_S * NS_PER_S;
    const struct layout *lay;
    struct limiter *lim;
    ino_t ino;
    pid_t pid[WORKERS];
    int i, kills = 0;

    CHECK(notes != MAP_FAILED);
    notes->answers = answers;
    set.rules[0].retreat_max_ns = 30 * NS_PER_MS;
    set.rules[0].tokens = 1000 * LIMIT;
    empty_dir();
    for (i = 0; i < WORKERS; i++)
        pid[i] = spawn(&set, notes);
    lay = look_at_file(&ino);
    /* On a busy machine it takes longer to meet each kind of answer. */
    while (boottime_ns() < stop ||
           (answers && notes->n < ENOUGH &&
            boottime_ns() < start + 10 * STORM_S * NS_PER_S)) {
        usleep((useconds_t)(rand() % 2000));
        i = holder(lay, ino, pid);
        if (i == -1 && rand() % 16 > 0)
            continue;
        if (i == -1)
            i = rand() % WORKERS;
        end(pid[i]);
        kills++;
        pid[i] = spawn(&set, notes);
    }
    for (i = 0; i < WORKERS; i++)
        end(pid[i]);
    check_notes(notes, boottime_ns() - start);
    lim = worker(&set, boottime_ns());
    for (i = 0; i < 400; i++) {
        (void)limiter_turn(lim, boottime_ns());
        usleep(1000);
    }
    /* How many meet the lock is up to the machine; points() and step.c make
     * sure of those. */
    printf("  %s: %d kills, %llu inside the lock\n", name, kills,
           (unsigned long long)lay->live.repairs);
    check(lim->stats.lay->counters.recoveries == 0, "%s: the file was given up",
          name);
    check(is_settled(lim->file.lay), "%s: something is left", name);
    if (answers)
        check(lim->stats.lay->counters.holds[HOLD_RATE] > 0 &&
                  lim->stats.lay->counters.ceilings_cut > 0 &&
                  lim->stats.lay->counters.benches > 0 &&
                  lim->stats.lay->counters.holds[HOLD_UNPAID] > 0,
              "answers: a kind of refusal was not met");
    limiter_close(lim);
}

int main(void)
{
    make_dir();
    share_a_processor();
    storm(false);
    storm(true);
    points();
    return finish("kill");
}
