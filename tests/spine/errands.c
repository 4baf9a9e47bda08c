/*
 * errands.c - what is the upstream asked, and what else than the request
 * itself?
 *
 * A poll asks for an answer that comes later, another errand fetches it where a
 * redirect says it lies: neither costs a slot, and the limiter hears of none.
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

#define JSON  "Content-Type: application/json\n"
#define LATER JSON "NVCF-REQID: r-1\n"
#define ELSE  "Location: http://127.0.0.1:9/result\n"
#define HOSTS                                                                  \
    "{'upstreams':[{'name':'nim','base_url':'http://127.0.0.1:1/nim/v1',"      \
    "'result_hosts':['127.0.0.1']}]}"
#define TOLD_POLL "join, sent, report fine accepted, body gone"

static void asked(const struct stage *st, const char *method, const char *url)
{
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->method, method);
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->url, url);
}

static bool has_line(const struct stage *st, const char *line)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%s\n", line);
    return strstr(buf_head(&fake_ask(st->s.up)->headers), text) != NULL;
}

/* ---- the request ---------------------------------------------------------------- */

static void the_request_is_sent_as_it_came(void)
{
    struct stage *st = stage_new(HOSTS);

    stage_param(st, "HTTP_IDEMPOTENCY_KEY=k");
    stage_param(st, "HTTP_AUTHORIZATION=Bearer of-the-client");
    stage_ask(st, "POST", "/v1/chat/completions?a=b%20c", CHAT_STREAM);
    stage_grant(st);
    wire_send(st->s.up);
    asked(st, "POST", "http://127.0.0.1:1/nim/v1/chat/completions?a=b%20c");
    CU_ASSERT_STRING_EQUAL(buf_head(&fake_ask(st->s.up)->body), CHAT_STREAM);
    CU_ASSERT_TRUE(has_line(st, "Idempotency-Key: k"));
    CU_ASSERT_TRUE(has_line(st, "Content-Type: application/json"));
    CU_ASSERT_TRUE(has_line(st, "Accept: text/event-stream"));
    CU_ASSERT_TRUE(has_line(st, "NVCF-POLL-SECONDS: 600"));
    CU_ASSERT_TRUE(has_line(st, "Authorization: Bearer " KEY));
    CU_ASSERT_FALSE(has_line(st, "Authorization: Bearer of-the-client"));
    CU_ASSERT_FALSE(fake_ask(st->s.up)->fresh);
    stage_free(st);
}

static void what_the_client_says_is_not_said_twice(void)
{
    struct stage *st = stage_new(NULL);

    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
    stage_param(st, "HTTP_ACCEPT=application/x");
    stage_param(st, "HTTP_NVCF_POLL_SECONDS=7");
    stage_param(st, "HTTP_AUTHORIZATION=Bearer of-the-client");
    stage_chat(st, false);
    stage_grant(st);
    CU_ASSERT_TRUE(has_line(st, "Accept: application/x"));
    CU_ASSERT_FALSE(has_line(st, "Accept: */*"));
    CU_ASSERT_TRUE(has_line(st, "nvcf-poll-seconds: 7"));
    CU_ASSERT_FALSE(has_line(st, "NVCF-POLL-SECONDS: 600"));
    CU_ASSERT_TRUE(has_line(st, "Authorization: Bearer of-the-client"));
    stage_free(st);
}

static void the_model_decides_which_upstream(void)
{
    struct stage *st = stage_new(
        "{'upstreams':[{'name':'one','base_url':'https://one.example',"
        "'models':['x/*','a/*']},{'name':'two','base_url':'https://two.example'"
        "}]}");

    stage_chat(st, false);
    CU_ASSERT_EQUAL(fake_asked(st->s.lim)->upstream, 0);
    stage_hang_up(st);
    stage_ask(st, "POST", "/v1/chat/completions", "{\"model\":\"b/c\"}");
    CU_ASSERT_EQUAL(fake_asked(st->s.lim)->upstream, 1);
    stage_grant(st);
    asked(st, "POST", "https://two.example/v1/chat/completions");
    CU_ASSERT_PTR_EQUAL(fake_ask(st->s.up)->via, &st->s.cfg->upstreams[1]);
    CU_ASSERT_FALSE(fake_ask(st->s.up)->elsewhere);
    st->s.lim->notes = 0;
    stage_free(st);
}

