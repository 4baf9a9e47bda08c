/*
 * Mirrors fcgi/upstream/upstream.c: kept connections, what may not be written,
 * who is slow, and what is cancelled.
 */
#include "fcgi/upstream/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/fields.h"
#include "lib/base.h"
#include "peer.h"
#include "unit.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define TEN  "Content-Length: 10\r\n\r\n"
#define BODY "0123456789"

/* ---- kept connections ------------------------------------------------------------ */

/* With a connection that was used, and kept. */
static struct peer *kept(void)
{
    struct peer *p = peer_asked(NULL);

    peer_write(p, OK TEN BODY);
    peer_until(p, "wshbe");
    peer_forget(p);
    return p;
}

static void a_connection_is_used_again(void)
{
    struct peer *p = kept();

    peer_ask(p, NULL, 0, false);
    peer_read(p, "\r\n\r\n");
    CU_ASSERT_EQUAL(p->accepted, 1);
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

/* Its handle is, too: of what was sent before nothing is sent again. */
static void nothing_of_the_last_request_is_in_the_next(void)
{
    struct peer *p = peer_asked("a body");

    peer_write(p, OK TEN BODY);
    peer_until(p, "wshbe");
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&p->request), "POST /"));
    peer_forget(p);
    buf_free(&p->request);
    peer_ask(p, NULL, 0, false);
    peer_read(p, "\r\n\r\n");
    buf_add(&p->request, "", 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_head(&p->request), "GET /"));
    CU_ASSERT_PTR_NULL(strstr(buf_head(&p->request), "Content-"));
    CU_ASSERT_PTR_NULL(strstr(buf_head(&p->request), "a body"));
    peer_write(p, OK TEN BODY);
    peer_until(p, "wshbe");
    peer_forget(p);
    peer_ask(p, "another", 7, false);
    peer_read(p, "\r\n\r\nanother");
    CU_ASSERT_EQUAL(p->accepted, 1);
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

/* Nor does it go where that one went, and back again. */
static void each_goes_where_it_is_to(void)
{
    static const char *const paths[] = {"/one", "/one", "/two?x=1", "/one"};
    struct peer *p = kept();
    char line[32];
    size_t i;

    for (i = 0; i < 4; i++) {
        p->path = paths[i];
        peer_ask(p, "x", 1, false);
        peer_read(p, "\r\n\r\nx");
        buf_add(&p->request, "", 1);
        (void)snprintf(line, sizeof(line), "POST %s HTTP/1.1\r\n", paths[i]);
        CU_ASSERT_EQUAL(strncmp(buf_head(&p->request), line, strlen(line)), 0);
        peer_write(p, OK TEN BODY);
        peer_until(p, "wshbe");
        CU_ASSERT_EQUAL(p->how, END_OK);
        peer_forget(p);
    }
    CU_ASSERT_EQUAL(p->accepted, 1);
    peer_free(p);
}

