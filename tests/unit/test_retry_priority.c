/* Mirrors state/policy/retry_priority.c, and what the limiter makes of it. */
#include "state/policy/retry_priority.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "state/file/repair.h"

/* ---- the table --------------------------------------------------------------- */

static void a_note_is_good_for_one_claim(void)
{
    struct layout *lay = lab_new();

    CU_ASSERT_FALSE(retry_priority_claim(lay, 7, LAB_T0));
    retry_priority_note(lay, 7, LAB_T0);
    CU_ASSERT_FALSE(retry_priority_claim(lay, 8, LAB_T0));
    CU_ASSERT_FALSE(retry_priority_claim(lay, 7 + LAY_RETRY_SETS, LAB_T0));
    CU_ASSERT_TRUE(retry_priority_claim(lay, 7, LAB_T0));
    CU_ASSERT_FALSE(retry_priority_claim(lay, 7, LAB_T0));
    retry_priority_note(lay, 7, LAB_T0);
    retry_priority_note(lay, 7, LAB_T0 + 1); /* two that are alike */
    CU_ASSERT_TRUE(retry_priority_claim(lay, 7, LAB_T0 + 2));
    CU_ASSERT_TRUE(retry_priority_claim(lay, 7, LAB_T0 + 2));
    CU_ASSERT_FALSE(retry_priority_claim(lay, 7, LAB_T0 + 2));
    retry_priority_note(lay, 0, LAB_T0);
    CU_ASSERT_FALSE(retry_priority_claim(lay, 0, LAB_T0));
    free(lay);
}

static void a_note_is_good_for_a_minute(void)
{
    struct layout *lay = lab_new();

    retry_priority_note(lay, 7, LAB_T0);
    CU_ASSERT_FALSE(
        retry_priority_claim(lay, 7, LAB_T0 + RETRY_PRIORITY_NS + 1));
    CU_ASSERT_TRUE(retry_priority_claim(lay, 7, LAB_T0 + RETRY_PRIORITY_NS));
    free(lay);
}

static void a_full_set_forgets_its_oldest(void)
{
    struct layout *lay = lab_new();
    uint64_t i, of = LAY_RETRY_SETS;

    for (i = 1; i <= LAY_RETRY_WAYS + 3; i++)
        retry_priority_note(lay, i * of, LAB_T0 + (int64_t)i);
    for (i = 1; i <= LAY_RETRY_WAYS + 3; i++)
        CU_ASSERT_EQUAL(retry_priority_claim(lay, i * of, LAB_T0 + 100), i > 3);
    for (i = 1; i <= LAY_RETRY_WAYS; i++)
        retry_priority_note(lay, i * of, LAB_T0);
    CU_ASSERT_TRUE(retry_priority_claim(lay, 3 * of, LAB_T0));
    retry_priority_note(lay, 99 * of, LAB_T0); /* there is a free place */
    for (i = 1; i <= LAY_RETRY_WAYS; i++)
        CU_ASSERT_EQUAL(retry_priority_claim(lay, i * of, LAB_T0), i != 3);
    free(lay);
}

/* No index and no time in it is believed. */
static void noise_in_it_hurts_nobody(void)
{
    struct layout *lay = lab_new();
    unsigned char *bytes = (unsigned char *)lay->retries;
    uint32_t i, k;

    for (i = 0; i < sizeof(lay->retries); i++)
        bytes[i] = (unsigned char)lab_random(256);
    for (i = 1; i < 5000; i++) {
        retry_priority_note(lay, i, LAB_T0);
        CU_ASSERT_TRUE(retry_priority_claim(lay, i, LAB_T0));
    }
    lay->retries[0] = (struct lay_retry){LAY_RETRY_SETS, INT64_MAX};
    lay->retries[1] = (struct lay_retry){LAY_RETRY_SETS, INT64_MIN};
    lay->retries[2] = (struct lay_retry){LAY_RETRY_SETS + 1, LAB_T0};
    lay->retries[3] = (struct lay_retry){2 * LAY_RETRY_SETS, LAB_T0};
    CU_ASSERT_FALSE(retry_priority_claim(lay, LAY_RETRY_SETS, LAB_T0));
    CU_ASSERT_FALSE(retry_priority_claim(lay, LAY_RETRY_SETS + 1, LAB_T0));
    repair_run(lay, LAB_T0);
    for (i = k = 0; i < LAY_RETRIES; i++)
        k += lay->retries[i].fingerprint != 0;
    CU_ASSERT_EQUAL(k, 1);
    CU_ASSERT_TRUE(retry_priority_claim(lay, 2 * LAY_RETRY_SETS, LAB_T0));
    free(lay);
}

