/*
 * tokens.c - is an upstream asked what a stream took, and who hears of it?
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define STOP                                                                   \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE "\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":5}"
#define TOLL  "data: {\"choices\":[]," USAGE "}\n\n"
#define DONE  "data: [DONE]\n\n"
#define ASKED "{\"stream_options\":{\"include_usage\":true},"
#define EXTRA                                                                  \
    "{\"error\":{\"message\":\"extra fields not permitted: stream_options\","  \
    "\"type\":\"t\",\"param\":null,\"code\":null}}"

static void body_is(struct stage *st, const char *body)
{
    CU_ASSERT_STRING_EQUAL(buf_head(&fake_ask(st->s.up)->body), body);
}

/* BODY has been asked at TARGET, with USAGE and LIMIT, and is out. */
static struct stage *sent(const char *target, const char *body,
                          enum usage_mode usage, int64_t limit)
{
    struct stage *st = stage_new(SPEAKS_MESSAGES);

    st->s.cfg->usage = usage;
    st->s.cfg->upstreams[0].tokens = limit;
    stage_ask(st, "POST", target, body);
    stage_grant(st);
    wire_send(st->s.up);
    return st;
}

#define STREAM "{\"model\":\"a/b\",\"messages\":[],\"stream\":true}"
#define LOUD                                                                   \
    "{\"model\":\"a/b\",\"stream\":true,\"stream_options\":{\"include_usage\"" \
    ":true}}"
#define CHAT_PATH "/v1/chat/completions"

static void only_who_needs_it_is_asked(void)
{
    static const struct {
        const char *target, *body;
        enum usage_mode usage;
        int64_t limit;
        bool is_asked;
    } rows[] = {
        {CHAT_PATH, STREAM, USAGE_AUTO, 10000, true},
        {"/v1/completions", STREAM, USAGE_AUTO, 10000, true},
        {CHAT_PATH, STREAM, USAGE_ALWAYS, 0, true},
        {CHAT_PATH, STREAM, USAGE_AUTO, 0, false},
        {CHAT_PATH, STREAM, USAGE_NEVER, 10000, false},
        {CHAT_PATH, CHAT, USAGE_ALWAYS, 10000, false},
        {CHAT_PATH, LOUD, USAGE_ALWAYS, 10000, false},
        {"/v1/responses", STREAM, USAGE_ALWAYS, 10000, false},
        {"/v1/messages", STREAM, USAGE_ALWAYS, 10000, false},
        {"/v1/embeddings", STREAM, USAGE_ALWAYS, 10000, false},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage *st =
            sent(rows[i].target, rows[i].body, rows[i].usage, rows[i].limit);
        char want[256];

        (void)snprintf(want, sizeof(want), "%s%s",
                       rows[i].is_asked ? ASKED : "",
                       rows[i].body + rows[i].is_asked);
        body_is(st, want);
        stage_free(st);
    }
}

/* A client's own limit needs it, whatever the upstream has. */
static void a_clients_limit_is_one(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, true);
    st->r->tokens_per_day = 1;
    stage_grant(st);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    stage_free(st);
}

static void what_we_asked_for_nobody_else_sees(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, HI STOP "data: {\"choices\":[],");
    (void)wire_body(st->s.up, USAGE "}\n\n" DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "\r\n\r\n" HI STOP DONE);
    NEVER_SAID(st, "usage");
    TOLD(st, "join, sent, report fine accepted, body gone, settle 8 5, done");
    stage_free(st);
}

/* It is the last, and its blank line never comes. */
static void nor_where_it_breaks_off(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, HI STOP "data: {\"choices\":[]," USAGE "}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "\r\n\r\n" HI STOP DONE);
    NEVER_SAID(st, "usage");
    TOLD(st, "join, sent, report fine accepted, body gone, settle 8 5, done");
    stage_free(st);
}

static void what_rides_on_an_answer_passes(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, "data: {\"choices\":[{\"delta\":{},\"finish_"
                              "reason\":\"stop\"}]," USAGE "}\n\n" DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    SAID(st, "stop\"}]," USAGE "}\n\n" DONE);
    TOLD(st, "join, sent, report fine accepted, body gone, settle 8 5, done");
    stage_free(st);
}

static void what_the_client_asked_for_it_gets(void)
{
    struct stage *st = sent(CHAT_PATH, LOUD, USAGE_AUTO, 10000);

    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, HI STOP TOLL DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    SAID(st, "\r\n\r\n" HI STOP TOLL DONE);
    TOLD(st, "join, sent, report fine accepted, body gone, settle 8 5, done");
    stage_free(st);
}

/* ---- who will not have it ------------------------------------------------------------ */

