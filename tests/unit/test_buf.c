/* Mirrors lib/buf.c. */
#include "lib/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "unit.h"

/* Pseudo-random, the same in each run. */
static uint32_t dice(uint32_t n)
{
    static uint64_t seed = 1;

    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* What json-c reads from buf_json(TEXT), for the caller to put. */
static struct json_object *read_back(const char *text)
{
    struct json_tokener *tok = json_tokener_new();
    struct buf b = {NULL, 0, 0, 0};
    struct json_object *o;
    size_t i;

    /* Not strict: json-c 0.18 takes letters beyond ASCII for an error. */
    buf_json(&b, text);
    for (i = 0; i < b.len; i++) /* json-c would let some of them pass */
        CU_ASSERT_FALSE((unsigned char)buf_head(&b)[i] < 0x20 ||
                        buf_head(&b)[i] == 0x7f);
    o = json_tokener_parse_ex(tok, buf_head(&b), (int)b.len);
    CU_ASSERT_EQUAL(json_tokener_get_error(tok), json_tokener_success);
    CU_ASSERT_EQUAL(json_tokener_get_parse_end(tok), b.len);
    CU_ASSERT_TRUE(json_object_is_type(o, json_type_string));
    json_tokener_free(tok);
    buf_free(&b);
    return o;
}

static void sound_text_comes_back_as_it_was(void)
{
    static const char *const texts[] = {
        "",
        "plain",
        "\"quoted\" \\ / \b\f\n\r\t",
        "\x01\x1f\x7f",
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
        "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
        "</script>",
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct json_object *o = read_back(texts[i]);

        CU_ASSERT_STRING_EQUAL(json_object_get_string(o), texts[i]);
        json_object_put(o);
    }
}

/* JSON without its quotes. */
static void is_written(const char *text, const char *want)
{
    struct buf b = {NULL, 0, 0, 0};

    buf_json(&b, text);
    CU_ASSERT_EQUAL(b.len, strlen(want) + 2);
    CU_ASSERT_EQUAL(memcmp(buf_head(&b) + 1, want, strlen(want)), 0);
    buf_free(&b);
    buf_json_text(&b, text);
    CU_ASSERT_EQUAL(b.len, strlen(want));
    CU_ASSERT_EQUAL(memcmp(buf_head(&b), want, strlen(want)), 0);
    buf_free(&b);
}

static void what_a_terminal_obeys_is_escaped(void)
{
    is_written("\x7f", "\\u007f");
    is_written("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
               "\\u0080\\u009b\\u009f\xc2\xa0");
    is_written("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
    is_written("\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
               "\\u202a\\u202e\xe2\x80\xaf");
    is_written("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
               "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa");
    is_written("\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c",
               "\xe2\x80\x8d\\u200e\\u200f\\u061c");
    is_written("\xf0\x9f\x98\x80 \xe4\xbd\xa0",
               "\xf0\x9f\x98\x80 \xe4\xbd\xa0");
}

static void what_is_not_utf8_is_replaced(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a\xff", "a\xef\xbf\xbd"},
        {"\xc0\x80x", "\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82z", "\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3\"", "\xef\xbf\xbd\""},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_object *o = read_back(rows[i].text);

        CU_ASSERT_STRING_EQUAL(json_object_get_string(o), rows[i].want);
        json_object_put(o);
    }
}

/* ASCII is looked at eight bytes at a time. */
static void a_bad_byte_is_found_wherever_it_stands(void)
{
    char text[40];
    size_t len, at;

    for (len = 1; len <= sizeof(text); len++)
        for (at = 0; at < len; at++) {
            memset(text, 'a', sizeof(text));
            CU_ASSERT_TRUE(buf_is_utf8(text, len));
            text[at] = (char)0x80;
            CU_ASSERT_FALSE(buf_is_utf8(text, len));
            text[at] = (char)0xc3;
            CU_ASSERT_FALSE(buf_is_utf8(text, len));
            if (at + 1 < len)
                text[at + 1] = (char)0xa9;
            CU_ASSERT_EQUAL(buf_is_utf8(text, len), at + 1 < len);
        }
}

static void any_bytes_become_a_json_string(void)
{
    char text[24];
    int round;
    size_t i;

    for (round = 0; round < 20000; round++) {
        size_t n = dice(sizeof(text));

        for (i = 0; i < n; i++)
            text[i] = (char)(dice(3) > 0 ? 0x80 + dice(128) : 1 + dice(127));
        text[n] = '\0';
        json_object_put(read_back(text));
    }
}

/* The oracle is one long array. */
static void bytes_come_out_in_order(void)
{
    static char all[1 << 20];
    struct buf b = {NULL, 0, 0, 0};
    size_t in = 0, out = 0, n;

    for (n = 0; n < sizeof(all); n++)
        all[n] = (char)dice(256);
    while (in < sizeof(all)) {
        switch (dice(4)) {
        case 0:
        case 1:
            n = dice(9000);
            n = n < sizeof(all) - in ? n : sizeof(all) - in;
            buf_add(&b, all + in, n);
            in += n;
            break;
        case 2:
            n = dice((uint32_t)b.len + 1);
            buf_take(&b, n);
            out += n;
            break;
        default:
            if (dice(8) == 0)
                buf_fit(&b);
            break;
        }
        CU_ASSERT_EQUAL_FATAL(b.len, in - out);
        CU_ASSERT_TRUE(b.start + b.len <= b.cap);
        if (b.len > 0)
            CU_ASSERT_EQUAL_FATAL(memcmp(buf_head(&b), all + out, b.len), 0);
    }
    buf_free(&b);
}

static void an_empty_one_keeps_little(void)
{
    struct buf b = {NULL, 0, 0, 0};

    (void)memset(buf_room(&b, 100000), 'x', 100000);
    b.len += 100000;
    buf_take(&b, 99999);
    CU_ASSERT_EQUAL(b.len, 1);
    buf_fit(&b);
    CU_ASSERT_EQUAL(b.cap, 1);
    CU_ASSERT_EQUAL(*buf_head(&b), 'x');
    (void)buf_room(&b, 100000);
    buf_take(&b, 1);
    CU_ASSERT_PTR_NULL(b.data);
    buf_fit(&b);
    CU_ASSERT_PTR_NULL(b.data);
}

static void a_format_may_hold_a_zero(void)
{
    struct buf b = {NULL, 0, 0, 0};

    buf_fmt(&b, "%s%c%d", "ab", '\0', 7);
    CU_ASSERT_EQUAL(b.len, 4);
    CU_ASSERT_EQUAL(memcmp(buf_head(&b),
                           "ab\0"
                           "7",
                           4),
                    0);
    buf_free(&b);
}

static const struct unit_test tests[] = {
    {"sound text comes back from JSON as it was",
     sound_text_comes_back_as_it_was},
    {"what a terminal obeys is escaped", what_a_terminal_obeys_is_escaped},
    {"what is not UTF-8 is replaced, byte by byte",
     what_is_not_utf8_is_replaced},
    {"a bad byte is found wherever it stands",
     a_bad_byte_is_found_wherever_it_stands},
    {"any bytes become a JSON string", any_bytes_become_a_json_string},
    {"bytes come out in the order they went in", bytes_come_out_in_order},
    {"an empty one keeps little", an_empty_one_keeps_little},
    {"a format may hold a zero", a_format_may_hold_a_zero},
    {NULL, NULL},
};

CU_ErrorCode test_buf_add(void)
{
    return unit_add("buf", tests);
}
