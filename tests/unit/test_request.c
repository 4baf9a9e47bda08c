/* Mirrors fcgi/request.c: hostile parameters, paths and bodies. */
#include "fcgi/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "lib/json_strict.h"
#include "unit.h"

/* A request of the usual parameters, EXTRA (a list of texts, or NULL) and,
 * where it is given, URI; for request_free(). */
static struct request *ask(const char *uri, const char *const *extra)
{
    char text[4][PATH_BYTES + 64];
    char *envp[16];
    size_t n = 0;

    (void)snprintf(text[0], sizeof(text[0]), "REQUEST_METHOD=POST");
    (void)snprintf(text[1], sizeof(text[1]), "REQUEST_URI=%s", uri);
    (void)snprintf(text[2], sizeof(text[2]), "REMOTE_ADDR=192.0.2.7");
    for (; n < 3; n++)
        envp[n] = text[n];
    for (; extra != NULL && *extra != NULL; extra++) {
        envp[n] = strdup(*extra);
        CU_ASSERT_PTR_NOT_NULL_FATAL(envp[n++]);
    }
    envp[n] = NULL;
    {
        struct request *r = request_new(envp, 5);

        while (n > 3)
            free(envp[--n]); /* it keeps nothing of them */
        CU_ASSERT_EQUAL(r->arrived_ns, 5);
        CU_ASSERT_EQUAL(r->fd, -1);
        return r;
    }
}

#define CHAT "/v1/chat/completions"

static void paths(void)
{
    static const struct {
        const char *uri, *path; /* NULL: refused */
        const char *target;     /* NULL: as it was sent */
    } rows[] = {
        {CHAT, CHAT, NULL},
        {CHAT "?a=b%20c", CHAT, NULL},
        {"/v1/models/a%2fb", "/v1/models/a/b", NULL},
        {"/v1/%63hat", "/v1/chat", NULL},
        {"/v1/models/", "/v1/models", "/v1/models"},
        /* a slash too many, /v1 twice, and not at all */
        {"/v1//chat", "/v1/chat", "/v1/chat"},
        {"//v1/chat", "/v1/chat", "/v1/chat"},
        {"/v1///chat//?a=//b/", "/v1/chat", "/v1/chat?a=//b/"},
        {"/v1/v1/chat", "/v1/chat", "/v1/chat"},
        {"/v1/v1/v1", "/v1", "/v1"},
        {"/v1/v1?a", "/v1", "/v1?a"},
        {"/v1/v10/chat", "/v1/v10/chat", NULL},
        {"/chat/completions?a=b", "/v1/chat/completions",
         "/v1/chat/completions?a=b"},
        {"/models", "/v1/models", "/v1/models"},
        {"/chats", "/chats", NULL},
        {"/v1/chat%2f", "/v1/chat/", NULL},
        {"/v1/v1%2f..", NULL, NULL},
        {"/v1/a..b/.c", "/v1/a..b/.c", NULL},
        {"/?..", "/", NULL},
        {"", NULL, NULL},
        {"v1/chat", NULL, NULL},
        {"http://x/v1/chat", NULL, NULL},
        {"/v1/../chat", NULL, NULL},
        {"/v1/..", NULL, NULL},
        {"/v1/./chat", NULL, NULL},
        {"/v1/%2e%2e/chat", NULL, NULL},
        {"/v1/%2E./chat", NULL, NULL},
        {"/v1%2f..%2fchat", NULL, NULL},
        {"/v1/%2fchat", NULL, NULL},
        {"/v1/a%00b", NULL, NULL},
        {"/v1/a%0d%0ab", NULL, NULL},
        {"/v1/a%7f", NULL, NULL},
        {"/v1/a%", NULL, NULL},
        {"/v1/a%4", NULL, NULL},
        {"/v1/a%zz", NULL, NULL},
        {"/v1/a\\b", NULL, NULL},
        {"/v1/a%5cb", NULL, NULL},
        {"/v1/a#b", NULL, NULL},
        {"/v1/a?b#c", NULL, NULL},
        {"/v1/a%23b", NULL, NULL},
        {"/v1/a b", NULL, NULL},
        {"/v1/a?b c", NULL, NULL},
        {"/v1/\xc3\xa9", NULL, NULL},
        {"/v1/a\tb", NULL, NULL},
        {"/v1/a\r\nX-A: b", NULL, NULL},
    };
    char longest[PATH_BYTES + 1];
    struct request *r;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r = ask(rows[i].uri, NULL);
        CU_ASSERT_EQUAL(r->fault.status, rows[i].path != NULL ? 0 : 400);
        if (rows[i].path != NULL) {
            CU_ASSERT_STRING_EQUAL(r->path, rows[i].path);
            CU_ASSERT_STRING_EQUAL(r->target, rows[i].target != NULL
                                                  ? rows[i].target
                                                  : rows[i].uri);
        }
        request_free(r);
    }
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    for (i = PATH_BYTES - 1; i <= PATH_BYTES; i++) {
        longest[i] = '\0';
        r = ask(longest, NULL);
        CU_ASSERT_EQUAL(r->fault.status, i < PATH_BYTES ? 0 : 400);
        request_free(r);
        longest[i] = 'x';
    }
}