static void the_limiter_knows_what_waits(void)
{
    struct stage *st = stage_new(NULL);
    const struct limiter_request *req;

    stage_param(st, "HTTP_X_SLUICE_PRIORITY=low");
    stage_param(st, "HTTP_X_SLUICE_CLIENT=desk");
    stage_param(st, "HTTP_X_STAINLESS_RETRY_COUNT=1");
    stage_chat(st, true);
    req = fake_asked(st->s.lim);
    CU_ASSERT_EQUAL(req->cls, CLASS_LOW);
    CU_ASSERT_STRING_EQUAL(req->client, "desk");
    CU_ASSERT_STRING_EQUAL(req->model, "a/b");
    CU_ASSERT_TRUE(req->stream && req->retry);
    CU_ASSERT_EQUAL(req->body_bytes, strlen(CHAT_STREAM));
    CU_ASSERT_EQUAL(req->deadline_ns, st->r->arrived_ns + 900 * NS_PER_S);
    CU_ASSERT_NOT_EQUAL(req->fingerprint, 0);
    stage_free(st);
}

/* ---- polls ---------------------------------------------------------------------- */

static struct stage *pending(const char *settings)
{
    struct stage *st = stage_new(settings);

    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 202, LATER, "{}");
    return st;
}

/* The pause before it doubles. */
static void poll(struct stage *st, int64_t ms)
{
    uint32_t before = fake_started(st->s.up);

    stage_pass(st, ms - 1);
    CU_ASSERT_EQUAL(fake_started(st->s.up), before);
    stage_pass(st, 1);
    CU_ASSERT_EQUAL_FATAL(fake_started(st->s.up), before + 1);
}

static void an_answer_is_asked_for_until_it_is_there(void)
{
    struct stage *st = pending(HOSTS);

    poll(st, 500);
    asked(st, "GET", "http://127.0.0.1:1/nim/v1/status/r-1");
    CU_ASSERT_TRUE(has_line(st, "Accept: */*"));
    CU_ASSERT_TRUE(has_line(st, "Authorization: Bearer " KEY));
    CU_ASSERT_FALSE(has_line(st, "NVCF-POLL-SECONDS: 599"));
    stage_answer(st, 202, LATER, "{}");
    poll(st, 1000);
    stage_answer(st, 200, JSON, "{\"id\":1}");
    ENDED(st);
    SAID(st, "{\"id\":1}");
    TOLD(st, TOLD_POLL ", done");
    NOTED(st, "ok 200 none none x1");
    SENDS(st, "none");
    stage_free(st);
}

static void no_poll_comes_sooner_than_it_is_let(void)
{
    struct stage *st = pending(NULL);

    poll(st, 500);
    stage_answer(st, 429, JSON "Retry-After: 3\n", "{\"detail\":\"later\"}");
    poll(st, 3000);
    stage_answer(st, 200, JSON, "{}");
    ENDED(st);
    TOLD(st, TOLD_POLL ", done");
    SENDS(st, "none, busy");
    stage_free(st);
}

static void a_poll_that_fails_is_repeated(void)
{
    struct stage *st = pending(NULL);

    poll(st, 500);
    wire_end(st->s.up, END_UNREACHABLE, "");
    stage_settle(st);
    poll(st, 500);
    wire_send(st->s.up);
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    poll(st, 1000);
    stage_answer(st, 500, JSON, "{}");
    ENDED(st); /* retry.max is 3 */
    SAID(st, "Status: 500");
    SAID(st, "x-should-retry: false");
    TOLD(st, TOLD_POLL ", failed, done");
    NOTED(st, "upstream_error 500 none none x1");
    stage_free(st);
}

static void a_poll_may_be_told_that_there_is_nothing(void)
{
    struct stage *st = pending(NULL);

    poll(st, 500);
    stage_answer(st, 404, JSON,
                 "{\"detail\":\"Function 'x': Not found for account 'y'\"}");
    ENDED(st);
    SAID(st, "Status: 404");
    TOLD(st, TOLD_POLL ", done");
    stage_free(st);
}

static void a_poll_that_is_under_way_ends_with_its_request(void)
{
    struct stage *st = pending(NULL);

    poll(st, 500);
    stage_cancel(st);
    ENDED(st);
    TOLD(st, TOLD_POLL ", done");
    stage_free(st);
    st = pending(NULL);
    poll(st, 500);
    stage_pass(st, 600000);
    ENDED(st);
    SAID(st, "\"code\":\"sluice_upstream_timeout\"");
    TOLD(st, TOLD_POLL ", lost, done");
    SENDS(st, "none, timeout");
    stage_free(st);
}

