/* Mirrors fcgi/upstream/unfold.c, unfold_response.c and unfold_message.c. */
#include "fcgi/upstream/unfold.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* What TEXT becomes; "-" if it is no answer. */
static void becomes(const char *text, enum sse_ends ends, enum unfolded want,
                    const char *events)
{
    struct buf out = {NULL, 0, 0, 0};
    enum unfolded have = unfold(&out, text, strlen(text), ends);

    buf_add(&out, "", 1);
    if (have != want || strcmp(buf_head(&out), events) != 0)
        printf("\n    %d: %s\n", (int)have, buf_head(&out));
    CU_ASSERT_EQUAL(have, want);
    CU_ASSERT_STRING_EQUAL(buf_head(&out), events);
    buf_free(&out);
}

static void a_chat_completion_is_two_chunks(void)
{
    becomes("\n{\"id\":\"x\",\"object\":\"chat.completion\",\"created\":1,"
            "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
            "\"assistant\",\"content\":\"a/b\",\"refusal\":null,"
            "\"reasoning_content\":\"r\"},\"logprobs\":null,"
            "\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":3}}\n",
            ENDS_DONE, UNFOLD_ANSWER,
            "data: {\"id\":\"x\",\"created\":1,\"model\":\"m\",\"object\":"
            "\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"logprobs\":"
            "null,\"delta\":{\"role\":\"assistant\",\"content\":\"a/b\","
            "\"refusal\":null,\"reasoning_content\":\"r\"},"
            "\"finish_reason\":null}]}\n\n"
            "data: {\"id\":\"x\",\"created\":1,\"model\":\"m\",\"object\":"
            "\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
            "\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":3}}\n\n"
            "data: [DONE]\n\n");
}

static void calls_of_tools_get_their_place(void)
{
    becomes("{\"choices\":[{\"index\":1,\"message\":{\"content\":null,"
            "\"tool_calls\":[{\"id\":\"a\"},{\"id\":\"b\",\"index\":7}]},"
            "\"finish_reason\":\"tool_calls\"}]}",
            ENDS_DONE, UNFOLD_ANSWER,
            "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{"
            "\"index\":1,\"delta\":{\"content\":null,\"tool_calls\":[{\"id\":"
            "\"a\",\"index\":0},{\"id\":\"b\",\"index\":1}]},"
            "\"finish_reason\":null}]}\n\n"
            "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{"
            "\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
            "data: [DONE]\n\n");
}

static void a_text_completion_keeps_its_name(void)
{
    becomes("{\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\","
            "\"index\":0,\"finish_reason\":\"length\"},{\"text\":\"\","
            "\"index\":1,\"finish_reason\":\"stop\"}]}",
            ENDS_DONE, UNFOLD_ANSWER,
            "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":"
            "\"a\",\"index\":0,\"finish_reason\":null},{\"text\":\"\","
            "\"index\":1,\"finish_reason\":null}]}\n\n"
            "data: {\"object\":\"text_completion\",\"choices\":[{\"index\":0,"
            "\"text\":\"\",\"finish_reason\":\"length\"},{\"index\":1,"
            "\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n"
            "data: [DONE]\n\n");
}

static void an_error_is_one_event_as_it_is(void)
{
    becomes("{\n\"error\": {\"message\":\"m\"}}", ENDS_DONE, UNFOLD_ERROR,
            "data: {\"error\":{\"message\":\"m\"}}\n\n");
    becomes("{\"type\":\"error\",\"error\":{\"type\":\"a\"}}", ENDS_MESSAGE,
            UNFOLD_ERROR,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
            "\"a\"}}\n\n");
    /* An answer may have a member of that name. */
    becomes("{\"error\":{},\"choices\":[{\"text\":\"a\"}]}", ENDS_DONE,
            UNFOLD_ANSWER,
            "data: {\"error\":{},\"object\":\"text_completion\",\"choices\":[{"
            "\"text\":\"a\",\"finish_reason\":null}]}\n\n"
            "data: {\"error\":{},\"object\":\"text_completion\",\"choices\":[{"
            "\"text\":\"\",\"finish_reason\":null}]}\n\ndata: [DONE]\n\n");
}