static void parameters(void)
{
    static const struct {
        const char *extra[3];
        int status;
        const char *word; /* in the message */
    } rows[] = {
        {{"HTTP_ACCEPT=a"}, 0, ""},
        {{"HTTP_ACCEPT="}, 0, ""},
        {{"HTTP_X=a\tb"}, 0, ""},
        {{"HTTP_X=a", "HTTP_XY=b"}, 0, ""},
        {{"HTTP_XY=a", "HTTP_X=b"}, 0, ""},
        {{"HTTP_X=a", "HTTP_X=a"}, 400, "header x is there twice"},
        {{"HTTP_X_SLUICE_CLIENT=a", "HTTP_X_SLUICE_CLIENT=b"},
         400,
         "x-sluice-client"},
        {{"REQUEST_URI=/v1/other"}, 400, "twice"},
        {{"HTTP_X=a\rb"}, 400, "control"},
        {{"HTTP_X=a\nStatus: 200"}, 400, "control"},
        {{"HTTP_X=\x7f"}, 400, "control"},
        {{"HTTP_\x01=a"}, 400, "control"},
        {{"REMOTE_ADDR=::1\n"}, 400, "control"},
        {{"SERVER_SIGNATURE=<address>Apache</address>\n"}, 0, ""},
        {{"HTTP_X_SLUICE_PRIORITY=urgent"}, 400, "X-Sluice-Priority"},
        {{"HTTP_X_SLUICE_PRIORITY=LOW"}, 0, ""},
        {{"HTTP_X_SLUICE_DEADLINE=1.5"}, 0, ""},
        {{"HTTP_X_SLUICE_DEADLINE=soon"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=0x10"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=1e2"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=1:30"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=15m"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=-1"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=inf"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE=1e99"}, 400, "X-Sluice-Deadline"},
        {{"HTTP_X_SLUICE_DEADLINE= 1"}, 400, "X-Sluice-Deadline"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(CHAT, rows[i].extra);

        CU_ASSERT_EQUAL(r->fault.status, rows[i].status);
        if (rows[i].status != 0)
            CU_ASSERT_PTR_NOT_NULL(strstr(r->fault.message, rows[i].word));
        request_free(r);
    }
}

static void too_many_parameters(void)
{
    static char texts[PARAMS_MAX + 1][16];
    static char big[PARAMS_BYTES + 1];
    char *envp[PARAMS_MAX + 2];
    char uri[] = "REQUEST_URI=/v1/x";
    struct request *r;
    size_t n;

    for (n = PARAMS_MAX; n <= PARAMS_MAX + 1; n++) {
        size_t i;

        envp[0] = uri;
        for (i = 1; i < n; i++) {
            (void)snprintf(texts[i], sizeof(texts[i]), "HTTP_%zu=x", i);
            envp[i] = texts[i];
        }
        envp[n] = NULL;
        r = request_new(envp, 0);
        CU_ASSERT_EQUAL(r->fault.status, n <= PARAMS_MAX ? 0 : 400);
        request_free(r);
    }
    memset(big, 'x', sizeof(big) - 1);
    memcpy(big, "HTTP_X=", 7);
    envp[1] = big;
    envp[2] = NULL;
    r = request_new(envp, 0);
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
    envp[0] = NULL; /* nothing at all */
    r = request_new(envp, 0);
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
}

static void patience_of_the_sdks(void)
{
    static const struct {
        const char *extra[4];
        int64_t want_ms;
    } rows[] = {
        {{NULL}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT=600"}, 600000},
        {{"HTTP_X_STAINLESS_TIMEOUT=0x258"}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT=600s"}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT=0.25"}, 250},
        {{"HTTP_X_STAINLESS_READ_TIMEOUT=5", "HTTP_X_STAINLESS_TIMEOUT=60"},
         5000},
        {{"HTTP_X_STAINLESS_TIMEOUT=0"}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT=NOT_GIVEN"}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT=-5"}, -1},
        {{"HTTP_X_STAINLESS_TIMEOUT="}, -1},
        {{"HTTP_X_STAINLESS_RUNTIME=node"}, 290000},
        {{"HTTP_X_STAINLESS_RUNTIME=node", "HTTP_X_STAINLESS_TIMEOUT=600"},
         290000},
        {{"HTTP_X_STAINLESS_RUNTIME=node", "HTTP_X_STAINLESS_TIMEOUT=30"},
         30000},
        {{"HTTP_X_STAINLESS_RUNTIME=CPython", "HTTP_X_STAINLESS_TIMEOUT=600"},
         600000},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(CHAT, rows[i].extra);

        CU_ASSERT_EQUAL(r->client_timeout_ms, rows[i].want_ms);
        CU_ASSERT_EQUAL(r->fault.status, 0);
        request_free(r);
    }
}

static void how_often_an_sdk_has_asked_before(void)
{
    static const struct {
        const char *extra[2];
        uint32_t want;
    } rows[] = {
        {{NULL}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT=0"}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT=2"}, 2},
        {{"HTTP_X_STAINLESS_RETRY_COUNT="}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT=-1"}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT= 1"}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT=1x"}, 0},
        {{"HTTP_X_STAINLESS_RETRY_COUNT=99999999999999999999"}, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r = ask(CHAT, rows[i].extra);

        CU_ASSERT_EQUAL(r->retry_count, rows[i].want);
        CU_ASSERT_EQUAL(r->fault.status, 0);
        request_free(r);
    }
}

static void what_goes_upstream(void)
{
    static const char *const extra[] = {"HTTP_COOKIE=a",
                                        "HTTP_X_FORWARDED_FOR=b",
                                        "HTTP_ACCEPT=c",
                                        "HTTP_AUTHORIZATION=Bearer d",
                                        "HTTP_ANTHROPIC_VERSION=e",
                                        "HTTP_HTTP_REFERER=f",
                                        "HTTP_REFERER=h",
                                        "HTTP_X_API_KEY=g",
                                        NULL};
    struct request *r = ask(CHAT, extra);

    CU_ASSERT_STRING_EQUAL(asked_header(&r->headers, "accept"), "c");
    CU_ASSERT_STRING_EQUAL(asked_header(&r->headers, "anthropic-version"), "e");
    CU_ASSERT_STRING_EQUAL(asked_header(&r->headers, "http-referer"), "f");
    CU_ASSERT_PTR_NULL(asked_header(&r->headers, "cookie"));
    CU_ASSERT_PTR_NULL(asked_header(&r->headers, "x-api-key"));
    CU_ASSERT_STRING_EQUAL(r->api_key, "g");
    CU_ASSERT_STRING_EQUAL(r->authorization, "Bearer d");
    CU_ASSERT_STRING_EQUAL(r->client, "192.0.2.7");
    request_free(r);
}

static void names_of_clients_are_tamed(void)
{
    static const char *const extra[] = {
        "HTTP_X_SLUICE_CLIENT=a b\"<\xff>c.d_e:f@g+h-i/j"
        "0123456789012345678901234567890123456789012345678901234567890",
        NULL};
    struct request *r = ask(CHAT, extra);

    CU_ASSERT_EQUAL(strncmp(r->client, "a_b____c.d_e:f@g+h-i/j0123", 26), 0);
    CU_ASSERT_EQUAL(strlen(r->client), CLIENT_MAX - 1);
    request_free(r);
}

static void content_lengths(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"CONTENT_LENGTH=0", 0},
        {"CONTENT_LENGTH=25", 25},
        {"CONTENT_LENGTH=", -1},
        {"CONTENT_LENGTHX=7", -1},
        {"CONTENT_LENGTH=-1", -2},
        {"CONTENT_LENGTH=+1", -2},
        {"CONTENT_LENGTH= 1", -2},
        {"CONTENT_LENGTH=1e3", -2},
        {"CONTENT_LENGTH=0x10", -2},
        {"CONTENT_LENGTH=1, 1", -2},
        {"CONTENT_LENGTH=9999999999999999999", -2},
        {"CONTENT_LENGTH=999999999999999", 999999999999999},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const extra[] = {rows[i].text, NULL};
        struct request *r = ask(CHAT, extra);

        CU_ASSERT_EQUAL(r->fault.status, rows[i].want == -2 ? 400 : 0);
        if (rows[i].want != -2)
            CU_ASSERT_EQUAL(r->content_length, rows[i].want);
        request_free(r);
    }
}