/* A way through a proxy that is not there is no way of the next one. */
static void nor_is_its_way(void)
{
    struct config_upstream via = {.proxy = (char[]){"http://127.0.0.1:1"}};
    struct peer *p = kept();

    p->via = &via;
    peer_ask(p, "x", 1, false);
    peer_until(p, "e");
    CU_ASSERT_EQUAL(p->how, END_UNREACHABLE);
    peer_forget(p);
    p->via = NULL;
    peer_ask(p, "y", 1, false);
    peer_read(p, "\r\n\r\ny");
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void but_not_by_one_that_wants_its_own(void)
{
    struct peer *p = kept();

    peer_ask(p, NULL, 0, true);
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

/* libcurl would send it a second time. */
static void one_that_was_dead_is_told_and_not_repeated(void)
{
    struct peer *p = kept();

    peer_ask(p, "x", 1, false);
    peer_read(p, "\r\n\r\nx");
    peer_close(p);
    peer_until(p, "wse");
    peer_accept(p); /* of another one, over which nothing came */
    CU_ASSERT_EQUAL(p->request.len, 0);
    peer_ended(p, "wse", END_STALE);
}

/* ---- it may not ------------------------------------------------------------------ */

static void who_may_not_write_writes_nothing(void)
{
    struct peer *p = peer_new();

    p->refuses = true;
    peer_ask(p, "x", 1, false);
    peer_accept(p);
    peer_until(p, "we");
    peer_rest(p);
    CU_ASSERT_EQUAL(p->request.len, 0);
    CU_ASSERT_FALSE(p->has_sent);
    peer_ended(p, "we", END_HELD);
}

static void nor_over_a_kept_connection(void)
{
    struct peer *p = kept();

    p->refuses = true;
    peer_ask(p, NULL, 0, false);
    peer_until(p, "we");
    peer_rest(p);
    CU_ASSERT_EQUAL(p->request.len, 0);
    peer_ended(p, "we", END_HELD);
}

/* ---- a client that is slow, an upstream that is ------------------------------------ */

static void what_is_not_taken_comes_again(void)
{
    struct peer *p = peer_asked(NULL);

    p->full = true;
    peer_write(p, OK TEN BODY);
    peer_until(p, "wsh");
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "wsh");
    transfer_resume(p->t); /* still not */
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "wsh");
    p->full = false;
    transfer_resume(p->t);
    peer_until(p, "wshbe");
    CU_ASSERT_STRING_EQUAL(buf_head(&p->body), BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void it_is_sent_when_its_last_byte_is(void)
{
    size_t len = 16 * MIB; /* more than two sockets hold */
    char *body = malloc(len);
    struct peer *p = peer_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    memset(body, 'x', len);
    body[len - 1] = '!';
    peer_ask(p, body, len, false);
    peer_accept(p);
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "w");
    CU_ASSERT_TRUE(transfer_has_sent(p->t));
    CU_ASSERT_FALSE(transfer_is_uploaded(p->t));
    peer_read(p, "x!");
    peer_until(p, "ws");
    CU_ASSERT_TRUE(transfer_is_uploaded(p->t));
    peer_write(p, OK TEN BODY);
    peer_until(p, "wshbe");
    free(body);
    peer_ended(p, "wshbe", END_OK);
}

/* It knows enough to refuse: what is not out need not be. */
static void an_answer_may_come_before_the_end_of_the_request(void)
{
    size_t len = 16 * MIB;
    char *body = calloc(1, len);
    struct peer *p = peer_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    peer_ask(p, body, len, false);
    peer_accept(p);
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, "w");
    peer_write(
        p, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n" TEN BODY);
    peer_until(p, "wshbe");
    CU_ASSERT_EQUAL(p->head.status, 413);
    peer_ended(p, "wshbe", END_OK);
    free(body);
}

/* ---- cancelled ------------------------------------------------------------------- */

static void cancel(struct peer *p)
{
    transfer_cancel(p->t);
    p->t = NULL;
    p->on_head = p->on_body = NULL;
}

static void stays(struct peer *p, const char *calls)
{
    peer_rest(p);
    CU_ASSERT_STRING_EQUAL(p->calls, calls);
    peer_free(p);
}

static void cancelled_from_outside(void)
{
    struct peer *p = peer_new();

    peer_ask(p, NULL, 0, false);
    cancel(p); /* before libcurl knows */
    stays(p, "");
    p = peer_asked(NULL);
    CU_ASSERT_TRUE(transfer_has_sent(p->t));
    cancel(p);
    stays(p, "ws");
    p = peer_asked(NULL);
    peer_write(p, OK TEN "0123");
    peer_until(p, "wshb");
    cancel(p);
    stays(p, "wshb");
    p = peer_asked(NULL);
    p->full = true; /* while it is paused */
    peer_write(p, OK TEN BODY);
    peer_until(p, "wsh");
    peer_rest(p);
    cancel(p);
    stays(p, "wsh");
}

static void cancelled_within_a_call(void)
{
    struct peer *p = peer_asked(NULL);

    p->on_head = cancel;
    peer_write(p, OK TEN BODY);
    peer_until(p, "wsh");
    stays(p, "wsh");
    p = peer_asked(NULL);
    p->on_body = cancel;
    peer_write(p, OK TEN BODY);
    peer_until(p, "wshb");
    stays(p, "wshb");
}

/* As when the answer to one leads to another. */
static void another_is_started_within_a_call(void)
{
    struct peer *p = peer_asked(NULL);

    p->on_head = cancel;
    peer_write(p, OK TEN BODY);
    peer_until(p, "wsh");
    peer_forget(p);
    peer_ask(p, NULL, 0, false);
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshbe", END_OK);
}

static void start_another(struct peer *p)
{
    cancel(p);
    peer_ask(p, NULL, 0, true);
}

static void also_at_once(void)
{
    struct peer *p = peer_asked(NULL);

    p->on_head = start_another;
    peer_write(p, OK TEN BODY);
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    peer_write(p, OK TEN BODY);
    peer_ended(p, "wshwshbe", END_OK);
}

/* More than the handles that are kept. */
static void as_many_as_there_are_end_with_it(void)
{
    struct peer *p = peer_new();
    int i;

    for (i = 0; i < SPARE_HANDLES + 3; i++)
        peer_ask(p, NULL, 0, false);
    CU_ASSERT_TRUE(upstream_has_new(p->up));
    peer_accept(p);
    CU_ASSERT_FALSE(upstream_has_new(p->up));
    peer_free(p);
    upstream_free(NULL);
}

static const struct unit_test tests[] = {
    {"a connection is used again", a_connection_is_used_again},
    {"nothing of the last request is in the next",
     nothing_of_the_last_request_is_in_the_next},
    {"nor is its way", nor_is_its_way},
    {"each goes where it is to", each_goes_where_it_is_to},
    {"but not by one that wants its own", but_not_by_one_that_wants_its_own},
    {"one that was dead is told, and not repeated: stale",
     one_that_was_dead_is_told_and_not_repeated},
    {"who may not write writes nothing: held",
     who_may_not_write_writes_nothing},
    {"nor over a kept connection", nor_over_a_kept_connection},
    {"what is not taken comes again", what_is_not_taken_comes_again},
    {"it is sent when its last byte is", it_is_sent_when_its_last_byte_is},
    {"an answer may come before the end of the request",
     an_answer_may_come_before_the_end_of_the_request},
    {"cancelled from outside, at every stage", cancelled_from_outside},
    {"cancelled within a call", cancelled_within_a_call},
    {"another is started after that", another_is_started_within_a_call},
    {"or within it", also_at_once},
    {"all that are under way end with it", as_many_as_there_are_end_with_it},
    {NULL, NULL},
};

CU_ErrorCode test_transfer_add(void)
{
    return unit_add("transfer", tests);
}
