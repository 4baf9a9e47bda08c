/* Mirrors what handle.c tells libcurl of the way to an upstream: the peer is
 * its proxy, too. */
#include <stdio.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/upstream/upstream.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "peer.h"
#include "unit.h"

#define OPEN                                                                   \
    "HTTP/1.1 200 Connection established\r\nX-Request-Id: proxy\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\n"
#define TEN  "Content-Length: 10\r\n\r\n"
#define BODY "0123456789"
/* "me" and "pass word", as an address has it and as it is sent. */
#define USER  "me:pass%20word@"
#define BASIC "Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n"

/* What a test's transfer goes through. */
struct way {
    struct config_upstream via;
    char proxy[64];
    struct peer *p;
};

static void way_open(struct way *w, const char *user, const char *body)
{
    memset(w, 0, sizeof(*w));
    w->p = peer_new();
    (void)snprintf(w->proxy, sizeof(w->proxy), "http://%s127.0.0.1:%d", user,
                   w->p->port);
    w->via.proxy = w->proxy;
    w->p->via = &w->via;
    peer_ask(w->p, body, body != NULL ? strlen(body) : 0, false);
    peer_accept(w->p);
    peer_read(w->p, "\r\n\r\n");
}

static bool was_asked(const struct peer *p, const char *text)
{
    return memmem(buf_head(&p->request), p->request.len, text, strlen(text)) !=
           NULL;
}

static void a_proxy_is_asked_for_a_tunnel(void)
{
    char line[64];
    struct way w;

    way_open(&w, USER, NULL);
    (void)snprintf(line, sizeof(line), "CONNECT 127.0.0.1:%d HTTP/1.1\r\n",
                   w.p->port);
    CU_ASSERT_TRUE(was_asked(w.p, line));
    CU_ASSERT_TRUE(was_asked(w.p, BASIC));
    CU_ASSERT_FALSE(was_asked(w.p, "Bearer")); /* nobody's key */
    CU_ASSERT_FALSE(was_asked(w.p, "X-One"));
    CU_ASSERT_STRING_EQUAL(w.p->calls, ""); /* none of it is the request */
    peer_write(w.p, OPEN);
    peer_read(w.p, "\r\n\r\n");
    peer_until(w.p, "ws");
    CU_ASSERT_TRUE(was_asked(w.p, "GET /path?a=b/../c HTTP/1.1\r\n"));
    CU_ASSERT_TRUE(was_asked(w.p, "Authorization: Bearer secret\r\n"));
    peer_write(w.p, OK TEN BODY);
    peer_until(w.p, "wshbe");
    CU_ASSERT_PTR_NULL(upstream_header(&w.p->head, "x-request-id"));
    CU_ASSERT_EQUAL(w.p->head.content_length, 10);
    peer_ended(w.p, "wshbe", END_OK);
}

/* What the proxy was asked does not count as sent. */
static void the_head_is_out_when_it_is(void)
{
    struct way w;

    way_open(&w, USER, NULL);
    w.p->refuses = true;
    peer_write(w.p, OPEN);
    peer_ended(w.p, "we", END_HELD);
}

/* HEAD with seven lines of 8 KB in it: more than half of HEAD_BYTES. */
static void write_long_head(struct peer *p, const char *head)
{
    static char line[8192];
    struct buf b = {NULL, 0, 0, 0};
    int i;

    memset(line, 'x', sizeof(line) - 1);
    buf_str(&b, head);
    for (i = 0; i < 7; i++)
        buf_fmt(&b, "X-Much: %s\r\n", line);
    buf_add(&b, "\r\n", 3);
    peer_write(p, buf_head(&b));
    buf_free(&b);
}

static void the_head_of_a_proxy_is_none_of_the_answer(void)
{
    struct way w;

    way_open(&w, "", NULL);
    write_long_head(w.p, "HTTP/1.1 200 OK\r\n");
    peer_read(w.p, "GET /path");
    peer_until(w.p, "ws");
    write_long_head(w.p, OK "Content-Length: 0\r\n");
    peer_ended(w.p, "wshe", END_OK);
}

