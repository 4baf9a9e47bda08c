/*
 * patience.c - for how long may a request wait, if it waits more than once?
 *
 * The time that an upstream takes is none in line.
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON  "Content-Type: application/json\n"
#define WORDS "{\"error\":{\"message\":\"m\"}}"
#define FULL  "{\"detail\":\"ResourceExhausted\"}"

/* Chat that has waited WAITED_S, and then had the upstream for three seconds;
 * PARAM is one of its own, or NULL. */
static struct stage *at_upstream(const char *param, bool stream,
                                 int64_t waited_s)
{
    struct stage *st = stage_new(NULL);

    if (param != NULL)
        stage_param(st, param);
    stage_chat(st, stream);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, waited_s * 1000);
    stage_grant(st);
    wire_send(st->s.up);
    stage_pass(st, 3000);
    return st;
}

/* MS later it is refused, and not a moment before. */
static void refused_in(struct stage *st, int64_t ms, const char *words)
{
    stage_pass(st, ms - 1);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 1);
    ENDED(st);
    SAID(st, words);
    stage_free(st);
}

static void all_its_time_in_line_counts(void)
{
    struct stage *st = at_upstream(NULL, false, 600);

    stage_answer(st, 429, JSON, WORDS);
    refused_in(st, 300000, "waited 900 s in Sluice's queue (queue.timeout_s)");
}

static void what_is_put_off_keeps_its_deadline(void)
{
    struct stage *st = at_upstream("HTTP_X_SLUICE_DEADLINE=10", false, 4);

    stage_answer(st, 429, JSON, WORDS);
    refused_in(st, 6000, "waited 10 s in Sluice's queue (X-Sluice-Deadline)");
}

static void what_breaks_has_none_any_more(void)
{
    struct stage *st = at_upstream("HTTP_X_SLUICE_DEADLINE=10", false, 9);

    stage_answer(st, 500, JSON, WORDS);
    stage_pass(st, 500);
    TOLD(st, "join, sent, report fault, aside 500, again");
    stage_pass(st, 60000);
    CU_ASSERT_FALSE(stage_is_over(st));
    refused_in(st, 831000, "(queue.timeout_s)");
}

static void nor_does_a_pause_end_its_wait(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 4000);
    stage_grant(st);
    stage_pause(st);
    fake_wait(st->s.lim, 0, -1);
    refused_in(st, 6000, "has waited 10 s (X-Sluice-Deadline)");
}

static void nor_does_a_lost_grant(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 4000);
    stage_grant(st);
    st->s.lim->lost = true;
    CU_ASSERT_FALSE(wire_connect(st->s.up));
    stage_settle(st);
    refused_in(st, 6000, "waited 10 s in Sluice's queue (X-Sluice-Deadline)");
}

/* No byte would come before it gives up. */
static void a_silent_clients_own_time_is_over(void)
{
    struct stage *st = at_upstream("HTTP_X_STAINLESS_TIMEOUT=60", false, 10);

    stage_answer(st, 429, JSON, WORDS);
    refused_in(st, 47000, "(the client's own timeout)");
}

static void but_not_that_of_one_that_hears_of_us(void)
{
    struct stage *st = at_upstream("HTTP_X_STAINLESS_TIMEOUT=60", true, 10);

    stage_answer(st, 429, JSON, WORDS);
    stage_pass(st, 60000);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_free(st);
}

/* It has no model to wait at, so that its pauses are its wait. */
static void a_pause_for_a_worker_is_a_wait(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_ask(st, "GET", "/v1/files/f", NULL);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 4000);
    stage_grant(st);
    stage_answer(st, 503, JSON "Retry-After: 3\n", FULL);
    stage_pass(st, 3000);
    TOLD(st, "join, sent, report fault, aside 3000, again");
    refused_in(st, 3000, "waited 10 s in Sluice's queue (X-Sluice-Deadline)");
}

static void and_is_told_as_one(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "GET", "/v1/files/f", NULL);
    stage_pass(st, 4000);
    stage_grant(st);
    stage_answer(st, 503, JSON "Retry-After: 3\n", FULL);
    stage_pass(st, 3000);
    stage_grant(st);
    stage_answer(st, 200, JSON, "{}");
    ENDED(st);
    SAID(st, "X-Sluice-Queue-Ms: 7000\r\nX-Sluice-Attempts: 2\r\n");
    stage_free(st);
}