/* BODY sent to URI; for request_free(). */
static struct request *post(const char *uri, const char *body, size_t len,
                            int64_t content_length)
{
    static const char *const json[] = {"CONTENT_TYPE=application/json", NULL};
    struct request *r = ask(uri, json);

    gate_route(&routes_all, r);
    buf_add(&r->body, body, len);
    r->content_length = content_length;
    request_parse_body(r);
    return r;
}

static void bodies(void)
{
    static const struct {
        const char *uri, *body;
        int status;
        const char *model; /* of one that passes */
        int stream;
    } rows[] = {
        {CHAT, "{\"model\":\"a/b\"}", 0, "a/b", 0},
        {CHAT, " {\"model\":\"a\",\"stream\":true} \n", 0, "a", 1},
        {CHAT, "{\"model\":\"a\",\"stream\":null}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"model\":\"b\"}", 0, "b", 0},
        {CHAT, "{\"model\":\"\\u00e9\"}", 0, "\xc3\xa9", 0},
        {CHAT, "{\"model\":\"a\",\"max_tokens\":16}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"max_tokens\":16.0}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"max_tokens\":1e999}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"user\":\"\xc3\xa9\xf0\x9f\x98\x80\"}", 0,
         "a", 0},
        {CHAT, "{\"model\":\"a\",\"max_tokens\":\"9\"}", 400, "", 0},
        {CHAT, "", 400, "", 0},
        {CHAT, " ", 400, "", 0},
        {CHAT, "{", 400, "", 0},
        {CHAT, "{}", 400, "", 0},
        {CHAT, "{}x", 400, "", 0},
        {CHAT, "{\"model\":\"a\"}{}", 400, "", 0},
        {CHAT, "null", 400, "", 0},
        {CHAT, "7", 400, "", 0},
        {CHAT, "\"model\"", 400, "", 0},
        {CHAT, "[{\"model\":\"a\"}]", 400, "", 0},
        {CHAT, "{\"model\":7}", 400, "", 0},
        {CHAT, "{\"model\":null}", 400, "", 0},
        {CHAT, "{\"model\":\"\"}", 400, "", 0},
        {CHAT, "{\"model\":\"a\\u0000b\"}", 400, "", 0},
        {CHAT, "{\"model\":\"\xff\"}", 400, "", 0},
        {CHAT, "{\"model\":\"a\",}", 400, "", 0},
        {CHAT, "{'model':\"a\"}", 400, "", 0},
        {CHAT, "{\"model\":'a'}", 400, "", 0},
        {CHAT, "{\"model\":\"it's\"}", 0, "it's", 0},
        {CHAT, "{\"model\":\"a\"/**/}", 400, "", 0},
        {CHAT, "{\"model\":\"\xc3\xa9\"/*\"*/}", 400, "", 0},
        {CHAT, "{\"model\":\"a/b\\/c\"}", 0, "a/b/c", 0},
        {CHAT, "{\"model\":\"a\",\"stream\":1}", 0, "a", 1},
        {CHAT, "{\"model\":\"a\",\"stream\":0}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"stream\":2}", 400, "", 0},
        {CHAT, "{\"model\":\"a\",\"stream\":1.0}", 400, "", 0},
        {CHAT, "{\"model\":\"a\",\"stream\":\"true\"}", 0, "a", 1},
        {CHAT, "{\"model\":\"a\",\"stream\":\"False\"}", 0, "a", 0},
        {CHAT, "{\"model\":\"a\",\"stream\":\"yes\"}", 400, "", 0},
        {CHAT, "{\"prompt\":{\"id\":\"p\"}}", 400, "", 0},
        {"/v1/responses", "{\"prompt\":{\"id\":\"p\"}}", 0, "", 0},
        {"/v1/responses", "{\"input\":\"x\"}", 400, "", 0},
        {CHAT, "\xef\xbb\xbf{\"model\":\"a\"}", 0, "a", 0},
        {CHAT, "\xef\xbb\xbf", 400, "", 0}, /* as if it was empty */
        {"/v1/other", "{\"model\":\"a\"}", 0, "a", 0},
        {"/v1/other", "{\"model\":7}", 0, "", 0},
        {"/v1/other", "{\"model\":null}", 0, "", 0},
        {"/v1/other", "[1]", 0, "", 0},
        {"/v1/other", "", 0, "", 0},
        {"/v1/other", "[1", 0, "", 0},
        {"/v1/other", "{\"model\":\"a\"}{\"model\":\"b\"}", 0, "", 0},
        {"/v1/other", "{\"model\":\"\xff\"}", 0, "", 0},
        {"/v1/other", "{'model':7}", 0, "", 0},
        {"/v1/other", "{\"model\":\"a\\u0000b\"}", 0, "", 0},
        {"/v1/other", "{\"model\":\"a\",\"stream\":true}", 0, "a", 1},
        {"/v1/other", "{\"model\":\"a\",\"stream\":1}", 0, "a", 1},
        {"/v1/other", "{\"model\":\"a\",\"stream\":\"false\"}", 0, "a", 0},
        {"/v1/other", "{\"model\":\"a\",\"stream\":{}}", 0, "a", 0},
        {"/v1/other", "{\"model\":\"a\",\"max_tokens\":\"9\"}", 0, "a", 0},
        {"/v1/messages", "{\"model\":\"a\",\"max_tokens\":[]}", 0, "a", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].body), bom;
        struct request *r = post(rows[i].uri, rows[i].body, len, (int64_t)len);

        CU_ASSERT_EQUAL(r->fault.status, rows[i].status);
        bom = strncmp(rows[i].body, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        len -= bom;
        if (rows[i].status == 0) {
            CU_ASSERT_STRING_EQUAL(r->model, rows[i].model);
            CU_ASSERT_EQUAL(r->stream, rows[i].stream);
            CU_ASSERT_EQUAL(r->body.len, len); /* and goes on unchanged */
            if (len > 0)
                CU_ASSERT_EQUAL(
                    memcmp(buf_head(&r->body), rows[i].body + bom, len), 0);
        }
        request_free(r);
    }
}

