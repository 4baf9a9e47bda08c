/*
 * run.c - one call fails: what becomes of the worker and of its requests?
 *
 *   run [--short] [--kind KIND] [KIND:N[:ERRNO]]
 *
 * A case starts a worker in which one call will fail (preload.c), asks it the
 * same few questions, and judges:
 *
 *   - it does not die of a signal, but for a CHECK where memory is out
 *     (STYLE: that is the end of a worker, which the web server replaces);
 *   - at the start it may end with a message, later it may not end at all;
 *   - each answer is right, or an error, or broken off: never wrong;
 *   - nothing hangs; nothing is left: no ticket, descriptor or thread too
 *     many or too few; the next request is answered as ever.
 */
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"

#define JOBS        2
#define PATIENCE_MS 6000 /* beyond any time-out and lost window in a case */
#define CASES_MAX   6000
#define SHOWN_MAX   40 /* findings that are told in full */

/* One row for each kind of call; ERRORS are tried in turn at each call. */
static const struct kind {
    const char *name;
    const char *errors[4];
    int sample, sample_short; /* calls beyond the first 200, or in all */
} kinds[] = {
    {"malloc", {"ENOMEM"}, 700, 60},
    {"read", {"EIO", "EINTR", "EAGAIN"}, 100, 15},
    {"write", {"EIO", "EINTR", "EAGAIN"}, 100, 15},
    {"accept4", {"EMFILE", "ENFILE", "ECONNABORTED", "EINTR"}, 20, 3},
    {"mmap", {"ENOMEM"}, 20, 10},
    {"flock", {"EINTR", "ENOLCK"}, 100, 20},
    {"posix_fallocate", {"ENOSPC", "EIO"}, 20, 3},
    {"FCGX_Init", {"ENOMEM"}, 1, 1},
};

#define FIRST 200 /* calls that are all tried, unless --short */

struct tally {
    int cases, happened, passed, failed, known, checks, messages, hangs,
        crashes;
};

/* What the jobs share. */
struct shared {
    struct tally tally[ARRAY_LEN(kinds)];
    int shown, n_cases, known[8];
    struct one {
        size_t kind;
        unsigned long n;
        const char *error;
    } cases[CASES_MAX];
};

static struct shared *shared;
static char root[32], sim_url[64];
static int base_descriptors, base_threads;
static bool alone; /* one case was asked for: all of it is told */

/* ---- the questions --------------------------------------------------------- */

#define CHAT "/v1/chat/completions"

static const struct asked {
    const char *name;
    struct question q;
    int status;       /* what it is if all is well */
    const char *text; /* and what is in it */
} questions[] = {
    {"health",
     {"GET", "/health", NULL, NULL, NULL, PATIENCE_MS},
     200,
     "\"ok\""},
    {"models",
     {"GET", "/v1/models", NULL, NULL, NULL, PATIENCE_MS},
     200,
     "llama"},
    {"buffered",
     {"POST", CHAT, "{\"model\":\"sim/tokens-7\",\"messages\":[]}", NULL, NULL,
      PATIENCE_MS},
     200,
     "\"completion_tokens\":7"},
    {"streamed",
     {"POST", CHAT,
      "{\"model\":\"sim/stream-5-1\",\"stream\":true,\"messages\":[]}", NULL,
      NULL, PATIENCE_MS},
     200,
     "data: [DONE]\n\n"},
    {"hang-up",
     {"POST", CHAT,
      "{\"model\":\"sim/stream-500-20\",\"stream\":true,\"messages\":[]}", NULL,
      "data:", PATIENCE_MS},
     200,
     "data:"},
    {"tight",
     {"POST", CHAT, "{\"model\":\"tight/tokens-2\",\"messages\":[]}", "5", NULL,
      PATIENCE_MS},
     200,
     "chat.completion"},
    {"refused",
     {"POST", CHAT, "{\"model\":\"tight/tokens-2\",\"messages\":[]}", "1", NULL,
      PATIENCE_MS},
     429,
     "sluice_deadline"},
    {"waiting",
     {"POST", CHAT, "{\"model\":\"tight/x\",\"stream\":true,\"messages\":[]}",
      NULL, ": queued", PATIENCE_MS},
     200,
     ": queued"},
    {"wrong", {"POST", CHAT, "{", NULL, NULL, PATIENCE_MS}, 400, "not JSON"},
};

/*
 * Findings that cannot be mended here: where the call failed, and what came of
 * it.  They are counted apart, and told.
 */
static const struct known {
    const char *where, *what, *why;
} known[] = {
    {"curl_multi_socket_action", "no answer",
     "upstream.c does not look at what curl_multi_socket_action() gives"},
};

