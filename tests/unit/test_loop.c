/* Mirrors lib/loop.c.  All times lie in the past, so nothing sleeps. */
#include "lib/loop.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "unit.h"

#define TIMERS 500

struct ejection {
    struct loop *l;
    int steps, max_steps; /* then the hook stops the loop */
    struct one {
        struct ejection *b;
        struct loop_timer t;
        struct loop_watch w;
        int calls;
    } ones[TIMERS];
    struct one *order[TIMERS]; /* in which they fired */
    size_t n_fired;
};

static uint32_t dice(uint32_t n)
{
    static uint64_t seed = 1;

    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static void note(void *arg)
{
    struct one *o = arg;

    o->calls++;
    if (o->b->n_fired < TIMERS)
        o->b->order[o->b->n_fired++] = o;
}

static void count_step(void *arg)
{
    struct ejection *b = arg;

    if (++b->steps >= b->max_steps)
        loop_stop(b->l);
}

static void bench_open(struct ejection *b, int max_steps)
{
    size_t i;

    memset(b, 0, sizeof(*b));
    b->l = loop_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(b->l);
    b->max_steps = max_steps;
    for (i = 0; i < TIMERS; i++) {
        b->ones[i].b = b;
        b->ones[i].t.fn = note;
        b->ones[i].t.arg = &b->ones[i];
        b->ones[i].w.fd = -1;
    }
}

/* The oracle keeps the times in an array and looks at all of them. */
static void timers_fire_in_order(void)
{
    static struct ejection b;
    int64_t at[TIMERS] = {0}; /* 0: not set */
    size_t set, i, k;
    int round;

    for (round = 0; round < 20; round++) {
        bench_open(&b, 1);
        memset(at, 0, sizeof(at));
        for (k = 0; k < 4000; k++) {
            i = dice(TIMERS);
            if (dice(3) == 0) {
                loop_cancel(b.l, &b.ones[i].t);
                at[i] = 0;
            } else {
                at[i] = 1 + dice(200);
                loop_at(b.l, &b.ones[i].t, at[i]);
            }
        }
        for (i = 0, set = 0; i < TIMERS; i++)
            set += at[i] != 0;
        loop_run(b.l, count_step, &b);
        CU_ASSERT_EQUAL(b.n_fired, set);
        for (i = 0; i < b.n_fired; i++) {
            struct one *o = b.order[i];

            CU_ASSERT_EQUAL(o->t.at_ns, at[o - b.ones]);
            CU_ASSERT_EQUAL(o->calls, 1);
            CU_ASSERT_EQUAL(o->t.place, 0);
            if (i > 0)
                CU_ASSERT_TRUE(b.order[i - 1]->t.at_ns <= o->t.at_ns);
        }
        loop_free(b.l);
    }
}

static void a_timer_ahead_waits(void)
{
    static struct ejection b;

    bench_open(&b, 1);
    loop_at(b.l, &b.ones[0].t, loop_now(b.l) + INT64_C(3600000000000));
    loop_at(b.l, &b.ones[1].t, loop_now(b.l));
    loop_run(b.l, count_step, &b);
    CU_ASSERT_EQUAL(b.ones[0].calls, 0);
    CU_ASSERT_EQUAL(b.ones[1].calls, 1);
    loop_cancel(b.l, &b.ones[0].t);
    loop_cancel(b.l, &b.ones[0].t);
    loop_free(b.l);
}

#define HOUR INT64_C(3600000000000)

/* It stays where it lay among the others, and must not be taken for due there,
 * nor be lost when it is put off again, or brought forward. */
static void a_timer_that_was_put_off_is_not_early(void)
{
    static struct ejection b;
    int64_t now;
    size_t i;

    bench_open(&b, 1);
    now = loop_now(b.l);
    for (i = 0; i < TIMERS; i++)
        loop_at(b.l, &b.ones[i].t, 1 + dice(100));
    for (i = 0; i < TIMERS; i++)
        loop_at(b.l, &b.ones[i].t, now + HOUR + dice(100));
    for (i = 0; i < 10; i++)
        loop_at(b.l, &b.ones[i].t, now + 2 * HOUR);
    loop_at(b.l, &b.ones[3].t, 7);
    loop_run(b.l, count_step, &b);
    CU_ASSERT_EQUAL(b.n_fired, 1);
    CU_ASSERT_PTR_EQUAL(b.order[0], &b.ones[3]);
    for (i = 0; i < TIMERS; i++)
        CU_ASSERT_EQUAL(b.ones[i].t.place != 0, i != 3);
    loop_free(b.l);
}

static void cancel_all_others(void *arg)
{
    struct one *o = arg;
    size_t i;

    o->calls++;
    for (i = 0; i < TIMERS; i++)
        if (&o->b->ones[i] != o)
            loop_cancel(o->b->l, &o->b->ones[i].t);
}

static void a_timer_may_cancel_the_next(void)
{
    static struct ejection b;
    int calls = 0;
    size_t i;

    bench_open(&b, 1);
    for (i = 0; i < TIMERS; i++) {
        b.ones[i].t.fn = cancel_all_others;
        loop_at(b.l, &b.ones[i].t, 1 + dice(100));
    }
    loop_run(b.l, count_step, &b);
    for (i = 0; i < TIMERS; i++)
        calls += b.ones[i].calls;
    CU_ASSERT_EQUAL(calls, 1);
    loop_free(b.l);
}

static void set_again(void *arg)
{
    struct one *o = arg;

    o->calls++;
    loop_at(o->b->l, &o->t, 1);
}

static void a_timer_that_sets_itself_lets_others_run(void)
{
    static struct ejection b;

    bench_open(&b, 7);
    b.ones[0].t.fn = set_again;
    loop_at(b.l, &b.ones[0].t, 1);
    loop_run(b.l, count_step, &b);
    CU_ASSERT_EQUAL(b.ones[0].calls, 7);
    loop_free(b.l);
}

/* ---- descriptors ---------------------------------------------------------- */

static void unwatch_all_others(void *arg, uint32_t events)
{
    struct one *o = arg;
    size_t i;

    CU_ASSERT_TRUE((events & EPOLLIN) != 0);
    o->calls++;
    for (i = 0; i < TIMERS; i++)
        if (&o->b->ones[i] != o)
            loop_unwatch(o->b->l, &o->b->ones[i].w);
}

/* Of many that are ready in one batch, the first one called unwatches all. */
static void no_call_after_unwatch(void)
{
    static struct ejection b;
    int fds[60], calls = 0;
    size_t i;

    bench_open(&b, 3);
    for (i = 0; i < 60; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        CU_ASSERT_NOT_EQUAL_FATAL(fds[i], -1);
        b.ones[i].w.fn = unwatch_all_others;
        b.ones[i].w.arg = &b.ones[i];
        loop_watch(b.l, &b.ones[i].w, fds[i], EPOLLIN);
    }
    loop_run(b.l, count_step, &b);
    for (i = 0; i < 60; i++) {
        calls += b.ones[i].calls;
        if (b.ones[i].calls > 0)
            CU_ASSERT_EQUAL(b.ones[i].calls, 3); /* it is still watched */
        close(fds[i]);
    }
    CU_ASSERT_EQUAL(calls, 3);
    loop_free(b.l);
}

static void unwatch_self(void *arg, uint32_t events)
{
    struct one *o = arg;

    (void)events;
    o->calls++;
    loop_unwatch(o->b->l, &o->w);
}

static void events_can_be_changed(void)
{
    static struct ejection b;
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

    bench_open(&b, 2);
    b.ones[0].w.fn = unwatch_self;
    b.ones[0].w.arg = &b.ones[0];
    loop_watch(b.l, &b.ones[0].w, fd, EPOLLIN);
    loop_watch(b.l, &b.ones[0].w, fd, 0);
    loop_at(b.l, &b.ones[1].t, 1); /* so that no step waits */
    b.ones[1].t.fn = set_again;
    loop_run(b.l, count_step, &b);
    CU_ASSERT_EQUAL(b.ones[0].calls, 0);
    loop_free(b.l);

    bench_open(&b, 2);
    b.ones[0].w.fn = unwatch_self;
    b.ones[0].w.arg = &b.ones[0];
    loop_at(b.l, &b.ones[1].t, 1);
    b.ones[1].t.fn = set_again;
    loop_watch(b.l, &b.ones[0].w, fd, 0);
    loop_watch(b.l, &b.ones[0].w, fd, EPOLLOUT);
    loop_run(b.l, count_step, &b);
    CU_ASSERT_EQUAL(b.ones[0].calls, 1);
    loop_unwatch(b.l, &b.ones[0].w); /* twice is fine */
    loop_free(b.l);
    close(fd);
}

/* ---- what is gathered ----------------------------------------------------- */

static void read_it(void *arg, uint32_t events)
{
    struct one *o = arg;
    uint64_t n;

    (void)events;
    o->calls++;
    CU_ASSERT_EQUAL(read(o->w.fd, &n, sizeof(n)), sizeof(n));
}

static void gather_an_hour(void *arg)
{
    struct ejection *b = arg;

    loop_gather(b->l, HOUR);
    count_step(b);
}

static struct one *ready_one(struct ejection *b, size_t i)
{
    struct one *o = &b->ones[i];
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    o->w.fn = read_it;
    o->w.arg = o;
    loop_watch(b->l, &o->w, fd, EPOLLIN);
    return o;
}

static void close_one(struct ejection *b, struct one *o)
{
    int fd = o->w.fd;

    loop_unwatch(b->l, &o->w);
    close(fd);
}

/* An hour is the rest of the test's life. */
static void what_is_urgent_is_not_kept_waiting(void)
{
    static struct ejection b;
    struct one *first, *urgent;
    uint64_t n = 1;

    bench_open(&b, 2);
    first = ready_one(&b, 0);
    urgent = ready_one(&b, 1);
    CU_ASSERT_EQUAL(read(urgent->w.fd, &n, sizeof(n)), sizeof(n));
    loop_hurry(b.l, urgent->w.fd);
    b.ones[2].t.fn = note;
    loop_at(b.l, &b.ones[2].t, 1);
    b.max_steps = 1;
    loop_run(b.l, gather_an_hour, &b);
    CU_ASSERT_EQUAL(first->calls, 1);
    CU_ASSERT_EQUAL(loop_ready(b.l), 1);

    CU_ASSERT_EQUAL(write(urgent->w.fd, &n, sizeof(n)), sizeof(n));
    b.max_steps = 2;
    loop_run(b.l, gather_an_hour, &b);
    CU_ASSERT_EQUAL(urgent->calls, 1);

    loop_at(b.l, &b.ones[2].t, 1); /* a timer is not, either */
    b.max_steps = 3;
    loop_run(b.l, gather_an_hour, &b);
    CU_ASSERT_EQUAL(b.ones[2].calls, 2);
    close_one(&b, first);
    close_one(&b, urgent);
    loop_free(b.l);
}

static void gather_some(void *arg)
{
    struct ejection *b = arg;

    if (b->steps == 0)
        loop_gather(b->l, 20000000);
    count_step(b);
}

static void what_is_not_comes_together(void)
{
    static struct ejection b;
    struct one *one, *never;
    uint64_t n = 1;
    int64_t first;

    bench_open(&b, 1);
    one = ready_one(&b, 0);
    never = ready_one(&b, 1);
    CU_ASSERT_EQUAL(read(never->w.fd, &n, sizeof(n)), sizeof(n));
    loop_hurry(b.l, never->w.fd);
    loop_run(b.l, gather_some, &b);
    first = loop_now(b.l);
    CU_ASSERT_EQUAL(write(one->w.fd, &n, sizeof(n)), sizeof(n));
    b.max_steps = 2;
    loop_run(b.l, gather_some, &b);
    CU_ASSERT_EQUAL(one->calls, 2);
    CU_ASSERT_TRUE(loop_now(b.l) - first >= 20000000);

    close_one(&b, one);
    close_one(&b, never);
    loop_free(b.l);
}

static const struct unit_test tests[] = {
    {"timers fire in order, whatever was set and cancelled before",
     timers_fire_in_order},
    {"a timer ahead waits", a_timer_ahead_waits},
    {"a timer that was put off is not early",
     a_timer_that_was_put_off_is_not_early},
    {"a timer may cancel the next", a_timer_may_cancel_the_next},
    {"a timer that sets itself lets others run",
     a_timer_that_sets_itself_lets_others_run},
    {"no descriptor is called after it was unwatched, in the same batch too",
     no_call_after_unwatch},
    {"the events of a descriptor can be changed", events_can_be_changed},
    {"what is urgent, and a timer, is not kept waiting for more",
     what_is_urgent_is_not_kept_waiting},
    {"what is not is dealt with together, later", what_is_not_comes_together},
    {NULL, NULL},
};

CU_ErrorCode test_loop_add(void)
{
    return unit_add("loop", tests);
}
