/* OpenAI's Responses before an upstream that speaks chat completions alone. */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"

#define CHAT_ONLY "{'upstreams':[{'protocols':['chat']}]}"
/* The second one speaks it. */
#define MIXED                                                                  \
    "{'upstreams':[{'name':'a','protocols':['chat']},{'name':'b',"             \
    "'base_url':'https://b.example'}]}"

#define ASK(more) "{\"model\":\"a/b\",\"input\":\"x\"" more "}"
#define STREAM    ASK(",\"stream\":true")
#define HI        "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"
#define LAST                                                                   \
    "data: "                                                                   \
    "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":"      \
    "{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"
#define WHOLE                                                                  \
    "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":"       \
    "\"stop\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}"

static struct stage *asked(const char *settings, const char *body)
{
    struct stage *st = stage_new(settings);

    stage_ask(st, "POST", "/v1/responses?a=b", body);
    return st;
}

static void goes(struct stage *st, const char *path, const char *body)
{
    const struct fake_ask *ask = fake_ask(st->s.up);

    wire_send(st->s.up);
    CU_ASSERT_PTR_NOT_NULL(strstr(ask->url, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&ask->body), body));
}

static void it_goes_as_chat_and_comes_as_a_response(void)
{
    struct stage *st = asked(CHAT_ONLY, ASK(",\"max_output_tokens\":9"));

    stage_grant(st);
    goes(st, "nvidia.com/v1/chat/completions", "\"max_tokens\":9");
    stage_answer(st, 200, JSON, WHOLE);
    ENDED(st);
    SAID(st, "{\"id\":\"resp_");
    SAID(st, "\"object\":\"response\"");
    SAID(st, "\"input_tokens\":7");
    NEVER_SAID(st, "\r\nrequest-id: ");
    NOTED(st, "ok 200 none none x1");
    CU_ASSERT_EQUAL(st->s.lim->note.tokens_out, 2);
    stage_free(st);
}

static void where_all_speak_it_it_goes_as_it_came(void)
{
    struct stage *st = asked(NULL, ASK(",\"background\":true"));

    stage_grant(st);
    goes(st, "/v1/responses?a=b", ASK(",\"background\":true"));
    stage_answer(st, 200, JSON, "{\"object\":\"response\",\"x\":1}");
    SAID(st, "\r\n\r\n{\"object\":\"response\",\"x\":1}");
    stage_free(st);
}

static void each_of_two_is_asked_in_its_own_words(void)
{
    struct stage *st = asked(MIXED, ASK(""));

    stage_grant_by(st, 0, NULL);
    goes(st, "/v1/chat/completions", "\"messages\":[");
    stage_answer(st, 200, JSON, WHOLE);
    SAID(st, "\"object\":\"response\"");
    stage_free(st);
    st = asked(MIXED, ASK(""));
    stage_grant_by(st, 1, NULL);
    goes(st, "https://b.example/v1/responses?a=b", ASK(""));
    stage_answer(st, 200, JSON, "{\"object\":\"response\",\"x\":1}");
    SAID(st, "\r\n\r\n{\"object\":\"response\",\"x\":1}");
    stage_free(st);
}

static void what_chat_cannot_say_goes_to_who_speaks_it(void)
{
    struct stage *st = asked(MIXED, ASK(",\"previous_response_id\":\"r\""));

    stage_grant(st);
    goes(st, "https://b.example/v1/responses?a=b",
         "\"previous_response_id\":\"r\"");
    stage_free(st);
    st = asked(MIXED, ASK(",\"tools\":[{\"type\":\"web_search\"}]"));
    stage_grant(st);
    goes(st, "https://b.example/v1/responses?a=b", "web_search");
    stage_free(st);
    st = asked(CHAT_ONLY, ASK(",\"previous_response_id\":\"r\""));
    ENDED(st);
    SAID(st, "Status: 400");
    SAID(st, "{\"error\":{\"message\":\"previous_response_id: nothing is "
             "stored");
    TOLD(st, "");
    stage_free(st);
}

