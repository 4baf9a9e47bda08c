/* Mirrors fcgi/upstream/verdict.c: the table of what an upstream's answer means. */
#include "fcgi/upstream/verdict.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/reply.h"
#include "fcgi/upstream/answer_head.h"
#include "lib/buf.h"
#include "unit.h"

#define NOW     INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define PROBLEM "application/problem+json"
#define JSON    "application/json"
#define HTML    "text/html"
#define EXHAUSTED                                                              \
    "{\"error\":{\"message\":\"ResourceExhausted: Worker local total request " \
    "limit reached (16/16)\",\"type\":\"Service Unavailable\",\"code\":503}}"
#define FUNC "Function id '0-0': "

struct row {
    struct verdict_input in; /* body's length is found */
    enum verdict_kind kind;
    int status;
    int64_t retry_ms;
    int64_t off_ms;
    enum ejection_cause cause;
};

/* What a status means by itself has its phrase, and not the one for any other
 * (reply.c). */
static void has_phrase(const struct row *r)
{
    bool is_any = r->kind == VERDICT_ANSWER || r->kind == VERDICT_CLIENT ||
                  r->kind == VERDICT_FAULT;

    if (is_any || strcmp(reply_reason(r->status), reply_reason(599)) != 0)
        return;
    printf("\n    %d is %s, and has no phrase in reply_reason()\n", r->status,
           verdict_rows[r->kind].name);
    CU_FAIL("a status without a phrase");
}

static void judge(const struct row *r)
{
    struct verdict_input in = r->in;
    struct verdict v;
    bool is_as_wanted;

    in.len = in.body == NULL ? 0 : strlen(in.body);
    in.now_s = NOW;
    verdict_of(&v, &in);
    is_as_wanted = v.kind == r->kind && v.status == r->status &&
                   v.retry_ms == r->retry_ms && v.off_ms == r->off_ms &&
                   v.cause == r->cause;
    if (!is_as_wanted)
        printf("\n    %d %s: %s (wanted %s), status %d, retry %lld, "
               "cause %d for %lld\n",
               in.status, in.body == NULL ? "" : in.body,
               verdict_rows[v.kind].name, verdict_rows[r->kind].name, v.status,
               (long long)v.retry_ms, (int)v.cause, (long long)v.off_ms);
    CU_ASSERT_TRUE(is_as_wanted);
    has_phrase(r);
}

#define JUDGE(rows)                                                            \
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)                       \
    judge(&rows[i])
#define ANSWER(...)                                                            \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define NOT_OFF -1, EJECTED_NOT