/* ---- findings ----------------------------------------------------------------- */

struct answer_probe {
    const struct one *one;
    struct worker *w;
    char wish[64];
    char finding[400]; /* "": none */
};

static void find(struct answer_probe *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void find(struct answer_probe *t, const char *fmt, ...)
{
    size_t n = strlen(t->finding);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(t->finding + n, sizeof(t->finding) - n, fmt, ap);
    va_end(ap);
}

/* "build/sluice.fcgi(+0x123) [...]" as function and line, if it can be had. */
static void show_frame(FILE *to, const struct worker *w, const char *line)
{
    const char *at = strstr(line, "sluice.fcgi(+0x");
    char command[400], out[200] = "";
    FILE *f;

    if (at == NULL) {
        (void)fprintf(to, "       %s\n", line);
        return;
    }
    (void)snprintf(command, sizeof(command),
                   "addr2line -fps -e '%s' 0x%lx 2>/dev/null", w->program,
                   strtoul(at + 13, NULL, 16) - 1);
    f = popen(command, "re"); /* NOLINT: a path of ours and a number */
    if (f == NULL || fgets(out, sizeof(out), f) == NULL)
        (void)fprintf(to, "       %s\n", at);
    else
        (void)fprintf(to, "       %s", out);
    if (f != NULL)
        (void)pclose(f);
}

/* Where the call failed, and what the worker said, without its log. */
static void show_details(FILE *to, const struct answer_probe *t)
{
    char *told = worker_file(t->w, "told"), *out = worker_file(t->w, "out");
    char *rest = told, *line;

    while ((line = strsep(&rest, "\n")) != NULL)
        if (strchr(line, '[') != NULL && strstr(line, "preload.so") == NULL)
            show_frame(to, t->w, line);
    rest = out;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0' && strstr(line, "\"level\":\"info\"") == NULL)
            (void)fprintf(to, "     %.200s\n", line);
    free(told);
    free(out);
}

/* Is it one of those? */
static bool is_known(const struct answer_probe *t)
{
    char *told = worker_file(t->w, "told");
    bool found = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(known) && !found; i++) {
        found = strstr(told, known[i].where) != NULL &&
                strstr(t->finding, known[i].what) != NULL;
        if (found)
            __atomic_fetch_add(&shared->known[i], 1, __ATOMIC_SEQ_CST);
    }
    free(told);
    return found;
}

/* In one piece, for the other job shows its own. */
static void show(const struct answer_probe *t, const char *word)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    CHECK(f != NULL);
    (void)fprintf(f, "%s %s: %s\n", word, t->wish, t->finding);
    if (__atomic_fetch_add(&shared->shown, 1, __ATOMIC_SEQ_CST) < SHOWN_MAX)
        show_details(f, t);
    CHECK(fclose(f) == 0);
    (void)!write(STDOUT_FILENO, text, len);
    free(text);
}

/* ---- judging -------------------------------------------------------------------- */

static bool is_right(const struct asked *asked, const struct answer *a)
{
    return (a->whole || asked->q.until != NULL) && a->status == asked->status &&
           strstr(a->text, asked->text) != NULL;
}

/* It may fail, but only in a way that nobody takes for an answer. */
static bool is_failure(const struct answer *a)
{
    return !a->whole || a->status >= 500 ||
           (strstr(a->text, "text/event-stream") != NULL &&
            strstr(a->text, "data: {\"error\":") != NULL);
}

/* Those of "tight" depend on what became of the one before. */
static bool is_fitting(const struct asked *asked, const struct answer *a)
{
    return asked->q.body != NULL && strstr(asked->q.body, "tight/") != NULL &&
           (a->status == 200 || a->status == 429);
}

static void attempt_answer(struct answer_probe *t, const struct asked *asked,
                           const struct answer *a)
{
    size_t tail = a->len < 80 ? a->len : 80;

    if (a->timed_out)
        find(t, "%s: no answer in %d ms; ", asked->name, PATIENCE_MS);
    else if (!is_right(asked, a) && !is_failure(a) && !is_fitting(asked, a))
        find(t, "%s: wrong answer, status %d: %.80s; ", asked->name, a->status,
             a->text + a->len - tail);
}