static void refuse_it(struct stage *st)
{
    wire_head(st->s.up, 400, JSON);
    (void)wire_body(st->s.up, EXTRA);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

static void a_stream(struct stage *st)
{
    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, HI STOP DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

static void who_refuses_gets_it_again_as_it_was(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    refuse_it(st);
    CU_ASSERT_FALSE(stage_is_over(st));
    TOLD(st, "join, sent, report fine, again");
    stage_grant(st);
    wire_send(st->s.up);
    body_is(st, STREAM);
    a_stream(st);
    ENDED(st);
    SAID(st, "\r\n\r\n" HI STOP DONE);
    NOTED(st, "ok 200 none none x2");
    SENDS(st, "client again, none fine");

    /* and is not asked for an hour */
    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    body_is(st, CHAT_STREAM);
    a_stream(st);
    stage_pass(st, 3601000);
    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    stage_free(st);
}

#define TWO                                                                    \
    "{'upstreams':[{'name':'one','base_url':'http://127.0.0.1:1',"             \
    "'tokens_per_min':10000},"                                                 \
    "{'name':'two','base_url':'http://127.0.0.1:2'},"                          \
    "{'name':'three','base_url':'http://127.0.0.1:3','tokens_per_min':9}],"    \
    "'fallbacks':{'a/b':['c/d']}}"

static void full(struct stage *st)
{
    wire_head(st->s.up, 429, JSON);
    (void)wire_body(st->s.up, "{\"error\":{\"message\":\"slow down\"}}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

/* Each is asked as it needs to be, whatever was asked of the one before. */
static void another_upstream_is_asked_anew(void)
{
    struct stage *st = stage_new(TWO);

    stage_chat(st, true);
    stage_grant_by(st, 0, NULL);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    full(st);
    stage_grant_by(st, 1, NULL);
    wire_send(st->s.up);
    body_is(st, CHAT_STREAM);
    full(st);
    stage_grant_by(st, 2, "c/d");
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"c/d\",\"messages\":[],\"stream\":true}");
    refuse_it(st); /* and so it is that one that will not be asked */
    stage_grant_by(st, 0, NULL);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    full(st);
    stage_grant_by(st, 2, "c/d");
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"c/d\",\"messages\":[],\"stream\":true}");
    refuse_it(st);
    stage_grant_by(st, 2, "c/d");
    wire_send(st->s.up);
    body_is(st, "{\"model\":\"c/d\",\"messages\":[],\"stream\":true}");
    a_stream(st);
    ENDED(st);
    stage_chat(st, true);
    stage_grant_by(st, 2, NULL);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    stage_free(st);
}

/* Refused for something else as well, it was no word on what we had added. */
static void who_refuses_again_is_heard_and_nothing_learned(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    refuse_it(st);
    stage_grant(st);
    wire_send(st->s.up);
    refuse_it(st);
    ENDED(st);
    SAID(st, "Status: 400");
    SAID(st, EXTRA);
    TOLD(st, "join, sent, report fine, again, sent, report fine, body gone, "
             "done");
    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    body_is(st, ASKED "\"model\":\"a/b\",\"messages\":[],\"stream\":true}");
    stage_free(st);
}

static void another_error_is_the_clients(void)
{
    struct stage *st = sent(CHAT_PATH, STREAM, USAGE_AUTO, 10000);

    wire_head(st->s.up, 400, JSON);
    (void)wire_body(st->s.up, "{\"error\":{\"message\":\"too hot\"}}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "too hot");
    NOTED(st, "client_error 400 none none x1");
    stage_free(st);
}

/* ---- what it took --------------------------------------------------------------------- */

static void an_answer_is_settled(void)
{
    static const struct {
        const char *target, *answer, *told;
    } rows[] = {
        {CHAT_PATH, "{\"choices\":[]," USAGE "}", "settle 8 5, "},
        {CHAT_PATH, "{\"choices\":[]}", ""},
        {CHAT_PATH, "{\"usage\":{\"prompt_tokens\":8}}", "settle 8 -1, "},
        {"/v1/embeddings", "{\"usage\":{\"prompt_tokens\":8}}", "settle 8 0, "},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage *st = stage_new(NULL);
        char told[128];

        stage_ask(st, "POST", rows[i].target, CHAT);
        stage_grant(st);
        stage_answer(st, 200, JSON, rows[i].answer);
        ENDED(st);
        (void)snprintf(told, sizeof(told),
                       "join, sent, report fine accepted, body gone, %sdone",
                       rows[i].told);
        TOLD(st, told);
        stage_free(st);
    }
}

/* Messages says at once what it took in, and a word on the rest. */
static void a_stream_that_is_left_took_out_nobody_knows_what(void)
{
    struct stage *st = sent("/v1/messages", STREAM, USAGE_AUTO, 10000);

    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up,
                    "event: message_start\ndata: {\"type\":\"message_start\","
                    "\"message\":{\"usage\":{\"input_tokens\":25,"
                    "\"output_tokens\":1}}}\n\n");
    (void)wire_body(st->s.up,
                    "event: content_block_delta\ndata: {\"type\":"
                    "\"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\n");
    stage_settle(st);
    stage_hang_up(st);
    TOLD(st, "join, sent, report fine accepted, body gone, settle 25 -1, done");
    stage_free(st);
}

static void what_is_left_is_reported(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 200, JSON "x-ratelimit-remaining-tokens: 77\n", "{}");
    CU_ASSERT_EQUAL(st->s.lim->report.tokens_left, 77);
    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 200, JSON, "{}");
    CU_ASSERT_EQUAL(st->s.lim->report.tokens_left, -1);
    stage_free(st);
}