static void no_error_is_an_answer(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 200, .body = EXHAUSTED), VERDICT_ANSWER, 200, -1,
         NOT_OFF},
        {ANSWER(.status = 204), VERDICT_ANSWER, 204, -1, NOT_OFF},
        {ANSWER(.status = 304), VERDICT_ANSWER, 304, -1, NOT_OFF},
        {ANSWER(.status = 202, .nvcf_reqid = "0-0"), VERDICT_PENDING, 202, -1,
         NOT_OFF},
        {ANSWER(.status = 202), VERDICT_ANSWER, 202, -1, NOT_OFF},
        {ANSWER(.status = 202, .nvcf_reqid = ""), VERDICT_ANSWER, 202, -1,
         NOT_OFF},
        {ANSWER(.status = 200, .nvcf_reqid = "0-0"), VERDICT_ANSWER, 200, -1,
         NOT_OFF},
        {ANSWER(.status = 302, .location = "http://x/"), VERDICT_REDIRECT, 502,
         -1, NOT_OFF},
        {ANSWER(.status = 307, .location = "http://x/"), VERDICT_REDIRECT, 502,
         -1, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void a_429_is_the_accounts_unless_it_has_a_detail(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 429, .content_type = PROBLEM,
                .body = "{\"status\":429,\"title\":\"Too Many Requests\"}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = "{\"message\":\"rate limit exceeded\"}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429,
                .body = "{\"error\":{\"message\":\"a\",\"detail\":\"b\"}}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = "{\"title\":\"T\",\"detail\":\"\"}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = "{\"title\":\"T\",\"detail\":null}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429), VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = "<html>"), VERDICT_RATE, 429, -1,
         NOT_OFF},
        {ANSWER(.status = 429, .content_type = PROBLEM,
                .body = "{\"status\":429,\"title\":\"Too Many Requests\","
                        "\"detail\":\"Function work queue is full\"}"),
         VERDICT_BUSY, 429, -1, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void a_wish_is_read_in_the_order_of_the_sdks(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 429, .retry_after = "60"), VERDICT_RATE, 429, 60000,
         NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "60.001"), VERDICT_RATE, 429,
         60001, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "9", .retry_after_ms = "250"),
         VERDICT_RATE, 429, 250, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "9", .retry_after_ms = "x"),
         VERDICT_RATE, 429, 9000, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "Sun, 06 Nov 1994 08:50:07 GMT"),
         VERDICT_RATE, 429, 30000, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "-5"), VERDICT_RATE, 429, -1,
         NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "0"), VERDICT_RATE, 429, 0,
         NOT_OFF},
        {ANSWER(.status = 429, .remaining_requests = "0",
                .reset_requests = "12.5s", .remaining_tokens = "5",
                .reset_tokens = "50s"),
         VERDICT_RATE, 429, 12500, NOT_OFF},
        {ANSWER(.status = 429, .remaining_requests = "0",
                .reset_requests = "12.5s", .remaining_tokens = "0",
                .reset_tokens = "1h"),
         VERDICT_RATE, 429, 3600000, NOT_OFF},
        {ANSWER(.status = 429, .remaining_requests = "3",
                .reset_requests = "12s"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 503, .remaining_requests = "0",
                .reset_requests = "12s"),
         VERDICT_FAULT, 503, -1, NOT_OFF},
        {ANSWER(.status = 503, .retry_after = "10800", .content_type = PROBLEM,
                .body = "{\"status\":503,\"title\":\"Service Unavailable\","
                        "\"detail\":\"offline\"}"),
         VERDICT_FAULT, 503, 10800000, NOT_OFF}, /* see verdict_bound() */
        {ANSWER(.status = 503, .retry_after = "99999999999"), VERDICT_FAULT,
         503, DELAY_MS_MAX, NOT_OFF},
        {ANSWER(.status = 503, .retry_after = "5"), VERDICT_FAULT, 503, 5000,
         NOT_OFF},
        {ANSWER(.status = 503, .retry_after = "5", .body = EXHAUSTED),
         VERDICT_BUSY, 503, 5000, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "Sun, 06 Nov 1994 09:49:42 GMT",
                .date = "Sun, 06 Nov 1994 09:49:37 GMT"),
         VERDICT_RATE, 429, 5000, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "Sun, 06 Nov 1994 09:49:42 GMT",
                .date = "now"),
         VERDICT_RATE, 429, 3605000, NOT_OFF},
        {ANSWER(.status = 429, .retry_after = "5",
                .date = "Sun, 06 Nov 1994 09:49:37 GMT"),
         VERDICT_RATE, 429, 5000, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void a_wish_is_waited_out_as_long_as_anybody_may_wait(void)
{
    static const struct {
        int status;
        const char *body, *retry_after;
        int64_t wait_ms, hold_ms;
        enum verdict_kind kind;
    } rows[] = {
        {429, "", "120", 300000, 300000, VERDICT_RATE},
        {429, "", "300", 300000, 300000, VERDICT_RATE},
        {429, "", "301", 300000, 300000, VERDICT_OFF},
        {429, "", "301", 900000, 300000, VERDICT_RATE},
        {429, "", "301", 300000, 900000, VERDICT_RATE},
        {429, "", "18000", 900000, 300000, VERDICT_OFF},
        {429, "", "18000", DELAY_MS_MAX, 300000, VERDICT_RATE},
        {429, "", "60", 100, 100, VERDICT_RATE}, /* a minute always is */
        {429, "", "61", 100, 100, VERDICT_OFF},
        {429, "{\"detail\":\"full\"}", "120", 900000, 300000, VERDICT_BUSY},
        {429, "{\"detail\":\"full\"}", "901", 900000, 300000, VERDICT_OFF},
        {503, "", "60", 900000, 300000, VERDICT_FAULT},
        {503, "", "61", 900000, 300000, VERDICT_OVERLOADED},
        {503, "", "900", 900000, 300000, VERDICT_OVERLOADED},
        {503, "", "901", 900000, 300000, VERDICT_OFF},
        {503, "", "901", 900000, 1000000, VERDICT_OFF},
        {503, EXHAUSTED, "61", 900000, 300000, VERDICT_BUSY},
        {504, "", "18000", 900000, 300000, VERDICT_TIMEOUT},
        {400, "", "18000", 300000, 300000, VERDICT_CLIENT},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verdict_input in = {.status = rows[i].status,
                                   .body = rows[i].body,
                                   .len = strlen(rows[i].body),
                                   .retry_after = rows[i].retry_after,
                                   .now_s = NOW};
        struct verdict v;

        verdict_of(&v, &in);
        verdict_bound(&v, rows[i].wait_ms, rows[i].hold_ms);
        CU_ASSERT_EQUAL(v.kind, rows[i].kind);
        CU_ASSERT_EQUAL(v.off_ms, v.kind == VERDICT_OFF ? v.retry_ms : -1);
    }
}

static void the_rest_of_the_4xx(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 410, .content_type = PROBLEM,
                .body = "{\"status\":410,\"title\":\"Gone\"}"),
         VERDICT_OFF, 410, -1, -1, EJECTED_GONE},
        {ANSWER(.status = 410, .retry_after = "0"), VERDICT_OFF, 410, 0, -1,
         EJECTED_GONE},
        {ANSWER(.status = 410, .retry_after = "7"), VERDICT_OFF, 410, 7000,
         7000, EJECTED_GONE},
        {ANSWER(.status = 400, .content_type = PROBLEM,
                .body = "{\"status\":400,\"title\":\"Bad Request\",\"detail\":"
                        "\"" FUNC "DEGRADED function cannot be invoked\"}"),
         VERDICT_OFF, 503, -1, -1, EJECTED_DEGRADED},
        {ANSWER(.status = 404, .content_type = PROBLEM,
                .body = "{\"status\":404,\"title\":\"Not Found\",\"detail\":\""
                        "Function '0-0': Not found for account 'a'\"}"),
         VERDICT_MODEL_UNKNOWN, 404, -1, -1, EJECTED_UNKNOWN},
        {ANSWER(.status = 404, .content_type = "text/plain",
                .body = "404 page not found\n"),
         VERDICT_MODEL_UNKNOWN, 404, -1, -1, EJECTED_UNKNOWN},
        {ANSWER(.status = 404, .body = "{\"error\":{\"message\":\"m\",\"code\":"
                                       "\"model_not_found\"}}"),
         VERDICT_MODEL_UNKNOWN, 404, -1, -1, EJECTED_UNKNOWN},
        {ANSWER(.status = 404,
                .body = "{\"object\":\"error\",\"message\":\"The model `x` "
                        "does not exist.\",\"type\":\"NotFoundError\"}"),
         VERDICT_MODEL_UNKNOWN, 404, -1, -1, EJECTED_UNKNOWN},
        {ANSWER(.status = 404, .body = "{\"detail\":\"Not Found\"}"),
         VERDICT_CLIENT, 404, -1, NOT_OFF},
        {ANSWER(.status = 404, .content_type = HTML, .body = "<html>"),
         VERDICT_CLIENT, 404, -1, NOT_OFF},
        {ANSWER(.status = 404), VERDICT_CLIENT, 404, -1, NOT_OFF},
        {ANSWER(.status = 402, .content_type = PROBLEM,
                .body = "{\"status\":402,\"title\":\"Payment Required\","
                        "\"detail\":\"Cloud credits expired\"}"),
         VERDICT_UNPAID, 402, -1, -1, EJECTED_UNPAID},
        {ANSWER(.status = 401), VERDICT_KEY, 401, -1, NOT_OFF},
        {ANSWER(.status = 403, .content_type = PROBLEM,
                .body = "{\"status\":403,\"title\":\"Forbidden\",\"detail\":"
                        "\"Authorization failed\"}"),
         VERDICT_KEY, 403, -1, NOT_OFF},
        {ANSWER(.status = 400, .content_type = JSON,
                .body = "{\"message\":\"m\",\"type\":\"Bad Request\","
                        "\"code\":400}"),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(.status = 400, .retry_after = "10800"), VERDICT_CLIENT, 400,
         10800000, NOT_OFF},
        {ANSWER(.status = 422, .body = "{\"detail\":[{\"msg\":\"m\"}]}"),
         VERDICT_CLIENT, 422, -1, NOT_OFF},
        {ANSWER(.status = 408), VERDICT_CLIENT, 408, -1, NOT_OFF},
        {ANSWER(.status = 409), VERDICT_CLIENT, 409, -1, NOT_OFF},
        {ANSWER(.status = 413), VERDICT_CLIENT, 413, -1, NOT_OFF},
        {ANSWER(.status = 499), VERDICT_CLIENT, 499, -1, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void who_cannot_pay_waits_for_nothing(void)
{
#define OWES(code) "{\"error\":{\"message\":\"m\",\"code\":\"" code "\"}}"
    static const struct row rows[] = {
        {ANSWER(.status = 429, .body = OWES("insufficient_quota")),
         VERDICT_UNPAID, 429, -1, -1, EJECTED_QUOTA},
        {ANSWER(.status = 400, .body = OWES("billing_hard_limit_reached")),
         VERDICT_UNPAID, 400, -1, -1, EJECTED_UNPAID},
        {ANSWER(.status = 403,
                .body = "{\"error\":{\"message\":\"m\",\"type\":\"access_"
                        "terminated_error\"}}"),
         VERDICT_UNPAID, 403, -1, -1, EJECTED_UNPAID},
        /* Scaleway: of requests at once */
        {ANSWER(.status = 429,
                .body = "{\"status\":429,\"error\":\"INSUFFICIENT QUOTA\","
                        "\"message\":\"You exceeded your current limit of "
                        "concurrent requests.\"}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        /* Gemini: of a minute */
        {ANSWER(.status = 429,
                .body = "{\"error\":{\"code\":429,\"message\":\"You exceeded "
                        "your current quota, please check your plan and "
                        "billing details.\",\"status\":\"RESOURCE_EXHAUSTED\"}"
                        "}"),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 503, .body = OWES("insufficient_quota")),
         VERDICT_FAULT, 503, -1, NOT_OFF},
    };
#undef OWES
    size_t i;

    JUDGE(rows);
}

static void what_can_never_pass_is_told(void)
{
#define SAYS(text) "{\"error\":{\"message\":\"" text "\"}}"
    static const struct row rows[] = {
        {ANSWER(.status = 429, .body = SAYS("Limit 6000, Requested 14810")),
         VERDICT_NEVER, 429, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = SAYS("Limit 6000, Requested 900")),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(.status = 503, .body = SAYS("Limit 6000, Requested 14810")),
         VERDICT_FAULT, 503, -1, NOT_OFF},
        {ANSWER(.status = 402, .body = SAYS("This request requires more "
                                            "credits, or fewer max_tokens.")),
         VERDICT_NEVER, 402, -1, NOT_OFF},
        {ANSWER(.status = 402, .body = SAYS("Insufficient credits")),
         VERDICT_UNPAID, 402, -1, -1, EJECTED_UNPAID},
    };
#undef SAYS
    size_t i;

    JUDGE(rows);
}

static void an_error_in_a_200_is_one_where_it_stands_alone(void)
{
#define BODY(text) .status = 200, .is_json = true, .body = text
    static const struct row rows[] = {
        {ANSWER(BODY("{\"error\":{\"message\":\"m\",\"code\":429}}")),
         VERDICT_RATE, 429, -1, NOT_OFF},
        {ANSWER(BODY("\n{\"error\":{\"code\":\"502\"},\"user_id\":\"u\"}")),
         VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"message\":\"m\",\"code\":404}}")),
         VERDICT_CLIENT, 404, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":429},\"choices\":[]}")),
         VERDICT_ANSWER, 200, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":429},\"data\":[]}")), VERDICT_ANSWER,
         200, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":429},\"output\":[]}")),
         VERDICT_ANSWER, 200, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":\"x\"}}")), VERDICT_ANSWER, 200, -1,
         NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":200}}")), VERDICT_ANSWER, 200, -1,
         NOT_OFF},
        {ANSWER(BODY("{\"error\":429}")), VERDICT_ANSWER, 200, -1, NOT_OFF},
        {ANSWER(BODY("{\"error\":{\"code\":429}}"), .is_cut = true),
         VERDICT_ANSWER, 200, -1, NOT_OFF},
    };
