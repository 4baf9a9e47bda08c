/* Mirrors fcgi/upstream/upstream_error.c. */
#include "fcgi/upstream/upstream_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/reply.h"
#include "lib/buf.h"
#include "unit.h"

#define JSON    "application/json"
#define PROBLEM "application/problem+json"
#define FUNC    "Function '0-0'"

static void equal(const char *what, const char *want, const char *have)
{
    if (strcmp(want, have) != 0)
        printf("\n    %s\n    wanted: %s\n    have:   %s\n", what, want, have);
    CU_ASSERT_STRING_EQUAL(want, have);
}

static void every_shape_keeps_the_upstreams_words(void)
{
    static const struct {
        int status;
        const char *type, *body;
        enum words_shape shape;
        const char *message, *kind, *code;
    } rows[] = {
        {429, PROBLEM, "{\"status\":429,\"title\":\"Too Many Requests\"}",
         WORDS_JSON, "Too Many Requests", "", ""},
        {404, PROBLEM,
         "{\"type\":\"about:blank\",\"status\":404,\"title\":\"Not Found\","
         "\"detail\":\"" FUNC ": Not found for account 'a'\"}\n",
         WORDS_JSON, FUNC ": Not found for account 'a'", "", ""},
        {500, JSON,
         "{\"message\":\"Internal server error\",\"type\":"
         "\"internal_server_error\",\"code\":500}",
         WORDS_JSON, "Internal server error", "internal_server_error", "500"},
        {503, JSON,
         "{\"error\":{\"message\":\"ResourceExhausted: limit (16/16)\","
         "\"type\":\"Service Unavailable\",\"code\":503}}",
         WORDS_OPENAI, "ResourceExhausted: limit (16/16)",
         "Service Unavailable", "503"},
        {400, JSON,
         " {\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,"
         "\"code\":\"c\"}}\r\n",
         WORDS_OPENAI, "m", "t", "c"},
        {422, JSON, "{\"detail\":\"Model is loading\"}", WORDS_JSON,
         "Model is loading", "", ""},
        {422, JSON,
         "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\","
         "\"messages\",0],\"msg\":\"Extra inputs are not permitted\","
         "\"input\":\"SECRET\"},{\"loc\":[],\"msg\":\"and more\"}]}",
         WORDS_JSON,
         "body.messages.0: Extra inputs are not permitted; and more", "",
         "extra_forbidden"},
        {400, JSON, "{\"detail\":{\"error\":{\"message\":\"deep\"}}}",
         WORDS_JSON, "deep", "", ""},
        {400, JSON, "{\"error\":\"Bad thing\"}", WORDS_JSON, "Bad thing", "",
         ""},
        {400, JSON, "{\"error\":\"Bad Request\",\"message\":\"No tools\"}",
         WORDS_JSON, "No tools", "", ""},
        {400, JSON,
         "{\"object\":\"error\",\"message\":\"m\",\"type\":"
         "\"BadRequestError\",\"param\":null,\"code\":40303}",
         WORDS_JSON, "m", "BadRequestError", "40303"},
        {404, "text/plain", "404 page not found\n", WORDS_TEXT,
         "404 page not found", "", ""},
        {502, "text/html",
         "<html>\r\n<head><title>502 Bad\n Gateway</title></head></html>",
         WORDS_HTML,
         "The upstream answered 502 with an HTML page: 502 Bad Gateway", "",
         ""},
        {503, NULL, "<!DOCTYPE html><p>no title", WORDS_HTML,
         "The upstream answered 503 with an HTML page.", "", ""},
        {502, "text/html", "<title", WORDS_HTML,
         "The upstream answered 502 with an HTML page.", "", ""},
        {500, NULL, "", WORDS_EMPTY, "The upstream answered 500 with no body.",
         "", ""},
        {500, JSON, " \r\n\t ", WORDS_EMPTY,
         "The upstream answered 500 with no body.", "", ""},
        {504, NULL, "", WORDS_EMPTY,
         "The upstream answered 504 with no body: no worker took the request, "
         "or the answer took longer than the upstream waits for it "
         "(NVCF-POLL-SECONDS).",
         "", ""},
    };
    struct upstream_error_words w;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        upstream_error_read(&w, rows[i].status, rows[i].type, rows[i].body,
                            strlen(rows[i].body), false);
        equal(rows[i].body, rows[i].message, w.message);
        equal(rows[i].body, rows[i].kind, w.type);
        equal(rows[i].body, rows[i].code, w.code);
        CU_ASSERT_EQUAL(w.shape, rows[i].shape);
        CU_ASSERT_PTR_NULL(strstr(w.message, "SECRET"));
    }
}

