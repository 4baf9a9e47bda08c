/*
 * apart.c - several upstreams, a line for each: which one is a request's is
 * decided when it comes.
 *
 * As balancers do it that do not know how long the lines are.  "In turn": one
 * after the other.  "First fit": the first that has a slot now, else the first of
 * all.  Each line keeps its window exactly.  What is refused has a pause as an
 * SDK makes it, and is again the first of its line.  Whoever cannot be reached
 * is left alone for ten seconds, as nginx does, and its line goes elsewhere.
 */
#include <stdlib.h>

#include "lib/base.h"
#include "line.h"

#define AWAY_NS        (10 * NS_PER_S) /* nginx: fail_timeout */
#define PAUSE_FIRST_NS (500 * NS_PER_MS)
#define PAUSE_MAX_NS   (8 * NS_PER_S)

struct apart {
    struct run *r;
    struct line lines[UPSTREAMS];
    int64_t away_until_ns[UPSTREAMS];
    uint32_t turn; /* whose it was */
    bool is_first_fit;
};

static struct apart *apart_new(struct run *r, bool is_first_fit)
{
    struct apart *p = calloc(1, sizeof(*p));
    uint32_t i;

    CHECK(p != NULL);
    p->r = r;
    p->is_first_fit = is_first_fit;
    for (i = 0; i < r->n_upstreams; i++)
        line_init(&p->lines[i], r, i);
    return p;
}

static void *in_turn_open(struct run *r)
{
    return apart_new(r, false);
}

static void *first_fit_open(struct run *r)
{
    return apart_new(r, true);
}

static void apart_close(void *arg)
{
    struct apart *p = arg;
    uint32_t i;

    for (i = 0; i < p->r->n_upstreams; i++)
        line_fini(&p->lines[i]);
    free(p);
}

static bool is_away(const struct apart *p, uint32_t i)
{
    return p->away_until_ns[i] > p->r->now;
}

static uint32_t next_in_turn(struct apart *p)
{
    uint32_t n = p->r->n_upstreams, i, k = p->turn;

    for (i = 0; i < n; i++) {
        k = k + 1 < n ? k + 1 : 0;
        if (!is_away(p, k))
            break;
    }
    p->turn = k;
    return k;
}

static uint32_t first_fit(struct apart *p)
{
    uint32_t i, first = UPSTREAMS;

    for (i = 0; i < p->r->n_upstreams; i++) {
        const struct line *l = &p->lines[i];

        if (is_away(p, i))
            continue;
        first = first < i ? first : i;
        if (l->first == NULL &&
            limit_opens_ns(&p->lines[i].believed, p->r->now) <= p->r->now)
            return i;
    }
    return first < UPSTREAMS ? first : 0;
}

static void apart_ask(void *arg, struct job *j)
{
    struct apart *p = arg;
    uint32_t i = p->is_first_fit ? first_fit(p) : next_in_turn(p);
    struct line *l = &p->lines[i];

    line_append(l, j);
    while (line_opens_ns(l) <= p->r->now) /* the next one finds it taken */
        line_send(l);
}

static void leave_alone(struct apart *p, uint32_t i)
{
    struct job *j, *next;

    p->away_until_ns[i] = p->r->now + AWAY_NS;
    j = p->lines[i].first;
    p->lines[i].first = NULL;
    for (; j != NULL; j = next) {
        next = j->next;
        apart_ask(p, j);
    }
}

static void apart_heard(void *arg, struct job *j, const struct answer *a)
{
    struct apart *p = arg;

    if (a->say == SAY_FINE) {
        run_done(p->r, j, true);
    } else if (a->say == SAY_AWAY) {
        leave_alone(p, j->at);
        apart_ask(p, j);
    } else {
        run_later(p->r, j,
                  p->r->now + run_pause_ns(p->r, j->attempts, PAUSE_FIRST_NS,
                                           PAUSE_MAX_NS));
    }
}

static void apart_resume(void *arg, struct job *j)
{
    struct apart *p = arg;

    line_put_back(&p->lines[j->at], j);
}

static int64_t apart_turn(void *arg)
{
    struct apart *p = arg;
    int64_t next = NEVER;
    uint32_t i;

    for (i = 0; i < p->r->n_upstreams; i++) {
        while (line_opens_ns(&p->lines[i]) <= p->r->now)
            line_send(&p->lines[i]);
        next = min_i64(next, line_opens_ns(&p->lines[i]));
    }
    return next;
}

const struct policy policy_in_turn = {
    .name = "in turn",
    .open = in_turn_open,
    .close = apart_close,
    .ask = apart_ask,
    .heard = apart_heard,
    .resume = apart_resume,
    .turn = apart_turn,
};

const struct policy policy_first_fit = {
    .name = "first fit",
    .open = first_fit_open,
    .close = apart_close,
    .ask = apart_ask,
    .heard = apart_heard,
    .resume = apart_resume,
    .turn = apart_turn,
};
