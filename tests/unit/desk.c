/* desk.c - workers on one state directory, and what their tickets hear. */
#include "desk.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "state/history.h"
#include "state/history_save.h"
#include "state/worker.h"

static void note_event(void *arg, const char *event, const char *message)
{
    struct desk *d = arg;
    size_t n = strlen(d->log);

    (void)message;
    snprintf(d->log + n, sizeof(d->log) - n, "%s\n", event);
}

struct desk *desk_new(uint32_t requests)
{
    struct desk *d = calloc(1, sizeof(*d));

    CHECK(d != NULL);
    strcpy(d->dir, "/tmp/sluice-unit-XXXXXX");
    CHECK(mkdtemp(d->dir) != NULL);
    d->now = LAB_T0;
    d->set.n_upstreams = 1;
    d->set.rules[0] = lab_rules(requests, 60, 0);
    d->set.bounds = (struct limiter_bounds){LAY_WAITERS, LAY_WAITERS, 1u << 30};
    return d;
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir != NULL && (e = readdir(dir)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            if (unlinkat(dirfd(dir), e->d_name, 0) == -1)
                (void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(path);
}

void desk_free(struct desk *d)
{
    uint32_t i;

    for (i = 0; i < DESK_WORKERS; i++)
        limiter_close(d->w[i]);
    remove_dir(d->dir);
    free(d);
}

void desk_open(struct desk *d, uint32_t i)
{
    char err[256] = "";

    CU_ASSERT_EQUAL_FATAL(
        limiter_open(&d->w[i], d->dir, d->data_dir[0] != 0 ? d->data_dir : NULL,
                     &d->set, d->now, note_event, d, err, sizeof(err)),
        0);
    (void)limiter_turn(d->w[i], d->now);
}

struct desk *desk_of(uint32_t n, uint32_t requests)
{
    struct desk *d = desk_new(requests);
    uint32_t i;

    for (i = 0; i < n; i++)
        desk_open(d, i);
    return d;
}

/* Losing the file is what a death looks like to the others: the locks on it
 * and on the directory go, and nothing is given back. */
void desk_kill(struct desk *d, uint32_t i)
{
    struct limiter *lim = d->w[i];
    uint32_t k;

    for (k = 0; k < d->n; k++)
        if (d->asks[k].lim == lim)
            d->asks[k].ticket = NULL;
    file_close(&lim->file);
    lim->seat = NONE;
    limiter_close(lim);
    d->w[i] = NULL;
}

void desk_begin_anew(struct desk *d, uint32_t n)
{
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    CU_ASSERT_EQUAL(unlink(desk_stats_file(d)), 0);
    while (n-- > 0) {
        d->w[n] = NULL;
        desk_open(d, n);
    }
}

void desk_keep(struct desk *d)
{
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    desk_until_filled(d);
}

void desk_until_filled(struct desk *d)
{
    int turns = 0;

    do {
        desk_pass(d, 1);
        history_save_wait(d->w[0]);
    } while ((desk_stats(d, 0)->history.owner != 0 ||
              !desk_stats(d, 0)->history.filled) &&
             ++turns < 2000);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->history.filled, 1);
}

void desk_turn(struct desk *d)
{
    uint32_t i, round;

    for (round = 0; round < 3; round++) /* offers are accepted in the second */
        for (i = 0; i < DESK_WORKERS; i++)
            while (d->w[i] != NULL &&
                   (limiter_turn(d->w[i], d->now) <= d->now || d->w[i]->more))
                continue;
}

void desk_pass(struct desk *d, int64_t ms)
{
    d->now += ms * NS_PER_MS;
    desk_turn(d);
}

/* ---- tickets ------------------------------------------------------------- */

static void hear(void *arg, const struct ticket_news *news)
{
    struct ask *a = arg;

    a->news = *news;
    a->told++;
    a->waits += news->event == TICKET_WAITS;
    a->grants += news->event == TICKET_GRANTED;
    a->refusals += news->event == TICKET_REFUSED;
    if (news->event == TICKET_GRANTED) {
        a->granted_ns = a->desk->now;
        a->waiting_again = false;
    }
    if (news->event == TICKET_REFUSED) {
        a->why_refused = news->why;
        a->ticket = NULL;
    }
}

struct ask *desk_ask(struct desk *d, uint32_t i,
                     const struct limiter_request *req)
{
    struct limiter_request plain = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a = NULL;
    uint32_t k;

    for (k = 0; k < DESK_ASKS && d->n == DESK_ASKS && a == NULL; k++)
        if (d->asks[k].ticket == NULL)
            a = &d->asks[k]; /* of one that is over */
    if (d->n < DESK_ASKS)
        a = &d->asks[d->n++];
    CHECK(a != NULL);
    *a = (struct ask){.lim = d->w[i], .desk = d};
    a->ticket = limiter_join(d->w[i], req != NULL ? req : &plain, hear, a);
    return a;
}

struct ask *desk_ask_model(struct desk *d, uint32_t i, const char *model)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);

    req.model = model;
    return desk_ask(d, i, &req);
}

void desk_sent(struct ask *a)
{
    limiter_sent(a->lim, a->ticket);
}

void desk_done(struct ask *a, bool unsent)
{
    if (a->ticket != NULL)
        limiter_done(a->lim, a->ticket, unsent);
    a->ticket = NULL;
}

void desk_finish(struct desk *d)
{
    uint32_t i;

    for (i = 0; i < d->n; i++)
        if (d->asks[i].grants > 0 && d->asks[i].ticket != NULL)
            desk_done(&d->asks[i], false);
    desk_turn(d);
}

static void report(struct ask *a, enum limiter_answer answer,
                   enum ejection_cause cause, int64_t retry_s)
{
    struct limiter_report rep = {
        .answer = answer,
        .retry_after_ns = retry_s < 0 ? -1 : retry_s * NS_PER_S,
        .cause = cause,
        .tokens_left = -1,
        .reason = "what it said",
    };

    limiter_report(a->lim, a->ticket, &rep);
}

void desk_report(struct ask *a, enum limiter_answer answer, int64_t retry_s)
{
    report(a, answer, EJECTED_NOT, retry_s);
}

void desk_off(struct ask *a, enum ejection_cause cause, int64_t retry_s)
{
    report(a, ANSWER_OFF, cause, retry_s);
}

void desk_again(struct ask *a, bool unsent)
{
    a->waiting_again = true;
    limiter_again(a->lim, a->ticket, unsent);
}

/* ---- looking ------------------------------------------------------------- */

const char *desk_file(const struct desk *d)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", d->dir, FILE_NAME);
    return path;
}

const char *desk_stats_file(const struct desk *d)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", d->dir, STATS_NAME);
    return path;
}

struct layout *desk_layout(const struct desk *d, uint32_t i)
{
    return d->w[i]->file.lay;
}

struct stats_layout *desk_stats(const struct desk *d, uint32_t i)
{
    return d->w[i]->stats.lay;
}

bool desk_has_logged(const struct desk *d, const char *event)
{
    return strstr(d->log, event) != NULL;
}
