/* Mirrors fcgi/usage_ask.c and fcgi/prompt_bytes.c: what is read of a body's
 * bytes, and changed in them. */
#include "fcgi/usage_ask.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/prompt_bytes.h"
#include "lib/buf.h"
#include "unit.h"

#define ASK "{\"include_usage\":true}"

static const struct {
    const char *body;
    const char *want; /* NULL: nothing is changed */
} bodies[] = {
    {"{}", "{\"stream_options\":" ASK "}"},
    {" \n{ }", " \n{\"stream_options\":" ASK " }"},
    {"{\"a\":1}", "{\"stream_options\":" ASK ",\"a\":1}"},
    {"{\r\n\t\"a\" : [1, {\"b\":\"}\"}] }\n",
     "{\"stream_options\":" ASK ",\r\n\t\"a\" : [1, {\"b\":\"}\"}] }\n"},
    /* what is there already is merged */
    {"{\"a\":1,\"stream_options\":null,\"b\":2}",
     "{\"a\":1,\"stream_options\":" ASK ",\"b\":2}"},
    {"{\"stream_options\" : null}", "{\"stream_options\" : " ASK "}"},
    {"{\"stream_options\":{}}", "{\"stream_options\":" ASK "}"},
    {"{\"stream_options\": { } ,\"b\":2}",
     "{\"stream_options\": {\"include_usage\":true } ,\"b\":2}"},
    {"{\"stream_options\":{\"include_obfuscation\":false}}",
     "{\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":"
     "false}}"},
    {"{\"stream_options\":{\"include_usage\":false}}",
     "{\"stream_options\":" ASK "}"},
    {"{\"stream_options\":{\"x\":[{}], \"include_usage\" :\n null }}",
     "{\"stream_options\":{\"x\":[{}], \"include_usage\" :\n true }}"},
    /* the client asks for it by itself, or says what is odd */
    {"{\"stream_options\":" ASK "}", NULL},
    {"{\"stream_options\":{\"include_usage\": true}}", NULL},
    {"{\"stream_options\":{\"include_usage\":1}}", NULL},
    {"{\"stream_options\":{\"include_usage\":\"yes\"}}", NULL},
    {"{\"stream_options\":true}", NULL},
    {"{\"stream_options\":[null]}", NULL},
    {"{\"stream_options\":\"null\"}", NULL},
    {"[{\"stream_options\":null}]", NULL},
    {"", NULL},
    {"  ", NULL},
    {"7", NULL},
    {"null", NULL},
    /* only the outermost names count */
    {"{\"metadata\":{\"stream_options\":{\"include_usage\":true}}}",
     "{\"stream_options\":" ASK
     ",\"metadata\":{\"stream_options\":{\"include_usage\":true}}}"},
    {"{\"messages\":[{\"content\":\"\\\"stream_options\\\":null\"}]}",
     "{\"stream_options\":" ASK
     ",\"messages\":[{\"content\":\"\\\"stream_options\\\":null\"}]}"},
    {"{\"stream_options\":{\"x\":{\"include_usage\":true}}}",
     "{\"stream_options\":{\"include_usage\":true,\"x\":{\"include_usage\":"
     "true}}}"},
    {"{\"a\":\"stream_options\",\"b\":null}",
     "{\"stream_options\":" ASK ",\"a\":\"stream_options\",\"b\":null}"},
    {"{\"stream_option\":null,\"stream_optionss\":null}",
     "{\"stream_options\":" ASK
     ",\"stream_option\":null,\"stream_optionss\":null}"},
    /* names in escapes are the same names */
    {"{\"stream\\u005foptions\":null}", "{\"stream\\u005foptions\":" ASK "}"},
    {"{\"\\u0073tream_options\":{\"include\\u005Fusage\":false}}",
     "{\"\\u0073tream_options\":{\"include\\u005Fusage\":true}}"},
    {"{\"stream\\u015foptions\":null,\"stream\\/options\":null,\"\\\\\":\"\\\\"
     "\"}",
     "{\"stream_options\":" ASK
     ",\"stream\\u015foptions\":null,\"stream\\/options\":null,\"\\\\\":"
     "\"\\\\\"}"},
    /* of two the last counts */
    {"{\"stream_options\":" ASK ",\"stream_options\":null}",
     "{\"stream_options\":" ASK ",\"stream_options\":" ASK "}"},
    {"{\"stream_options\":null,\"stream_options\":" ASK "}", NULL},
    {"{\"stream_options\":{\"include_usage\":true,\"include_usage\":false}}",
     "{\"stream_options\":{\"include_usage\":true,\"include_usage\":true}}"},
};

