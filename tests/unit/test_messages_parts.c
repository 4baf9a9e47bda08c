/* Mirrors fcgi/messages/messages_error.c, token_guess.c, text_tokens.c,
 * image_size.c, messages_models.c and json_write.c. */
#include <json-c/json.h>

#include "fcgi/messages/image_size.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages.h"
#include "fcgi/messages/text_tokens.h"
#include "lab.h"
#include "lib/base.h"
#include "lib/utf8.h"
#include "messages_lab.h"

static void each_status_has_its_word(void)
{
    static const struct {
        int status;
        const char *type;
    } rows[] = {{400, "invalid_request_error"},
                {401, "authentication_error"},
                {402, "billing_error"},
                {403, "permission_error"},
                {404, "not_found_error"},
                {405, "invalid_request_error"},
                {413, "request_too_large"},
                {422, "invalid_request_error"},
                {429, "rate_limit_error"},
                {500, "api_error"},
                {502, "api_error"},
                {503, "overloaded_error"},
                {504, "timeout_error"},
                {529, "overloaded_error"},
                {0, "api_error"},
                {-1, "api_error"}};
    struct buf out = {NULL, 0, 0, 0};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        CU_ASSERT_STRING_EQUAL(messages_error_type(rows[i].status),
                               rows[i].type);
    messages_error(429, "a\"\xff\n", &out);
    lab_holds(&out,
              "{'type':'error','error':{'type':'rate_limit_error','message':"
              "'a\\'\xef\xbf\xbd\\n'}}",
              true);
    buf_free(&out);
}

/* ---- tokens ----------------------------------------------------------------- */

static int64_t count(const char *body, int64_t ratio_m)
{
    struct buf text = lab_json(body);
    struct messages_fault fault;
    struct messages_got got;
    int64_t n;

    if (messages_count(buf_head(&text), text.len, &got, &fault) != 0)
        n = -fault.status;
    else
        n = messages_tokens(&got.tokens, ratio_m);
    buf_free(&text);
    return n;
}

#define SAYS(content) "{'messages':[{'role':'user','content':" content "}]}"
#define LONG          "'In the beginning was the word, and 42 words came after it.'"

/* 4294967295 pixels wide and high. */
#define HUGE_PNG "iVBORw0KGgoAAAANSUhEUv//////////CAIAAAAAAAAA"

/* A row of runs, and what it costs in thousandths. */
static void texts_are_rows_of_runs(void)
{
    static const struct {
        const char *text;
        int64_t want_m;
    } rows[] = {
        {"", 0},
        {"word", 850},
        {"two words", 1700}, /* the blank is the word's */
        {"eightyeight", 850 + 5 * 400},
        {"f\xc3\xbcr", 850 + 1400},
        {"\xd1\x81\xd0\xbb\xd0\xbe\xd0\xb2\xd0\xbe", 5 * 290},
        {"\xe6\xbc\xa2\xe6\xbc\xa2", 2 * 750},
        {"\xf0\x9f\x98\x80", 2000},
        {"12", 1900},
        {"1234", 2 * 1900},
        {"());", 920 + 3 * 100},
        {"a = b;\n\n    c", 3 * 850 + 920 + 920 + 1150},
        {"\xff\xff", 920 + 100}, /* what is none */
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct text_tokens whole = {0, 0, 0, 0}, cut = whole;
        size_t len = strlen(rows[i].text), k;

        text_tokens_add(&whole, rows[i].text, len);
        CU_ASSERT_EQUAL(text_tokens_m(&whole), rows[i].want_m);
        for (k = 0; k < len && rows[i].text[k] > 0; k++)
            text_tokens_add(&cut, rows[i].text + k, 1);
        text_tokens_add(&cut, rows[i].text + k, len - k);
        CU_ASSERT_EQUAL(text_tokens_m(&cut), rows[i].want_m);
    }
}

/* In pieces that are too short for a block. */
static int64_t by_characters_m(const char *text, size_t len)
{
    struct text_tokens t = {0, 0, 0, 0};
    const unsigned char *p = (const unsigned char *)text, *end = p + len;

    while (p < end) {
        size_t n = utf8_len(p, end);

        text_tokens_add(&t, (const char *)p, n);
        p += n;
    }
    return text_tokens_m(&t);
}

static void a_run_costs_the_same_wherever_it_lies(void)
{
    static const char *const of[] = {"a", "Z",  "k",        "e",           "7",
                                     " ", "\n", ";",        "e",           "\t",
                                     "0", "\r", "\xc3\xbc", "\xe6\xbc\xa2"};
    struct text_tokens whole;
    size_t far = ARRAY_LEN(of) - 2;
    int i;

    for (i = 0; i < 3000; i++) {
        struct buf text = {NULL, 0, 0, 0};
        uint32_t kinds = (uint32_t)(i % 3 == 0 ? far + 2 : far), n, k;

        while (text.len < 300) {
            k = lab_random(kinds);
            for (n = 1 + lab_random(k >= far || i % 7 ? 9 : 90); n > 0; n--)
                buf_str(&text, of[k]);
        }
        whole = (struct text_tokens){0, 0, 0, 0};
        text_tokens_add(&whole, buf_head(&text), text.len);
        CU_ASSERT_EQUAL(text_tokens_m(&whole),
                        by_characters_m(buf_head(&text), text.len));
        buf_free(&text);
    }
}