static void a_stream_is_told_event_by_event(void)
{
    struct stage *st = asked(CHAT_ONLY, STREAM);

    stage_grant(st);
    goes(st, "/v1/chat/completions", "\"include_usage\":true");
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    stage_settle(st);
    SAID(st, "event: response.created\n");
    SAID(st, "\"delta\":\"hi\"");
    NEVER_SAID(st, "choices");
    CU_ASSERT_TRUE(wire_body(st->s.up, LAST));
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "event: response.completed\n");
    NEVER_SAID(st, "[DONE]");
    NOTED(st, "ok 200 none none x1");
    CU_ASSERT_EQUAL(st->s.lim->note.tokens_out, 2);
    stage_free(st);
}

static void tells(uint32_t ratio_m, const char *usage)
{
    struct stage *st = stage_new(CHAT_ONLY);

    st->s.lim->token_ratio_m = ratio_m;
    stage_ask(
        st, "POST", "/v1/responses",
        "{\"model\":\"m\",\"stream\":true,\"input\":\"some words of it\"}");
    CU_ASSERT_EQUAL(fake_asked(st->s.lim)->prompt_guess, 3);
    stage_grant(st);
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI "data: [DONE]\n\n"));
    stage_settle(st);
    SAID(st, usage);
    stage_free(st);
}

/* By what was guessed, and learned. */
static void tokens_that_nobody_tells_are_guessed(void)
{
    tells(0, "\"input_tokens\":4,");
    tells(0, "\"output_tokens\":1,");
    tells(3000, "\"input_tokens\":11,");
    tells(3000, "\"output_tokens\":3,");
}

static void a_cut_stream_ends_with_an_error(void)
{
    struct stage *st = asked(CHAT_ONLY, STREAM);

    stage_grant(st);
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    SAID(st, "event: response.failed\n");
    SAID(st, "event: error\n");
    SAID(st, "\"sequence_number\":6,\"code\":\"sluice_upstream_truncated\"");
    NEVER_SAID(st, "response.completed");
    stage_free(st);
}

static void comments_are_signs_of_life(void)
{
    struct stage *st = stage_new("{'commit_after_s':1,'heartbeat_s':2,"
                                 "'upstreams':[{'protocols':['chat']}]}");

    stage_ask(st, "POST", "/v1/responses", STREAM);
    stage_pass(st, 1000);
    SAID(st, "\r\n\r\n: ");
    NEVER_SAID(st, "event:");
    stage_grant(st);
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    stage_settle(st);
    SAID(st, "event: response.created\n");
    stage_free(st);
}

static void nothing_is_stored(void)
{
    struct stage *st = stage_new(CHAT_ONLY);

    stage_ask(st, "GET", "/v1/responses/resp_1", NULL);
    ENDED(st);
    SAID(st, "Status: 404");
    SAID(st, "\"message\":\"No response is stored here");
    TOLD(st, "");
    stage_free(st);
}

static void its_user_names_a_client(void)
{
    struct stage *st =
        asked("{'client_from_user':true,'upstreams':[{'protocols':['chat']}]}",
              ASK(",\"user\":\"alice\""));

    CU_ASSERT_STRING_EQUAL(st->r->client, "alice");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"responses: go as chat and come as a response",
     it_goes_as_chat_and_comes_as_a_response},
    {"responses: where all speak it, it goes as it came",
     where_all_speak_it_it_goes_as_it_came},
    {"responses: each of two is asked in its own words",
     each_of_two_is_asked_in_its_own_words},
    {"responses: what chat cannot say goes to who speaks it",
     what_chat_cannot_say_goes_to_who_speaks_it},
    {"responses: a stream is told event by event",
     a_stream_is_told_event_by_event},
    {"responses: tokens that nobody tells are guessed",
     tokens_that_nobody_tells_are_guessed},
    {"responses: a cut stream ends with an error",
     a_cut_stream_ends_with_an_error},
    {"responses: comments are signs of life", comments_are_signs_of_life},
    {"responses: nothing is stored", nothing_is_stored},
    {"responses: their user names a client", its_user_names_a_client},
    {NULL, NULL},
};

CU_ErrorCode responses_add(void)
{
    return spine_add("responses", tests);
}
