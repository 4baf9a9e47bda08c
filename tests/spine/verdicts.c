/*
 * verdicts.c - what becomes of a request after each kind of answer?
 *
 * A row is an answer to the first attempt: what the limiter is told of it, what
 * the client is, what is noted, and whether the request goes again.
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

enum row_flags {
    NO_KEY = 1, /* we have none for the upstream: the client's passes */
    ONCE = 2,   /* a POST of which nobody knows what it makes two of */
    GET = 4,    /* of something that no model answers */
    FREE = 8,   /* it has no ticket: a list of models with its own key */
    HURRY = 16, /* X-Sluice-Deadline is a second */
    STREAM = 32,
    DRAIN = 64,  /* the worker ends meanwhile */
    KEYED = 128, /* ONCE, but for an Idempotency-Key */
    ANEW = 256,  /* the very same has just failed in all its tries */
};

enum row_next {
    OVER = 0, /* answered */
    LINE = 1, /* at the head of its line */
    PAUSE = 2,
};

struct row {
    const char *sentence;
    int flags;
    int status;
    const char *head, *body; /* of the answer */
    enum row_next next;
    const char *told;  /* of its ticket, after "join, " */
    const char *said;  /* by the answer, among more; NULL: nothing so far */
    const char *also;  /* the same; NULL: no matter */
    const char *noted; /* NULL where it goes again */
    const char *sends;
};

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define FULL "{\"detail\":\"ResourceExhausted: no worker\"}"
#define WORDS(text)                                                            \
    "{\"error\":{\"message\":\"" text                                          \
    "\",\"type\":\"t\",\"param\":null,\"code\":null}}"
#define BILLING                                                                \
    "{\"error\":{\"message\":\"limit\",\"type\":\"invalid_request_error\","    \
    "\"code\":\"billing_hard_limit_reached\"}}"
#define QUOTA                                                                  \
    "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":"    \
    "\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"
#define LARGE                                                                  \
    WORDS("Request too large (TPM): Limit 6000, Requested 14810, please")
#define NO_RETRY "x-should-retry: false"
#define LOOK     "it may have been done: look before you do."

