/* Mirrors fcgi/upstream/upstream.c, handle.c and multi.c, over real libcurl. */
#include "fcgi/upstream/upstream.h"

#include <string.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"
#include "peer.h"
#include "unit.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define TEN  "Content-Length: 10\r\n\r\n"
#define BODY "0123456789"

/* ---- an answer --------------------------------------------------------------- */

static void an_answer_comes_in_order(void)
{
    struct peer *p = peer_asked(NULL);

    CU_ASSERT_TRUE(transfer_has_sent(p->t));
    CU_ASSERT_FALSE(p->has_sent); /* when it was asked */
    peer_write(p, OK "X-Request-Id: u\r\n" TEN);
    peer_until(p, "wsh");
    CU_ASSERT_EQUAL(p->head.status, 200);
    CU_ASSERT_EQUAL(p->head.content_length, 10);
    CU_ASSERT_STRING_EQUAL(upstream_header(&p->head, "x-request-id"), "u");
    peer_write(p, BODY);
    peer_until(p, "wshbe");
    CU_ASSERT_STRING_EQUAL(buf_head(&p->body), BODY);
    peer_ended(p, "wshbe", END_OK);
}

static bool was_asked(const struct peer *p, const char *text)
{
    return strstr(buf_head(&p->request), text) != NULL;
}

static void a_request_says_what_it_must_and_no_more(void)
{
    struct peer *p = peer_asked("{\"a\":1}");

    CU_ASSERT_TRUE(was_asked(p, "POST /path?a=b/../c HTTP/1.1\r\n"));
    CU_ASSERT_TRUE(was_asked(p, "X-One: 1\r\n"));
    CU_ASSERT_TRUE(was_asked(p, "Authorization: Bearer secret\r\n"));
    CU_ASSERT_TRUE(was_asked(p, "Accept-Encoding: identity\r\n"));
    CU_ASSERT_TRUE(was_asked(p, "Content-Length: 7\r\n"));
    CU_ASSERT_FALSE(was_asked(p, "Expect:"));
    CU_ASSERT_FALSE(was_asked(p, "Content-Type:"));
    CU_ASSERT_TRUE(transfer_is_uploaded(p->t));
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void one_without_a_body_is_no_form(void)
{
    struct peer *p = peer_new();

    peer_ask(p, "", 0, false);
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    CU_ASSERT_TRUE(was_asked(p, "POST /path"));
    CU_ASSERT_TRUE(was_asked(p, "Content-Length: 0\r\n"));
    CU_ASSERT_FALSE(was_asked(p, "Content-Type:"));
    peer_write(p, "HTTP/1.1 204 No Content\r\n\r\n");
    peer_ended(p, "wshe", END_OK);
}

static void a_slow_head_is_waited_for(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, "HTTP/1.1 2");
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "ws");
    peer_write(p, "00 OK\r\nContent-Le");
    peer_rest(p);
    peer_write(p, "ngth: 10\r\n\r\n" BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void a_head_before_the_head_is_none(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, "HTTP/1.1 103 Early Hints\r\nX-Request-Id: early\r\n\r\n");
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "ws");
    peer_write(p, OK TEN BODY);
    peer_until(p, "wshbe");
    CU_ASSERT_EQUAL(p->head.status, 200);
    CU_ASSERT_PTR_NULL(upstream_header(&p->head, "x-request-id"));
    peer_ended(p, "wshbe", END_OK);
}

static void a_redirect_is_not_followed(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, "HTTP/1.1 302 Found\r\nLocation: /else\r\n"
                  "Content-Length: 0\r\n\r\n");
    peer_until(p, "wshe");
    CU_ASSERT_EQUAL(p->head.status, 302);
    CU_ASSERT_STRING_EQUAL(upstream_header(&p->head, "location"), "/else");
    CU_ASSERT_EQUAL(p->accepted, 1);
    peer_ended(p, "wshe", END_OK);
}