static void what_it_may_take_is_bounded(void)
{
#define M "\"model\":\"a\""
    static const struct {
        const char *uri, *body;
        uint32_t max;
        uint64_t bytes; /* 0: all of them */
    } rows[] = {
        {CHAT, "{" M "}", 0, 0},
        {CHAT, "{" M ",\"max_tokens\":16}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"max_completion_tokens\":9}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":9,\"max_completion_tokens\":16}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"n\":3}", 48, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"n\":2,\"best_of\":4}", 64, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"n\":-3}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"n\":\"3\"}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":16,\"n\":9e9}", 16, 0},
        {CHAT, "{" M ",\"max_tokens\":1,\"n\":9999999999}", ANSWERS_MAX, 0},
        {CHAT, "{" M ",\"max_tokens\":-1,\"n\":3}", 0, 0},
        {CHAT, "{" M ",\"max_tokens\":0}", 0, 0},
        {CHAT, "{" M ",\"max_tokens\":9223372036854775807,\"n\":9}", UINT32_MAX,
         0},
        {CHAT, "{" M ",\"max_tokens\":1e300}", UINT32_MAX, 0},
        {CHAT, "{" M ",\"max_tokens\":-1e300}", 0, 0},
        {"/v1/responses", "{" M ",\"max_output_tokens\":7}", 7, 0},
        {"/v1/messages", "{" M ",\"max_tokens\":7}", 7, 0},
        /* what writes no text takes its prompt alone */
        {"/v1/embeddings", "{" M ",\"input\":\"x\"}", 1, 0},
        {"/v1/batches", "{" M "}", 0, 1},
    };
#undef M
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].body);
        struct request *r = post(rows[i].uri, rows[i].body, len, (int64_t)len);

        CU_ASSERT_EQUAL(r->fault.status, 0);
        CU_ASSERT_EQUAL(request_max_tokens(r), rows[i].max);
        CU_ASSERT_EQUAL(r->prompt_bytes, rows[i].bytes == 0 ? len : 0);
        request_free(r);
    }
}