static const struct row rows[] = {
    /* ---- answer */
    {"verdict answer: it is passed on", 0, 200, JSON, "{\"id\":1}", OVER,
     "sent, report fine accepted, body gone, done", "Status: 200 OK\r\n",
     "\r\n\r\n{\"id\":1}", "ok 200 none none x1", "none fine"},
    {"verdict answer: a stream is passed on", STREAM, 200, SSE, HI DONE, OVER,
     "sent, report fine accepted, body gone, done", "text/event-stream",
     HI DONE, "ok 200 none none x1", "none fine"},
    {"verdict answer: what says nothing is none, and goes again", 0, 200, JSON,
     " \n", PAUSE, "sent, report fault, aside 500", NULL, NULL, NULL,
     "truncated again"},
    {"verdict answer: nor is a stream that says nothing", STREAM, 200, SSE,
     ": hello\n\n", PAUSE, "sent, report fault, aside 500", NULL, NULL, NULL,
     "truncated again"},
    {"verdict answer: of a free request nobody hears", FREE | NO_KEY, 200, JSON,
     "{\"data\":[]}", OVER, "", "Status: 200", "{\"data\":[]}",
     "ok 200 none none x1", "none fine"},
    {"verdict answer: an error in a 200 stream is judged as one", STREAM, 200,
     SSE, "data: {\"error\":{\"message\":\"m\",\"code\":400}}\n\n", OVER,
     "sent, report fine, done", "Status: 400", "\"message\":\"m\"",
     "client_error 400 none none x1", "client"},
    {"verdict answer: an error as a 200 is judged as one", 0, 200, JSON,
     "{\"error\":{\"message\":\"m\",\"code\":\"400\"},\"user_id\":\"u\"}", OVER,
     "sent, report fine, done", "Status: 400", "\"message\":\"m\"",
     "client_error 400 none none x1", "client"},
    {"verdict answer: one beside choices is a part of it", 0, 200, JSON,
     "{\"error\":{\"message\":\"m\",\"code\":429},\"choices\":[]}", OVER,
     "sent, report fine accepted, body gone, done", "Status: 200",
     "\"choices\":[]}", "ok 200 none none x1", "none fine"},
    /* ---- pending, redirect: errands.c goes on with them */
    {"verdict pending: it is asked for again", 0, 202,
     JSON "NVCF-REQID: abc-1\n", "{}", PAUSE,
     "sent, report fine accepted, body gone", NULL, NULL, NULL, "none"},
    {"verdict pending: an id that is none is passed on", 0, 202,
     JSON "NVCF-REQID: a/../b\n", "{}", OVER,
     "sent, report fine accepted, body gone, done", "Status: 202", "\r\n\r\n{}",
     "ok 202 none none x1", "none fine"},
    {"verdict redirect: to a strange host nobody follows", 0, 302,
     "Location: https://elsewhere.example/x\n", "", OVER,
     "sent, report fine accepted, done", "Status: 502", "result_hosts",
     "upstream_error 502 none none x1", "garbage"},
    /* ---- rate */
    {"verdict rate: back to the line, at its head", 0, 429,
     JSON "Retry-After: 2\n", WORDS("slow down"), LINE,
     "sent, report rate +2000, again", NULL, NULL, NULL, "rate again"},
    {"verdict rate: also where nobody says when", 0, 429, JSON, WORDS("no"),
     LINE, "sent, report rate, again", NULL, NULL, NULL, "rate again"},
    {"verdict rate: also what must not be done twice: it was not", ONCE, 429,
     JSON, WORDS("no"), LINE, "sent, report rate, again", NULL, NULL, NULL,
     "rate again"},
    {"verdict rate: too late for its own deadline", HURRY, 429,
     JSON "Retry-After: 2\n", WORDS("no"), OVER,
     "sent, report rate +2000, lost, done", "Status: 429",
     "\"code\":\"sluice_deadline\"", "refused 429 deadline none x1", "rate"},
    {"verdict rate: a free one pauses as after a fault", FREE | NO_KEY, 429,
     JSON "Retry-After: 2\n", WORDS("no"), PAUSE, "", NULL, NULL, NULL,
     "rate again"},
    {"verdict rate: as longer holds are, where there is time", 0, 429,
     JSON "Retry-After: 600\n", WORDS("later"), LINE,
     "sent, report rate +600000, again", NULL, NULL, NULL, "rate again"},
    {"verdict rate: in the body of a 200", 0, 200, JSON,
     "{\"error\":{\"message\":\"m\",\"code\":429}}", LINE,
     "sent, report rate, again", NULL, NULL, NULL, "rate again"},
    {"verdict rate: longer than anybody waits is a model that is off", 0, 429,
     JSON "Retry-After: 1000\n", WORDS("tomorrow"), OVER,
     "sent, report off rate +1000000, done", "Status: 429",
     "\"code\":\"sluice_upstream_off\"", "off 429 none none x1", "off"},
    /* ---- busy */
    {"verdict busy: back to the line", 0, 503, JSON, FULL, LINE,
     "sent, report busy, again", NULL, NULL, NULL, "busy again"},
    {"verdict busy: without a model there is no ceiling: it waits alone", GET,
     503, JSON, FULL, PAUSE, "sent, report fault, aside 500", NULL, NULL, NULL,
     "busy again"},
    {"verdict busy: alone, but not past its deadline", GET | HURRY, 503,
     JSON "Retry-After: 5\n", FULL, OVER, "sent, report fault, done",
     "Status: 503", NULL, "rate 503 none none x1", "busy"},
    {"verdict busy: nor in a worker that ends", GET | DRAIN, 503, JSON, FULL,
     OVER, "sent, report fault, done", "Status: 503", NULL,
     "rate 503 none none x1", "busy"},
    {"verdict busy: a 503 to what must not be done twice is a fault", ONCE, 503,
     JSON, FULL, OVER, "sent, report fault, done", "Status: 503", LOOK,
     "upstream_error 503 none none x1", "server"},
    {"verdict busy: a 429 says that it was not done", ONCE, 429, JSON,
     "{\"detail\":\"busy\"}", PAUSE, "sent, report fault, aside 500", NULL,
     NULL, NULL, "busy again"},
    /* ---- overloaded */
    {"verdict overloaded: back to the line", 0, 529, JSON, WORDS("Overloaded"),
     LINE, "sent, report busy +1000, again", NULL, NULL, NULL, "busy again"},
    {"verdict overloaded: also a 503 that says so", 0, 503, JSON,
     WORDS("Service temporarily overloaded"), LINE,
     "sent, report busy +1000, again", NULL, NULL, NULL, "busy again"},
    {"verdict overloaded: and a 429: it is no matter of the account's", 0, 429,
     JSON, WORDS("The engine is currently overloaded"), LINE,
     "sent, report busy +1000, again", NULL, NULL, NULL, "busy again"},
    {"verdict overloaded: and a stream before content", STREAM, 200, SSE,
     "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
     "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     LINE, "sent, report busy +1000, again", NULL, NULL, NULL, "busy again"},
    {"verdict overloaded: a server's long wish is waited out", 0, 503,
     JSON "Retry-After: 120\n", WORDS("back soon"), LINE,
     "sent, report busy +120000, again", NULL, NULL, NULL, "busy again"},
    {"verdict overloaded: but not past its deadline", HURRY, 503,
     JSON "Retry-After: 120\n", WORDS("back soon"), OVER,
     "sent, report busy +120000, done", "Status: 429",
     "\"code\":\"sluice_deadline\"", "refused 429 deadline none x1", "busy"},
    {"verdict overloaded: a free one pauses, and nobody hears", FREE | NO_KEY,
     529, JSON, WORDS("Overloaded"), PAUSE, "", NULL, NULL, NULL, "busy again"},
    /* ---- off */
    {"verdict off: degraded: told as 503, benched as 400", 0, 400, JSON,
     "{\"detail\":\"Function id 'x': DEGRADED function cannot be invoked\"}",
     OVER, "sent, report off degraded, done", "Status: 503", NO_RETRY,
     "off 503 none none x1", "off"},
    {"verdict off: gone", 0, 410, JSON, WORDS("gone"), OVER,
     "sent, report off gone, done", "Status: 410",
     "\"code\":\"sluice_upstream_off\"", "off 410 none none x1", "off"},
    {"verdict off: with a time", 0, 503, JSON "Retry-After: 1000\n",
     WORDS("back soon"), OVER, "sent, report off unavailable +1000000, done",
     "Retry-After: 1000", NO_RETRY, "off 503 none none x1", "off"},
    {"verdict off: where no model answers this route alone is", GET, 410, JSON,
     WORDS("gone"), OVER, "sent, report fine, done", "Status: 410", NO_RETRY,
     "off 410 none none x1", "off"},
    {"verdict off: of such a route degraded is a 400 again", GET, 400, JSON,
     "{\"detail\":\"Function id 'x': DEGRADED function cannot be invoked\"}",
     OVER, "sent, report fine, done", "Status: 400", NO_RETRY,
     "off 400 none none x1", "off"},
    {"verdict off: a 503 there may have been done", ONCE, 503,
     JSON "Retry-After: 1000\n", WORDS("no"), OVER, "sent, report fault, done",
     "Status: 503", LOOK, "off 503 none none x1", "off"},
    {"verdict off: a 503 there to what may be done twice", GET, 503,
     JSON "Retry-After: 1000\n", WORDS("no"), OVER, "sent, report fault, done",
     "Status: 503", NO_RETRY, "off 503 none none x1", "off"},
    /* ---- unknown model */
    {"verdict unknown model: all hear of it", 0, 404, "",
     "404 page not found\n", OVER, "sent, report off unknown, done",
     "Status: 404", NO_RETRY, "client_error 404 none none x1", "unknown_model"},
    {"verdict unknown model: named by its error", 0, 404, JSON,
     WORDS("The model `a/b` does not exist."), OVER,
     "sent, report off unknown, done", "Status: 404", "does not exist",
     "client_error 404 none none x1", "unknown_model"},
    {"verdict unknown model: a wrong path benches none", GET, 404, "",
     "404 page not found\n", OVER, "sent, report fine, done", "Status: 404",
     NO_RETRY, "client_error 404 none none x1", "unknown_model"},
    /* ---- unpaid */
    {"verdict unpaid: our account is held", 0, 402, JSON, WORDS("pay"), OVER,
     "sent, report unpaid, done", "Status: 402", "\"message\":\"pay\"",
     "off 402 none none x1", "unpaid"},
    {"verdict unpaid: that of a client is no matter of ours", NO_KEY, 402, JSON,
     WORDS("pay"), OVER, "sent, report fine, done", "Status: 402",
     "\"message\":\"pay\"", "off 402 none none x1", "unpaid"},
    {"verdict unpaid: a quota that is used up is no rate", 0, 429, JSON, QUOTA,
     OVER, "sent, report unpaid, done", "Status: 429", QUOTA,
     "off 429 none none x1", "unpaid"},
    {"verdict unpaid: nor is it to be tried again", 0, 429, JSON, QUOTA, OVER,
     "sent, report unpaid, done", "Status: 429", NO_RETRY,
     "off 429 none none x1", "unpaid"},
    {"verdict unpaid: told by a 400, it is a 402 for all", 0, 400, JSON,
     BILLING, OVER, "sent, report unpaid, done", "Status: 402",
     "\"code\":\"billing_hard_limit_reached\"", "off 402 none none x1",
     "unpaid"},
    {"verdict unpaid: but as it was told to whom it is about", NO_KEY, 400,
     JSON, BILLING, OVER, "sent, report fine, done", "Status: 400", BILLING,
     "off 400 none none x1", "unpaid"},
    /* ---- never */
    {"verdict never: it is larger than its limit, and nobody else waits", 0,
     429, JSON "Retry-After: 2\n", LARGE, OVER, "sent, report fine, done",
     LARGE, NO_RETRY, "client_error 429 none none x1", "client"},
    {"verdict never: it alone is too dear", 0, 402, JSON,
     WORDS("This request requires more credits, or fewer max_tokens."), OVER,
     "sent, report fine, done", "Status: 402", NO_RETRY,
     "client_error 402 none none x1", "client"},
    /* ---- key, client */
    {"verdict key: of ours it is our failure, and told whose key it was", 0,
     401, JSON, WORDS("who?"), OVER, "sent, report fine refused, done",
     "Status: 401", "who? (This is Sluice's own key for the upstream nim, not ",
     "upstream_key 401 none none x1", "key"},
    {"verdict key: but not our key in the words", 0, 403, JSON,
     WORDS("no: " KEY), OVER, "sent, report fine refused, done",
     "no: **********************", "Status: 403",
     "upstream_key 403 none none x1", "key"},
    {"verdict key: of the client's own it is the client's, and its words pass",
     NO_KEY, 401, JSON, WORDS("who?"), OVER,
     "sent, report fine, body gone, done", "Status: 401", WORDS("who?"),
     "client_error 401 none none x1", "key"},
    {"verdict client: its words pass", 0, 400, JSON, WORDS("what?"), OVER,
     "sent, report fine, body gone, done", "Status: 400", WORDS("what?"),
     "client_error 400 none none x1", "client"},
    {"verdict client: a date of its clock does not pass, seconds do", 0, 400,
     JSON "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
          "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\n",
     WORDS("what?"), OVER, "sent, report fine, done", "\r\nRetry-After: 30\r\n",
     WORDS("what?"), "client_error 400 none none x1", "client"},
    {"verdict client: in another shape they are translated", 0, 422, JSON,
     "{\"detail\":\"what?\"}", OVER, "sent, report fine, done", "Status: 422",
     "{\"error\":{\"message\":\"what?\"", "client_error 422 none none x1",
     "client"},
    {"verdict client: compressed ones are told, where our key went along", 0,
     400, JSON "Content-Encoding: gzip\n", "\x1f\x8b", OVER,
     "sent, report fine, done", "Status: 400", "gzip",
     "client_error 400 none none x1", "client"},
    {"verdict client: else they pass", NO_KEY, 400,
     JSON "Content-Encoding: gzip\n", "\x1f\x8b", OVER,
     "sent, report fine, body gone, done", "content-encoding: gzip",
     "\r\n\r\n\x1f\x8b", "client_error 400 none none x1", "client"},
    /* ---- fault */
    {"verdict fault: again after a pause", 0, 500, JSON, WORDS("oh"), PAUSE,
     "sent, report fault, aside 500", NULL, NULL, NULL, "server again"},
    {"verdict fault: no sooner than it asks", 0, 500, JSON "Retry-After: 3\n",
     WORDS("oh"), PAUSE, "sent, report fault, aside 3000", NULL, NULL, NULL,
     "server again"},
    {"verdict fault: once, of what has just failed each time", ANEW, 500, JSON,
     WORDS("oh"), OVER, "sent, report fault, failed, done", "Status: 500",
     NO_RETRY, "upstream_error 500 none none x1", "server"},
    {"verdict fault: not in a worker that ends", DRAIN, 500, JSON, WORDS("oh"),
     OVER, "sent, report fault, body gone, done", "Status: 500", WORDS("oh"),
     "upstream_error 500 none none x1", "server"},
    {"verdict fault: not what must not be done twice", ONCE, 500, JSON,
     WORDS("oh"), OVER, "sent, report fault, done", LOOK, NO_RETRY,
     "upstream_error 500 none none x1", "server"},
    {"verdict fault: but what an Idempotency-Key marks", ONCE | KEYED, 500,
     JSON, WORDS("oh"), PAUSE, "sent, report fault, aside 500", NULL, NULL,
     NULL, "server again"},
    {"verdict fault: a free one pauses, and nobody hears", FREE | NO_KEY, 500,
     JSON, WORDS("oh"), PAUSE, "", NULL, NULL, NULL, "server again"},
    {"verdict fault: in a stream before content it goes again", STREAM, 200,
     SSE, "data: {\"error\":{\"message\":\"m\",\"code\":500}}\n\n", PAUSE,
     "sent, report fault, aside 500", NULL, NULL, NULL, "server again"},
    /* ---- timeout */
    {"verdict timeout: it would take as long again", 0, 504, JSON,
     WORDS("slow"), OVER, "sent, report fault, done", "Status: 504", NO_RETRY,
     "upstream_error 504 none none x1", "timeout"},
    {"verdict timeout: and it may have been done", ONCE, 504, JSON,
     WORDS("slow"), OVER, "sent, report fault, done", LOOK, NO_RETRY,
     "upstream_error 504 none none x1", "timeout"},
    {"verdict timeout: of a network in between, told with advice", 0, 524,
     "Content-Type: text/html\n", "<html><title>524</title></html>", OVER,
     "sent, report fault, done", "Status: 524", "ask for a stream",
     "upstream_error 524 none none x1", "timeout"},
    {"verdict timeout: which a stream needs none of", STREAM, 524, JSON,
     WORDS("slow"), OVER, "sent, report fault, done", WORDS("slow"), NO_RETRY,
     "upstream_error 524 none none x1", "timeout"},
};

static const struct row *row_of_test(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].sentence, spine_sentence()) == 0)
            return &rows[i];
    return NULL;
}

