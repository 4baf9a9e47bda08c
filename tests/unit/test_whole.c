/* Mirrors fcgi/upstream/whole.c. */
#include "fcgi/upstream/whole.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct row {
    const char *text;
    bool is_blank, is_cut;
} rows[] = {
    {"", true, false},
    {"\n \r\t", true, false},
    {"{}", false, false},
    {"{", false, true},
    {"\n\n{\"a\":[1,2", false, true},
    {"[", false, true},
    {"[[[]]", false, true},
    {"{\"a\":\"}", false, true},
    {"{\"a\":\"}\"}", false, false},
    {"{\"a\":\"\\\"}\"}\n", false, false},
    {"{\"a\":\"\\\\\"}", false, false},
    {"{\"a\":\"\\", false, true},
    {"[1]\n\n", false, false},
    {"12", false, false},
    {"nul", false, false},
    {"text with a { in it", false, false},
};

static void it_is_cut_within_brackets_or_a_text(void)
{
    size_t i, at, len;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        len = strlen(rows[i].text);
        for (at = 0; at <= len; at++) {
            struct whole w = {.depth = 0};

            whole_take(&w, rows[i].text, at);
            whole_take(&w, rows[i].text + at, len - at);
            CU_ASSERT_EQUAL(whole_is_blank(&w), rows[i].is_blank);
            CU_ASSERT_EQUAL(whole_is_cut(&w), rows[i].is_cut);
        }
    }
}

static void each_part_of_an_answer_is_cut(void)
{
    static const char text[] =
        "\n{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"content\":"
        "\"a \\\"b\\\" {\"}}],\"usage\":null}";
    size_t n;

    for (n = 2; n < sizeof(text) - 1; n++) {
        struct whole w = {.depth = 0};

        whole_take(&w, text, n);
        CU_ASSERT_TRUE(whole_is_cut(&w));
    }
}

static void no_depth_is_too_deep(void)
{
    struct whole w = {.depth = 0};
    int i;

    for (i = 0; i < 100000; i++)
        whole_take(&w, "[", 1);
    for (i = 0; i < 100000; i++) {
        CU_ASSERT_TRUE(whole_is_cut(&w));
        whole_take(&w, "]", 1);
    }
    CU_ASSERT_FALSE(whole_is_cut(&w));
}

static const struct unit_test tests[] = {
    {"it is cut within brackets or a text",
     it_is_cut_within_brackets_or_a_text},
    {"each part of an answer is cut", each_part_of_an_answer_is_cut},
    {"no depth is too deep", no_depth_is_too_deep},
    {NULL, NULL},
};

CU_ErrorCode test_whole_add(void)
{
    return unit_add("whole", tests);
}
