/* Mirrors fcgi/upstream/stream_start.c. */
#include "fcgi/upstream/stream_start.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* A text with content ends where that does. */
static const struct opening {
    const char *text;
    bool has_content;
} openings[] = {
    {"", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", true},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n", true},
    {"data:{\"choices\":[{\"text\":\"a\"}]}\n\n", true},
    {"data: {\"choices\":[{\"text\":\"a\"}]}\r\r", true},
    {"\xef\xbb\xbf"
     "data: {\"choices\":[{\"text\":\"a\"}]}\n\n",
     true},
    {"data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"ping\"}\n\n",
     false},
    {"id: 1\rdata: {\"choices\":[{\"text\":\"\"}]}\r\r", false},
    {": content\nevent: x\nid: 1\n\n", false},
    /* a role, and nothing said */
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":null}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,"
     "\"reasoning_content\":null,\"refusal\":null,\"tool_calls\":null,"
     "\"audio\":{}}}]}\n\n",
     false},
    {"data: {\"choices\":[{}]}\n\n", false},
    {"data: {\"choices\":[null,1,\"a\"]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}\n\n",
     true},
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":"
     "\"\",\"reasoning\":\"a\"}}]}\n\n",
     true},
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":"
     "\"\",\"reasoning_details\":[{\"text\":\"a\"}]}}]}\n\n",
     true},
    {"data: {\"choices\":[{\"delta\":{\"content\":null,\"refusal\":\"a\"}}]}"
     "\n\n",
     true},
    {"data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"a\"}}}]}"
     "\n\n",
     true},
    {"data: {\"choices\":[{\"delta\":{\"audio\":{\"id\":\"a\"}}}]}\n\n", true},
    {"data: {\"choices\":[{\"delta\":{\"thinking\":\"a\"}}]}\n\n", true},
    {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}]}}]}\n\n", true},
    {"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
     true},
    {"data: {\"choices\":[{},{\"text\":\"a\"}]}\n\n", true},
    {"data: {\"choices\":[]}\n\n", true},
    /* the Responses API */
    {"event: response.created\ndata: {\"type\":\"response.created\"}\n\n",
     false},
    {"data: {\"type\":\"response.in_progress\"}\n\n", false},
    {"data: {\"type\":\"response.output_text.delta\"}\n\n", true},
    /* what is not understood counts */
    {"data: {\"type\":null}\n\n", true},
    {"data: {\"type\":1}\n\n", true},
    {"data: {\"choices\":null}\n\n", true},
    {"data: [DONE]\n\n", true},
    {"data: null\n\n", true},
    {"data: {\"choices\":[{\n\n", true},
    {"data:\n\n", true},
};

#define OPENINGS (sizeof(openings) / sizeof(openings[0]))

static void is(const char *text, size_t want)
{
    size_t have = stream_start_len(text, 0, strlen(text));

    CU_ASSERT_EQUAL(have, want);
    if (have != want)
        printf("\n    %zu, not %zu: %s", have, want, text);
}

static void content_is_what_a_client_would_miss(void)
{
    size_t i;

    for (i = 0; i < OPENINGS; i++)
        is(openings[i].text,
           openings[i].has_content ? strlen(openings[i].text) : 0);
}

static void it_ends_with_the_first_event_that_has_some(void)
{
    char text[512];
    size_t i, k;

    for (i = 0; i < OPENINGS; i++) {
        if (!openings[i].has_content)
            continue;
        for (k = 0; k < OPENINGS; k++) {
            snprintf(text, sizeof(text), "%s%s", openings[i].text,
                     openings[k].text);
            is(text, strlen(openings[i].text));
        }
    }
}

static void it_is_found_as_it_comes(void)
{
    static const char text[] =
        ": a\r\n\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"a\"}}]}\r\n\r\n"
        "data: {\"type\":\"response.created\"}\r\r"
        "event: x\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: 1\n\n";
    size_t len, first = strlen(text) - strlen("data: 1\n\n"),
                last = (size_t)(strstr(text, "event: x") - text);

    for (len = 0; len < first; len++)
        CU_ASSERT_EQUAL(stream_start_len(text, 0, len), 0);
    CU_ASSERT_EQUAL(stream_start_len(text, 0, len), first);
    CU_ASSERT_EQUAL(stream_start_len(text, last, strlen(text)), first);
    CU_ASSERT_EQUAL(stream_start_len(text, first, strlen(text)), strlen(text));
}

static const struct unit_test tests[] = {
    {"content is what a client would miss",
     content_is_what_a_client_would_miss},
    {"it ends with the first event that has some",
     it_ends_with_the_first_event_that_has_some},
    {"it is found as it comes", it_is_found_as_it_comes},
    {NULL, NULL},
};

CU_ErrorCode test_stream_start_add(void)
{
    return unit_add("opening", tests);
}