static void forget_key(struct stage *st)
{
    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
}

static void ask(struct stage *st, int flags)
{
    st->s.lim->has_failed = (flags & ANEW) != 0;
    if ((flags & HURRY) != 0)
        stage_param(st, "HTTP_X_SLUICE_DEADLINE=1");
    if ((flags & KEYED) != 0)
        stage_param(st, "HTTP_IDEMPOTENCY_KEY=k");
    if ((flags & FREE) != 0)
        stage_ask(st, "GET", "/v1/models", NULL);
    else if ((flags & GET) != 0)
        stage_ask(st, "GET", "/v1/files/f", NULL);
    else if ((flags & ONCE) != 0)
        stage_ask(st, "POST", "/v1/batches", "{}");
    else
        stage_chat(st, (flags & STREAM) != 0);
    if ((flags & FREE) == 0)
        stage_grant(st);
    if ((flags & DRAIN) != 0)
        stage_drain(st);
}

static void is_told(struct stage *st, const struct row *r)
{
    char told[256];

    (void)snprintf(told, sizeof(told), "%s%s",
                   (r->flags & FREE) != 0 ? "" : "join, ", r->told);
    TOLD(st, told);
}

static void is_answered(struct stage *st, const struct row *r)
{
    is_told(st, r);
    ENDED(st);
    SAID(st, r->said);
    if (r->also != NULL)
        SAID(st, r->also);
    NOTED(st, r->noted);
    SENDS(st, r->sends);
}