#undef BODY
    size_t i;

    JUDGE(rows);
}

static void a_quoted_prompt_benches_nothing(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 400, .body = "{\"message\":\"bad: '" FUNC
                                       "DEGRADED function cannot "
                                       "be invoked'\",\"code\":400}"),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(.status = 400, .body = "{\"detail\":[{\"msg\":\"m\",\"input\":"
                                       "\"" FUNC
                                       "DEGRADED function cannot be invoked\"}]"
                                       "}"),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(.status = 400,
                .body = FUNC "DEGRADED function cannot be invoked"),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(.status = 400, .body = EXHAUSTED), VERDICT_CLIENT, 400, -1,
         NOT_OFF},
        {ANSWER(.status = 404,
                .body = "{\"detail\":\"no 'Not found for account'\"}"),
         VERDICT_CLIENT, 404, -1, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void the_5xx(void)
{
    static const struct row rows[] = {
        {ANSWER(.status = 503, .content_type = JSON, .body = EXHAUSTED),
         VERDICT_BUSY, 503, -1, NOT_OFF},
        {ANSWER(.status = 503,
                .body = "{'error':{'message':'ResourceExhausted: Worker local "
                        "total request limit reached (16/16)','code':503}}"),
         VERDICT_BUSY, 503, -1, NOT_OFF},
        {ANSWER(.status = 503, .content_type = PROBLEM,
                .body = "{\"status\":503,\"detail\":\"Service temporarily "
                        "overloaded\"}"),
         VERDICT_OVERLOADED, 503, -1, NOT_OFF},
        {ANSWER(.status = 503, .body = "{\"error\":{\"message\":\"m\",\"code\":"
                                       "\"server_is_overloaded\"}}"),
         VERDICT_OVERLOADED, 503, -1, NOT_OFF},
        {ANSWER(.status = 503, .body = "The model is overloaded."),
         VERDICT_OVERLOADED, 503, -1, NOT_OFF},
        {ANSWER(.status = 429, .body = "{\"error\":{\"message\":\"m\",\"type\":"
                                       "\"engine_overloaded_error\"}}"),
         VERDICT_OVERLOADED, 429, -1, NOT_OFF},
        {ANSWER(.status = 503), VERDICT_FAULT, 503, -1, NOT_OFF},
        {ANSWER(.status = 500, .content_type = JSON,
                .body = "{\"message\":\"Internal server error\",\"type\":"
                        "\"internal_server_error\",\"code\":500}"),
         VERDICT_FAULT, 500, -1, NOT_OFF},
        {ANSWER(.status = 502, .content_type = PROBLEM,
                .body = "{\"status\":502,\"title\":\"Bad Gateway\",\"detail\":"
                        "\"Upstream request failed.\"}"),
         VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(.status = 502, .content_type = HTML, .body = "<html>"),
         VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(.status = 529), VERDICT_OVERLOADED, 529, -1, NOT_OFF},
        {ANSWER(.status = 520), VERDICT_FAULT, 520, -1, NOT_OFF},
        {ANSWER(.status = 522), VERDICT_FAULT, 522, -1, NOT_OFF},
        {ANSWER(.status = 523), VERDICT_FAULT, 523, -1, NOT_OFF},
        {ANSWER(.status = 524, .content_type = HTML, .body = "<html>"),
         VERDICT_TIMEOUT, 524, -1, NOT_OFF},
        {ANSWER(.status = 504), VERDICT_TIMEOUT, 504, -1, NOT_OFF},
        {ANSWER(.status = 504, .content_type = HTML, .body = "<html>"),
         VERDICT_TIMEOUT, 504, -1, NOT_OFF},
        {ANSWER(.status = 504, .retry_after = "300"), VERDICT_TIMEOUT, 504,
         300000, NOT_OFF},
        {ANSWER(.status = 505), VERDICT_CLIENT, 505, -1, NOT_OFF},
        {ANSWER(.status = 501), VERDICT_CLIENT, 501, -1, NOT_OFF},
        {ANSWER(.status = 302), VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(.status = 0), VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(.status = 999), VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(.status = 101), VERDICT_FAULT, 502, -1, NOT_OFF},
    };
    size_t i;

    JUDGE(rows);
}

static void an_error_inside_a_stream_means_what_it_would_outside(void)
{
#define EVENT(json)                                                            \
    .status = 200, .is_stream = true, .body = "data: " json "\n\n"
    static const struct row rows[] = {
        {ANSWER(EVENT(EXHAUSTED)), VERDICT_BUSY, 503, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":\"ResourceExhausted: x\"}")), VERDICT_BUSY,
         503, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"code\":429}}")),
         VERDICT_BUSY, 429, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"type\":"
                      "\"rate_limit_error\"}}")),
         VERDICT_BUSY, 429, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"code\":\"502\"}}")),
         VERDICT_FAULT, 502, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"code\":503}}")),
         VERDICT_FAULT, 503, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"type\":\"service_"
                      "unavailable_error\",\"code\":\"server_is_overloaded\"}"
                      "}")),
         VERDICT_OVERLOADED, 503, -1, NOT_OFF},
        {ANSWER(EVENT("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_"
                      "error\",\"message\":\"Overloaded\"}}")),
         VERDICT_OVERLOADED, 503, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"code\":"
                      "\"insufficient_quota\"}}")),
         VERDICT_UNPAID, 429, -1, -1, EJECTED_QUOTA},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\"}}")), VERDICT_FAULT, 500,
         -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"code\":504}}")),
         VERDICT_TIMEOUT, 504, -1, NOT_OFF},
        {ANSWER(EVENT("{\"object\":\"error\",\"message\":\"m\",\"type\":"
                      "\"BadRequestError\",\"code\":400}")),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(EVENT("{\"error\":{\"message\":\"m\",\"type\":"
                      "\"invalid_request_error\"}}")),
         VERDICT_CLIENT, 400, -1, NOT_OFF},
        {ANSWER(EVENT("{\"choices\":[{\"delta\":{\"content\":\""
                      "ResourceExhausted error\"}}]}")),
         VERDICT_ANSWER, 200, -1, NOT_OFF},
        {ANSWER(.status = 200, .is_stream = true,
                .body = ": ResourceExhausted\n\ndata: {\"error\":{\"message\":"
                        "\"m\",\"code\":500}}\n\n"),
         VERDICT_FAULT, 500, -1, NOT_OFF},
        {ANSWER(EVENT("[DONE]")), VERDICT_ANSWER, 200, -1, NOT_OFF},
        {ANSWER(.status = 200, .is_stream = true), VERDICT_ANSWER, 200, -1,
         NOT_OFF},
        {ANSWER(.status = 503, .is_stream = true,
                .body = "data: " EXHAUSTED "\n\n"),
         VERDICT_BUSY, 503, -1, NOT_OFF},
    };