/* Nor has it any time for an answer while it pauses. */
static void such_a_pause_may_be_a_long_one(void)
{
    struct stage *st = stage_new("{'timeouts':{'first_byte_s':2}}");

    stage_ask(st, "GET", "/v1/files/f", NULL);
    stage_grant(st);
    stage_answer(st, 503, JSON "Retry-After: 30\n", FULL);
    stage_pass(st, 30000);
    TOLD(st, "join, sent, report fault, aside 30000, again");
    stage_free(st);
}

static void a_wait_that_is_too_long_is_told_at_once(void)
{
    struct stage *st = at_upstream("HTTP_X_SLUICE_DEADLINE=100", false, 4);

    stage_answer(st, 429, JSON "Retry-After: 97\n", WORDS);
    ENDED(st);
    SAID(st, "wants no such request for 97 s (m), and X-Sluice-Deadline allows "
             "a wait of 96 s.");
    SAID(st, "Retry-After: 97");
    SAID(st, "x-should-retry: false"); /* no SDK waits for so long */
    stage_free(st);
    st = at_upstream("HTTP_X_SLUICE_DEADLINE=10", false, 4);
    stage_answer(st, 429, JSON "Retry-After: 7\n", WORDS);
    ENDED(st);
    SAID(st, "Retry-After: 7");
    NEVER_SAID(st, "x-should-retry");
    stage_free(st);
}

static void a_wait_that_is_just_not_is_waited(void)
{
    struct stage *st = at_upstream("HTTP_X_SLUICE_DEADLINE=10", false, 4);

    stage_answer(st, 429, JSON "Retry-After: 6\n", WORDS);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_free(st);
}

/* ---- refusals --------------------------------------------------------------- */

/* REFUSED times in all: then it is told so. */
static void refused_for_good(struct stage *st, unsigned refused, int status,
                             const char *head, const char *body)
{
    unsigned i;

    for (i = 0; i < refused; i++) {
        CU_ASSERT_FALSE(stage_is_over(st));
        stage_grant(st);
        stage_answer(st, status, head, body);
    }
    ENDED(st);
}

static void its_refusals_are_bounded(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    refused_for_good(st, 5, 429, JSON, WORDS);
    TOLD(st, "join, sent, report rate, again, sent, report rate, again, sent, "
             "report rate, again, sent, report rate, again, sent, report rate, "
             "body gone, done");
    SAID(st, "Status: 429");
    SAID(st, WORDS);
    SAID(st, "X-Sluice-Attempts: 5");
    NEVER_SAID(st, "x-should-retry");
    NOTED(st, "rate 429 none none x5");
    stage_free(st);
}

static void as_the_settings_say(void)
{
    struct stage *st = stage_new("{'retry':{'refused_max':2}}");

    stage_chat(st, true);
    refused_for_good(st, 2, 429, JSON, WORDS);
    SAID(st, "Status: 429");
    SAID(st, WORDS);
    NEVER_SAID(st, "x-should-retry");
    stage_free(st);
    st = stage_new("{'retry':{'refused_max':1}}");
    stage_chat(st, true);
    refused_for_good(st, 1, 429, JSON "Retry-After: 61\n", WORDS);
    SAID(st, "x-should-retry: false"); /* no SDK waits for so long */
    stage_free(st);
}

/* Workers that are full are no word on a request. */
static void a_busy_model_refuses_nobody_for_good(void)
{
    struct stage *st = stage_new("{'retry':{'refused_max':1}}");
    unsigned i;

    stage_chat(st, true);
    for (i = 0; i < 9; i++) {
        stage_grant(st);
        stage_answer(st, 503, JSON, FULL);
        CU_ASSERT_FALSE(stage_is_over(st));
    }
    stage_hang_up(st);
    stage_free(st);
}

/* Its deadline bounds that, and tells why it was not answered before. */
static void those_of_an_overload_are_not(void)
{
    struct stage *st = stage_new("{'retry':{'refused_max':2}}");
    int i;

    stage_chat(st, false);
    for (i = 0; i < 7; i++) {
        stage_grant(st);
        stage_answer(st, 529, JSON, WORDS);
    }
    CU_ASSERT_FALSE(stage_is_over(st));
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 900000);
    ENDED(st);
    SAID(st, "(queue.timeout_s). The upstream had refused it: m\"");
    NEVER_SAID(st, "x-should-retry: false");
    stage_free(st);
}

