/* Mirrors fcgi/reply.c. */
#include "fcgi/reply.h"

#include <string.h>

#include <json-c/json.h>

#include "fcgi/upstream/answer_head.h"
#include "state/limiter.h"
#include "unit.h"

static void retry_headers_stay_within_a_minute(void)
{
    static const struct {
        int64_t ms;
        int retry;
        const char *want;
    } rows[] = {
        {-1, -1, ""},
        {-1, 0, "x-should-retry: false\r\n"},
        {90001, 0, /* nobody waits for it: the truth */
         "Retry-After: 91\r\nretry-after-ms: 90001\r\n"
         "x-should-retry: false\r\n"},
        {INT64_MAX, 0,
         "Retry-After: 86400\r\nretry-after-ms: 86400000\r\n"
         "x-should-retry: false\r\n"},
        {0, -1, "Retry-After: 1\r\nretry-after-ms: 1\r\n"},
        {1, 1,
         "Retry-After: 1\r\nretry-after-ms: 1\r\nx-should-retry: true\r\n"},
        {999, -1, "Retry-After: 1\r\nretry-after-ms: 999\r\n"},
        {1000, -1, "Retry-After: 1\r\nretry-after-ms: 1000\r\n"},
        {1001, -1, "Retry-After: 2\r\nretry-after-ms: 1001\r\n"},
        {59001, -1, "Retry-After: 60\r\nretry-after-ms: 59001\r\n"},
        {60000, -1, "Retry-After: 60\r\nretry-after-ms: 60000\r\n"},
        {60001, -1, "Retry-After: 60\r\nretry-after-ms: 60000\r\n"},
        {INT64_MAX, -1, "Retry-After: 60\r\nretry-after-ms: 60000\r\n"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reply_error e = {429, ERROR_QUEUE_FULL, rows[i].ms,
                                rows[i].retry, ""};
        struct buf b = {NULL, 0, 0, 0};

        reply_retry_headers(&b, e.retry_ms, e.retry);
        buf_add(&b, "", 1);
        CU_ASSERT_STRING_EQUAL(buf_head(&b), rows[i].want);
        buf_free(&b);
    }
}

#define NAMES "X-23456789-123456789-123456789" /* three of them fit */

static void no_header_of_the_upstream_is_there_twice(void)
{
    static const struct {
        const char *line;
        int retry;
        const char *want;
    } rows[] = {
        {"Retry-After: 5", -1, "retry-after: 5\r\n"},
        {"X-Should-Retry: true", -1, "x-should-retry: true\r\n"},
        {"X-Should-Retry: true", 0, ""},
        {"X-Should-Retry: true", 1, ""},
        {"Retry-After: 5\nRetry-After: 6", -1, "retry-after: 5\r\n"},
        {"X-RateLimit-Limit-Requests: 1\nx-ratelimit-limit-requests: 2", -1,
         "x-ratelimit-limit-requests: 1\r\n"},
        {"Cache-Control: a\nCache-Control: b", -1,
         "cache-control: a\r\ncache-control: b\r\n"},
        {"X-Request-Id: a\nx-request-id: b", -1,
         "X-Upstream-Request-Id: a\r\n"},
        {"Content-Type: a\nContent-Length: 7", -1, ""},
        {"Location: b\nContent-Disposition: c", -1,
         "location: b\r\ncontent-disposition: c\r\n"},
        {"Status: 200\nX-Sendfile: /etc/passwd\nX-Accel-Redirect: /a\n"
         "Set-Cookie: a=b\nStrict-Transport-Security: c\nAlt-Svc: d\n"
         "Access-Control-Allow-Origin: *\nConnection: close",
         -1, ""},
        {"X-A: 1\nConnection: X-B , close\nX-B: 2\nX-C: 3\n"
         "connection: x-a",
         -1, "x-c: 3\r\n"},
        {"Connection: x-aa\nX-A: 1\nX-Aaa: 2", -1, "x-a: 1\r\nx-aaa: 2\r\n"},
        {"Connection: " NAMES "," NAMES "," NAMES "\nConnection: x-no\n"
         "X-23456789-123456789-123456789: 1\nX-23456789-123456789: 2\n"
         "X-No: 3",
         -1, "x-23456789-123456789: 2\r\nx-no: 3\r\n"},
        {"Connection: " NAMES "," NAMES "," NAMES "-1\n" NAMES "-1: 1", -1,
         "x-23456789-123456789-123456789-1: 1\r\n"},
        {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", -1, ""},
        {"Date: a\nServer: b\nX-Sluice-Attempts: 9", -1, ""},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct upstream_head h = {.content_length = -1};
        struct buf b = {NULL, 0, 0, 0};
        const char *p = rows[i].line;

        for (; *p != '\0'; p += strspn(p, "\n")) {
            CU_ASSERT_TRUE(head_take(&h, p, strcspn(p, "\n")));
            p += strcspn(p, "\n");
        }
        reply_their_headers(&b, &h, rows[i].retry, true);
        buf_add(&b, "", 1);
        CU_ASSERT_STRING_EQUAL(buf_head(&b), rows[i].want);
        buf_free(&b);
        head_clear(&h);
    }
}

static void a_date_is_hidden(void)
{
    static const struct {
        const char *line;
        bool hidden;
    } rows[] = {{"Retry-After: 5", false},
                {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", true},
                {"Date: Sun, 06 Nov 1994 08:49:37 GMT", false}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct upstream_head h = {.content_length = -1};

        CU_ASSERT_TRUE(head_take(&h, rows[i].line, strlen(rows[i].line)));
        CU_ASSERT_EQUAL(reply_hides_delay(&h), rows[i].hidden);
        head_clear(&h);
    }
}

/* Ours beside only one of theirs would be two windows in one. */
static void a_window_is_the_upstreams_or_ours(void)
{
    static const char *const theirs[] = {"x-ratelimit-limit-requests: 1",
                                         "x-ratelimit-remaining-requests: 1",
                                         "x-ratelimit-reset-requests: 1s"};
    struct upstream_head h = {.content_length = -1};
    size_t i;

    CU_ASSERT_TRUE(head_take(&h, "x-ratelimit-limit-tokens: 1", 27));
    CU_ASSERT_FALSE(reply_has_window(&h));
    for (i = 0; i < ARRAY_LEN(theirs); i++) {
        head_clear(&h);
        CU_ASSERT_TRUE(head_take(&h, theirs[i], strlen(theirs[i])));
        CU_ASSERT_TRUE(reply_has_window(&h));
    }
    head_clear(&h);
}

static void an_error_has_openais_shape(void)
{
    static const struct {
        int status;
        const char *type;
    } rows[] = {
        {400, "invalid_request_error"}, {401, "authentication_error"},
        {403, "permission_error"},      {404, "not_found_error"},
        {405, "invalid_request_error"}, {413, "invalid_request_error"},
        {429, "rate_limit_error"},      {500, "server_error"},
        {502, "server_error"},          {503, "server_error"},
        {504, "timeout_error"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reply_error e = {rows[i].status, ERROR_QUEUE_FULL, -1, -1,
                                "say \"\\\n\x01\xff\""};
        struct json_object *o, *in, *param;
        struct buf b = {NULL, 0, 0, 0};

        reply_error_json(&b, &e);
        buf_add(&b, "", 1);
        CU_ASSERT_PTR_NULL(strpbrk(buf_head(&b), "\r\n")); /* one event line */
        o = json_tokener_parse(buf_head(&b));
        CU_ASSERT_TRUE_FATAL(json_object_object_get_ex(o, "error", &in));
        CU_ASSERT_EQUAL(json_object_object_length(in), 4);
        CU_ASSERT_STRING_EQUAL(
            json_object_get_string(json_object_object_get(in, "type")),
            rows[i].type);
        CU_ASSERT_STRING_EQUAL(
            json_object_get_string(json_object_object_get(in, "message")),
            "say \"\\\n\x01\xef\xbf\xbd\"");
        CU_ASSERT_STRING_EQUAL(
            json_object_get_string(json_object_object_get(in, "code")),
            "sluice_queue_full");
        CU_ASSERT_TRUE(json_object_object_get_ex(in, "param", &param));
        CU_ASSERT_PTR_NULL(param);
        json_object_put(o);
        buf_free(&b);
    }
}

static void every_status_of_ours_has_a_reason(void)
{
    static const int ours[] = {200, 400, 401, 403, 404, 405,
                               413, 429, 502, 503, 504};
    size_t i;

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        CU_ASSERT_STRING_NOT_EQUAL(reply_reason(ours[i]), reply_reason(599));
    CU_ASSERT_TRUE(strlen(reply_reason(599)) > 0);
}

static const struct unit_test tests[] = {
    {"retry headers stay within a minute", retry_headers_stay_within_a_minute},
    {"no header of the upstream is there twice",
     no_header_of_the_upstream_is_there_twice},
    {"a date counts from a clock that is not seen: it is hidden",
     a_date_is_hidden},
    {"a window is the upstream's or ours", a_window_is_the_upstreams_or_ours},
    {"an error has OpenAI's shape, whatever its words",
     an_error_has_openais_shape},
    {"every status of ours has a reason", every_status_of_ours_has_a_reason},
    {NULL, NULL},
};

CU_ErrorCode test_reply_add(void)
{
    return unit_add("reply", tests);
}