#undef EVENT
    size_t i;

    JUDGE(rows);
}

static void only_openais_shape_passes_byte_for_byte(void)
{
    static const struct {
        const char *body;
        bool can_pass;
        bool is_cut;
    } rows[] = {
        {EXHAUSTED, true, false},
        {EXHAUSTED, false, true},
        {EXHAUSTED "}", false, false},
        {"{\"error\":\"text\"}", false, false},
        {"{\"error\":[]}", false, false},
        {"{\"message\":\"m\"}", false, false},
        {"", false, false},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verdict_input in = {.status = 500,
                                   .body = rows[i].body,
                                   .len = strlen(rows[i].body),
                                   .is_cut = rows[i].is_cut};
        struct buf b = {NULL, 0, 0, 0};
        struct verdict v;

        verdict_of(&v, &in);
        CU_ASSERT_EQUAL(verdict_can_pass(&v), rows[i].can_pass);
        reply_their_error(&b, &v.words, v.status);
        CU_ASSERT_TRUE(b.len > 40);
        CU_ASSERT_EQUAL(memcmp(buf_head(&b), "{\"error\":{\"message\":\"", 21),
                        0);
        buf_free(&b);
    }
}

static void the_headers_are_found_in_a_head(void)
{
    static const char *const lines[] = {
        "Content-Type: application/json",
        "Retry-After: 7",
        "Retry-After-Ms: 6900",
        "Date: then",
        "X-Ratelimit-Remaining-Requests: 0",
        "X-Ratelimit-Reset-Requests: 1m0s",
        "X-Ratelimit-Remaining-Tokens: 9",
        "X-Ratelimit-Reset-Tokens: 2s",
        "NVCF-REQID: 0-0",
        "Location: http://x/",
    };
    struct upstream_head head;
    struct verdict_input in;
    size_t i;

    memset(&head, 0, sizeof(head));
    head_clear(&head);
    head.status = 202;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        CU_ASSERT_TRUE(head_take(&head, lines[i], strlen(lines[i])));
    in = verdict_input(&head);
    CU_ASSERT_EQUAL(in.status, 202);
    CU_ASSERT_STRING_EQUAL(in.content_type, "application/json");
    CU_ASSERT_STRING_EQUAL(in.retry_after, "7");
    CU_ASSERT_STRING_EQUAL(in.retry_after_ms, "6900");
    CU_ASSERT_STRING_EQUAL(in.date, "then");
    CU_ASSERT_STRING_EQUAL(in.remaining_requests, "0");
    CU_ASSERT_STRING_EQUAL(in.reset_requests, "1m0s");
    CU_ASSERT_STRING_EQUAL(in.remaining_tokens, "9");
    CU_ASSERT_STRING_EQUAL(in.reset_tokens, "2s");
    CU_ASSERT_STRING_EQUAL(in.nvcf_reqid, "0-0");
    CU_ASSERT_STRING_EQUAL(in.location, "http://x/");
    CU_ASSERT_PTR_NULL(in.body);
    head_clear(&head);
}