/* A body is parsed where its type says JSON: then its model is known. */
static void only_json_is_read_as_json(void)
{
    static const struct {
        const char *type;
        bool is_json;
    } rows[] = {
        {"application/json", true},
        {"application/json; charset=utf-8", true},
        {"application/json;charset=utf-8", true},
        {"Application/JSON ; x=y", true},
        {"application/vnd.api+json", true},
        {"application/problem+JSON; a=b", true},
        {"application/jsonl", false},
        {"application/json-seq", false},
        {"application/x-ndjson", false},
        {"application/+json", false},
        {"application/", false},
        {"application", false},
        {"text/json", false},
        {"text/plain; x=json", false},
        {"text/plain; x=application/json", false},
        {"multipart/form-data; boundary=application/json", false},
        {"multipart/form-data; boundary=json", false},
        {"audio/json+json", false},
    };
    static const char body[] = "{\"model\":\"a\"}";
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char type[96];
        const char *const extra[] = {type, NULL};
        struct request *r;

        (void)snprintf(type, sizeof(type), "CONTENT_TYPE=%s", rows[i].type);
        r = ask("/v1/files", extra);
        gate_route(&routes_all, r);
        buf_str(&r->body, body);
        r->content_length = (int64_t)r->body.len;
        request_parse_body(r);
        CU_ASSERT_EQUAL(r->fault.status, 0);
        CU_ASSERT_EQUAL(r->is_json, rows[i].is_json);
        CU_ASSERT_STRING_EQUAL(r->model, rows[i].is_json ? "a" : "");
        request_free(r);
    }
}

