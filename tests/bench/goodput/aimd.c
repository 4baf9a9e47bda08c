/*
 * aimd.c - half as many after a refusal, one more after a window without.
 *
 * The allowance is of sends in a window, at most what was set; it is halved
 * once for all refusals of what was sent before the halving.
 */
#include <stdlib.h>

#include "lib/base.h"
#include "line.h"

struct aimd {
    struct line line;
    int64_t halved_ns, grows_ns;
};

static void *aimd_open(struct run *r)
{
    struct aimd *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    line_init(&p->line, r, 0);
    p->grows_ns = NEVER;
    return p;
}

static void aimd_close(void *arg)
{
    struct aimd *p = arg;

    line_fini(&p->line);
    free(p);
}

static void aimd_ask(void *arg, struct job *j)
{
    struct aimd *p = arg;

    line_append(&p->line, j);
}

static int64_t round_ns(const struct aimd *p)
{
    return p->line.believed.spec.window_ns;
}

static void halve(struct aimd *p, const struct job *j)
{
    uint32_t *size = &p->line.believed.spec.size;
    int64_t now = p->line.r->now;

    if (j->sent_ns < p->halved_ns)
        return;
    *size = *size > 1 ? *size / 2 : 1;
    p->halved_ns = now;
    p->grows_ns = now + round_ns(p);
}

static void aimd_heard(void *arg, struct job *j, const struct answer *a)
{
    struct aimd *p = arg;

    switch (a->say) {
    case SAY_FINE:
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
        halve(p, j);
        line_put_back(&p->line, j);
        return;
    }
}

static void aimd_resume(void *arg, struct job *j)
{
    struct aimd *p = arg;

    line_put_back(&p->line, j);
}

static int64_t aimd_turn(void *arg)
{
    struct aimd *p = arg;
    struct run *r = p->line.r;
    uint32_t *size = &p->line.believed.spec.size;

    for (; p->grows_ns <= r->now; p->grows_ns += round_ns(p))
        if (++*size >= r->row->believed) {
            *size = r->row->believed;
            p->grows_ns = NEVER;
            break;
        }
    while (line_opens_ns(&p->line) <= r->now)
        line_send(&p->line);
    return min_i64(line_opens_ns(&p->line), p->grows_ns);
}

const struct policy policy_aimd = {
    .name = "AIMD",
    .open = aimd_open,
    .close = aimd_close,
    .ask = aimd_ask,
    .heard = aimd_heard,
    .resume = aimd_resume,
    .turn = aimd_turn,
};
