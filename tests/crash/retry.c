/*
 * retry.c - a worker is killed with waiters: what do their clients' retries
 * find on another worker?
 *
 * Each goes to the head of its own client's line, in the order in which they
 * come, and before nobody of another client.
 */
#include "crash.h"

#define LOST  4 /* waiters of the victim's */
#define THERE 3 /* waiters of the survivor's, of the same client */

static void hear(void *arg, const struct ticket_news *news)
{
    if (news->event == TICKET_GRANTED)
        *(int *)arg = 1;
}

static struct ticket *join(struct limiter *lim, const char *client,
                           int fingerprint, bool retry, int *granted)
{
    struct limiter_request req = request(client);

    req.fingerprint = (uint64_t)fingerprint;
    req.retry = retry;
    *granted = 0;
    return limiter_join(lim, &req, hear, granted);
}

static void victim(const struct limiter_settings *set)
{
    struct limiter *lim = worker(set, boottime_ns());
    int granted[LOST], i;

    for (i = 0; i < LOST; i++)
        (void)join(lim, "a", 100 + i, false, &granted[i]);
    (void)limiter_turn(lim, boottime_ns());
    raise(SIGSTOP);
    _exit(0);
}

static void turns(struct limiter *lim, int ms)
{
    int i;

    for (i = 0; i < ms; i++) {
        (void)limiter_turn(lim, boottime_ns());
        usleep(1000);
    }
}

/* The victim's, sent again: all but the first, the last one first. */
#define N (1 + THERE + 1 + LOST)

int main(void)
{
    struct limiter_settings set = settings(1, 150, 0);
    /* 0 holds the slot; 1-3 are a's, 4 is b's; 5 was never lost, 6-8 were. */
    static const int order[N] = {0, 6, 4, 7, 8, 1, 2, 3, 5};
    struct limiter *lim;
    struct ticket *t[N];
    int granted[N], i, k;
    pid_t pid;

    make_dir();
    lim = worker(&set, boottime_ns());
    memset(lim->file.lay->live.lost_ns, 0, sizeof(lim->file.lay->live.lost_ns));
    t[0] = join(lim, "c", 1, false, &granted[0]);
    turns(lim, 1);
    pid = fork();
    if (pid == 0)
        victim(&set);
    CHECK(wait_stop(pid));
    for (i = 1; i <= THERE; i++)
        t[i] = join(lim, "a", 10 + i, false, &granted[i]);
    t[4] = join(lim, "b", 20, false, &granted[4]);
    turns(lim, 1);
    check(lim->file.lay->live.waiting == THERE + 1 + LOST, "they do not wait");
    end(pid);
    turns(lim, 60); /* sooner than the dead are looked for */
    t[5] = join(lim, "a", 999, true, &granted[5]);
    for (i = 1; i < LOST; i++)
        t[5 + i] = join(lim, "a", 100 + LOST - i, true, &granted[5 + i]);
    turns(lim, 1);
    check(lim->stats.lay->counters.swept == 1, "it is not swept");
    check(lim->stats.lay->counters.seniors == LOST - 1, "%d seniors",
          (int)lim->stats.lay->counters.seniors);
    for (i = 0; i < N; i++) {
        for (k = 0; k < 1000 && !granted[order[i]]; k++)
            turns(lim, 1);
        check(granted[order[i]], "%d was not granted", order[i]);
        for (k = i + 1; k < N; k++)
            check(!granted[order[k]], "%d came before its turn", order[k]);
        limiter_done(lim, t[order[i]], false);
    }
    turns(lim, 2);
    check(is_settled(lim->file.lay), "something is left");
    limiter_close(lim);
    return finish("retry");
}