static void what_follows_an_answer_is_not_of_it(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, OK TEN BODY "HTTP/1.1 500 Split\r\n\r\n");
    peer_until(p, "wshbe");
    CU_ASSERT_STRING_EQUAL(buf_head(&p->body), BODY);
    peer_forget(p);
    peer_ask(p, NULL, 0, false); /* and that connection is not used again */
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void a_trailer_is_not_passed_on(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, OK "Transfer-Encoding: chunked\r\n\r\n"
                     "a\r\n" BODY "\r\n0\r\nX-Request-Id: late\r\n\r\n");
    peer_until(p, "wshbe");
    CU_ASSERT_TRUE(p->head.chunked);
    CU_ASSERT_STRING_EQUAL(buf_head(&p->body), BODY);
    CU_ASSERT_PTR_NULL(upstream_header(&p->head, "x-request-id"));
    peer_ended(p, "wshbe", END_OK);
}

/* ---- none, or a part ----------------------------------------------------------- */

static void nobody_listens(void)
{
    struct peer *p = peer_new();

    close(p->listener);
    p->listener = -1;
    peer_ask(p, NULL, 0, false);
    peer_until(p, "e");
    CU_ASSERT_PTR_NOT_NULL(strstr(p->detail, "onnect"));
    p->listener = dup(0); /* to be closed */
    peer_ended(p, "e", END_UNREACHABLE);
}

static void it_speaks_no_tls(void)
{
    struct peer *p = peer_new();

    p->scheme = "https";
    peer_ask(p, NULL, 0, false);
    peer_accept(p);
    peer_write(p, "HTTP/1.1 400 Bad Request\r\n\r\n");
    peer_ended(p, "e", END_UNREACHABLE);
}

static void reset_before_the_head(void)
{
    struct peer *p = peer_asked(NULL);

    peer_reset(p);
    peer_ended(p, "wse", END_LOST);
}

static void closed_before_the_head(void)
{
    struct peer *p = peer_asked("x");

    peer_close(p);
    peer_ended(p, "wse", END_LOST);
}

static void closed_within_the_head(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, OK "Content-Le");
    peer_rest(p);
    peer_close(p);
    peer_ended(p, "wse", END_LOST);
}

static void cut_after_the_head(void)
{
    static const char *const heads[] = {
        OK TEN "0123", OK "Transfer-Encoding: chunked\r\n\r\na\r\n0123"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(heads); i++) {
        struct peer *p = peer_asked(NULL);

        peer_write(p, heads[i]);
        peer_until(p, "wshb");
        if (i == 0)
            peer_close(p);
        else
            peer_reset(p);
        peer_ended(p, "wshbe", END_TRUNCATED);
    }
}

/* Its bytes are no HTTP, or could become a header of ours that is none. */
static void garbage(void)
{
    static char much[HEAD_BYTES + 1024] = OK "X-Request-Id: ";
    static const char *const answers[] = {
        "hello\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        OK "X-Request-Id: a\x01z\r\n\r\n",
        OK "X-Request-Id: a\r\n folded\r\n\r\n",
        OK ": nameless\r\n\r\n",
        much,
    };
    size_t i, n = strlen(much);

    memset(much + n, 'x', sizeof(much) - n - 1);
    memcpy(much + sizeof(much) - 5, "\r\n\r\n", 5);
    for (i = 0; i < ARRAY_LEN(answers); i++) {
        struct peer *p = peer_asked(NULL);

        peer_write(p, answers[i]);
        peer_until(p, "wse");
        if (p->how != END_GARBAGE)
            printf("\n    answer %zu\n", i);
        peer_ended(p, "wse", END_GARBAGE);
    }
}

static const struct unit_test tests[] = {
    {"an answer comes in order", an_answer_comes_in_order},
    {"a request says what it must, and no more",
     a_request_says_what_it_must_and_no_more},
    {"one without a body is no form", one_without_a_body_is_no_form},
    {"a slow head is waited for", a_slow_head_is_waited_for},
    {"a head before the head is none", a_head_before_the_head_is_none},
    {"a redirect is not followed", a_redirect_is_not_followed},
    {"what follows an answer is not of it",
     what_follows_an_answer_is_not_of_it},
    {"a trailer is not passed on", a_trailer_is_not_passed_on},
    {"nobody listens: unreachable", nobody_listens},
    {"it speaks no TLS: unreachable", it_speaks_no_tls},
    {"reset before the head: lost", reset_before_the_head},
    {"closed before the head: lost", closed_before_the_head},
    {"closed within the head: lost", closed_within_the_head},
    {"cut after the head: truncated", cut_after_the_head},
    {"no HTTP, and what could split ours: garbage", garbage},
    {NULL, NULL},
};

CU_ErrorCode test_upstream_add(void)
{
    return unit_add("upstream", tests);
}