/* What a hostile body may be, each with what is shown of it. */
static void hostile_bodies_are_shown_as_text(void)
{
    static const struct {
        const char *body;
        size_t len;
        enum words_shape shape;
        const char *message;
    } rows[] = {
#define BODY(s) s, sizeof(s) - 1
        {BODY("a\0b"), WORDS_TEXT, "a b"},
        {BODY("\0\0"), WORDS_EMPTY, "The upstream answered 500 with no body."},
        {BODY("{\"error\":{\"message\":\"a\"}}\0"), WORDS_BROKEN,
         "{\"error\":{\"message\":\"a\"}}"},
        {BODY("{\"error\":{\"message\":\"a\"}} {}"), WORDS_BROKEN,
         "{\"error\":{\"message\":\"a\"}} {}"},
        {BODY("{\"error\":{\"message\":\"a"), WORDS_BROKEN,
         "{\"error\":{\"message\":\"a"},
        {BODY("{\"error\":{\"message\":\"\xff\"}}"), WORDS_BROKEN,
         "{\"error\":{\"message\":\"\xef\xbf\xbd\"}}"},
        {BODY("{\"error\":{\"message\":\"a\\u0000b\\u001b[0m\\n\"}}"),
         WORDS_OPENAI, "a b [0m"},
        {BODY("{\"error\":{\"message\":\"\"}}"), WORDS_OPENAI,
         "{\"error\":{\"message\":\"\"}}"},
        {BODY("{\"error\":[1,2]}"), WORDS_JSON, "{\"error\":[1,2]}"},
        {BODY("{\"error\":7}"), WORDS_JSON, "{\"error\":7}"},
        {BODY("{\"error\":null}"), WORDS_JSON, "{\"error\":null}"},
        {BODY("{\"error\":{\"message\":{\"a\":1}}}"), WORDS_JSON,
         "{\"error\":{\"message\":{\"a\":1}}}"},
        {BODY("{\"error\":{\"code\":1e99}}"), WORDS_JSON,
         "{\"error\":{\"code\":1e99}}"},
        {BODY("{\"detail\":[1,null,{\"msg\":3},{\"loc\":9,\"msg\":\"x\"}]}"),
         WORDS_JSON, "x"},
        {BODY("{\"detail\":[]}"), WORDS_JSON, "{\"detail\":[]}"},
        {BODY("{}"), WORDS_JSON, "{}"},
        {BODY("[]"), WORDS_BROKEN, "[]"},
        {BODY("\"text\""), WORDS_TEXT, "\"text\""},
        {BODY("\xc3"), WORDS_TEXT, "\xef\xbf\xbd"},
        {BODY("\xed\xa0\x80"), WORDS_TEXT,
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {BODY("\x1b[31mred\x7f\xc2\x9b"), WORDS_TEXT, "[31mred"},
        {BODY("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8d"), WORDS_TEXT,
         "gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8d"},
#undef BODY
    };
    struct upstream_error_words w;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* On the heap without a zero: the sanitizer sees one byte too far. */
        char *exact = malloc(rows[i].len);

        CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
        memcpy(exact, rows[i].body, rows[i].len);
        upstream_error_read(&w, 500, NULL, exact, rows[i].len, false);
        free(exact);
        equal(rows[i].body, rows[i].message, w.message);
        CU_ASSERT_EQUAL(w.shape, rows[i].shape);
    }
    upstream_error_read(&w, 500, JSON, NULL, 0, false);
    CU_ASSERT_EQUAL(w.shape, WORDS_EMPTY);
    upstream_error_read(&w, 500, JSON, "{\"error\":{\"message\":\"a\"}}", 25,
                        true);
    CU_ASSERT_EQUAL(w.shape, WORDS_BROKEN);
}

static void long_and_deep_bodies_are_bounded(void)
{
    static char big[1 << 20];
    struct upstream_error_words w;
    size_t i;

    memset(big, '[', sizeof(big));
    upstream_error_read(&w, 500, JSON, big, sizeof(big), false);
    CU_ASSERT_EQUAL(w.shape, WORDS_BROKEN);
    CU_ASSERT_TRUE(strlen(w.message) < sizeof(w.message));
    CU_ASSERT_STRING_EQUAL(w.message + strlen(w.message) - 3, "...");

    for (i = 0; i + 5 <= WORDS_BYTES; i += 5)
        memcpy(big + i, "{\"a\":", 5);
    upstream_error_read(&w, 500, JSON, big, i, false);
    CU_ASSERT_EQUAL(w.shape, WORDS_BROKEN);

    /* Cut at whole characters, wherever the cut falls. */
    for (i = 0; i + 3 <= sizeof(big); i += 3)
        memcpy(big + i, "\xe4\xb8\xad", 3);
    for (i = 0; i < 3; i++) {
        memset(big, 'x', i);
        upstream_error_read(&w, 500, NULL, big + i, WORDS_BYTES, false);
        CU_ASSERT_TRUE(strlen(w.message) > sizeof(w.message) - 8);
        CU_ASSERT_TRUE(buf_is_utf8(w.message, strlen(w.message)));
    }
    memset(big, '"', sizeof(big));
    memcpy(big, "{\"error\":{\"message\":\"m\",\"code\":\"", 32);
    memset(big + 32, 'c', 300);
    memcpy(big + 332, "\"}}", 3);
    upstream_error_read(&w, 500, JSON, big, 335, false);
    CU_ASSERT_EQUAL(w.shape, WORDS_OPENAI);
    CU_ASSERT_TRUE(strlen(w.code) < sizeof(w.code));
}