/* A list of models has no line to wait in. */
static void nor_is_a_free_one_told_to_stay_away(void)
{
    struct stage *st = stage_new(NULL);
    int i;

    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
    stage_ask(st, "GET", "/v1/models", NULL);
    for (i = 0; i < 3; i++) {
        CU_ASSERT_FALSE(stage_is_over(st));
        stage_answer(st, 529, JSON, WORDS);
        stage_pass(st, 1000);
    }
    ENDED(st);
    SAID(st, "Status: 529");
    NEVER_SAID(st, "x-should-retry");
    stage_free(st);
}

/* ---- pauses ----------------------------------------------------------------- */

static void pauses_double_up_to_eight_seconds(void)
{
    static const int64_t pauses[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
    struct stage *st = stage_new("{'retry':{'max':8}}");
    char told[64];
    size_t i;

    stage_chat(st, false);
    for (i = 0; i < ARRAY_LEN(pauses); i++) {
        stage_grant(st);
        stage_answer(st, 500, JSON, WORDS);
        (void)snprintf(told, sizeof(told), "report fault, aside %d",
                       (int)pauses[i]);
        CU_ASSERT_STRING_EQUAL(fake_told(st->s.lim) +
                                   strlen(fake_told(st->s.lim)) - strlen(told),
                               told);
        stage_pass(st, pauses[i]);
    }
    stage_grant(st);
    stage_answer(st, 500, JSON, WORDS);
    ENDED(st);
    NOTED(st, "upstream_error 500 none none x8");
    stage_free(st);
}

/* Its time for an answer is the present attempt's. */
static void no_pause_goes_past_the_answers_time(void)
{
    struct stage *st = stage_new("{'timeouts':{'first_byte_s':2}}");

    stage_chat(st, false);
    stage_grant(st);
    stage_pass(st, 1500);
    stage_answer(st, 500, JSON, WORDS);
    ENDED(st);
    NOTED(st, "upstream_error 500 none none x1");
    stage_free(st);
}

static void each_attempt_has_its_own_time(void)
{
    struct stage *st = stage_new("{'timeouts':{'first_byte_s':2}}");

    stage_chat(st, false);
    stage_grant(st);
    stage_pass(st, 1000);
    stage_answer(st, 500, JSON, WORDS);
    stage_pass(st, 500);
    stage_grant(st);
    stage_pass(st, 1999);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 1);
    ENDED(st);
    SAID(st, "sent no answer within 2 s");
    SENDS(st, "server again, timeout");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"patience: all its time in line counts", all_its_time_in_line_counts},
    {"patience: what is put off keeps its deadline",
     what_is_put_off_keeps_its_deadline},
    {"patience: what breaks has none any more", what_breaks_has_none_any_more},
    {"patience: a pause of an operator's does not end its wait",
     nor_does_a_pause_end_its_wait},
    {"patience: nor does a grant that was lost", nor_does_a_lost_grant},
    {"patience: a silent client's own time is over",
     a_silent_clients_own_time_is_over},
    {"patience: but not that of one that hears of us",
     but_not_that_of_one_that_hears_of_us},
    {"patience: a pause for a worker is a wait",
     a_pause_for_a_worker_is_a_wait},
    {"patience: and is told as one", and_is_told_as_one},
    {"patience: such a pause may be a long one",
     such_a_pause_may_be_a_long_one},
    {"patience: a wait that is too long is told at once",
     a_wait_that_is_too_long_is_told_at_once},
    {"patience: one that just is not is waited",
     a_wait_that_is_just_not_is_waited},
    {"patience: its refusals are bounded", its_refusals_are_bounded},
    {"patience: as the settings say", as_the_settings_say},
    {"patience: a busy model refuses nobody for good",
     a_busy_model_refuses_nobody_for_good},
    {"patience: those of an overload are not", those_of_an_overload_are_not},
    {"patience: nor is a free one told to stay away",
     nor_is_a_free_one_told_to_stay_away},
    {"pauses double up to eight seconds", pauses_double_up_to_eight_seconds},
    {"no pause goes past the answer's time",
     no_pause_goes_past_the_answers_time},
    {"each attempt has its own time", each_attempt_has_its_own_time},
    {NULL, NULL},
};

CU_ErrorCode patience_add(void)
{
    return spine_add("patience", tests);
}