/* ---- results --------------------------------------------------------------------- */

static void a_result_is_fetched_where_it_lies(void)
{
    struct stage *st = pending(HOSTS);

    poll(st, 500);
    CU_ASSERT_FALSE(fake_ask(st->s.up)->elsewhere);
    CU_ASSERT_PTR_EQUAL(fake_ask(st->s.up)->via, &st->s.cfg->upstreams[0]);
    stage_answer(st, 302, ELSE, "");
    asked(st, "GET", "http://127.0.0.1:9/result");
    CU_ASSERT_FALSE(has_line(st, "Authorization: Bearer " KEY));
    /* Through the same proxy, but not with our certificate. */
    CU_ASSERT_TRUE(fake_ask(st->s.up)->elsewhere);
    CU_ASSERT_PTR_EQUAL(fake_ask(st->s.up)->via, &st->s.cfg->upstreams[0]);
    stage_answer(st, 200, JSON, "{\"id\":2}");
    ENDED(st);
    SAID(st, "{\"id\":2}");
    TOLD(st, TOLD_POLL ", done");
    NOTED(st, "ok 200 none none x1");
    stage_free(st);
}

static void also_at_once(void)
{
    struct stage *st = stage_new(HOSTS);

    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 307, ELSE, "");
    asked(st, "GET", "http://127.0.0.1:9/result");
    TOLD(st,
         "join, sent, report fine accepted, body gone"); /* it goes no more */
    stage_answer(st, 200, JSON, "{}");
    ENDED(st);
    TOLD(st, "join, sent, report fine accepted, body gone, done");
    stage_free(st);
}

static void but_once(void)
{
    struct stage *st = pending(HOSTS);

    poll(st, 500);
    stage_answer(st, 302, ELSE, "");
    stage_answer(st, 302, ELSE, "");
    ENDED(st);
    SAID(st, "Status: 502");
    SAID(st, "The upstream answered 302: its result lies at a host");
    SENDS(st, "none, garbage");
    stage_free(st);
}

/* ---- free ones -------------------------------------------------------------------- */

static void a_free_one_has_one_deadline_for_all(void)
{
    struct stage *st = stage_new("{'timeouts':{'first_byte_s':1}}");

    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
    stage_ask(st, "GET", "/v1/models", NULL);
    stage_answer(st, 500, NULL, "");
    stage_pass(st, 500);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 2);
    stage_pass(st, 500);
    ENDED(st);
    SAID(st, "Status: 504");
    SAID(st, "sent no answer within 1 s");
    NOTED(st, "upstream_error 504 none none x2");
    SENDS(st, "server again, timeout");
    stage_free(st);
}

static void a_free_one_may_only_look(void)
{
    struct stage *st = stage_new(NULL);

    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
    stage_ask(st, "HEAD", "/v1/models", NULL);
    stage_answer(st, 200, JSON, "{\"data\":[]}");
    ENDED(st);
    SAID(st, "Status: 200");
    NEVER_SAID(st, "data");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"a request is sent as it came, with our key",
     the_request_is_sent_as_it_came},
    {"what its client says is not said twice",
     what_the_client_says_is_not_said_twice},
    {"its model decides which upstream it is for",
     the_model_decides_which_upstream},
    {"the limiter knows what waits", the_limiter_knows_what_waits},
    {"verdict pending: it is asked for until it is there",
     an_answer_is_asked_for_until_it_is_there},
    {"verdict rate: no poll comes sooner than it is let",
     no_poll_comes_sooner_than_it_is_let},
    {"silence unreachable: a poll that fails is repeated",
     a_poll_that_fails_is_repeated},
    {"verdict unknown model: a poll may be told that there is nothing",
     a_poll_may_be_told_that_there_is_nothing},
    {"forward: cancel: so ends a poll that is under way",
     a_poll_that_is_under_way_ends_with_its_request},
    {"verdict redirect: a result is fetched where it lies, without our key",
     a_result_is_fetched_where_it_lies},
    {"verdict redirect: also at once", also_at_once},
    {"verdict redirect: but once", but_once},
    {"forward: deadline: a free one has one for all its attempts",
     a_free_one_has_one_deadline_for_all},
    {"relay: normal: who only looks gets no body", a_free_one_may_only_look},
    {NULL, NULL},
};

CU_ErrorCode errands_add(void)
{
    return spine_add("errands", tests);
}