static void an_error_among_a_streams_events_is_found(void)
{
    static const struct {
        const char *bytes;
        const char *message; /* NULL: no error */
        int status;
    } rows[] = {
        {"data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n", "m", 503},
        {"data:{\"error\":{\"message\":\"m\",\"code\":\"429\"}}\r\n\r\n", "m",
         429},
        {"data: {\"error\":{\"message\":\"m\",\"code\":503}}\r\r", "m", 503},
        {"data: {\"error\":{\"message\":\"m\",\"code\":\"429 things\"}}\n\n",
         "m", 0},
        {"\xef\xbb\xbf: hello\n\nid: 1\ndata: {\"error\":\ndata: \"m\"}\n\n",
         "m", 0},
        {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
         "data: {\"error\":\"m\"}\n\n",
         "m", 0},
        {"event: error\ndata: {\"message\":\"m\",\"code\":500}\n\n", "m", 500},
        {"event: error\ndata: no JSON\n\n", "no JSON", 0},
        {"data: {\"object\":\"error\",\"message\":\"m\",\"code\":400}\n\n", "m",
         400},
        {"data: {\"object\":\"x\",\"type\":\"error\",\"message\":\"m\"}\n\n",
         "m", 0},
        {"\xef\xbb\xbf"
         "data: {\"error\":\"m\"}\n\n",
         "m", 0},
        {"event: error\n\ndata: {\"message\":\"m\"}\n\n", NULL, 0},
        {"data: {\"error\":{\"message\":\"m\"}}\n", NULL, 0},
        {"data: {\"error\":{\"message\":\"m\"}}", NULL, 0},
        {"data: {\"error\":null}\n\n", NULL, 0},
        {"data: {\"error\":{}}\n\n", NULL, 0},
        {"data: {\"error\":false}\n\n", NULL, 0},
        {"data: {\"response\":{\"error\":null}}\n\n", NULL, 0},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"error\"}}]}\n\n", NULL,
         0},
        {"data: an \"error\" of no JSON\n\n", NULL, 0},
        {": error\n\n", NULL, 0},
        {"data: [DONE]\n\n", NULL, 0},
        {"\n\n\n\n", NULL, 0},
        {"", NULL, 0},
    };
    struct upstream_error_words w;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].bytes);
        char *exact = malloc(len);
        bool found;

        CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
        memcpy(exact, rows[i].bytes, len);
        found = upstream_error_in_stream(&w, exact, 0, len);
        free(exact);

        if (found != (rows[i].message != NULL))
            printf("\n    %s\n", rows[i].bytes);
        CU_ASSERT_EQUAL(found, rows[i].message != NULL);
        if (!found || rows[i].message == NULL)
            continue;
        equal(rows[i].bytes, rows[i].message, w.message);
        CU_ASSERT_EQUAL(w.status, rows[i].status);
    }
}

static void the_translation_has_openais_shape(void)
{
    static const char *const bodies[] = {
        "{\"status\":429,\"title\":\"Too \\\"Many\\\" Requests\\n\"}",
        "{\"message\":\"m\",\"type\":\"t\",\"code\":500}",
        "<html><title>x\\\"</title>",
        "",
        "\xff\x00{",
    };
    static const char *const types[] = {"rate_limit_error", "t",
                                        "rate_limit_error", "rate_limit_error",
                                        "rate_limit_error"};
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct json_object *o, *in, *value;
        struct buf b = {NULL, 0, 0, 0};
        struct upstream_error_words w;

        upstream_error_read(&w, 429, NULL, bodies[i], strlen(bodies[i]), false);
        reply_their_error(&b, &w, 429);
        buf_add(&b, "", 1);
        CU_ASSERT_PTR_NULL(strpbrk(buf_head(&b), "\r\n"));
        o = json_tokener_parse(buf_head(&b));
        CU_ASSERT_TRUE_FATAL(json_object_object_get_ex(o, "error", &in));
        CU_ASSERT_EQUAL(json_object_object_length(in), 4);
        equal(bodies[i], w.message,
              json_object_get_string(json_object_object_get(in, "message")));
        equal(bodies[i], types[i],
              json_object_get_string(json_object_object_get(in, "type")));
        CU_ASSERT_TRUE(json_object_object_get_ex(in, "param", &value));
        CU_ASSERT_PTR_NULL(value);
        CU_ASSERT_TRUE(json_object_object_get_ex(in, "code", &value));
        equal(bodies[i], w.code,
              value == NULL ? "" : json_object_get_string(value));
        json_object_put(o);
        buf_free(&b);
    }
}

static const struct unit_test tests[] = {
    {"every shape keeps the upstream's words",
     every_shape_keeps_the_upstreams_words},
    {"hostile bodies are shown as text", hostile_bodies_are_shown_as_text},
    {"long and deep bodies are bounded", long_and_deep_bodies_are_bounded},
    {"an error among a stream's events is found",
     an_error_among_a_streams_events_is_found},
    {"the translation has OpenAI's shape", the_translation_has_openais_shape},
    {NULL, NULL},
};

CU_ErrorCode test_upstream_error_add(void)
{
    return unit_add("words", tests);
}
