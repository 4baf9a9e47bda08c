/* desk.c - a state directory, workers and requests. */
#include "desk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

int64_t desk_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void desk_init(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%.30s/sluice-bench-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
}

void desk_fini(void)
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

struct limiter_settings desk_settings(uint32_t requests, int64_t window_ns,
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

void desk_share(struct limiter_settings *set, uint32_t n)
{
    uint32_t i;

    set->n_upstreams = n;
    for (i = 0; i < n; i++) {
        struct limiter_rules *r = &set->rules[i];

        *r = set->rules[0];
        snprintf(r->name, sizeof(r->name), "bench-%u", i);
        r->line = n > 1 ? 1 : 0;
        r->tokens = 1000 * 1000 * 1000;
    }
}

struct limiter *desk_worker(const struct limiter_settings *set)
{
    struct limiter *lim;
    char err[256];

    if (limiter_open(&lim, dir, NULL, set, desk_now_ns(), NULL, NULL, err,
                     sizeof(err)) == -1) {
        fprintf(stderr, "limiter_bench: %s\n", err);
        exit(1);
    }
    (void)limiter_turn(lim, desk_now_ns());
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

void desk_join(struct limiter *lim, struct ask *a)
{
    struct limiter_request req = {.cls = a->cls,
                                  .weight = 1,
                                  .client = a->client,
                                  .model = "meta/llama-3.1-8b-instruct",
                                  .request_id = "req_0123456789abcdef01234567",
                                  .choices = a->choices,
                                  .n_choices = a->n_choices,
                                  .prompt_bytes = a->tokens > 0 ? 2000 : 0,
                                  .max_tokens = a->tokens,
                                  .deadline_ns = NEVER};

    a->granted = a->refused = false;
    a->ticket = limiter_join(lim, &req, on_news, a);
}

void desk_leave(struct limiter *lim, struct ask *a, bool unsent)
{
    if (a->ticket != NULL)
        limiter_done(lim, a->ticket, unsent);
    a->ticket = NULL;
}

void desk_turn(struct limiter *lim)
{
    do
        (void)limiter_turn(lim, desk_now_ns());
    while (limiter_has_wishes(lim));
}
