/* Mirrors state/history_ledger.c and history_rows.c: is it known what models and
 * clients did, when nothing but the disk is left? */
#include "state/history.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "state/history_pieces.h"
#include "state/history_save.h"
#include "state/stats.h"
#include "state/worker.h"

static const char *path(const struct desk *d, const char *name)
{
    static char p[128];

    (void)snprintf(p, sizeof(p), "%s/%s", d->dir, name);
    return p;
}

/* Its head is noise from now on. */
static void spoil(const struct desk *d, const char *name)
{
    int fd = open(path(d, name), O_WRONLY | O_CLOEXEC);

    CU_ASSERT_EQUAL(pwrite(fd, "no head at all..", 16, 0), 16);
    close(fd);
}

static struct limiter_past past;

/* What NAME did in the last BACK_S seconds: of all that are told, or alone;
 * of "" what the others did. */
static uint64_t did(struct desk *d, enum past_whose ledger, int64_t back_s,
                    const char *name, bool alone, enum past_count what)
{
    static struct past_ledger told;
    int64_t now_s = desk_stats(d, 0)->history.now_s;
    struct past_range r = {
        .from_s = now_s - back_s, .to_s = now_s, .now_s = now_s, .points = 300};
    const struct past_deeds *of = &told.others;
    uint32_t pool, i, k;
    uint64_t sum = 0;

    CU_ASSERT_TRUE_FATAL(limiter_history_grain(d->w[0], ledger, &r, &pool));
    CU_ASSERT_TRUE_FATAL(limiter_history(d->w[0], &r, &past));
    CU_ASSERT_EQUAL(past.step_s % r.grain_s, 0);
    CU_ASSERT_TRUE_FATAL(limiter_history_ledger(d->w[0], ledger, pool, &past,
                                                alone ? name : NULL, &told));
    for (i = 0; i < told.n; i++)
        if (strcmp(told.of[i].name, name) == 0)
            of = &told.of[i];
    for (k = 0; k < past.n && of->steps != NULL; k++)
        if (of != &told.others || name[0] == '\0')
            sum += of->steps[k][what];
    past_ledger_free(&told);
    return sum;
}

static uint64_t lately(struct desk *d, enum past_whose ledger, const char *name,
                       enum past_count what)
{
    return did(d, ledger, 500, name, false, what);
}

static void end_some(struct desk *d, const char *client, const char *model,
                     uint32_t n)
{
    struct limiter_note note;

    memset(&note, 0, sizeof(note));
    note.upstreamed = note.stream = true;
    note.queue_ns = 1500 * NS_PER_MS;
    note.first_byte_ns = note.generation_ns = note.speed_milli = -1;
    note.tokens_in = 7;
    note.tokens_out = -1;
    note.refusals = 2;
    (void)snprintf(note.client, sizeof(note.client), "%s", client);
    (void)snprintf(note.model, sizeof(note.model), "%s", model);
    for (; n > 0; n--) {
        limiter_note(d->w[0], &note);
        desk_turn(d);
    }
}

static void check_requests(struct desk *d, enum past_whose ledger,
                           const char *name, uint64_t n)
{
    static const int64_t back[] = {500, 3600, 86400, 3000000};
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(back); i++) {
        CU_ASSERT_EQUAL(did(d, ledger, back[i], name, false, PAST_REQUESTS), n);
        CU_ASSERT_EQUAL(did(d, ledger, back[i], name, true, PAST_REQUESTS), n);
    }
}

static void what_was_done_is_told_by_model_and_by_client(void)
{
    struct desk *d = desk_of(1, 100);

    end_some(d, "ann", "big", 3);
    desk_pass(d, 7000);
    end_some(d, "bob", "big", 2);
    end_some(d, "bob", "", 1); /* a request of no model */
    check_requests(d, PAST_MODELS, "big", 5);
    check_requests(d, PAST_CLIENTS, "ann", 3);
    check_requests(d, PAST_CLIENTS, "bob", 3);
    check_requests(d, PAST_CLIENTS, "big", 0);
    CU_ASSERT_EQUAL(lately(d, PAST_MODELS, "big", PAST_STREAMS), 5);
    CU_ASSERT_EQUAL(lately(d, PAST_MODELS, "big", PAST_REFUSED), 10);
    CU_ASSERT_EQUAL(lately(d, PAST_MODELS, "big", PAST_TOKENS_IN), 35);
    CU_ASSERT_EQUAL(lately(d, PAST_MODELS, "", PAST_REQUESTS), 0);
    desk_pass(d, 20000);
    CU_ASSERT_EQUAL(did(d, PAST_CLIENTS, 4, "ann", false, PAST_REQUESTS), 0);
    desk_free(d);
}

