/*
 * notes.c - what is told of a request when it is over: its line in the log, its
 * note, its times and tokens.
 */
#include <string.h>

#include "fcgi/attempt.h"
#include "house.h"
#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"

static void in_line(struct stage *st)
{
    stage_chat(st, false);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_settle(st);
}

static void logs(const char *wanted)
{
    const char *is = house_log();

    if (strstr(is, wanted) == NULL)
        printf("\n    should be logged: %s\n    is: %s\n", wanted, is);
    CU_ASSERT_PTR_NOT_NULL(strstr(is, wanted));
}

static void a_line_is_logged(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_pass(st, 2000);
    stage_grant(st);
    stage_pass(st, 500);
    (void)house_log();
    stage_answer(st, 200, JSON "NVCF-REQID: n-1\n",
                 "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    logs("\"event\":\"request\"");
    stage_free(st);
}

/* Without its times, the number of the process, and its name. */
static void logs_all(const char *from, const char *wanted)
{
    const char *is = strstr(house_log(), from);

    if (is == NULL || strncmp(is, wanted, strlen(wanted)) != 0)
        printf("\n    should be logged: %s\n    is: %s\n", wanted,
               is != NULL ? is : "nothing");
    CU_ASSERT_TRUE(is != NULL && strncmp(is, wanted, strlen(wanted)) == 0);
}

static void with_what_it_took(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_pass(st, 2000);
    stage_grant(st);
    stage_pass(st, 500);
    (void)house_log();
    stage_answer(st, 200, JSON "NVCF-REQID: n-1\n",
                 "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    logs_all("\"client\":",
             "\"client\":\"127.0.0.1\",\"route\":\"chat\",\"model\":\"a/b\","
             "\"provider\":\"a\",\"stream\":false,\"status\":200,"
             "\"queue_ms\":2000,\"ttfb_ms\":500,\"total_ms\":2500,"
             "\"attempts\":1,\"bytes\":");
    stage_free(st);
}

static void and_what_it_was(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_grant(st);
    (void)house_log();
    stage_answer(st, 200, JSON "NVCF-REQID: n-1\n",
                 "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    logs_all("\"prompt_tokens\":",
             "\"prompt_tokens\":3,\"completion_tokens\":4,"
             "\"upstream_status\":200,\"nvcf_reqid\":\"n-1\"}\n");
    stage_free(st);
}

static void or_why_it_was_none(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    (void)house_log();
    stage_cancel(st);
    logs_all("\"status\":", "\"status\":503,\"code\":\"sluice_cancelled\","
                            "\"total_ms\":0,\"attempts\":0,\"bytes\":");
    stage_free(st);
}

static void and_how_a_client_went(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    (void)house_log();
    stage_hang_up(st);
    logs("\"phase\":\"queue\",\"total_ms\":0,\"attempts\":0");
    stage_free(st);
}

/* ---- what it took ------------------------------------------------------------- */

static void its_times_are_noted(void)
{
    struct stage *st = stage_new(NULL);
    const struct limiter_note *n = &st->s.lim->note;

    in_line(st);
    stage_pass(st, 2000);
    stage_grant(st);
    wire_send(st->s.up);
    stage_pass(st, 500);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, "{");
    stage_pass(st, 250);
    (void)wire_body(st->s.up, "\"usage\":{\"prompt_tokens\":3,"
                              "\"completion_tokens\":300}}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    CU_ASSERT_TRUE(n->granted && n->upstreamed);
    CU_ASSERT_EQUAL(n->queue_ns, 2000 * NS_PER_MS);
    CU_ASSERT_EQUAL(n->first_byte_ns, 500 * NS_PER_MS);
    CU_ASSERT_EQUAL(n->generation_ns, 250 * NS_PER_MS);
    CU_ASSERT_EQUAL(n->total_ns, 2750 * NS_PER_MS);
    CU_ASSERT_EQUAL(n->tokens_in, 3);
    CU_ASSERT_EQUAL(n->tokens_out, 300);
    CU_ASSERT_EQUAL(n->speed_milli, 400000); /* since its grant */
    CU_ASSERT_EQUAL(n->prompt_bytes, strlen(CHAT));
    CU_ASSERT_STRING_EQUAL(n->route, "chat");
    CU_ASSERT_STRING_EQUAL(n->model, "a/b");
    CU_ASSERT_STRING_EQUAL(n->provider, "a");
    CU_ASSERT_STRING_EQUAL(n->code, "");
    CU_ASSERT_EQUAL(st->s.lim->attempt.first_byte_ns, 500 * NS_PER_MS);
    CU_ASSERT_EQUAL(st->s.lim->attempt.duration_ns, 750 * NS_PER_MS);
    stage_free(st);
}