/* ---- tickets ------------------------------------------------------------------ */

/* Two workers; one request is open, and three of "a" and one of "b" wait at
 * worker 1. */
static struct desk *with_a_line(void)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct desk *d = desk_new(1);
    int i;

    desk_open(d, 0);
    desk_open(d, 1);
    for (i = 0; i < 4; i++) {
        (void)desk_ask(d, 1, i == 0 ? NULL : &req);
        desk_turn(d);
    }
    req.client = "b";
    (void)desk_ask(d, 1, &req);
    desk_turn(d);
    return d;
}

static struct ask *ask_as(struct desk *d, uint32_t worker, uint64_t fingerprint,
                          bool retry)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct ask *a;

    req.fingerprint = fingerprint;
    req.retry = retry;
    a = desk_ask(d, worker, &req);
    desk_turn(d);
    return a;
}

/* Does a retry of it go to the head, and the next one not any more? */
static void check_owed(struct desk *d, uint64_t fingerprint, bool owed)
{
    struct ask *a = ask_as(d, 0, fingerprint, true);
    struct ask *b = ask_as(d, 1, fingerprint, true);

    CU_ASSERT_PTR_NOT_NULL_FATAL(a->ticket);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b->ticket);
    CU_ASSERT_EQUAL(a->news.position == 0, owed);
    CU_ASSERT_NOT_EQUAL(b->news.position, 0);
    desk_done(a, true);
    desk_done(b, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.seniors, owed ? 1 : 0);
    desk_stats(d, 0)->counters.seniors = 0;
    lab_recount(desk_layout(d, 0));
}

static void who_was_refused_goes_to_the_head_of_its_line_on_any_worker(void)
{
    struct desk *d = with_a_line();
    struct ask *a, *b = &d->asks[4];
    struct ticket_news n;

    desk_layout(d, 0)->bounds.waiting = d->set.bounds.waiting = 4;
    limiter_set(d->w[0], &d->set);
    limiter_set(d->w[1], &d->set);
    a = ask_as(d, 1, 7, false);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_QUEUE_FULL);
    a = ask_as(d, 0, 7, true); /* refused again: still one claim */
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_QUEUE_FULL);
    d->set.bounds.waiting = 100;
    limiter_set(d->w[0], &d->set);
    limiter_set(d->w[1], &d->set);
    a = ask_as(d, 0, 7, false);
    CU_ASSERT_EQUAL(a->news.position, 4); /* it does not say "again" */
    a = ask_as(d, 0, 8, true);
    CU_ASSERT_EQUAL(a->news.position, 5); /* another body */
    a = ask_as(d, 0, 7, true);
    CU_ASSERT_EQUAL(a->news.position, 0);
    CU_ASSERT_TRUE(limiter_place(d->w[1], b->ticket, d->now, &n));
    CU_ASSERT_EQUAL(n.position, 1); /* as before */
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.seniors, 1);
    desk_stats(d, 0)->counters.seniors = 0;
    check_owed(d, 7, false);
    desk_free(d);
}