static void tokens_that_are_left_are_a_number_or_none(void)
{
    static const struct {
        const char *line;
        int64_t left;
    } rows[] = {
        {"x-ratelimit-remaining-tokens: 149984", 149984},
        {"X-RateLimit-Remaining-Tokens: 0", 0},
        {"x-ratelimit-remaining-tokens-minute: 29.0", 29},
        {"anthropic-ratelimit-tokens-remaining: 40000", 40000},
        {"x-ratelimit-remaining-tokens: 1099511627776", INT64_C(1) << 40},
        {"x-ratelimit-remaining-tokens: 1099511627777", -1},
        {"x-ratelimit-remaining-tokens: 99999999999999999999999999", -1},
        {"x-ratelimit-remaining-tokens: -1", -1},
        {"x-ratelimit-remaining-tokens: 1k", -1},
        {"x-ratelimit-remaining-tokens: many", -1},
        {"x-ratelimit-remaining-tokens:", -1},
        {"x-ratelimit-remaining-tokens-day: 7", -1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct upstream_head head;
        struct verdict_input in;
        struct verdict v;

        memset(&head, 0, sizeof(head));
        head_clear(&head);
        head.status = 200;
        CU_ASSERT_TRUE(head_take(&head, rows[i].line, strlen(rows[i].line)));
        in = verdict_input(&head);
        verdict_of(&v, &in);
        CU_ASSERT_EQUAL(v.tokens_left, rows[i].left);
        head_clear(&head);
    }
}

static const struct unit_test tests[] = {
    {"no error is an answer", no_error_is_an_answer},
    {"a 429 is the account's unless it has a detail",
     a_429_is_the_accounts_unless_it_has_a_detail},
    {"a wish is read in the order of the SDKs",
     a_wish_is_read_in_the_order_of_the_sdks},
    {"who cannot pay waits for nothing", who_cannot_pay_waits_for_nothing},
    {"what can never pass is told", what_can_never_pass_is_told},
    {"an error in a 200 is one where it stands alone",
     an_error_in_a_200_is_one_where_it_stands_alone},
    {"a wish is waited out as long as anybody may wait",
     a_wish_is_waited_out_as_long_as_anybody_may_wait},
    {"the rest of the 4xx", the_rest_of_the_4xx},
    {"a quoted prompt benches nothing", a_quoted_prompt_benches_nothing},
    {"the 5xx", the_5xx},
    {"an error inside a stream means what it would outside",
     an_error_inside_a_stream_means_what_it_would_outside},
    {"only OpenAI's shape passes byte for byte",
     only_openais_shape_passes_byte_for_byte},
    {"tokens that are left are a number, or none",
     tokens_that_are_left_are_a_number_or_none},
    {"the headers are found in a head", the_headers_are_found_in_a_head},
    {NULL, NULL},
};

CU_ErrorCode test_verdict_add(void)
{
    return unit_add("verdict", tests);
}