static void tokens_are_estimated_by_texts(void)
{
    int64_t none = count(SAYS("''"), 0), said = count(SAYS(LONG), 0), image;

    CU_ASSERT_TRUE(none >= 1 && none < 10);
    CU_ASSERT_TRUE(said - none >= 14 && said - none <= 17);
    CU_ASSERT_TRUE(count(SAYS(LONG), 2000) >= 2 * said - 2);
    CU_ASSERT_TRUE(count(SAYS(LONG), 2000) <= 2 * said);
    CU_ASSERT_TRUE(count("{'system':" LONG ",'messages':[{'content':''}]}", 0) >
                   14);
    CU_ASSERT_TRUE(
        count("{'tools':[{'name':" LONG "}],'messages':[{'content':''}]}", 0) >
        110);
    image = count(SAYS("[{'type':'image','source':{'type':'base64','data':"
                       "'AAAA'}}]"),
                  0);
    CU_ASSERT_TRUE(image > 1600 && image < 1620);
    CU_ASSERT_TRUE(count(SAYS("[{'type':'image','source':{'type':'base64',"
                              "'data':'AAAA'}}]"),
                         8000) < 1700); /* no text, and so not scaled */
    image = count(
        SAYS("[{'type':'image','source':{'type':'base64','data':'" HUGE_PNG
             "'}}]"),
        0);
    CU_ASSERT_TRUE(image > 1600 && image < 1620);
    CU_ASSERT_EQUAL(count("{'messages':[]}", 0), -400);
    CU_ASSERT_EQUAL(count("{}", 0), -400);
    CU_ASSERT_EQUAL(count("", 0), -400);
    CU_ASSERT_TRUE(count(SAYS("''"), INT64_MAX) >= 1);
}

static void images_tell_their_size(void)
{
    static const struct {
        const char *base64;
        uint32_t width, height;
    } rows[] = {
        /* PNG 640 x 480, GIF 10 x 20, JPEG 300 x 200 behind another segment,
         * WebP 100 x 50, and a cut one */
        {"iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAC6s0uz", 640, 480},
        {"R0lGODlhCgAUAIAAAP///////yH5BAEKAAEALAAAAAAA", 10, 20},
        {"/9j/4AAEAAD/wAARCADIASwDASIAAhEBAxEB", 300, 200},
        {"UklGRiQAAABXRUJQVlA4WAoAAAAAAAAAYwAAMQAAQUxQ", 100, 50},
        {"iVBORw0KGgo=", 0, 0},
        {"/9j/4P///9j/", 0, 0},
        {"AAAA", 0, 0},
        {"!", 0, 0},
        {"", 0, 0},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t width = 0, height = 0;
        bool is =
            image_size(rows[i].base64, strlen(rows[i].base64), &width, &height);

        CU_ASSERT_EQUAL(is, rows[i].width > 0);
        CU_ASSERT_EQUAL(width, rows[i].width);
        CU_ASSERT_EQUAL(height, rows[i].height);
    }
}

/* ---- models ----------------------------------------------------------------- */

#define A                                                                      \
    "{'type':'model','id':'a/b','display_name':'a/b','created_at':"            \
    "'2023-11-14T22:13:20Z'}"
#define C                                                                      \
    "{'type':'model','id':'c','display_name':'C','created_at':"                \
    "'1970-01-01T00:00:00Z'}"
#define D                                                                      \
    "{'type':'model','id':'d','display_name':'d','created_at':"                \
    "'1970-01-01T00:00:00Z'}"
#define LIST(models, more, first, last)                                        \
    "{'data':[" models "],'has_more':" more ",'first_id':" first               \
    ",'last_id':" last "}"