/* In line, and gone: what has not been is not told. */
static void what_has_not_been_is_not_told(void)
{
    struct stage *st = stage_new(NULL);
    const struct limiter_note *n = &st->s.lim->note;

    in_line(st);
    stage_pass(st, 2000);
    stage_hang_up(st);
    CU_ASSERT_FALSE(n->granted);
    CU_ASSERT_EQUAL(n->queue_ns, 2000 * NS_PER_MS);
    CU_ASSERT_EQUAL(n->first_byte_ns, -1);
    CU_ASSERT_EQUAL(n->generation_ns, -1);
    CU_ASSERT_EQUAL(n->speed_milli, -1);
    CU_ASSERT_EQUAL(n->tokens_in, -1);
    CU_ASSERT_EQUAL(n->bytes, 0);
    stage_free(st);
}

/* ---- another model ---------------------------------------------------------- */

#define TWO_UPSTREAMS                                                          \
    "{'upstreams':[{'name':'one','base_url':'http://127.0.0.1:1',"             \
    "'models':['a/*']},{'name':'two','base_url':'http://127.0.0.1:2',"         \
    "'models':['c/*']}]}"

/* What was asked of the upstream, and of which. */
static void asked(struct stage *st, const char *body, const char *upstream)
{
    const struct fake_ask *ask = fake_ask(st->s.up);

    CU_ASSERT_STRING_EQUAL(buf_head(&ask->body), body);
    CU_ASSERT_STRING_EQUAL(ask->via->name, upstream);
}

static void another_model_is_told_of(void)
{
    struct stage *st = stage_new(TWO_UPSTREAMS);
    const struct limiter_note *n = &st->s.lim->note;

    in_line(st);
    CU_ASSERT_TRUE(attempt_choose(st->s.exchanges, 1, "c/d"));
    stage_grant(st);
    (void)house_log();
    stage_answer(st, 200, JSON, "{}");
    asked(st, "{\"model\":\"c/d\",\"messages\":[]}", "two");
    SAID(st, "X-Sluice-Model: c/d\r\n");
    SAID(st, "X-Sluice-Upstream: two\r\n");
    logs("\"model\":\"a/b\",\"provider\":\"a\",\"upstream\":\"two\","
         "\"served\":\"c/d\",\"stream\":false");
    CU_ASSERT_STRING_EQUAL(n->model, "c/d");
    CU_ASSERT_STRING_EQUAL(n->asked, "a/b");
    CU_ASSERT_STRING_EQUAL(n->provider, "c");
    CU_ASSERT_EQUAL(n->upstream, 1);
    stage_free(st);
}

/* It was one for a moment, and it is its own again. */
static void and_no_more_of_its_own(void)
{
    struct stage *st = stage_new(TWO_UPSTREAMS);
    const struct limiter_note *n = &st->s.lim->note;

    in_line(st);
    CU_ASSERT_TRUE(attempt_choose(st->s.exchanges, 1, "c/d"));
    CU_ASSERT_TRUE(attempt_choose(st->s.exchanges, 0, NULL));
    stage_grant(st);
    stage_answer(st, 200, JSON, "{}");
    asked(st, CHAT, "one");
    NEVER_SAID(st, "X-Sluice-Model");
    SAID(st, "X-Sluice-Upstream: one\r\n");
    CU_ASSERT_STRING_EQUAL(n->model, "a/b");
    CU_ASSERT_STRING_EQUAL(n->asked, "");
    CU_ASSERT_STRING_EQUAL(n->provider, "a");
    stage_free(st);
}

static void nor_where_there_is_one_alone(void)
{
    struct stage *st = stage_new(NULL);

    in_line(st);
    stage_grant(st);
    (void)house_log();
    stage_answer(st, 200, JSON, "{}");
    NEVER_SAID(st, "X-Sluice-Upstream");
    CU_ASSERT_PTR_NULL(strstr(house_log(), "\"upstream\":"));
    stage_free(st);
}

/* Nothing was sent: nobody has served it. */
static void nor_before_it_is_sent(void)
{
    struct stage *st = stage_new(TWO_UPSTREAMS);
    const struct limiter_note *n = &st->s.lim->note;

    in_line(st);
    CU_ASSERT_TRUE(attempt_choose(st->s.exchanges, 1, "c/d"));
    (void)house_log();
    stage_hang_up(st);
    CU_ASSERT_STRING_EQUAL(n->model, "a/b");
    CU_ASSERT_STRING_EQUAL(n->asked, "");
    CU_ASSERT_PTR_NULL(strstr(house_log(), "\"served\":"));
    stage_free(st);
}

#define TOKEN "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"

static struct stage *streaming(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, "Content-Type: text/event-stream\n");
    (void)wire_body(st->s.up, TOKEN);
    return st;
}

static void tokens_are_counted_as_they_come(void)
{
    struct stage *st = streaming();
    const struct limiter_note *n = &st->s.lim->note;

    stage_pass(st, 100);
    (void)wire_body(st->s.up, TOKEN TOKEN); /* in one piece: 50 ms each */
    stage_pass(st, 100);
    (void)wire_body(st->s.up, TOKEN "data: [DONE]\n\n");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    CU_ASSERT_EQUAL(n->speed_milli, 15000); /* three in 200 ms */
    CU_ASSERT_EQUAL(n->gaps.sum, 3);
    CU_ASSERT_TRUE(n->stream);
    stage_free(st);
}