/* A number of /api/status; -1: it cannot be had. */
static int64_t status_of(struct worker *w, const char *name)
{
    static const struct question q = {"GET", "/api/status", NULL,
                                      NULL,  NULL,          PATIENCE_MS};
    struct json_object *all, *queue, *v;
    struct answer a;
    const char *body;
    int64_t n = -1;

    ask(w, &q, &a);
    body = strstr(a.text, "\r\n\r\n");
    all = body != NULL && a.status == 200 ? json_tokener_parse(body) : NULL;
    if (json_object_object_get_ex(all, "queue", &queue) &&
        json_object_object_get_ex(queue, name, &v))
        n = json_object_get_int64(v);
    json_object_put(all);
    return n;
}

static void await_zero(struct answer_probe *t, const char *name)
{
    int64_t until = clock_ms() + PATIENCE_MS, n;

    while ((n = status_of(t->w, name)) != 0 && clock_ms() < until)
        sleep_ms(10);
    if (n != 0)
        find(t, "queue.%s stays %lld; ", name, (long long)n);
}

/* From now on all must be right, at the latest when a lost window is over. */
static void await_right(struct answer_probe *t, const struct asked *asked)
{
    int64_t until = clock_ms() + PATIENCE_MS;
    struct answer a;

    do {
        ask(t->w, &asked->q, &a);
        if (is_right(asked, &a))
            return;
        sleep_ms(20);
    } while (clock_ms() < until);
    if (a.timed_out)
        find(t, "afterwards %s: no answer; ", asked->name);
    else
        find(t, "afterwards %s is not right: status %d; ", asked->name,
             a.status);
}

/* A connection that was just closed is still being closed. */
static void await_descriptors(struct answer_probe *t)
{
    int64_t until = clock_ms() + 1000;
    int n, threads;

    do {
        n = worker_descriptors(t->w);
        threads = worker_threads(t->w);
        if (n == base_descriptors && threads == base_threads)
            return;
        sleep_ms(5);
    } while (clock_ms() < until);
    if (base_threads != 0)
        find(t, "%d descriptors and %d threads, not %d and %d; ", n, threads,
             base_descriptors, base_threads);
    base_descriptors = n;
    base_threads = threads;
}

/* Nobody asked it to end. */
static void judge_death(struct answer_probe *t, struct tally *tally)
{
    const struct worker *w = t->w;
    bool memory = strcmp(kinds[t->one->kind].name, "malloc") == 0;

    if (w->deaths > 1)
        find(t, "%d workers died; ", w->deaths);
    switch (w->first_end) {
    case END_NOT:
        break;
    case END_CHECK:
        tally->checks++;
        if (!memory)
            find(t, "a CHECK ended it; ");
        break;
    case END_MESSAGE:
        tally->messages++;
        if (w->first_served)
            find(t, "it ended in the middle of its work; ");
        break;
    case END_WELL:
    case END_BADLY:
        tally->crashes++;
        find(t, "it died (wait status %#x); ", (unsigned)w->status);
        break;
    }
}

static void judge_stop(struct answer_probe *t, struct tally *tally)
{
    bool memory = strcmp(kinds[t->one->kind].name, "malloc") == 0;

    switch (worker_stop(t->w, PATIENCE_MS)) {
    case END_WELL:
        return;
    case END_CHECK:
        tally->checks++;
        if (!memory)
            find(t, "a CHECK ended it at its end; ");
        return;
    case END_NOT:
        tally->hangs++;
        find(t, "it does not end; ");
        return;
    case END_MESSAGE:
    case END_BADLY:
        tally->crashes++;
        find(t, "it ended badly (wait status %#x); ", (unsigned)t->w->status);
        return;
    }
}

static void add(struct tally *to, const struct tally *what)
{
    const int *from = (const int *)what;
    int *into = (int *)to;
    size_t i;

    for (i = 0; i < sizeof(*to) / sizeof(int); i++)
        __atomic_fetch_add(&into[i], from[i], __ATOMIC_SEQ_CST);
}

static void try_one(const struct one *one, struct worker *w)
{
    struct answer_probe t = {.one = one, .w = w};
    struct tally tally = {.cases = 1};
    struct answer a;
    size_t i;
    char *told;

    (void)snprintf(t.wish, sizeof(t.wish), "%s:%lu:%s", kinds[one->kind].name,
                   one->n, one->error);
    worker_prepare(w, sim_url);
    worker_start(w, one->n == 0 ? "none:0" : t.wish);
    for (i = 0; i < ARRAY_LEN(questions); i++) {
        ask(w, &questions[i].q, &a);
        attempt_answer(&t, &questions[i], &a);
        tally.hangs += a.timed_out;
    }
    await_zero(&t, "running");
    await_zero(&t, "waiting");
    await_zero(&t, "held_bytes");
    await_right(&t, &questions[0]);
    await_right(&t, &questions[2]);
    await_right(&t, &questions[3]);
    await_descriptors(&t);
    judge_death(&t, &tally);
    judge_stop(&t, &tally);
    told = worker_file(w, "told");
    tally.happened = strstr(told, "failed\n") != NULL;
    free(told);
    tally.known = t.finding[0] != '\0' && is_known(&t);
    tally.failed = t.finding[0] != '\0' && !tally.known;
    tally.passed = t.finding[0] == '\0';
    if (tally.failed || (alone && tally.known))
        show(&t, tally.failed ? "FAIL" : "KNOWN");
    add(&shared->tally[one->kind], &tally);
}

