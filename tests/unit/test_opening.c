/* Mirrors fcgi/opening.c. */
#include "opening.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct opening {
    const char *text;
    bool has_content;
} openings[] = {
    {"", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n", true},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n", true},
    {"data:{\"choices\":[{\"text\":\"a\"}]}\n", true},
    {": content\nevent: x\nid: 1\n\n", false},
    /* a role, and nothing said */
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{}}]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":null}]}\n\n", false},
    {"data: {\"choices\":[{}]}\n\n", false},
    {"data: {\"choices\":[null,1,\"a\"]}\n\n", false},
    {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}\n", true},
    {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}]}}]}\n", true},
    {"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n", true},
    {"data: {\"choices\":[{},{\"text\":\"a\"}]}\n", true},
    {"data: {\"choices\":[]}\n", true},
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

static void content_is_what_a_client_would_miss(void)
{
    size_t i;

    for (i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        const struct opening *o = &openings[i];

        if (opening_has_content(o->text, strlen(o->text)) == o->has_content)
            continue;
        CU_FAIL("an opening");
        printf("\n    %s", o->text);
    }
}

static const struct unit_test tests[] = {
    {"content is what a client would miss",
     content_is_what_a_client_would_miss},
    {NULL, NULL},
};

CU_ErrorCode test_opening_add(void)
{
    return unit_add("opening", tests);
}