/* The same once more, with its body, which was kept; then its client goes. */
static void is_sent_again(struct stage *st, const struct row *r)
{
    char sends[64];

    wire_send(st->s.up);
    CU_ASSERT_STRING_EQUAL(buf_head(&fake_ask(st->s.up)->body),
                           (r->flags & (FREE | GET)) != 0 ? ""
                           : (r->flags & ONCE) != 0       ? "{}"
                           : (r->flags & STREAM) != 0     ? CHAT_STREAM
                                                          : CHAT);
    stage_hang_up(st);
    NOTED(st, (r->flags & FREE) != 0 ? "hangup 499 none local x2"
                                     : "hangup 499 none forward x2");
    (void)snprintf(sends, sizeof(sends), "%s, none", r->sends);
    SENDS(st, sends);
}

static void is_asked_for(struct stage *st)
{
    CU_ASSERT_STRING_EQUAL(fake_ask(st->s.up)->method, "GET");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_ask(st->s.up)->url, "/v1/status/abc-1"));
    stage_hang_up(st);
    NOTED(st, "hangup 499 none forward x1");
    SENDS(st, "none");
}

/* Nothing was said; and it goes when its time has come. */
static void goes_again(struct stage *st, const struct row *r)
{
    uint32_t before = fake_started(st->s.up);

    is_told(st, r);
    CU_ASSERT_FALSE_FATAL(stage_is_over(st));
    CU_ASSERT_EQUAL(st->said.len, 0);
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 0);
    if (r->next == PAUSE)
        stage_pass(st, 3000);
    if ((r->flags & FREE) == 0 && r->status != 202)
        stage_grant(st);
    CU_ASSERT_EQUAL(fake_started(st->s.up), before + 1);
    if (r->status == 202)
        is_asked_for(st);
    else
        is_sent_again(st, r);
}

static void run_row(void)
{
    const struct row *r = row_of_test();
    struct stage *st = stage_new(NULL);

    if ((r->flags & NO_KEY) != 0)
        forget_key(st);
    ask(st, r->flags);
    stage_answer(st, r->status, r->head, r->body);
    if (r->next == OVER)
        is_answered(st, r);
    else
        goes_again(st, r);
    stage_free(st);
}

CU_ErrorCode verdicts_add(void)
{
    CU_pSuite s = CU_add_suite("verdicts", NULL, NULL);
    size_t i;

    for (i = 0; s != NULL && i < ARRAY_LEN(rows); i++)
        if (CU_add_test(s, rows[i].sentence, run_row) == NULL)
            break;
    return CU_get_error();
}