/* ---- which calls ---------------------------------------------------------------- */

static unsigned long count_of(const char *told, const char *word,
                              const char *name)
{
    char line[64];
    const char *at;

    (void)snprintf(line, sizeof(line), "%s %s ", word, name);
    at = strstr(told, line);
    return at != NULL ? strtoul(at + strlen(line), NULL, 10) : 0;
}

static void add_case(size_t kind, unsigned long n)
{
    size_t i, first = n % 4; /* in a sample not every error at every call */

    for (i = 0; i < 4; i++) {
        const char *error = kinds[kind].errors[(first + i) % 4];

        if (error == NULL || shared->n_cases == CASES_MAX)
            continue;
        shared->cases[shared->n_cases++] = (struct one){kind, n, error};
        if (n > FIRST)
            return;
    }
}

/* Some of FROM + 1 to TO, evenly. */
static void add_sample(size_t kind, unsigned long from, unsigned long to,
                       int some)
{
    unsigned long n = to > from ? to - from : 0, last = 0, at;
    int i;

    for (i = 0; i < some; i++) {
        at = from + 1 + n * (unsigned long)i / (unsigned long)some;
        if (at > to || at == last)
            continue;
        last = at;
        add_case(kind, at);
    }
}

/*
 * The first calls all, of what follows some.  Most allocations of a start are
 * those of OpenSSL and the like: as many are taken of those that come after
 * it, which are the requests' own.
 */
static void choose_cases(const char *told, const char *only, bool brief)
{
    unsigned long n, total, started;
    size_t i;

    for (i = 0; i < ARRAY_LEN(kinds); i++) {
        int some = brief ? kinds[i].sample_short : kinds[i].sample;

        if (only != NULL && strcmp(only, kinds[i].name) != 0)
            continue;
        total = count_of(told, "count", kinds[i].name);
        started = count_of(told, "started", kinds[i].name);
        printf("%-16s %6lu calls, %lu of them until the first request\n",
               kinds[i].name, total, started);
        for (n = 1; !brief && n <= total && n <= FIRST; n++)
            add_case(i, n);
        n = brief ? 0 : FIRST;
        if (started > n && total > started) {
            add_sample(i, n, started, some / 2);
            add_sample(i, started, total, some / 2);
        } else {
            add_sample(i, n, total, some);
        }
    }
}

/* ---- the whole ------------------------------------------------------------------ */

static void find_programs(struct worker *w)
{
    char self[200] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;
    int i;

    CHECK(n > 0);
    for (i = 0; i < 2; i++) { /* BUILD/inject/run */
        slash = strrchr(self, '/');
        CHECK(slash != NULL);
        *slash = '\0';
    }
    *w = (struct worker){.listen_fd = -1};
    CHECK(snprintf(w->program, sizeof(w->program), "%s/sluice.fcgi", self) <
          (int)sizeof(w->program));
    CHECK(snprintf(w->preload, sizeof(w->preload), "%s/inject/preload.so",
                   self) < (int)sizeof(w->preload));
    CHECK(access(w->program, X_OK) == 0 && access(w->preload, R_OK) == 0);
}

/* It ends when we do.  Sets sim_url. */
static pid_t start_sim(const struct worker *w)
{
    char program[300], file[128], text[16] = "";
    int64_t until = clock_ms() + 10000;
    FILE *f = NULL;
    pid_t pid;

    (void)snprintf(program, sizeof(program), "%.*snimsim",
                   (int)(strrchr(w->program, '/') - w->program + 1),
                   w->program);
    (void)snprintf(file, sizeof(file), "%s/sim.port", root);
    pid = fork();
    CHECK(pid != -1);
    if (pid == 0) {
        (void)execl(program, "nimsim", "--parent", "--port-file", file,
                    "--limiter", "none", (char *)NULL);
        _exit(99);
    }
    while ((f = fopen(file, "re")) == NULL && clock_ms() < until)
        sleep_ms(10);
    CHECK(f != NULL && fgets(text, sizeof(text), f) != NULL);
    (void)fclose(f);
    (void)snprintf(sim_url, sizeof(sim_url), "http://127.0.0.1:%d", atoi(text));
    return pid;
}

