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

struct sluice {
    struct run *r;
    struct limiter *lim;
    uint32_t n_kept; /* connections that an answer has left */
    char dir[64];
};

/* ---- opening and closing ---------------------------------------------------------- */

static struct limiter_settings settings(const struct row *row, enum whose whose)
{
    struct limiter_settings set;

    memset(&set, 0, sizeof(set));
    set.n_upstreams = 1;
    snprintf(set.rules[0].name, sizeof(set.rules[0].name), "upstream");
    set.rules[0].window_ns = row->window_ns;
    set.rules[0].margin_ns = row->margin_ns;
    set.rules[0].requests = set.rules[0].burst = row->believed;
    set.rules[0].per_model = whose == OF_MODELS;
    set.rules[0].learns = whose == FOUND_OUT;
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

static void *start(struct run *r, enum whose whose)
{
    struct limiter_settings set = settings(r->row, whose);
    struct sluice *s = calloc(1, sizeof(*s));
    char err[256];

    CHECK(s != NULL);
    s->r = r;
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
    return start(r, FOUND_OUT);
}

static void *sluice_open_model(struct run *r)
{
    return start(r, OF_MODELS);
}

static void *sluice_open_account(struct run *r)
{
    return start(r, OF_ONE);
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
        connect_it(current, j);
        run_send(r, j);
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

static void sluice_ask(void *p, struct job *j)
{
    struct sluice *s = p;
    char client[16], model[16];
    struct limiter_request req = {.cls = CLASS_NORMAL,
                                  .weight = 1,
                                  .client = client,
                                  .model = model,
                                  .request_id = "req",
                                  .deadline_ns = NEVER};

    j->is_fresh = false;
    snprintf(client, sizeof(client), "client-%u", j->client);
    snprintf(model, sizeof(model), "model-%d", j->model);
    j->own = limiter_join(s->lim, &req, on_news, j);
}

static void finish(struct sluice *s, struct job *j, bool good)
{
    limiter_done(s->lim, j->own, false);
    j->own = NULL;
    run_done(s->r, j, good);
}

/* ---- answers: fcgi/attempt.c -------------------------------------------------------- */

static void report(struct sluice *s, const struct job *j,
                   const struct answer *a, enum limiter_answer means)
{
    struct limiter_report rep = {.answer = means,
                                 .retry_after_ns = a->retry_after_ns,
                                 .tokens_left = -1};

    limiter_report(s->lim, j->own, &rep);
}

static void fault(struct sluice *s, struct job *j)
{
    int64_t ms;

    if (++j->faults >= s->r->row->tries) {
        finish(s, j, false);
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
        finish(s, j, true);
        return;
    case SAY_NEVER: /* its words say so: nobody else is concerned */
        report(s, j, a, ANSWER_FAULT);
        finish(s, j, false);
        return;
    case SAY_RATE:
        report(s, j, a, ANSWER_RATE);
        limiter_again(s->lim, j->own, false);
        return;
    case SAY_BUSY:
        report(s, j, a, ANSWER_BUSY);
        limiter_again(s->lim, j->own, false);
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

const struct policy policy_sluice = {
    .name = "sluice",
    .open = sluice_open,
    .close = sluice_close,
    .ask = sluice_ask,
    .heard = sluice_heard,
    .resume = sluice_resume,
    .turn = sluice_turn,
};

const struct policy policy_sluice_model = {
    .name = "scope model",
    .open = sluice_open_model,
    .close = sluice_close,
    .ask = sluice_ask,
    .heard = sluice_heard,
    .resume = sluice_resume,
    .turn = sluice_turn,
};

const struct policy policy_sluice_account = {
    .name = "scope account",
    .open = sluice_open_account,
    .close = sluice_close,
    .ask = sluice_ask,
    .heard = sluice_heard,
    .resume = sluice_resume,
    .turn = sluice_turn,
};
