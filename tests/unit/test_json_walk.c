/* Mirrors lib/json_walk.c: where in a JSON text is what? */
#include "lib/json_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "unit.h"

/* All items of TEXT as "key=value;...", and how it ended: '.' or '!'. */
static void walk(const char *text, size_t len, char *out, size_t max)
{
    /* A copy of just so many bytes: one more is found by the sanitizers. */
    char *exact = malloc(len + 1);
    struct json_walk w;
    struct json_item item;
    size_t n = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
    memcpy(exact, text, len);
    *out = '\0';
    if (!json_walk_into(&w, (struct json_span){exact, len})) {
        (void)snprintf(out, max, "none");
        free(exact);
        return;
    }
    while (json_walk_next(&w, &item) && n < max)
        n += (size_t)snprintf(
            out + n, max - n, "%.*s%s%.*s;", (int)item.key.len,
            item.key.at != NULL ? item.key.at : "", w.is_object ? "=" : "",
            (int)item.value.len, item.value.at);
    (void)snprintf(out + n, max - n, "%c", w.at != NULL ? '.' : '!');
    free(exact);
}

static const struct {
    const char *text, *items;
} rows[] = {
    {"{}", "."},
    {" [ ] ", "."},
    {"{\"a\":1}", "a=1;."},
    {" { \"a\" : 1 , \"b\" : [ 2 , { \"a\" : 3 } ] } ",
     "a=1;b=[ 2 , { \"a\" : 3 } ];."},
    {"[1,\"x\",null,-1.5e3,true,{\"a\":[]},[[]]]",
     "1;\"x\";null;-1.5e3;true;{\"a\":[]};[[]];."},
    {"{\"a\":\"}\\\"]\",\"b\":\"\\\\\"}", "a=\"}\\\"]\";b=\"\\\\\";."},
    {"{\"a\\\"b\":{\"\\\\\":\"{\"}}", "a\\\"b={\"\\\\\":\"{\"};."},
    {"{\"\":0}", "=0;."},
    {"\n{\t\"a\"\r\n:\n1\n}", "a=1;."},
    /* what makes no sense ends, and stays inside */
    {"", "none"},
    {"   ", "none"},
    {"\"a\"", "none"},
    {"7", "none"},
    {"{", "!"},
    {"[", "!"},
    {"{\"", "!"},
    {"{\"a", "!"},
    {"{\"a\"", "!"},
    {"{\"a\":", "!"},
    {"{\"a\": ", "!"},
    {"{\"a\":\"", "!"},
    {"{\"a\":\"b\\\"", "!"},
    {"{\"a\":[", "!"},
    {"{\"a\":[\"]", "!"},
    {"{\"a\":1", "a=1;!"},
    {"{\"a\":1,", "a=1;!"},
    {"{a:1}", "!"},
    {"{\"a\" 1}", "!"},
    {"{\"a\":}", "!"},
    {"{\"a\":,}", "!"},
    {"[\\", "\\;!"},
};

static void items_are_found_in_their_order(void)
{
    char items[256];
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        walk(rows[i].text, strlen(rows[i].text), items, sizeof(items));
        if (strcmp(items, rows[i].items) != 0) {
            printf("\n    %s: wanted %s, got %s", rows[i].text, rows[i].items,
                   items);
            CU_FAIL("not walked as it should be");
        }
    }
}

static void a_zero_byte_ends_a_walk(void)
{
    char items[64];

    walk("[1,\0,2]", 8, items, sizeof(items));
    CU_ASSERT_STRING_EQUAL(items, "1;!");
    walk("[\0]", 3, items, sizeof(items));
    CU_ASSERT_STRING_EQUAL(items, "!");
}

/* Every beginning of a text, and every one with a byte changed, ends. */
static void no_text_is_left(void)
{
    static const char text[] =
        " {\"a\":[1,{\"b\\\"\":\"c\\\\\"}],\"d\":{\"e\":null},\"f\":\"g\"} ";
    static const char bytes[] = "{}[]\":,\\ x";
    char copy[sizeof(text)], items[256];
    size_t i, k;

    for (i = 0; i <= sizeof(text) - 1; i++)
        walk(text, i, items, sizeof(items));
    for (i = 0; i < sizeof(text) - 1; i++)
        for (k = 0; k < sizeof(bytes) - 1; k++) {
            memcpy(copy, text, sizeof(text));
            copy[i] = bytes[k];
            walk(copy, sizeof(text) - 1, items, sizeof(items));
        }
    CU_PASS("within its bounds");
}

static bool says(const char *key, const char *name)
{
    return json_walk_says((struct json_span){key, strlen(key)}, name);
}

static void a_key_may_be_escaped(void)
{
    CU_ASSERT_TRUE(says("model", "model"));
    CU_ASSERT_TRUE(says("\\u006dodel", "model"));
    CU_ASSERT_TRUE(says("mode\\u006C", "model"));
    CU_ASSERT_TRUE(says("\\u006d\\u006f\\u0064\\u0065\\u006c", "model"));
    CU_ASSERT_FALSE(says("", "model"));
    CU_ASSERT_FALSE(says("mode", "model"));
    CU_ASSERT_FALSE(says("models", "model"));
    CU_ASSERT_FALSE(says("Model", "model"));
    CU_ASSERT_FALSE(says("\\u016dodel", "model"));
    CU_ASSERT_FALSE(says("\\u00edodel", "model"));
    CU_ASSERT_FALSE(says("mode\\u006", "model"));
    CU_ASSERT_FALSE(says("mode\\u00xc", "model"));
    CU_ASSERT_FALSE(says("mode\\", "model"));
    CU_ASSERT_FALSE(says("m\\odel", "model"));
}

static const struct unit_test tests[] = {
    {"items are found in their order", items_are_found_in_their_order},
    {"a zero byte ends a walk", a_zero_byte_ends_a_walk},
    {"no text is left", no_text_is_left},
    {"a key may be escaped", a_key_may_be_escaped},
    {NULL, NULL},
};

CU_ErrorCode test_json_walk_add(void)
{
    return unit_add("walks through JSON", tests);
}