static void run_job(const struct worker *w, int job)
{
    struct worker mine = *w;
    int i;

    mine.listen_fd = -1;
    (void)snprintf(mine.dir, sizeof(mine.dir), "%s/%d", root, job);
    for (i = job; i < shared->n_cases; i += JOBS)
        try_one(&shared->cases[i], &mine);
    worker_clean(&mine);
}

static void run_cases(const struct worker *w)
{
    pid_t pid[JOBS];
    int i, status;

    (void)fflush(stdout);
    for (i = 0; i < JOBS; i++) {
        pid[i] = fork();
        CHECK(pid[i] != -1);
        if (pid[i] == 0) {
            run_job(w, i);
            (void)fflush(stdout);
            _exit(0);
        }
    }
    for (i = 0; i < JOBS; i++)
        CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
}

/* With nothing failing: what is there to count, and how many descriptors does
 * a sound worker have?  NULL: not even that is right. */
static char *run_plain(struct worker *w)
{
    static const struct one plain = {0, 0, "none"};
    char *told;

    (void)snprintf(w->dir, sizeof(w->dir), "%s/plain", root);
    try_one(&plain, w);
    told = worker_file(w, "told");
    worker_clean(w);
    if (shared->tally[0].failed == 0 && count_of(told, "count", "malloc") > 0) {
        memset(shared->tally, 0, sizeof(shared->tally));
        return told;
    }
    printf("without any fault: a worker is not right, or preload.so does not "
           "count\n");
    free(told);
    return NULL;
}

static int sum_up(int64_t began_ms)
{
    struct tally all = {0};
    size_t i;

    printf("%-16s %6s %6s %6s %6s %6s %6s %6s %6s\n", "kind", "cases", "failed",
           "CHECK", "ended", "crash", "hang", "known", "wrong");
    for (i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct tally *t = &shared->tally[i];

        if (t->cases == 0)
            continue;
        add(&all, t);
        printf("%-16s %6d %6d %6d %6d %6d %6d %6d %6d\n", kinds[i].name,
               t->cases, t->happened, t->checks, t->messages, t->crashes,
               t->hangs, t->known, t->failed);
    }
    for (i = 0; i < ARRAY_LEN(known); i++)
        if (shared->known[i] > 0)
            printf("known, %d times: %s\n", shared->known[i], known[i].why);
    printf("%d calls failed in %d cases, %lld s\n", all.happened, all.cases,
           (long long)(clock_ms() - began_ms) / 1000);
    printf("%d passed, %d failed\n", all.passed, all.failed);
    return all.failed > 0 || all.passed == 0;
}

/* KIND:N[:ERRNO] */
static bool choose_one(const char *wish)
{
    const char *colon = strchr(wish, ':');
    size_t i, k, len;
    char *end;

    if (colon == NULL)
        return false;
    len = (size_t)(colon - wish);
    for (i = 0; i < ARRAY_LEN(kinds); i++) {
        struct one one = {i, 0, kinds[i].errors[0]};

        if (len != strlen(kinds[i].name) ||
            strncmp(wish, kinds[i].name, len) != 0)
            continue;
        one.n = strtoul(colon + 1, &end, 10);
        for (k = 0; k < 4 && *end == ':'; k++)
            if (kinds[i].errors[k] != NULL &&
                strcmp(kinds[i].errors[k], end + 1) == 0)
                one.error = kinds[i].errors[k];
        shared->cases[shared->n_cases++] = one;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    const char *only = NULL, *wish = NULL;
    int64_t began_ms = clock_ms();
    bool brief = false;
    struct worker w;
    char *told;
    pid_t sim;
    int i, rc = 1;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0)
            brief = true;
        else if (strcmp(argv[i], "--kind") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            wish = argv[i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    find_programs(&w);
    strcpy(root, "/tmp/sluice-inject-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    sim = start_sim(&w);
    told = run_plain(&w);
    if (told != NULL) {
        alone = wish != NULL;
        if (alone)
            CHECK(choose_one(wish));
        else
            choose_cases(told, only, brief);
        run_cases(&w);
        rc = sum_up(began_ms);
    } else {
        printf("0 passed, 1 failed\n");
    }
    free(told);
    (void)kill(sim, SIGTERM);
    (void)waitpid(sim, NULL, 0);
    (void)snprintf(w.dir, sizeof(w.dir), "%s", root);
    worker_clean(&w);
    return rc;
}