static void how_long_it_took_is_told_of_one(void)
{
    struct desk *d = desk_of(1, 100);
    struct past_range r = {.points = 300};
    struct past_ledger told;
    uint32_t pool, i;

    end_some(d, "ann", "big", 4);
    end_some(d, "ann", "small", 1);
    r.now_s = r.to_s = desk_stats(d, 0)->history.now_s;
    r.from_s = r.to_s - 100;
    CU_ASSERT_TRUE(limiter_history_grain(d->w[0], PAST_MODELS, &r, &pool));
    CU_ASSERT_EQUAL(pool, 0);
    CU_ASSERT_EQUAL(r.grain_s, 5);
    CU_ASSERT_TRUE(limiter_history(d->w[0], &r, &past));
    CU_ASSERT_TRUE(limiter_history_ledger(d->w[0], PAST_MODELS, pool, &past,
                                          "big", &told));
    CU_ASSERT_PTR_NOT_NULL_FATAL(told.of[0].took);
    CU_ASSERT_EQUAL_FATAL(told.n, 1); /* and nobody else is read */
    for (i = 0; told.of[0].took[i].queue_n == 0 && i + 1 < past.n;)
        i++;
    CU_ASSERT_EQUAL(told.of[0].took[i].queue_ms, 6000);
    CU_ASSERT_TRUE(told.of[0].took[i].queue_p50_us > 1000000);
    CU_ASSERT_TRUE(told.of[0].took[i].queue_p95_us <= 3000000);
    CU_ASSERT_EQUAL(told.of[0].took[i].first_byte_p50_us, -1);
    past_ledger_free(&told);
    desk_free(d);
}

/* Names beyond what there is room for, and of one that gave way what it left. */
static void who_has_no_place_is_one_of_the_others(void)
{
    struct desk *d = desk_of(1, 100);
    char name[16];
    uint32_t i;

    for (i = 0; i < LEDGER_NAMES + 10; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        end_some(d, name, "big", 1);
        desk_pass(d, i == 0 ? 2000 : 1); /* whose turn it is to give way */
    }
    check_requests(d, PAST_MODELS, "big", LEDGER_NAMES + 10);
    check_requests(d, PAST_CLIENTS, "c1", 1);
    check_requests(d, PAST_CLIENTS, "c0", 0);
    CU_ASSERT_EQUAL(lately(d, PAST_CLIENTS, "", PAST_REQUESTS), 10);
    CU_ASSERT_EQUAL(did(d, PAST_CLIENTS, 86400, "", false, PAST_REQUESTS), 10);
    desk_free(d);
}

static void it_outlives_all_but_the_disk(void)
{
    struct desk *d = desk_of(1, 100);

    desk_keep(d);
    end_some(d, "ann", "big", 3);
    end_some(d, "bob", "small", 2);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    end_some(d, "ann", "big", 4); /* before the disk was read */
    desk_keep(d);
    check_requests(d, PAST_MODELS, "big", 7);
    check_requests(d, PAST_MODELS, "small", 2);
    check_requests(d, PAST_CLIENTS, "ann", 7);
    end_some(d, "bob", "big", 1);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_requests(d, PAST_MODELS, "big", 8);
    check_requests(d, PAST_CLIENTS, "bob", 3);
    desk_free(d);
}

/* Now and then, and not only at the end: rows that went on to change are written
 * again, and nothing twice. */
static void what_changed_is_saved_now_and_then(void)
{
    struct desk *d = desk_of(1, 100);
    uint32_t i;

    desk_keep(d);
    for (i = 0; i < 5; i++) {
        end_some(d, "ann", "big", 2);
        desk_pass(d, 400 * 1000);
        desk_stats(d, 0)->history.due_ns = 0;
        desk_until_filled(d);
        desk_until_filled(d);
    }
    desk_kill(d, 0);
    desk_begin_anew(d, 1);
    desk_keep(d);
    CU_ASSERT_EQUAL(did(d, PAST_MODELS, 86400, "big", false, PAST_REQUESTS),
                    10);
    CU_ASSERT_EQUAL(did(d, PAST_CLIENTS, 3000000, "ann", false, PAST_REQUESTS),
                    10);
    desk_free(d);
}

/* A damaged one costs itself alone, and each is told. */
static void the_other_files_stay(void)
{
    struct desk *d = desk_of(1, 100);
    struct history_pieces p;
    char said[512] = "";

    desk_keep(d);
    end_some(d, "ann", "big", 3);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    spoil(d, "history.models");
    desk_keep(d);
    check_requests(d, PAST_MODELS, "big", 0);
    check_requests(d, PAST_CLIENTS, "ann", 3);
    CU_ASSERT_TRUE(past.kept_from_s > 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.histories_aside, 1);
    CU_ASSERT_EQUAL(access(path(d, "history.models.damaged"), F_OK), 0);
    end_some(d, "ann", "big", 1);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    desk_keep(d);
    check_requests(d, PAST_MODELS, "big", 1);
    limiter_close(d->w[0]);
    spoil(d, "history.models");
    CU_ASSERT_EQUAL(truncate(path(d, "history.clients"), 100), 0);
    memset(&p, 0, sizeof(p));
    CU_ASSERT_EQUAL(history_pieces_read(&p, d->dir, NEVER, said, sizeof(said)),
                    VAULT_ASIDE);
    CU_ASSERT_EQUAL(p.asides, 2);
    CU_ASSERT_TRUE(p.n > 0); /* the rest is read */
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "history.models.damaged; "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "history.clients: its size is wrong"));
    history_pieces_drop(&p);
    d->w[0] = NULL;
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"what was done is told by model and by client",
     what_was_done_is_told_by_model_and_by_client},
    {"how long it took is told of one", how_long_it_took_is_told_of_one},
    {"who has no place is one of the others",
     who_has_no_place_is_one_of_the_others},
    {"it outlives all but the disk", it_outlives_all_but_the_disk},
    {"what changed is saved now and then", what_changed_is_saved_now_and_then},
    {"the other files stay", the_other_files_stay},
    {NULL, NULL},
};

CU_ErrorCode test_history_ledger_add(void)
{
    return unit_add("history ledger", tests);
}
