/* Anthropic's Messages before an upstream that speaks chat completions. */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"

#define ASK(more)                                                              \
    "{\"model\":\"a/b\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","    \
    "\"content\":\"x\"}]" more "}"
#define STREAM ASK(",\"stream\":true")
#define HI     "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"
#define LAST                                                                   \
    "data: "                                                                   \
    "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":"      \
    "{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"

static struct stage *asked(const char *settings, const char *body)
{
    struct stage *st = stage_new(settings);

    stage_ask(st, "POST", "/v1/messages?beta=true", body);
    stage_grant(st);
    return st;
}

static void goes(struct stage *st, const char *url, const char *body)
{
    const struct fake_ask *ask = fake_ask(st->s.up);

    wire_send(st->s.up);
    CU_ASSERT_STRING_EQUAL(ask->url, url);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&ask->body), body));
}

static void it_goes_as_chat_and_comes_as_a_message(void)
{
    struct stage *st = asked(NULL, ASK(""));

    goes(st, "https://integrate.api.nvidia.com/v1/chat/completions",
         "\"max_tokens\":9");
    stage_answer(st, 200, JSON,
                 "{\"choices\":[{\"message\":{\"content\":\"hi\"},"
                 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,"
                 "\"completion_tokens\":2}}");
    ENDED(st);
    SAID(st, "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"a/b\"");
    SAID(st, "\"input_tokens\":7");
    SAID(st, "\r\nrequest-id: req_");
    NOTED(st, "ok 200 none none x1");
    CU_ASSERT_EQUAL(st->s.lim->note.tokens_out, 2);
    stage_free(st);
}

static void who_speaks_it_gets_it_as_it_came(void)
{
    struct stage *st = asked(SPEAKS_MESSAGES, ASK(",\"mcp_servers\":[1]"));

    goes(st, "https://integrate.api.nvidia.com/v1/messages?beta=true",
         ASK(",\"mcp_servers\":[1]"));
    stage_answer(st, 200, JSON, "{\"type\":\"message\",\"x\":1}");
    SAID(st, "\r\n\r\n{\"type\":\"message\",\"x\":1}");
    stage_free(st);
}

static void a_stream_is_told_event_by_event(void)
{
    struct stage *st = asked(NULL, STREAM);

    goes(st, "https://integrate.api.nvidia.com/v1/chat/completions",
         "\"include_usage\":true");
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    stage_settle(st);
    SAID(st, "event: message_start\n");
    SAID(st, "\"text\":\"hi\"");
    NEVER_SAID(st, "choices");
    CU_ASSERT_TRUE(wire_body(st->s.up, LAST));
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "event: message_stop\n");
    NEVER_SAID(st, "[DONE]");
    NOTED(st, "ok 200 none none x1");
    stage_free(st);
}

static void an_end_without_its_blank_line_is_one(void)
{
    struct stage *st = asked(NULL, STREAM);

    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    CU_ASSERT_TRUE(wire_body(st->s.up, "data: [DONE]"));
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "event: message_stop\n");
    stage_free(st);
}

static void a_cut_stream_ends_with_an_error(void)
{
    struct stage *st = asked(NULL, STREAM);

    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    BROKEN(st);
    SAID(st, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
             "\"api_error\"");
    NEVER_SAID(st, "message_stop");
    stage_free(st);
}

static void an_error_in_it_is_told_without_a_key(void)
{
    struct stage *st = asked(NULL, STREAM);

    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    (void)wire_body(st->s.up, "data: {\"error\":{\"message\":\"no " KEY
                              "\",\"code\":429}}\n\n");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    BROKEN(st);
    SAID(st, "\"type\":\"rate_limit_error\",\"message\":\"no ****");
    NEVER_SAID(st, KEY);
    NOTED(st, "upstream_error 200 none none x1");
    stage_free(st);
}

/* Where it waits, and where its upstream thinks without a word. */
static void pings_are_signs_of_life(void)
{
    struct stage *st = stage_new("{'commit_after_s':1,'heartbeat_s':2}");

    stage_ask(st, "POST", "/v1/messages", STREAM);
    stage_pass(st, 1000);
    SAID(st, "event: message_start\n");
    SAID(st, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    NEVER_SAID(st, "\n: ");
    stage_free(st);
    st = stage_new("{'commit_after_s':100,'heartbeat_s':2}");
    stage_ask(st, "POST", "/v1/messages", STREAM);
    stage_grant(st);
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up,
                             "data: {\"choices\":[{\"delta\":"
                             "{\"reasoning_content\":\"hm\"}}]}\n\n"));
    stage_settle(st);
    SAID(st, "event: message_start\n");
    NEVER_SAID(st, "event: ping");
    NEVER_SAID(st, "hm");
    stage_pass(st, 2000);
    SAID(st, "event: ping");
    stage_free(st);
}