/* BODY with a model's name of N bytes, the last one LAST. */
static struct request *with_model(const char *uri, int n, char last)
{
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    int i;

    buf_str(&b, "{\"model\":\"");
    for (i = 1; i < n; i++)
        buf_add(&b, "m", 1);
    buf_add(&b, &last, 1);
    buf_str(&b, "\"}");
    r = post(uri, buf_head(&b), b.len, (int64_t)b.len);
    buf_free(&b);
    return r;
}

static void a_long_name_of_a_model_is_known_by_its_beginning(void)
{
    struct request *r = with_model(CHAT, 127, 'a'), *s;

    CU_ASSERT_EQUAL(r->fault.status, 0);
    CU_ASSERT_EQUAL(strlen(r->model), 127);
    CU_ASSERT_PTR_EQUAL(request_model(r), r->model);
    request_free(r);
    r = with_model(CHAT, 512, 'a');
    s = with_model(CHAT, 512, 'b');
    CU_ASSERT_EQUAL(r->fault.status, 0);
    CU_ASSERT_EQUAL(strlen(r->model), 127);
    CU_ASSERT_EQUAL(strncmp(r->model, s->model, 110), 0);
    CU_ASSERT_STRING_NOT_EQUAL(r->model, s->model);
    CU_ASSERT_EQUAL(strlen(request_model(r)), 512);
    CU_ASSERT_EQUAL(request_model(s)[511], 'b');
    request_free(r);
    request_free(s);
    r = with_model(CHAT, 513, 'a');
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
    r = with_model("/v1/other", 513, 'a');
    CU_ASSERT_EQUAL(r->fault.status, 0);
    CU_ASSERT_STRING_EQUAL(r->model, "");
    request_free(r);
}

