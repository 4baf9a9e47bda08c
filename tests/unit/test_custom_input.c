/* Mirrors fcgi/responses/custom_input.c. */
#include "fcgi/responses/custom_input.h"

#include "lib/base.h"
#include "messages_lab.h"

/* JSON in pieces of N bytes; what it comes to. */
static struct buf take(const struct buf *json, size_t n)
{
    struct custom_input c = {.at = 0};
    struct buf out = {NULL, 0, 0, 0};
    size_t at, len;

    for (at = 0; at < json->len; at += len) {
        len = n < json->len - at ? n : json->len - at;
        custom_input_take(&c, buf_head(json) + at, len, &out);
    }
    custom_input_end(&c, &out);
    custom_input_fini(&c);
    return out;
}

/* A row: the JSON, and the text as it stands in JSON; wherever it is cut. */
static void become(const char *const (*rows)[2], size_t n)
{
    size_t i, at;

    for (i = 0; i < n; i++) {
        struct buf json = lab_json(rows[i][0]);

        for (at = 1; at <= json.len; at++) {
            struct buf out = take(&json, at);

            lab_holds(&out, rows[i][1], true);
            buf_free(&out);
        }
        buf_free(&json);
    }
}

static void the_text_comes_as_it_is(void)
{
    static const char *const rows[][2] = {
        {"{'input':'a b'}", "a b"},
        {" {\n 'input' : 'a'}", "a"},
        {"{'input':''}", ""},
        {"{'input':'a\\n\\'\\\\\\u0041\\/b'}", "a\\n\\'\\\\\\u0041\\/b"},
        {"{'input':'\\ud83d\\ude00!'}", "\\ud83d\\ude00!"},
        {"{'input':'a','b':'c'}", "a"},
        {"{'input':'a", "a"},
        {"{'input':'a\\", "a"},
    };

    become(rows, ARRAY_LEN(rows));
}

static void what_is_no_escape_is_none(void)
{
    static const char *const rows[][2] = {
        {"{'input':'\\ud83dx'}", "\xef\xbf\xbdx"},
        {"{'input':'\\ud83d\\nx'}", "\xef\xbf\xbd\\nx"},
        {"{'input':'\\ud83d'}", "\xef\xbf\xbd"},
        {"{'input':'\\ude00x'}", "\xef\xbf\xbdx"},
        {"{'input':'\\ud83d\\u0041x'}", "\xef\xbf\xbdx"},
        {"{'input':'\\qx'}", "\xef\xbf\xbdx"},
        {"{'input':'\\u00zzx'}", "\xef\xbf\xbdx"},
    };

    become(rows, ARRAY_LEN(rows));
}

static void another_form_is_looked_at_whole(void)
{
    static const char *const rows[][2] = {
        {"{'b':1,'input':'a\\nb'}", "a\\nb"},
        {"{'INVALID_JSON':'*** Begin'}", "*** Begin"},
        {"{'b':'c'}", "{\\'b\\':\\'c\\'}"},
        {"{'input':1}", "{\\'input\\':1}"},
        {"{'in put':'a'}", "{\\'in put\\':\\'a\\'}"},
        {"{}", ""},
        {"{'b':", "{\\'b\\':"},
    };

    become(rows, ARRAY_LEN(rows));
}

static void nothing_is_no_text(void)
{
    struct buf none = {NULL, 0, 0, 0}, out = take(&none, 1);

    CU_ASSERT_EQUAL(out.len, 0);
}

CU_ErrorCode test_custom_input_add(void)
{
    static const struct unit_test tests[] = {
        {"the text comes as it is", the_text_comes_as_it_is},
        {"what is no escape is none", what_is_no_escape_is_none},
        {"another form is looked at whole", another_form_is_looked_at_whole},
        {"nothing is no text", nothing_is_no_text},
        {NULL, NULL}};

    return unit_add("custom_input", tests);
}