/* Whoever is refused as it comes has taken nothing; whatever breaks something may
 * have. */
static void a_refusal_takes_nothing(void)
{
    static const struct {
        int status;
        const char *body;
        uint32_t nothings;
    } rows[] = {
        {400, "{\"error\":{\"message\":\"too hot\"}}", 1},
        {429, "{\"error\":{\"message\":\"slow down\"}}", 1},
        {404, "{\"error\":{\"message\":\"The model a/b is not\"}}", 1},
        {200, "{\"error\":{\"message\":\"m\",\"code\":429}}", 1},
        {500, "{\"error\":{\"message\":\"oh\"}}", 0},
        {503, "{\"detail\":\"ResourceExhausted: no worker\"}", 0},
        {200, "{\"choices\":[]," USAGE "}", 0},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage *st = stage_new(NULL);

        stage_chat(st, false);
        stage_grant(st);
        stage_answer(st, rows[i].status, JSON, rows[i].body);
        CU_ASSERT_EQUAL(st->s.lim->nothings, rows[i].nothings);
        stage_free(st);
    }
}

/* What the limiter reckons with, and what no wait would make small enough. */
static void what_it_may_take_is_asked_for(void)
{
    static const char body[] =
        "{\"model\":\"a/b\",\"max_tokens\":16,\"n\":2,\"x\":[]}";
    struct stage *st = stage_new(NULL);
    const struct limiter_request *req;

    stage_ask(st, "POST", CHAT_PATH, body);
    req = fake_asked(st->s.lim);
    CU_ASSERT_EQUAL(req->max_tokens, 32);
    CU_ASSERT_EQUAL(req->prompt_bytes, strlen(body));
    CU_ASSERT_EQUAL(req->tokens_per_min, 0);
    stage_free(st);
}

static void one_that_is_too_large_is_told_both_numbers(void)
{
    static const struct {
        uint64_t max;
        const char *words;
    } rows[] = {
        {10000, "the upstream nim takes 10000 in 60 s "
                "(upstreams[].tokens_per_min)"},
        {500, "its client may take 500 in a minute "
              "(clients[].tokens_per_min)"},
        {9000, "its client may take 9000 in a day "
               "(clients[].tokens_per_day)"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct ticket_news news = {.event = TICKET_REFUSED,
                                   .why = REFUSED_TOKENS,
                                   .tokens = 12345,
                                   .tokens_max = rows[i].max,
                                   .eta_ns = -1};
        struct stage *st = stage_new(NULL);

        st->s.cfg->upstreams[0].tokens = 10000;
        stage_chat(st, false);
        st->r->tokens_per_min = 500;
        st->r->tokens_per_day = 9000;
        fake_refuse_as(st->s.lim, &news);
        stage_settle(st);
        ENDED(st);
        SAID(st, "Status: 400");
        SAID(st, "\"code\":\"sluice_tokens\"");
        SAID(st, "\r\nx-should-retry: false\r\n");
        NEVER_SAID(st, "etry-after");
        SAID(st, "about 12345 tokens");
        SAID(st, rows[i].words);
        NOTED(st, "client_error 400 tokens none x0");
        stage_free(st);
    }
}

static const struct spine_test tests[] = {
    {"only who needs it asks for a report", only_who_needs_it_is_asked},
    {"a client's limit needs one, too", a_clients_limit_is_one},
    {"what we asked for nobody else sees", what_we_asked_for_nobody_else_sees},
    {"nor where it breaks off", nor_where_it_breaks_off},
    {"what rides on an answer passes", what_rides_on_an_answer_passes},
    {"what the client asked for it gets", what_the_client_asked_for_it_gets},
    {"who refuses gets it again as it was",
     who_refuses_gets_it_again_as_it_was},
    {"another upstream is asked anew", another_upstream_is_asked_anew},
    {"who refuses that, too, is heard, and nothing is learned",
     who_refuses_again_is_heard_and_nothing_learned},
    {"another error is the client's", another_error_is_the_clients},
    {"an answer is settled by what it says", an_answer_is_settled},
    {"a stream that is left took out nobody knows what",
     a_stream_that_is_left_took_out_nobody_knows_what},
    {"a refusal takes nothing", a_refusal_takes_nothing},
    {"what is left is reported", what_is_left_is_reported},
    {"what it may take is asked for", what_it_may_take_is_asked_for},
    {"refused tokens: with both numbers",
     one_that_is_too_large_is_told_both_numbers},
    {NULL, NULL},
};

CU_ErrorCode tokens_add(void)
{
    return spine_add("tokens", tests);
}