static void what_may_be_sent_twice(void)
{
    static const struct {
        const char *method, *uri, *extra; /* or NULL */
        bool may;
    } rows[] = {
        {"POST", CHAT, NULL, true},
        {"POST", "/v1/audio/speech", NULL, true},
        {"GET", "/v1/batches", NULL, true},
        {"POST", "/v1/batches", NULL, false},
        {"POST", "/v1/files", "CONTENT_TYPE=application/json", false},
        {"POST", "/v1/files", "HTTP_IDEMPOTENCY_KEY=", false},
        {"POST", "/v1/files", "HTTP_IDEMPOTENCY_KEY=x", true},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const extra[] = {rows[i].extra, NULL};
        struct request *r = ask(rows[i].uri, extra);

        free(r->method);
        r->method = strdup(rows[i].method);
        gate_route(&routes_all, r);
        CU_ASSERT_PTR_NOT_NULL_FATAL(r->route);
        CU_ASSERT_EQUAL(request_is_repeatable(r), rows[i].may);
        request_free(r);
    }
}

static void lengths_of_bodies(void)
{
    static const char body[] = "{\"model\":\"a\"}";
    static const char zero[] = "{\"model\":\"a\"}\0{}";
    size_t len = sizeof(body) - 1;
    struct request *r;

    r = post(CHAT, body, len, -1);
    CU_ASSERT_EQUAL(r->fault.status, 0);
    request_free(r);
    r = post(CHAT, body, len, (int64_t)len + 1);
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
    r = post(CHAT, body, len, 0);
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
    r = post(CHAT, zero, sizeof(zero) - 1, -1);
    CU_ASSERT_EQUAL(r->fault.status, 400);
    request_free(r);
}

/* A body of "{"model":"a","x":" and N times PIECE. */
static int bomb(const char *piece, size_t n)
{
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    int status;

    buf_str(&b, "{\"model\":\"a\",\"x\":");
    while (n-- > 0)
        buf_str(&b, piece);
    r = post(CHAT, buf_head(&b), b.len, (int64_t)b.len);
    status = r->fault.status;
    request_free(r);
    buf_free(&b);
    return status;
}

/* The body itself is the first level. */
static int nested(int levels)
{
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    int status, i;

    buf_str(&b, "{\"model\":\"a\",\"x\":");
    for (i = 1; i < levels; i++)
        buf_str(&b, "[");
    for (i = 1; i < levels; i++)
        buf_str(&b, "]");
    buf_str(&b, "}");
    r = post(CHAT, buf_head(&b), b.len, (int64_t)b.len);
    status = r->fault.status;
    if (status != 0)
        CU_ASSERT_PTR_NOT_NULL(strstr(r->fault.message, "nested deeper"));
    request_free(r);
    buf_free(&b);
    return status;
}

static void depth_has_a_bound(void)
{
    CU_ASSERT_EQUAL(nested(2), 0);
    CU_ASSERT_EQUAL(nested(JSON_DEPTH), 0);
    CU_ASSERT_EQUAL(nested(JSON_DEPTH + 1), 400);
    CU_ASSERT_EQUAL(nested(100000), 400);
}