static void is_text(const struct buf *b, const char *want)
{
    if (b->len != strlen(want) || memcmp(buf_head(b), want, b->len) != 0)
        printf("\n    %.*s\n    wanted %s\n", (int)b->len, buf_head(b), want);
    CU_ASSERT_EQUAL_FATAL(b->len, strlen(want));
    CU_ASSERT_EQUAL(memcmp(buf_head(b), want, b->len), 0);
}

static void a_body_asks_for_a_report(void)
{
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const char *body = bodies[i].body, *want = bodies[i].want;
        struct buf b = {NULL, 0, 0, 0};
        struct usage_ask a;

        buf_str(&b, "xx"); /* taken, so that it does not begin at its start */
        buf_str(&b, body);
        buf_take(&b, 2);
        CU_ASSERT_EQUAL(usage_ask_find(&a, body, strlen(body)), want != NULL);
        usage_ask_put(&a, &b);
        is_text(&b, want != NULL ? want : body);
        usage_ask_take(&a, &b);
        is_text(&b, body);
        buf_free(&b);
    }
}

/* Cut anywhere it is no JSON any more, but nothing is read beyond it. */
static void what_is_cut_is_not_read_beyond(void)
{
    size_t i, n;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (n = 0; n < strlen(bodies[i].body); n++) {
            char *exact = malloc(n + 1);
            struct usage_ask a;

            CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
            memcpy(exact, bodies[i].body, n);
            if (usage_ask_find(&a, exact, n))
                CU_ASSERT_TRUE(a.at + strlen(a.was) <= n);
            free(exact);
        }
    }
}

/* ---- what is text ---------------------------------------------------------------- */

static uint64_t text_of(const char *before, size_t picture, const char *after)
{
    struct buf b = {NULL, 0, 0, 0};
    uint64_t n;

    buf_str(&b, before);
    if (picture > 0) /* an empty buffer has no room of none */
        memset(buf_room(&b, picture), 'A', picture);
    b.len += picture;
    buf_str(&b, after);
    n = prompt_bytes(b.len > 0 ? buf_head(&b) : "", b.len);
    buf_free(&b);
    return n;
}

static void a_picture_is_no_text(void)
{
    CU_ASSERT_EQUAL(text_of("", 0, ""), 0);
    CU_ASSERT_EQUAL(text_of("{\"a\":\"", 0, "b c\"}"), 11);
    CU_ASSERT_EQUAL(text_of("\"", 1024, "\""), 1026);
    CU_ASSERT_EQUAL(text_of("\"", 1025, "\""), 1027);
    CU_ASSERT_EQUAL(text_of("\"", PROMPT_FILE_BYTES, "\""), 4098);
    CU_ASSERT_EQUAL(text_of("\"data:image/png;base64,", 5000000, "==\""),
                    4096 + 24);
    CU_ASSERT_EQUAL(text_of("", 5000000, ""), 4096);
    /* words are */
    CU_ASSERT_EQUAL(text_of("\xe4\xbd\xa0\xe5\xa5\xbd", 0, ""), 6);
}

CU_ErrorCode test_usage_ask_add(void)
{
    static const struct unit_test tests[] = {
        {"a body asks for a report, and all else of it stays",
         a_body_asks_for_a_report},
        {"what is cut is not read beyond", what_is_cut_is_not_read_beyond},
        {"a picture is no text, and a long word is", a_picture_is_no_text},
        {NULL, NULL},
    };

    return unit_add("fcgi/usage_ask.c", tests);
}