static void of_what_failed_no_speed_is_told(void)
{
    struct stage *st = streaming();
    const struct limiter_note *n = &st->s.lim->note;

    stage_pass(st, 100);
    (void)wire_body(st->s.up, TOKEN TOKEN);
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    stage_pass(st, 100);
    CU_ASSERT_EQUAL(n->speed_milli, -1);
    CU_ASSERT_STRING_EQUAL(n->code, "sluice_upstream_truncated");
    stage_free(st);
}

/* ---- who counts ----------------------------------------------------------------- */

/* Whoever knocks on all doors must not push out the requests of others. */
static void strangers_are_no_requests(void)
{
    struct stage *st = stage_new("{'anonymous':'no'}");
    const struct limiter_note *n = &st->s.lim->note;

    stage_chat(st, false);
    NOTED(st, "refused 401 unauthorized none x0");
    CU_ASSERT_FALSE(n->upstreamed);
    CU_ASSERT_STRING_EQUAL(n->route, "chat");
    stage_free(st);
    st = stage_new(NULL);
    n = &st->s.lim->note;
    stage_param(st, "HTTP_ORIGIN=https://elsewhere.example");
    stage_chat(st, false);
    NOTED(st, "refused 403 forbidden none x0");
    CU_ASSERT_FALSE(n->upstreamed);
    stage_free(st);
    st = stage_new(NULL);
    n = &st->s.lim->note;
    stage_ask(st, "GET", "/nowhere", NULL);
    CU_ASSERT_FALSE(n->upstreamed);
    CU_ASSERT_STRING_EQUAL(n->route, "none");
    stage_free(st);
}

static void a_code_that_has_no_row_is_another(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "GET", "/v1/models/none", NULL);
    stage_answer(st, 200, JSON, "{\"data\":[{\"id\":\"a/b\"}]}");
    SAID(st, "\"code\":\"model_not_found\"");
    NOTED(st, "refused 404 other none x0");
    stage_free(st);
}

/* ---- more than one ------------------------------------------------------------------ */

/* Two in line, one at the upstream: all at once. */
static void each_is_told_of_what_comes_to_all(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_grant(st);
    in_line(st);
    in_line(st);
    CU_ASSERT_EQUAL(st->s.n_exchanges, 3);
    CU_ASSERT_EQUAL(st->s.n_unconnected, 3);
    stage_drain(st);
    CU_ASSERT_EQUAL(st->s.n_exchanges, 1);
    CU_ASSERT_EQUAL(st->s.lim->notes, 2);
    stage_answer(st, 200, JSON, "{}");
    CU_ASSERT_EQUAL(st->s.n_exchanges, 0);
    CU_ASSERT_EQUAL(st->s.lim->notes, 3);
    stage_free(st);
    st = stage_new(NULL);
    stage_chat(st, false);
    stage_grant(st);
    in_line(st);
    in_line(st);
    stage_free(st); /* sees that all of them end */
}

static void a_deprecation_is_logged_once_a_day(void)
{
    struct stage *st = stage_new(NULL);
    int i;

    for (i = 0; i < 2; i++) {
        stage_chat(st, false);
        stage_grant(st);
        (void)house_log();
        stage_answer(st, 200, JSON "Deprecation: @1\n", "{}");
        CU_ASSERT_EQUAL(
            strstr(house_log(), "\"event\":\"deprecation\"") == NULL, i == 1);
    }
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"settle: normal: a line is logged", a_line_is_logged},
    {"settle: normal: with what it took", with_what_it_took},
    {"settle: normal: and what it was", and_what_it_was},
    {"settle: normal: or why it was none", or_why_it_was_none},
    {"settle: normal: and how a client went", and_how_a_client_went},
    {"its times are noted", its_times_are_noted},
    {"what has not been is not told", what_has_not_been_is_not_told},
    {"another model is told of", another_model_is_told_of},
    {"and no more of its own", and_no_more_of_its_own},
    {"nor where there is one alone", nor_where_there_is_one_alone},
    {"nor before it is sent", nor_before_it_is_sent},
    {"tokens are counted as they come", tokens_are_counted_as_they_come},
    {"of what failed no speed is told", of_what_failed_no_speed_is_told},
    {"strangers are no requests", strangers_are_no_requests},
    {"a code that has no row is another", a_code_that_has_no_row_is_another},
    {"each is told of what comes to all", each_is_told_of_what_comes_to_all},
    {"a deprecation is logged once a day", a_deprecation_is_logged_once_a_day},
    {NULL, NULL},
};

CU_ErrorCode notes_add(void)
{
    return spine_add("notes", tests);
}