static void errors_are_anthropics(void)
{
    static const struct {
        int status;
        const char *headers, *body, *type;
    } rows[] = {
        {400, JSON, "{\"error\":{\"message\":\"m\"}}", "invalid_request_error"},
        {401, JSON, "{\"detail\":\"m\"}", "authentication_error"},
        {404, JSON, "{\"detail\":\"m\"}", "not_found_error"},
        {413, "content-type: text/html\n", "<html>m</html>",
         "request_too_large"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct stage *st = asked(NULL, ASK(""));
        char want[160];

        stage_answer(st, rows[i].status, rows[i].headers, rows[i].body);
        ENDED(st);
        (void)snprintf(want, sizeof(want),
                       "{\"type\":\"error\",\"error\":{\"type\":\"%s\",",
                       rows[i].type);
        SAID(st, want);
        stage_free(st);
    }
}

static void what_chat_cannot_say_is_not_sent(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "POST", "/v1/messages", ASK(",\"mcp_servers\":[{}]"));
    ENDED(st);
    SAID(st, "Status: 400");
    SAID(st, "{\"type\":\"error\",\"error\":{\"type\":"
             "\"invalid_request_error\"");
    TOLD(st, "");
    stage_free(st);
}

static void an_answer_bears_the_name_that_was_asked_for(void)
{
    struct stage *st = asked("{'model_alias':{'a/*':'c/d'}}", ASK(""));

    goes(st, "https://integrate.api.nvidia.com/v1/chat/completions",
         "\"model\":\"c/d\"");
    stage_answer(st, 200, JSON,
                 "{\"model\":\"c/d\",\"choices\":[{\"message\":{\"content\":"
                 "\"hi\"},\"finish_reason\":\"stop\"}]}");
    SAID(st, "\"model\":\"a/b\"");
    SAID(st, "X-Sluice-Model: c/d\r\n");
    CU_ASSERT_STRING_EQUAL(st->s.lim->note.model, "c/d");
    stage_free(st);
    st = stage_new("{'model_alias':{'a/*':'c/d'}}");
    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 200, JSON, "{ \"model\": \"c/d\", \"x\":1}");
    SAID(st, "{ \"model\": \"a/b\", \"x\":1}");
    stage_free(st);
    st = stage_new("{'model_alias':{'a/*':'c/d'}}");
    stage_chat(st, true);
    stage_grant(st);
    wire_head(st->s.up, 200, SSE);
    CU_ASSERT_TRUE(wire_body(st->s.up, "data: {\"model\":\"c/d\",\"choices\":"
                                       "[{\"delta\":{\"content\":\"c/d\"}}]}"
                                       "\r\n\r\n"));
    stage_settle(st);
    SAID(st, "data: {\"model\":\"a/b\",\"choices\":[{\"delta\":"
             "{\"content\":\"c/d\"}}]}\r\n\r\n");
    stage_free(st);
}

static void its_user_names_a_client(void)
{
    struct stage *st = asked("{'client_from_user':true}",
                             ASK(",\"metadata\":{\"user_id\":\"alice\"}"));

    CU_ASSERT_STRING_EQUAL(st->r->client, "alice");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"messages: go as chat and come as a message",
     it_goes_as_chat_and_comes_as_a_message},
    {"messages: who speaks it gets it as it came",
     who_speaks_it_gets_it_as_it_came},
    {"messages: a stream is told event by event",
     a_stream_is_told_event_by_event},
    {"messages: an end without its blank line is one",
     an_end_without_its_blank_line_is_one},
    {"messages: a cut stream ends with an error",
     a_cut_stream_ends_with_an_error},
    {"messages: an error in it is told without a key",
     an_error_in_it_is_told_without_a_key},
    {"messages: pings are signs of life", pings_are_signs_of_life},
    {"messages: errors are Anthropic's", errors_are_anthropics},
    {"messages: what chat cannot say is not sent",
     what_chat_cannot_say_is_not_sent},
    {"messages: an answer bears the name that was asked for",
     an_answer_bears_the_name_that_was_asked_for},
    {"messages: its user names a client", its_user_names_a_client},
    {NULL, NULL},
};

CU_ErrorCode messages_add(void)
{
    return spine_add("messages", tests);
}