static void a_tunnel_is_kept(void)
{
    struct way w;

    way_open(&w, "", "x");
    peer_write(w.p, OPEN);
    peer_read(w.p, "\r\n\r\nx");
    peer_write(w.p, OK TEN BODY);
    peer_until(w.p, "wshbe");
    peer_forget(w.p);
    peer_ask(w.p, NULL, 0, false);
    peer_read(w.p, "\r\n\r\n");
    CU_ASSERT_EQUAL(w.p->accepted, 1);
    CU_ASSERT_TRUE(was_asked(w.p, "GET /path"));
    peer_until(w.p, "ws");
    peer_write(w.p, OK TEN BODY);
    peer_ended(w.p, "wshbe", END_OK);
}

static void what_a_proxy_refuses_is_no_answer(void)
{
    static const int statuses[] = {403, 407, 502, 503};
    char answer[128], told[64];
    struct way w;
    size_t i;

    for (i = 0; i < ARRAY_LEN(statuses); i++) {
        way_open(&w, USER, NULL);
        (void)snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %d No\r\nProxy-Authenticate: Basic "
                       "realm=\"p\"\r\n" TEN BODY,
                       statuses[i]);
        peer_write(w.p, answer);
        peer_until(w.p, "e");
        (void)snprintf(told, sizeof(told), "the proxy 127.0.0.1:%d ",
                       w.p->port);
        CU_ASSERT_PTR_NOT_NULL(strstr(w.p->detail, told));
        (void)snprintf(told, sizeof(told), "(%d)", statuses[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(w.p->detail, told));
        CU_ASSERT_PTR_NULL(strstr(w.p->detail, "pass word"));
        CU_ASSERT_FALSE(was_asked(w.p, "GET /"));
        peer_ended(w.p, "e", END_UNREACHABLE);
    }
}

static void a_proxy_that_says_nothing_is_named(void)
{
    struct way w;

    way_open(&w, USER, NULL);
    peer_close(w.p);
    peer_until(w.p, "e");
    CU_ASSERT_PTR_NOT_NULL(strstr(w.p->detail, "(proxy 127.0.0.1:"));
    CU_ASSERT_PTR_NULL(strstr(w.p->detail, "pass word"));
    peer_ended(w.p, "e", END_UNREACHABLE);
}

/* For as long as a connection may take. */
static void a_proxy_that_is_silent_is_waited_for(void)
{
    struct way w;

    way_open(&w, "", NULL);
    CU_ASSERT_STRING_EQUAL(w.p->calls, "");
    peer_until(w.p, "e");
    CU_ASSERT_PTR_NOT_NULL(strstr(w.p->detail, "(proxy 127.0.0.1:"));
    peer_ended(w.p, "e", END_UNREACHABLE);
}

static void who_needs_no_proxy_is_asked_directly(void)
{
    char example[] = "example.com", network[] = "127.0.0.0/8";
    char *hosts[] = {example, network};
    struct way w = {.p = peer_new()};

    w.via.proxy = (char[]){"http://127.0.0.1:1"};
    w.via.no_proxy = hosts;
    w.via.n_no_proxy = 2;
    w.p->via = &w.via;
    peer_ask(w.p, NULL, 0, false);
    peer_accept(w.p);
    peer_read(w.p, "\r\n\r\n");
    CU_ASSERT_TRUE(was_asked(w.p, "GET /path"));
    peer_write(w.p, OK TEN BODY);
    peer_ended(w.p, "wshbe", END_OK);
}

/* Whatever the process was started with. */
static void no_environment_is_believed(void)
{
    struct peer *p;

    CHECK(setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
    CHECK(setenv("all_proxy", "http://127.0.0.1:1", 1) == 0);
    p = peer_asked(NULL);
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static const struct unit_test tests[] = {
    {"a proxy is asked for a tunnel, and sees no key",
     a_proxy_is_asked_for_a_tunnel},
    {"behind a tunnel nothing is written that may not",
     the_head_is_out_when_it_is},
    {"the head of a proxy is none of the answer's",
     the_head_of_a_proxy_is_none_of_the_answer},
    {"a tunnel is kept for the next request", a_tunnel_is_kept},
    {"what a proxy refuses is no answer of the upstream",
     what_a_proxy_refuses_is_no_answer},
    {"a proxy that says nothing is named", a_proxy_that_says_nothing_is_named},
    {"a proxy that is silent is waited for as a connection is",
     a_proxy_that_is_silent_is_waited_for},
    {"who needs no proxy is asked directly",
     who_needs_no_proxy_is_asked_directly},
    {"no environment is believed", no_environment_is_believed},
    {NULL, NULL},
};

CU_ErrorCode test_proxy_add(void)
{
    return unit_add("proxy", tests);
}
