/*
 * Mirrors lib/json_plain.c, and fcgi/body_plain.c, which trusts it: what is plain
 * is JSON to json-c, too, and says there what it says here.
 */
#include "lib/json_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/request.h"
#include "lib/json_strict.h"
#include "unit.h"

static const struct {
    const char *text;
    bool is_plain;
} rows[] = {
    {"{}", true},
    {" [ ] \n", true},
    {"{\"a\":1,\"b\":[true,false,null,-0.5,10,\"\"]}", true},
    {"[[[]],{\"a\":{}},{\"\":{\"b\":[]}}]", true},
    {"\"a \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0041 \\u20ac\"", true},
    {"\"\xc3\xa9 \xf0\x9f\x98\x80\"", true},
    {"7", true},
    {"-12345678901234.5", true},
    /* JSON, and not plain */
    {"1e5", false},
    {"123456789012345678", false},
    {"\"\\ud83d\\ude00\"", false},
    {"\"\\u0000\"", false},
    {"\"\x7f\"", false},
    /* no JSON */
    {"", false},
    {" ", false},
    {"{", false},
    {"[", false},
    {"]", false},
    {"[1", false},
    {"[1,", false},
    {"[1,]", false},
    {"[,1]", false},
    {"[1 2]", false},
    {"[1}", false},
    {"{\"a\":1]", false},
    {"{\"a\"}", false},
    {"{\"a\":}", false},
    {"{\"a\" 1}", false},
    {"{\"a\":1,}", false},
    {"{,}", false},
    {"{1:2}", false},
    {"{'a':1}", false},
    {"[1]//", false},
    {"[1] 2", false},
    {"[1]]", false},
    {"01", false},
    {"-", false},
    {"-a", false},
    {"1.", false},
    {".5", false},
    {"+1", false},
    {"0x1", false},
    {"tru", false},
    {"truth", false},
    {"True", false},
    {"nul", false},
    {"NaN", false},
    {"\"a", false},
    {"\"a\\\"", false},
    {"\"\\x\"", false},
    {"\"\\u12\"", false},
    {"\"\\u12g4\"", false},
    {"\"a\nb\"", false},
    {"\"\xff\"", false},
    {"\"\xc3\"", false},
    {"\xef\xbb\xbf{}", false},
};

/* Of just so many bytes: one more is found by the sanitizers. */
static bool plain(const char *text, size_t len)
{
    char *exact = malloc(len + 1);
    bool is;

    CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
    memmove(exact + 1, text, len);
    is = json_plain(exact + 1, len, 1000);
    free(exact);
    return is;
}

static void what_is_plain(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is = plain(rows[i].text, strlen(rows[i].text));

        if (is != rows[i].is_plain)
            printf("\n    %s\n", rows[i].text);
        CU_ASSERT_EQUAL(is, rows[i].is_plain);
    }
    CU_ASSERT_FALSE(plain("[1,\0]", 5));
    CU_ASSERT_FALSE(plain("[1]\0", 4));
}

/* N times OPEN, and as often CLOSE. */
static bool nested(const char *open, const char *close, int n)
{
    char text[2048] = "";
    int i;

    for (i = 0; i < n; i++)
        (void)strcat(text, open);
    for (i = 0; i < n; i++)
        (void)strcat(text, close);
    return plain(text, strlen(text));
}

static void it_has_bounds(void)
{
    char text[4096] = "[0";
    int i;

    CU_ASSERT_TRUE(nested("[", "]", 64));
    CU_ASSERT_FALSE(nested("[", "]", 66));
    CU_ASSERT_TRUE(nested("[[", "]]", 32));
    CU_ASSERT_FALSE(nested("{\"a\":[", "]}", 40));
    for (i = 0; i < 998; i++)
        (void)strcat(text, ",0");
    (void)strcat(text, "]");
    CU_ASSERT_TRUE(plain(text, strlen(text)));
    (void)strcpy(text + strlen(text) - 1, ",0]");
    CU_ASSERT_FALSE(plain(text, strlen(text)));
}

/* A byte or two of a text become others: whatever is still plain is JSON to
 * json-c, however strict. */
static void what_is_plain_is_json_to_others(void)
{
    static const char alphabet[] = "{}[]\",:\\/'u0d1.-e+tfn \n\x01\x7f\xc3\xa9";
    unsigned seed = 5, n = 0;
    int i;

    for (i = 0; i < 200000; i++) {
        char text[96];
        size_t len, k, changes = 1 + (size_t)i % 3;

        (void)snprintf(text, sizeof(text), "%s",
                       "{\"a\":[1,-2.5,\"b\\u0041\",true],\"c\":{\"d\":null}}");
        len = strlen(text);
        for (k = 0; k < changes; k++) {
            seed = seed * 1103515245u + 12345u;
            text[(seed >> 8) % len] =
                alphabet[(seed >> 20) % (sizeof(alphabet) - 1)];
        }
        if (*text == '{' && plain(text, len)) {
            json_object *o = json_strict_object(text, len);

            n++;
            if (o == NULL)
                printf("\n    %s\n", text);
            CU_ASSERT_PTR_NOT_NULL(o);
            json_object_put(o);
        }
    }
    CU_ASSERT_TRUE(n > 10000);
}

