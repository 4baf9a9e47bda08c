/* Mirrors fcgi/adopt.c: what others publish while we are at it. */
#include "fcgi/adopt.h"

#include <string.h>

#include "desk.h"
#include "fcgi/sluice.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "office.h"
#include "state/worker.h"

#define PATIENCE_NS (10 * NS_PER_S) /* then it never comes */

/* A worker with a loop, and another one that changes the settings. */
struct stage {
    struct office *o;
    struct desk *d;
    struct sluice s;
    struct clerk other;
    struct loop_timer end;
    int64_t wanted; /* the last value of queue.max */
};

/* As the other's turn after its change, and ours that hears of it. */
static void announce(struct stage *st, const char *text)
{
    CU_ASSERT_EQUAL(clerk_patch(st->o, &st->other, text), 200);
    limiter_adopt(st->d->w[1], &st->d->set, st->other.own.generation);
    desk_turn(st->d);
    adopt_look(st->s.adopt);
}

static void on_end(void *arg)
{
    struct stage *st = arg;

    loop_stop(st->s.loop);
}

static struct stage *stage_new(void)
{
    struct stage *st = calloc(1, sizeof(*st));
    char err[512] = "";

    CHECK(st != NULL);
    st->o = office_new("{}");
    clerk_start(st->o, &st->other);
    st->d = desk_of(2, 3);
    st->s.lim = st->d->w[0];
    st->s.loop = loop_new();
    CU_ASSERT_EQUAL_FATAL(log_open(&st->s.log, "/dev/null", LOG_ERROR_), 0);
    CU_ASSERT_EQUAL_FATAL(config_load(&st->s.cfg, st->o->env, err, sizeof(err)),
                          0);
    CU_ASSERT_EQUAL_FATAL(adopt_start(&st->s, st->o->env, err, sizeof(err)), 0);
    st->end = (struct loop_timer){.fn = on_end, .arg = st};
    loop_at(st->s.loop, &st->end, loop_now(st->s.loop) + PATIENCE_NS);
    return st;
}

static void stage_free(struct stage *st)
{
    adopt_free(st->s.adopt);
    loop_cancel(st->s.loop, &st->end);
    loop_free(st->s.loop);
    config_free(st->s.cfg);
    log_close(st->s.log);
    clerk_end(&st->other);
    desk_free(st->d);
    office_free(st->o);
    free(st);
}

/* At the first moment the first change is in force, there is a second one. */
static void announce_another(void *arg)
{
    struct stage *st = arg;

    if (st->s.cfg->queue_max == 7 && st->wanted != 8) {
        st->wanted = 8;
        announce(st, "{'queue.max':8}");
    }
    if (st->s.cfg->queue_max == 8)
        loop_stop(st->s.loop);
}

static void what_comes_while_we_follow_is_followed_too(void)
{
    struct stage *st = stage_new();

    announce(st, "{'queue.max':7}");
    loop_run(st->s.loop, announce_another, st);
    CU_ASSERT_EQUAL(st->s.cfg->queue_max, 8);
    stage_free(st);
}

static void until_all_is_in_force(void *arg)
{
    struct stage *st = arg;

    if (st->s.cfg->queue_max == 8)
        loop_stop(st->s.loop);
}

/* The thread may well have read the first one when the second one comes. */
static void what_comes_while_we_read_is_followed_too(void)
{
    struct stage *st = stage_new();

    announce(st, "{'queue.max':7}");
    announce(st, "{'queue.max':8}");
    loop_run(st->s.loop, until_all_is_in_force, st);
    CU_ASSERT_EQUAL(st->s.cfg->queue_max, 8);
    stage_free(st);
}

static const struct unit_test tests[] = {
    {"what comes while we follow is followed, too",
     what_comes_while_we_follow_is_followed_too},
    {"what comes while we read is followed, too",
     what_comes_while_we_read_is_followed_too},
    {NULL, NULL},
};

CU_ErrorCode test_adopt_add(void)
{
    return unit_add("adopt", tests);
}