static void bombs(void)
{
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    size_t i;

    CU_ASSERT_EQUAL(bomb("[", JSON_DEPTH + 1), 400);
    CU_ASSERT_EQUAL(bomb("{\"a\":", JSON_DEPTH + 1), 400);
    CU_ASSERT_EQUAL(bomb("[", 1000001), 413);
    CU_ASSERT_EQUAL(bomb("1,", 1000001), 413);
    CU_ASSERT_EQUAL(bomb("{'\"':1,", 500001), 400); /* would hide commas */

    /* Two million commas in a text are one value. */
    buf_str(&b, "{\"model\":\"a\",\"x\":\"\\\"");
    for (i = 0; i < 2000000; i++)
        buf_add(&b, ",", 1);
    buf_str(&b, "\\\\\"}");
    r = post(CHAT, buf_head(&b), b.len, (int64_t)b.len);
    CU_ASSERT_EQUAL(r->fault.status, 0);
    request_free(r);
    buf_free(&b);
}

#define RESPONSES "/v1/responses"

/* Which requests have a conversation that can be told, and which are for one
 * upstream alone. */
static void how_it_hangs_together(void)
{
    static const struct {
        const char *uri, *body;
        bool began, is_bound;
    } rows[] = {
        {CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\"}]}", true,
         false},
        {CHAT, "{\"model\":\"a\",\"messages\":[]}", false, false},
        {CHAT, "{\"model\":\"a\",\"conversation\":\"c\",\"messages\":[1]}",
         true, false},
        {"/v1/messages", "{\"model\":\"a\",\"messages\":[{\"role\":\"user\"}]}",
         true, false},
        {"/v1/embeddings", "{\"model\":\"a\",\"input\":\"b\"}", false, false},
        {"/v1/files", "{\"model\":\"a\",\"messages\":[1]}", false, false},
        {RESPONSES, "{\"model\":\"a\",\"input\":\"b\"}", true, false},
        {RESPONSES,
         "{\"model\":\"a\",\"input\":\"b\",\"previous_response_id\":null}",
         true, false},
        {RESPONSES,
         "{\"model\":\"a\",\"input\":\"b\",\"previous_response_id\":\"r\"}",
         false, true},
        {RESPONSES,
         "{\"model\":\"a\",\"input\":\"b\",\"conversation\":{\"id\":\"c\"}}",
         true, true},
        {RESPONSES, "{\"prompt\":{\"id\":\"p\"},\"input\":\"b\"}", true, true},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request *r =
            post(rows[i].uri, rows[i].body, strlen(rows[i].body), -1);

        CU_ASSERT_EQUAL(r->fault.status, 0);
        if ((r->began != 0) != rows[i].began ||
            r->is_bound != rows[i].is_bound) {
            printf("\n    %s %s", rows[i].uri, rows[i].body);
            CU_FAIL("not read as it hangs together");
        }
        request_free(r);
    }
}

static const struct unit_test tests[] = {
    {"how it hangs together is read", how_it_hangs_together},
    {"a path is a plain one or refused", paths},
    {"parameters are there once and clean", parameters},
    {"there are not too many of them", too_many_parameters},
    {"an SDK's patience is read as it means it", patience_of_the_sdks},
    {"how often an SDK has asked before", how_often_an_sdk_has_asked_before},
    {"only known headers go upstream", what_goes_upstream},
    {"the name of a client is tamed", names_of_clients_are_tamed},
    {"a Content-Length is a number or none", content_lengths},
    {"a body is understood or refused, and never changed", bodies},
    {"what it may take is bounded", what_it_may_take_is_bounded},
    {"only JSON is read as JSON", only_json_is_read_as_json},
    {"a long name of a model is known by its beginning",
     a_long_name_of_a_model_is_known_by_its_beginning},
    {"what may be sent twice", what_may_be_sent_twice},
    {"its length is as announced", lengths_of_bodies},
    {"its depth has a bound", depth_has_a_bound},
    {"bombs do not go off", bombs},
    {NULL, NULL},
};

CU_ErrorCode test_request_add(void)
{
    return unit_add("request", tests);
}