/* ---- bodies ---------------------------------------------------------------- */

static struct request *read(const char *uri, const char *body)
{
    char line[3][64] = {"REQUEST_METHOD=POST", "CONTENT_TYPE=application/json",
                        ""};
    char *envp[] = {line[0], line[1], line[2], NULL};
    struct request *r;

    (void)snprintf(line[2], sizeof(line[2]), "REQUEST_URI=%s", uri);
    r = request_new(envp, 5);
    gate_route(&routes_all, r);
    buf_str(&r->body, body);
    r->content_length = -1;
    request_parse_body(r);
    return r;
}

static const char *const bodies[] = {
    "\"model\":\"a/b\"",
    "\"model\":\"a\",\"model\":\"b\"",
    "\"model\":\"\"",
    "\"model\":7",
    "\"model\":\"a\\u0062\"",
    "\"mode\\u006c\":\"a\"",
    "\"messages\":[]",
    "\"model\":\"a\",\"stream\":true",
    "\"model\":\"a\",\"stream\":1,\"n\":3",
    "\"model\":\"a\",\"stream\":\"TRUE\"",
    "\"model\":\"a\",\"stream\":\"False\"",
    "\"model\":\"a\",\"stream\":null",
    "\"model\":\"a\",\"stream\":2",
    "\"model\":\"a\",\"stream\":-1",
    "\"model\":\"a\",\"stream\":{}",
    "\"model\":\"a\",\"max_tokens\":7,\"max_completion_tokens\":9",
    "\"model\":\"a\",\"max_tokens\":7.5",
    "\"model\":\"a\",\"max_tokens\":null",
    "\"model\":\"a\",\"max_tokens\":\"7\"",
    "\"model\":\"a\",\"max_output_tokens\":-3",
    "\"model\":\"a\",\"n\":2,\"best_of\":5",
    "\"model\":\"a\",\"n\":2.0,\"best_of\":\"5\"",
    "\"model\":\"a\",\"n\":100000000",
    "\"model\":\"a\",\"user\":\"u\",\"safety_identifier\":\"s\"",
    "\"model\":\"a\",\"user\":\"\",\"safety_identifier\":\"s\"",
    "\"model\":\"a\",\"user\":7,\"metadata\":{\"user_id\":\"m\"}",
    "\"model\":\"a\",\"user\":\"a\\nb\"",
    "\"model\":\"a\",\"metadata\":{\"user_id\":\"m\",\"user_id\":\"k\"}",
    "\"model\":\"a\",\"metadata\":[\"user_id\"]",
    "\"model\":\"a\",\"metadata\":{\"user_i\\u0064\":\"m\"}",
    ("\"model\":\"a\",\"user\":\"0123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789\""),
    "\"model\":\"a\",\"prompt\":{\"id\":\"p\"}",
    "\"prompt\":null",
    "\"model\":\"a\",\"previous_response_id\":\"r\"",
    "\"model\":\"a\",\"previous_response_id\":null,\"conversation\":null",
    "\"model\":\"a\",\"conversation\":{\"id\":\"c\"}",
    "\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"b\"}]",
};

static void same(const struct request *a, const struct request *b)
{
    CU_ASSERT_EQUAL(a->fault.status, b->fault.status);
    CU_ASSERT_STRING_EQUAL(a->fault.message, b->fault.message);
    CU_ASSERT_STRING_EQUAL(a->model, b->model);
    CU_ASSERT_EQUAL(a->stream, b->stream);
    CU_ASSERT_EQUAL(a->max_tokens, b->max_tokens);
    CU_ASSERT_EQUAL(a->answers, b->answers);
    CU_ASSERT_STRING_EQUAL(a->user, b->user);
    CU_ASSERT_EQUAL(a->is_bound, b->is_bound);
    CU_ASSERT_EQUAL(a->began, b->began);
}

/* An exponent at its beginning is enough for json-c to be asked. */
static void a_body_says_the_same_either_way(void)
{
    static const char *const uris[] = {"/v1/chat/completions", "/v1/responses",
                                       "/v1/files"};
    char plainly[256], oddly[256];
    size_t i, k;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        for (k = 0; k < sizeof(uris) / sizeof(uris[0]); k++) {
            struct request *a, *b;

            (void)snprintf(plainly, sizeof(plainly), "{\"z\":10,%s}",
                           bodies[i]);
            (void)snprintf(oddly, sizeof(oddly), "{\"z\":1e0,%s}", bodies[i]);
            CU_ASSERT_TRUE(plain(plainly, strlen(plainly)));
            CU_ASSERT_FALSE(plain(oddly, strlen(oddly)));
            a = read(uris[k], plainly);
            b = read(uris[k], oddly);
            same(a, b);
            request_free(a);
            request_free(b);
        }
}

static const struct unit_test tests[] = {
    {"what is plain, and what is not", what_is_plain},
    {"it has bounds", it_has_bounds},
    {"what is plain is JSON to others", what_is_plain_is_json_to_others},
    {"a body says the same either way", a_body_says_the_same_either_way},
    {NULL, NULL},
};

CU_ErrorCode test_json_plain_add(void)
{
    return unit_add("json_plain", tests);
}