static void what_was_lost_is_remembered_and_what_was_left_is_not(void)
{
    struct desk *d = with_a_line();
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct ask *a;

    a = ask_as(d, 1, 7, false);
    desk_done(a, true);
    desk_turn(d);
    check_owed(d, 7, false);
    a = ask_as(d, 1, 7, false);
    limiter_lost(a->lim, a->ticket);
    desk_done(a, true);
    desk_turn(d);
    check_owed(d, 7, true);
    req.fingerprint = 7;
    a = desk_ask(d, 1, &req);
    limiter_lost(a->lim, a->ticket); /* before it had a turn */
    desk_done(a, true);
    desk_turn(d);
    check_owed(d, 7, true);
    req.deadline_ns = d->now + NS_PER_S;
    a = desk_ask(d, 1, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_DEADLINE);
    d->now += RETRY_PRIORITY_NS - NS_PER_S;
    check_owed(d, 7, true);
    desk_free(d);
}

static void one_that_was_sent_can_be_lost_too(void)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct desk *d = desk_new(1);
    struct ask *a;

    desk_open(d, 0);
    desk_open(d, 1);
    req.fingerprint = 7;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    desk_sent(a);
    limiter_lost(a->lim, a->ticket);
    desk_done(a, false);
    desk_turn(d);
    (void)ask_as(d, 1, 1, false);
    check_owed(d, 7, true);
    desk_free(d);
}

static void a_model_that_is_off_makes_nobody_senior(void)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct desk *d = desk_new(1);
    struct ask *a;

    desk_open(d, 0);
    desk_open(d, 1);
    req.model = "m/off";
    req.fingerprint = 7;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    desk_sent(a);
    desk_off(a, EJECTED_GONE, -1);
    desk_turn(d);
    a = desk_ask(d, 1, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_MODEL_OFF);
    (void)ask_as(d, 1, 1, false);
    check_owed(d, 7, false);
    desk_free(d);
}

static void a_dead_workers_waiters_are_remembered(void)
{
    struct desk *d = with_a_line();
    struct ask *a;
    int i;

    for (i = 0; i < 3; i++)
        (void)ask_as(d, 1, (uint64_t)(10 + i), false);
    desk_kill(d, 1);
    for (i = 0; i < 3; i++)
        (void)ask_as(d, 0, (uint64_t)(20 + i), false);
    d->now += 100 * NS_PER_MS; /* sooner than it would be swept */
    desk_open(d, 1);
    a = ask_as(d, 1, 11, true);
    CU_ASSERT_EQUAL(a->news.position, 0);
    a = ask_as(d, 0, 10, true);
    CU_ASSERT_EQUAL(a->news.position, 1); /* behind others of its kind */
    a = ask_as(d, 0, 12, false);
    CU_ASSERT_EQUAL(a->news.position, 5);
    desk_free(d);
}

static void who_closes_with_requests_has_lost_them(void)
{
    struct desk *d = with_a_line();

    (void)ask_as(d, 1, 7, false);
    limiter_close(d->w[1]);
    d->w[1] = NULL;
    (void)ask_as(d, 0, 1, false);
    (void)ask_as(d, 0, 2, false);
    CU_ASSERT_EQUAL(ask_as(d, 0, 7, true)->news.position, 0);
    desk_free(d);
}

/* Rows keep it through a change of files, and so does the key. */
static void a_new_file_keeps_the_key_and_the_fingerprints(void)
{
    struct desk *d = with_a_line();
    uint64_t secret = limiter_secret(d->w[0]);

    CU_ASSERT_NOT_EQUAL(secret, 0);
    (void)ask_as(d, 1, 7, false);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1000);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    CU_ASSERT_EQUAL(limiter_secret(d->w[0]), secret);
    CU_ASSERT_EQUAL(limiter_secret(d->w[1]), secret);
    desk_kill(d, 1);
    desk_pass(d, 1000);
    (void)ask_as(d, 0, 1, false);
    CU_ASSERT_EQUAL(ask_as(d, 0, 7, true)->news.position, 0);
    desk_free(d);
}

static void other_services_have_other_keys(void)
{
    struct desk *d = desk_new(1), *e = desk_new(1);

    desk_open(d, 0);
    desk_open(e, 0);
    CU_ASSERT_NOT_EQUAL(limiter_secret(d->w[0]), limiter_secret(e->w[0]));
    desk_free(d);
    desk_free(e);
}

