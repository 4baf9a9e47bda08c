/*
 * sluice.c - our policy: state/ as it is, and what fcgi/attempt.c does with an
 * answer.
 *
 * One worker on a state directory of its own.  What is left out: the queue's
 * deadline, a pause that a client's own timeout would cut short.  Two things in
 * state/ look at the machine's clock, and find it far behind the turn's: so
 * both take the turn's time, and the same seed gives the same run.
 */
#include "policy.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base.h"
#include "run.h"
#include "state/limiter.h"

#define PAUSE_FIRST_NS (500 * NS_PER_MS)
#define PAUSE_MAX_NS   (8 * NS_PER_S)
#define TURNS_MAX      1000 /* at one moment; more is a circle */

enum whose { FOUND_OUT, OF_MODELS, OF_ONE };

/* What is done otherwise than we do it. */
struct variant {
    enum whose whose;
    bool is_unsettled; /* the most is reserved, and nothing learned */
    bool is_blind;     /* there is no limit in tokens */
};

struct sluice {
    struct run *r;
    struct variant variant;
    struct limiter *lim;
    uint32_t n_kept; /* connections that an answer has left */
    char dir[64];
};

/* ---- opening and closing ---------------------------------------------------------- */

static void rules(struct limiter_rules *to, const struct row *row, uint32_t i,
                  const struct variant *v)
{
    if (i == 0)
        snprintf(to->name, sizeof(to->name), "upstream");
    else
        snprintf(to->name, sizeof(to->name), "upstream-%u", i);
    to->window_ns = row->window_ns;
    to->margin_ns = row->margin_ns;
    to->requests = to->burst = row_believed(row, i);
    to->per_model = v->whose == OF_MODELS;
    to->learns = v->whose == FOUND_OUT;
    to->line = row_upstreams(row) > 1; /* all wait in the first's */
    to->tokens = v->is_blind ? 0 : row_upstream(row, i)->tokens.size;
}

static struct limiter_settings settings(const struct row *row,
                                        const struct variant *v)
{
    struct limiter_settings set;
    uint32_t i;

    memset(&set, 0, sizeof(set));
    set.n_upstreams = row_upstreams(row);
    for (i = 0; i < set.n_upstreams; i++)
        rules(&set.rules[i], row, i, v);
    set.bounds = (struct limiter_bounds){4096, 4096, UINT64_C(1) << 40};
    return set;
}

static void make_dir(struct sluice *s)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(s->dir, sizeof(s->dir), "%.30s/sluice-goodput-XXXXXX", tmp);
    CHECK(mkdtemp(s->dir) != NULL);
}