static void what_is_no_answer_is_none(void)
{
    static const char *const texts[] = {
        "",
        "  ",
        "[]",
        "null",
        "\"a\"",
        "{}",
        "{\"choices\":[]}",
        "{\"choices\":{}}",
        "{\"choices\":[1]}",
        "{\"choices\":[{}]}",
        "{\"choices\":[{\"message\":\"a\"}]}",
        "{\"choices\":[{\"message\":{}},{\"text\":\"a\"}]}",
        "{\"choices\":[{\"message\":{}}]",
        "{\"choices\":[{\"message\":{}}]}{}",
        "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}",
        "{\"error\":null}",
        "{\"error\":false}",
        "{\"object\":\"response\",\"output\":[]}",
        "{'choices':[{'text':'a'}]}",
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        becomes(texts[i], ENDS_DONE, UNFOLD_NOT, "");
    becomes("{\"choices\":[{\"text\":\"a\"}]}", ENDS_ANYHOW, UNFOLD_NOT, "");
    becomes("{\"choices\":[{\"text\":\"a\"}]}", ENDS_RESPONSE, UNFOLD_NOT, "");
    becomes("{\"status\":\"queued\",\"output\":[]}", ENDS_RESPONSE, UNFOLD_NOT,
            "");
}

/* The types of all events, and how its text and its calls came. */
static void types_of(const char *text, enum sse_ends ends, const char *types,
                     const char *deltas)
{
    struct buf out = {NULL, 0, 0, 0};
    char seen[1024] = "", said[256] = "";
    const char *p;

    CU_ASSERT_EQUAL(unfold(&out, text, strlen(text), ends), UNFOLD_ANSWER);
    buf_add(&out, "", 1);
    for (p = buf_head(&out); (p = strstr(p, "event: ")) != NULL; p++)
        (void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
                       "%.*s ", (int)strcspn(p + 7, "\n"), p + 7);
    for (p = buf_head(&out); (p = strstr(p, "\"delta\":")) != NULL; p++)
        (void)snprintf(said + strlen(said), sizeof(said) - strlen(said),
                       "%.*s ", (int)strcspn(p + 8, ",}"), p + 8);
    if (strcmp(seen, types) != 0 || strcmp(said, deltas) != 0)
        printf("\n    %s\n    %s\n", seen, said);
    CU_ASSERT_STRING_EQUAL(seen, types);
    CU_ASSERT_STRING_EQUAL(said, deltas);
    buf_free(&out);
}

static void a_response_is_told_in_each_way(void)
{
    types_of("{\"object\":\"response\",\"status\":\"completed\",\"output\":["
             "{\"type\":\"reasoning\",\"summary\":[]},"
             "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
             "\"text\":\"a\"},{\"type\":\"refusal\",\"refusal\":\"r\"}]},"
             "{\"type\":\"function_call\",\"arguments\":\"x\"}]}",
             ENDS_RESPONSE,
             "response.created "
             "response.output_item.added response.output_item.done "
             "response.output_item.added response.content_part.added "
             "response.output_text.delta response.output_text.done "
             "response.content_part.done response.content_part.added "
             "response.refusal.delta response.refusal.done "
             "response.content_part.done response.output_item.done "
             "response.output_item.added "
             "response.function_call_arguments.delta "
             "response.function_call_arguments.done "
             "response.output_item.done response.completed ",
             "\"a\" \"r\" \"x\" ");
    types_of("{\"status\":\"incomplete\",\"output\":[]}", ENDS_RESPONSE,
             "response.created response.incomplete ", "");
    types_of("{\"status\":\"failed\",\"output\":[1]}", ENDS_RESPONSE,
             "response.created response.failed ", "");
}

static void a_message_is_told_in_blocks(void)
{
    types_of("{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":"
             "\"a\"},{\"type\":\"tool_use\",\"input\":{\"b\":1}}],"
             "\"stop_reason\":\"tool_use\",\"usage\":{\"output_tokens\":1}}",
             ENDS_MESSAGE,
             "message_start content_block_start content_block_delta "
             "content_block_stop content_block_start content_block_delta "
             "content_block_stop message_delta message_stop ",
             "{\"type\":\"text_delta\" {\"type\":\"input_json_delta\" "
             "{\"stop_reason\":\"tool_use\" ");
}

/* A line end in a text would end the event. */
static void no_text_can_end_an_event(void)
{
    becomes("{\"choices\":[{\"text\":\"a\\n\\ndata: b\\r\"}]}", ENDS_DONE,
            UNFOLD_ANSWER,
            "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":"
            "\"a\\n\\ndata: b\\r\",\"finish_reason\":null}]}\n\n"
            "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":"
            "\"\",\"finish_reason\":null}]}\n\ndata: [DONE]\n\n");
}

static const struct unit_test tests[] = {
    {"a chat completion is two chunks", a_chat_completion_is_two_chunks},
    {"calls of tools get their place", calls_of_tools_get_their_place},
    {"a text completion keeps its name", a_text_completion_keeps_its_name},
    {"an error is one event, as it is", an_error_is_one_event_as_it_is},
    {"what is no answer is none", what_is_no_answer_is_none},
    {"a response is told in deltas, items and as a whole",
     a_response_is_told_in_each_way},
    {"a message is told in blocks", a_message_is_told_in_blocks},
    {"no text can end an event", no_text_can_end_an_event},
    {NULL, NULL},
};

CU_ErrorCode test_unfold_add(void)
{
    return unit_add("unfold", tests);
}
