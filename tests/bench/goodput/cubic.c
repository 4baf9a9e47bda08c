/*
 * cubic.c - a bucket whose rate follows CUBIC on the rate that was measured,
 * as the "adaptive" retry mode of the AWS SDKs has it.
 *
 * Its numbers are theirs; the bucket is only there after the first refusal, and
 * its rate never falls below one in two seconds.  The limit that was set holds
 * besides.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/base.h"
#include "line.h"

#define BETA      0.7
#define SCALE     0.4
#define SMOOTH    0.8
#define RATE_MIN  0.5 /* tokens a second */
#define BUCKET_NS (NS_PER_S / 2)

struct cubic {
    struct line line;
    bool limits; /* it was refused once */
    double rate, tokens, capacity;
    int64_t filled_ns, throttled_ns;
    double rate_max, window_s; /* of the cubic curve */
    double measured;           /* answers a second */
    int64_t bucket_ns;         /* of the measurement */
    uint32_t answers;
};

static void *cubic_open(struct run *r)
{
    struct cubic *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    line_init(&p->line, r, 0);
    p->bucket_ns = p->filled_ns = p->throttled_ns = r->now;
    return p;
}

static void cubic_close(void *arg)
{
    struct cubic *p = arg;

    line_fini(&p->line);
    free(p);
}

static void cubic_ask(void *arg, struct job *j)
{
    struct cubic *p = arg;

    line_append(&p->line, j);
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void measure(struct cubic *p)
{
    int64_t now = p->line.r->now, bucket = now - now % BUCKET_NS;

    p->answers++;
    if (bucket <= p->bucket_ns)
        return;
    p->measured = p->measured * (1 - SMOOTH) +
                  (double)p->answers / seconds(bucket - p->bucket_ns) * SMOOTH;
    p->answers = 0;
    p->bucket_ns = bucket;
}

static void fill(struct cubic *p)
{
    int64_t now = p->line.r->now;

    p->tokens += p->rate * seconds(now - p->filled_ns);
    p->tokens = fmin(p->tokens, p->capacity);
    p->filled_ns = now;
}

static void set_rate(struct cubic *p, double rate)
{
    fill(p);
    p->rate = fmax(rate, RATE_MIN);
    p->capacity = fmax(rate, 1);
    p->tokens = fmin(p->tokens, p->capacity);
}

static void curve(struct cubic *p)
{
    p->window_s = cbrt(p->rate_max * (1 - BETA) / SCALE);
}

static void throttled(struct cubic *p)
{
    double was = p->limits ? fmin(p->measured, p->rate) : p->measured;

    p->rate_max = was;
    curve(p);
    p->throttled_ns = p->line.r->now;
    p->limits = true;
    set_rate(p, fmin(was * BETA, 2 * p->measured));
}

static void passed(struct cubic *p)
{
    double dt = seconds(p->line.r->now - p->throttled_ns);

    if (!p->limits)
        return;
    curve(p);
    set_rate(p, fmin(SCALE * pow(dt - p->window_s, 3) + p->rate_max,
                     2 * p->measured));
}

static void cubic_heard(void *arg, struct job *j, const struct answer *a)
{
    struct cubic *p = arg;

    measure(p);
    switch (a->say) {
    case SAY_FINE:
        passed(p);
        run_done(p->line.r, j, true);
        return;
    case SAY_FAULT:
    case SAY_SILENT:
    case SAY_AWAY:
        line_fault(&p->line, j);
        return;
    case SAY_RATE:
    case SAY_BUSY:
    case SAY_NEVER:
    case SAY_MIXED:
        throttled(p);
        line_put_back(&p->line, j);
        return;
    }
}

static void cubic_resume(void *arg, struct job *j)
{
    struct cubic *p = arg;

    line_put_back(&p->line, j);
}

static int64_t token_at(struct cubic *p)
{
    int64_t now = p->line.r->now;

    if (!p->limits)
        return now;
    fill(p);
    if (p->tokens >= 1)
        return now;
    return now + (int64_t)((1 - p->tokens) / p->rate * (double)NS_PER_S) + 1;
}

static int64_t cubic_turn(void *arg)
{
    struct cubic *p = arg;
    int64_t at;

    for (;;) {
        at = max_i64(line_opens_ns(&p->line), token_at(p));
        if (at > p->line.r->now)
            return at;
        line_send(&p->line);
        p->tokens -= p->limits;
    }
}

const struct policy policy_cubic = {
    .name = "CUBIC",
    .open = cubic_open,
    .close = cubic_close,
    .ask = cubic_ask,
    .heard = cubic_heard,
    .resume = cubic_resume,
    .turn = cubic_turn,
};