static void who_was_refused_without_a_file_is_remembered_in_the_next(void)
{
    struct desk *d = with_a_line();
    struct ask *a;

    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    CU_ASSERT_EQUAL(mkdir(desk_file(d), 0700), 0);
    desk_pass(d, 1000);
    a = ask_as(d, 0, 7, false);
    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_STATE);
    CU_ASSERT_EQUAL(rmdir(desk_file(d)), 0);
    desk_pass(d, 100);
    check_owed(d, 7, true);
    desk_free(d);
}

/* On any worker, for a minute; a claim does not use it up. */
static void what_has_failed_is_known_to_all(void)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct desk *d = desk_new(1);
    struct ask *a;

    desk_open(d, 0);
    desk_open(d, 1);
    req.fingerprint = 7;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_FALSE(limiter_has_failed(d->w[0], a->ticket, d->now));
    desk_sent(a);
    limiter_failed(a->lim, a->ticket);
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_FALSE(retry_priority_claim(desk_layout(d, 0), 7, d->now));
    a = desk_ask(d, 1, &req);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_has_failed(d->w[1], a->ticket, d->now));
    CU_ASSERT_TRUE(
        limiter_has_failed(d->w[1], a->ticket, d->now + RETRY_PRIORITY_NS / 2));
    CU_ASSERT_FALSE(
        limiter_has_failed(d->w[1], a->ticket, d->now + 2 * RETRY_PRIORITY_NS));
    req.fingerprint = 8;
    a = desk_ask(d, 1, &req);
    desk_turn(d);
    CU_ASSERT_FALSE(limiter_has_failed(d->w[1], a->ticket, d->now));
    CU_ASSERT_FALSE(limiter_has_failed(d->w[1], NULL, d->now));
    desk_free(d);
}

static void what_has_no_fingerprint_has_never_failed(void)
{
    struct layout *lay = lab_new();

    retry_priority_failed(lay, 0, LAB_T0);
    CU_ASSERT_FALSE(retry_priority_has_failed(lay, 0, LAB_T0));
    retry_priority_failed(lay, 5, LAB_T0);
    CU_ASSERT_TRUE(retry_priority_has_failed(lay, 5, LAB_T0));
    CU_ASSERT_FALSE(retry_priority_claim(lay, 5, LAB_T0));
    repair_run(lay, LAB_T0); /* a note like the others */
    CU_ASSERT_TRUE(retry_priority_has_failed(lay, 5, LAB_T0));
    free(lay);
}

static const struct unit_test tests[] = {
    {"a note is good for one claim", a_note_is_good_for_one_claim},
    {"a note is good for a minute", a_note_is_good_for_a_minute},
    {"a full set forgets its oldest", a_full_set_forgets_its_oldest},
    {"noise in it hurts nobody", noise_in_it_hurts_nobody},
    {"who was refused goes to the head of its line on any worker",
     who_was_refused_goes_to_the_head_of_its_line_on_any_worker},
    {"what was lost is remembered, and what was left is not",
     what_was_lost_is_remembered_and_what_was_left_is_not},
    {"one that was sent can be lost too", one_that_was_sent_can_be_lost_too},
    {"a model that is off brings nobody to the head",
     a_model_that_is_off_makes_nobody_senior},
    {"a dead worker's waiters are remembered",
     a_dead_workers_waiters_are_remembered},
    {"who closes with requests has lost them",
     who_closes_with_requests_has_lost_them},
    {"a new file keeps the key and the fingerprints",
     a_new_file_keeps_the_key_and_the_fingerprints},
    {"other services have other keys", other_services_have_other_keys},
    {"who was refused without a file is remembered in the next",
     who_was_refused_without_a_file_is_remembered_in_the_next},
    {"what has failed is known to all", what_has_failed_is_known_to_all},
    {"what has no fingerprint has never failed",
     what_has_no_fingerprint_has_never_failed},
    {NULL, NULL},
};

CU_ErrorCode test_retry_priority_add(void)
{
    return unit_add("retry_priority", tests);
}
