/*
 * heads.c - which headers does a client see?
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define OURS                                                                   \
    "X-Sluice-Queue-Ms: 0\r\nX-Sluice-Attempts: 1\r\n"                         \
    "x-ratelimit-limit-requests: 40\r\n"                                       \
    "x-ratelimit-remaining-requests: 39\r\n"                                   \
    "x-ratelimit-reset-requests: 60000ms\r\n"

/* Chat that is answered so. */
static struct stage *answered(bool stream, int status, const char *headers,
                              const char *body)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, stream);
    stage_grant(st);
    stage_answer(st, status, headers, body);
    ENDED(st);
    return st;
}

static void an_answer_has_its_own_and_ours(void)
{
    struct stage *st = answered(false, 200, JSON "X-Request-Id: u\n", "{}");

    SAID(st, "Status: 200 OK\r\nContent-Type: application/json\r\n"
             "X-Request-Id: req_");
    SAID(st, "X-Upstream-Request-Id: u\r\n" OURS "Content-Length: 2\r\n\r\n{}");
    NEVER_SAID(st, "Cache-Control");
    stage_free(st);
}

static void its_own_window_stands_before_ours(void)
{
    struct stage *st =
        answered(false, 200, JSON "X-Ratelimit-Remaining-Requests: 7\n", "{}");

    SAID(st, "x-ratelimit-remaining-requests: 7\r\n");
    NEVER_SAID(st, "x-ratelimit-limit-requests");
    NEVER_SAID(st, "60000ms");
    stage_free(st);
}

static void a_stream_is_not_to_be_kept_or_held(void)
{
    struct stage *st =
        answered(true, 200, "Content-Type: text/event-stream\n",
                 "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
                 "data: [DONE]\n\n");

    SAID(st, OURS "Cache-Control: no-cache, no-transform\r\n"
                  "X-Accel-Buffering: no\r\n\r\n");
    NEVER_SAID(st, "Content-Length");
    stage_free(st);
}

static void unless_it_says_so_itself(void)
{
    struct stage *st = answered(
        true, 200, "Content-Type: text/event-stream\nCache-Control: no-store\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
        "data: [DONE]\n\n");

    SAID(st, "cache-control: no-store\r\n");
    NEVER_SAID(st, "no-transform");
    stage_free(st);
}

static void bytes_that_pass_are_not_to_be_held(void)
{
    struct stage *st =
        answered(false, 200, "Content-Type: audio/mpeg\n", "ID3");

    SAID(st, "X-Accel-Buffering: no\r\n\r\nID3");
    stage_free(st);
}

static void an_error_of_theirs_keeps_what_is_not_of_its_body(void)
{
    struct stage *st = answered(false, 422,
                                JSON "Content-Language: en\nRetry-After: 9\n"
                                     "X-Should-Retry: true\n",
                                "{\"detail\":\"what?\"}");

    SAID(st, "Status: 422 Unprocessable Content\r\n"
             "Content-Type: application/json\r\n");
    SAID(st, "retry-after: 9\r\n");
    SAID(st, OURS "Content-Length: ");
    NEVER_SAID(st, "anguage");
    stage_free(st);
}

static void one_of_ours_names_no_window_before_a_send(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_refuse(st, REFUSED_STATE, -1);
    ENDED(st);
    SAID(st, "Status: 503 Service Unavailable\r\n"
             "Content-Type: application/json\r\nX-Request-Id: req_");
    SAID(st, "Retry-After: 5\r\nretry-after-ms: 5000\r\n"
             "x-should-retry: true\r\nContent-Length: ");
    NEVER_SAID(st, "X-Sluice");
    NEVER_SAID(st, "WWW-Authenticate");
    NEVER_SAID(st, "Allow");
    stage_free(st);
}

static void only_a_key_of_ours_is_asked_for(void)
{
    struct stage *st = answered(false, 401, JSON, "{\"detail\":\"who?\"}");

    NEVER_SAID(st, "WWW-Authenticate");
    stage_free(st);
    st = stage_new("{'anonymous':'no'}");
    stage_chat(st, false);
    ENDED(st);
    SAID(st, "WWW-Authenticate: Bearer\r\n");
    stage_free(st);
}

static struct stage *message(int status, const char *body)
{
    struct stage *st = stage_new(SPEAKS_MESSAGES);

    stage_ask(st, "POST", "/v1/messages",
              "{\"model\":\"a/b\",\"messages\":[]}");
    stage_grant(st);
    stage_answer(st, status, JSON, body);
    ENDED(st);
    return st;
}

static void an_error_of_messages_has_anthropics_shape(void)
{
    static const char theirs[] =
        "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":"
        "\"m\"}}";
    struct stage *st = message(501, "{\"detail\":\"no\"}");

    SAID(st, "\r\n\r\n{\"type\":\"error\",\"error\":{\"type\":\"api_error\","
             "\"message\":\"no\"");
    stage_free(st);
    st = message(402, theirs);
    SAID(st, "x-should-retry: false");
    SAID(st, theirs);
    NEVER_SAID(st, "\"type\":\"error\",\"type\"");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"heads: an answer has its own and ours", an_answer_has_its_own_and_ours},
    {"heads: its own window stands before ours",
     its_own_window_stands_before_ours},
    {"heads: a stream is not to be kept or held",
     a_stream_is_not_to_be_kept_or_held},
    {"heads: unless it says so itself", unless_it_says_so_itself},
    {"heads: bytes that pass are not to be held",
     bytes_that_pass_are_not_to_be_held},
    {"heads: an error of theirs keeps what is not of its body",
     an_error_of_theirs_keeps_what_is_not_of_its_body},
    {"heads: one of ours names no window before a send",
     one_of_ours_names_no_window_before_a_send},
    {"heads: an error of messages has Anthropic's shape",
     an_error_of_messages_has_anthropics_shape},
    {"heads: only a key of ours is asked for", only_a_key_of_ours_is_asked_for},
    {NULL, NULL},
};

CU_ErrorCode heads_add(void)
{
    return spine_add("heads", tests);
}