static void a_list_of_models_has_its_form(void)
{
    static const struct {
        struct messages_page page;
        const char *want; /* NULL: no model is called so */
    } rows[] = {
        {{0, NULL, NULL}, LIST(A "," C "," D, "false", "'a/b'", "'d'")},
        {{3, NULL, NULL}, LIST(A "," C "," D, "false", "'a/b'", "'d'")},
        {{2, NULL, NULL}, LIST(A "," C, "true", "'a/b'", "'c'")},
        {{2, "c", NULL}, LIST(D, "false", "'d'", "'d'")},
        {{1, "a/b", NULL}, LIST(C, "true", "'c'", "'c'")},
        {{2, "d", NULL}, LIST("", "false", "null", "null")},
        {{1, NULL, "d"}, LIST(C, "true", "'c'", "'c'")},
        {{2, NULL, "d"}, LIST(A "," C, "false", "'a/b'", "'c'")},
        {{2, NULL, "a/b"}, LIST("", "false", "null", "null")},
        {{0, "a/b", "d"}, LIST(C, "false", "'c'", "'c'")},
        {{0, "d", "a/b"}, LIST("", "false", "null", "null")},
        {{1, "x", NULL}, NULL},
        {{1, NULL, "x"}, NULL},
    };
    struct buf text =
        lab_json("{'l':[{'id':'a/b','created':1700000000},{'id':'c',"
                 "'created':-1,'display_name':'C'},{'id':'d'}]}");
    struct json_object *root, *list;
    size_t i;

    CU_ASSERT_EQUAL_FATAL(json_read_object(buf_head(&text), text.len, &root),
                          JSON_READ_OK);
    list = json_read_list(root, "l");
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {NULL, 0, 0, 0};

        CU_ASSERT_EQUAL(messages_models(list, &rows[i].page, &out),
                        rows[i].want == NULL ? -1 : 0);
        lab_holds(&out, rows[i].want == NULL ? "" : rows[i].want, true);
        buf_free(&out);
    }
    json_object_put(root);
    buf_free(&text);
}

/* ---- JSON ------------------------------------------------------------------- */

static void what_was_read_is_written_as_it_was(void)
{
    static const char *const same[] = {
        "{}", "{'a':[],'b':{},'c':[1,-2,0.1,1e+300,null,true,false,'']}",
        "{'a':9223372036854775807,'b':18446744073709551615,'c':"
        "-9223372036854775808}",
        "{'a':'\\\\\\'\\n\\u0000\\u001f \xc3\xa9\xf0\x9f\x98\x80','':{'b':[{}]}"
        "}"};
    struct json_object *root;
    size_t i;

    for (i = 0; i < ARRAY_LEN(same); i++) {
        struct buf text = lab_json(same[i]), out = {NULL, 0, 0, 0};

        CU_ASSERT_EQUAL(json_read_object(buf_head(&text), text.len, &root),
                        JSON_READ_OK);
        json_write_value(&out, root);
        lab_holds(&out, same[i], true);
        json_object_put(root);
        buf_free(&text);
        buf_free(&out);
    }
}

/* Plain bytes are looked at eight at a time. */
static void each_byte_is_escaped_wherever_it_stands(void)
{
    char text[24];
    int byte;
    size_t at;

    for (byte = 1; byte < 0x80; byte++)
        for (at = 0; at < sizeof(text); at++) {
            struct buf out = {NULL, 0, 0, 0}, want = out;
            bool is_plain = byte >= 0x20 && byte < 0x7f;

            memset(text, 'a', sizeof(text));
            text[at] = (char)byte;
            json_write_chars(&out, text, sizeof(text));
            buf_add(&want, text, at);
            if (byte == '"' || byte == '\\')
                buf_fmt(&want, "\\%c", byte);
            else if (byte == '\n')
                buf_str(&want, "\\n");
            else if (is_plain)
                buf_add(&want, text + at, 1);
            else
                buf_fmt(&want, "\\u%04x", (unsigned)byte);
            buf_add(&want, text + at + 1, sizeof(text) - at - 1);
            CU_ASSERT_TRUE(out.len == want.len &&
                           memcmp(out.data, want.data, out.len) == 0);
            buf_free(&out);
            buf_free(&want);
        }
}

/* What a comment or single quotes would hide is refused, but not in strings. */
static void strings_end_where_they_end(void)
{
    static const struct {
        const char *text;
        enum json_read is;
    } rows[] = {{"{\"a/\\\"'\":\"\\\\\"}", JSON_READ_OK},
                {"{\"\\\\\\\"/\":1}", JSON_READ_OK},
                {"{\"\\\\\":/**/1}", JSON_READ_NONE},
                {"{\"a\\\\\":'b'}", JSON_READ_NONE},
                {"{\"a\\", JSON_READ_NONE},
                {"{\"", JSON_READ_NONE}};
    struct json_object *root;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_EQUAL(
            json_read_object(rows[i].text, strlen(rows[i].text), &root),
            rows[i].is);
        json_object_put(root);
    }
}

CU_ErrorCode test_messages_parts_add(void)
{
    static const struct unit_test tests[] = {
        {"each status has its word", each_status_has_its_word},
        {"texts are rows of runs", texts_are_rows_of_runs},
        {"a run costs the same wherever it lies",
         a_run_costs_the_same_wherever_it_lies},
        {"tokens are estimated by texts", tokens_are_estimated_by_texts},
        {"images tell their size", images_tell_their_size},
        {"a list of models has its form", a_list_of_models_has_its_form},
        {"what was read is written as it was",
         what_was_read_is_written_as_it_was},
        {"each byte is escaped wherever it stands",
         each_byte_is_escaped_wherever_it_stands},
        {"strings end where they end", strings_end_where_they_end},
        {NULL, NULL}};

    return unit_add("messages_parts", tests);
}