static void remove_dir(const struct sluice *s)
{
    DIR *d = opendir(s->dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    (void)rmdir(s->dir);
}

/* For whoever looks at one run. */
static void log_event(void *arg, const char *event, const char *message)
{
    const struct run *r = arg;

    printf("%8.3f %s: %s\n", (double)(r->now - RUN_T0) / NS_PER_S, event,
           message);
}

static void *start(struct run *r, struct variant variant)
{
    struct limiter_settings set = settings(r->row, &variant);
    struct sluice *s = calloc(1, sizeof(*s));
    char err[256];

    CHECK(s != NULL);
    s->r = r;
    s->variant = variant;
    make_dir(s);
    if (limiter_open(&s->lim, s->dir, NULL, &set, r->now,
                     getenv("GOODPUT_LOG") != NULL ? log_event : NULL, r, err,
                     sizeof(err)) == -1) {
        fprintf(stderr, "goodput: %s\n", err);
        exit(1);
    }
    return s;
}

static void *sluice_open(struct run *r)
{
    return start(r, (struct variant){.whose = FOUND_OUT});
}

static void *sluice_open_model(struct run *r)
{
    return start(r, (struct variant){.whose = OF_MODELS});
}

static void *sluice_open_account(struct run *r)
{
    return start(r, (struct variant){.whose = OF_ONE});
}

static void *sluice_open_unsettled(struct run *r)
{
    return start(r, (struct variant){.is_unsettled = true});
}

static void *sluice_open_blind(struct run *r)
{
    return start(r, (struct variant){.is_blind = true});
}

static void sluice_close(void *p)
{
    struct sluice *s = p;

    limiter_close(s->lim);
    remove_dir(s);
    free(s);
}

/* ---- tickets ------------------------------------------------------------------------ */

/* A policy has one run at a time, and a ticket's callback one argument. */
static struct sluice *current;

static void connect_it(struct sluice *s, struct job *j)
{
    j->is_kept = s->n_kept > 0 && !j->is_fresh;
    s->n_kept -= j->is_kept;
}

static void on_news(void *arg, const struct ticket_news *news)
{
    struct job *j = arg;
    struct run *r = current->r;

    switch (news->event) {
    case TICKET_WAITS:
        if (j->eta_ns == -1 && j->attempts == 0 && news->eta_ns >= 0)
            j->eta_ns = r->now + news->eta_ns;
        return;
    case TICKET_GRANTED:
        j->at = news->choice; /* in the order of the settings */
        connect_it(current, j);
        run_send(r, j);
        if (!upstream_is_away(&r->upstreams[j->at], r->now))
            limiter_sent(current->lim, j->own);
        return;
    case TICKET_REFUSED:
        j->own = NULL;
        run_done(r, j, false);
        return;
    case TICKET_CANCELLED:
        return;
    }
}

/* Any of them will do. */
static uint32_t choices(const struct sluice *s, struct limiter_choice *to,
                        const char *model)
{
    uint32_t i;

    if (s->r->n_upstreams == 1)
        return 0;
    for (i = 0; i < s->r->n_upstreams; i++)
        to[i] = (struct limiter_choice){.upstream = i, .model = model};
    return s->r->n_upstreams;
}

static uint32_t max_tokens(const struct sluice *s, const struct job *j)
{
    return s->variant.is_unsettled && j->size.max_tokens == 0
               ? SIZES_OUT_MAX
               : j->size.max_tokens;
}

static void sluice_ask(void *p, struct job *j)
{
    struct limiter_choice to[UPSTREAMS];
    struct sluice *s = p;
    char client[16], model[16];
    struct limiter_request req = {.cls = CLASS_NORMAL,
                                  .weight = 1,
                                  .client = client,
                                  .model = model,
                                  .request_id = "req",
                                  .prompt_bytes = j->size.prompt_bytes,
                                  .max_tokens = max_tokens(s, j),
                                  .deadline_ns = NEVER};

    j->is_fresh = false;
    snprintf(client, sizeof(client), "client-%u", j->client);
    snprintf(model, sizeof(model), "model-%d", j->model);
    req.choices = to;
    req.n_choices = choices(s, to, model);
    j->own = limiter_join(s->lim, &req, on_news, j);
}

static void finish(struct sluice *s, struct job *j, bool good)
{
    limiter_done(s->lim, j->own, false);
    j->own = NULL;
    run_done(s->r, j, good);
}

/* What it took: fcgi/usage_report.c. */
static void settle(struct sluice *s, const struct job *j)
{
    struct limiter_usage u = {j->size.in, j->size.out};

    if (j->size.in > 0 && !j->size.is_aborted && !s->variant.is_unsettled)
        limiter_settle(s->lim, j->own, &u);
}

/* ---- answers: fcgi/attempt.c -------------------------------------------------------- */

static void report(struct sluice *s, const struct job *j,
                   const struct answer *a, enum limiter_answer means)
{
    struct limiter_report rep = {.answer = means,
                                 .retry_after_ns = a->retry_after_ns,
                                 .tokens_left = -1};

    if (means == ANSWER_FAULT && s->r->n_upstreams > 1)
        rep.shun = UINT32_C(1) << j->at;
    limiter_report(s->lim, j->own, &rep);
}

/* As fcgi/tell_limiter.c has it: it has taken nothing. */
static void refused(struct sluice *s, const struct job *j,
                    const struct answer *a, enum limiter_answer means)
{
    static const struct limiter_usage nothing = {0, 0};

    report(s, j, a, means);
    if (j->size.in > 0)
        limiter_settle(s->lim, j->own, &nothing);
    limiter_again(s->lim, j->own, false);
}

static void fault(struct sluice *s, struct job *j)
{
    int64_t ms;

    if (++j->faults >= s->r->row->tries) {
        finish(s, j, false);
        return;
    }
    if (j->faults < s->r->n_upstreams) { /* another one is asked at once */
        limiter_again(s->lim, j->own, false);
        return;
    }
    ms = run_pause_ns(s->r, j->faults, PAUSE_FIRST_NS, PAUSE_MAX_NS);
    limiter_aside(s->lim, j->own, false, ms);
    run_later(s->r, j, s->r->now + ms);
}

/* A kept connection that ends without an answer tells of no fault: upstream.c
 * takes it for one that was dead. */
static void silence(struct sluice *s, struct job *j, const struct answer *a)
{
    if (j->is_kept) {
        j->is_fresh = true;
        limiter_again(s->lim, j->own, false);
        return;
    }
    report(s, j, a, ANSWER_FAULT);
    fault(s, j);
}

static void sluice_heard(void *p, struct job *j, const struct answer *a)
{
    struct sluice *s = p;

    s->n_kept += a->say != SAY_SILENT;
    switch (a->say) {
    case SAY_FINE:
        report(s, j, a, ANSWER_FINE);
        settle(s, j);
        finish(s, j, true);
        return;
    case SAY_NEVER: /* its words say so: nobody else is concerned */
        report(s, j, a, ANSWER_FAULT);
        finish(s, j, false);
        return;
    case SAY_RATE:
        refused(s, j, a, ANSWER_RATE);
        return;
    case SAY_BUSY:
        refused(s, j, a, ANSWER_BUSY);
        return;
    case SAY_AWAY:
        report(s, j, a, ANSWER_AWAY);
        limiter_again(s->lim, j->own, true);
        return;
    case SAY_FAULT:
        report(s, j, a, ANSWER_FAULT);
        fault(s, j);
        return;
    case SAY_SILENT:
        silence(s, j, a);
        return;
    case SAY_MIXED:
        return;
    }
}

static void sluice_resume(void *p, struct job *j)
{
    struct sluice *s = p;

    limiter_again(s->lim, j->own, false);
}

static int64_t sluice_turn(void *p)
{
    int i;
    int64_t due;

    current = p;
    for (i = 0; i < TURNS_MAX; i++) {
        due = limiter_turn(current->lim, current->r->now);
        if (due > current->r->now && !limiter_has_wishes(current->lim))
            return due;
    }
    CHECK(i < TURNS_MAX);
    return NEVER;
}

#define SLUICE(NAME, OPEN)                                                     \
    {                                                                          \
        .name = (NAME), .tells = true, .open = (OPEN), .close = sluice_close,  \
        .ask = sluice_ask, .heard = sluice_heard, .resume = sluice_resume,     \
        .turn = sluice_turn                                                    \
    }

const struct policy policy_sluice = SLUICE("sluice", sluice_open);
const struct policy policy_sluice_model =
    SLUICE("scope model", sluice_open_model);
const struct policy policy_sluice_account =
    SLUICE("scope account", sluice_open_account);
const struct policy policy_sluice_unsettled =
    SLUICE("reserves", sluice_open_unsettled);
const struct policy policy_sluice_blind =
    SLUICE("requests only", sluice_open_blind);
