/* Mirrors fcgi/client.c: over a socket pair, with a reader of records. */
#include "fcgi/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "unit.h"

#define REQUEST_ID 0x0102

struct pair {
    struct loop *l;
    struct client c;
    int peer;
    int gone, taken, steps;
    struct buf *got;
    struct loop_timer stop;
};

static void on_gone(void *arg)
{
    ((struct pair *)arg)->gone++;
}

static void on_taken(void *arg)
{
    ((struct pair *)arg)->taken++;
}

static const struct client_ops ops = {on_gone, on_taken};

static void stop(void *arg)
{
    loop_stop(((struct pair *)arg)->l);
}

static void pair_open(struct pair *p)
{
    int fds[2];

    memset(p, 0, sizeof(*p));
    p->l = loop_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(p->l);
    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    client_init(&p->c, p->l, fds[0], REQUEST_ID, &ops, p);
    client_watch(&p->c);
    p->peer = fds[1];
}

static void pair_close(struct pair *p)
{
    client_fini(&p->c);
    client_fini(&p->c); /* twice is fine */
    if (p->peer != -1)
        close(p->peer);
    loop_free(p->l);
}

/* What is left of a received record stream. */
struct record {
    int type;
    size_t len;
    const unsigned char *content;
};

/* Takes one record of B at *AT; false: none is left.  Asserts its form. */
static int next_record(const struct buf *b, size_t *at, struct record *r)
{
    const unsigned char *p = (const unsigned char *)buf_head(b) + *at;
    size_t padding;

    if (*at == b->len)
        return 0;
    CU_ASSERT_TRUE_FATAL(b->len - *at >= 8);
    CU_ASSERT_EQUAL(p[0], 1);
    CU_ASSERT_EQUAL(p[2] * 256 + p[3], REQUEST_ID);
    r->type = p[1];
    r->len = (size_t)p[4] * 256 + p[5];
    padding = p[6];
    r->content = p + 8;
    CU_ASSERT_TRUE_FATAL(b->len - *at >= 8 + r->len + padding);
    *at += 8 + r->len + padding;
    return 1;
}

/* Everything that is on the wire now. */
static void receive(struct pair *p, struct buf *b)
{
    ssize_t n;

    while ((n = recv(p->peer, buf_room(b, 65536), 65536, MSG_DONTWAIT)) > 0)
        b->len += (size_t)n;
}

/* Flushes and receives until all of it is there. */
static void pump(struct pair *p, struct buf *b)
{
    do {
        client_flush(&p->c);
        receive(p, b);
    } while (!client_is_flushed(&p->c));
}

static void one_size(size_t size, const char *bytes)
{
    struct buf got = {NULL, 0, 0, 0};
    size_t at = 0, seen = 0;
    struct record r;
    struct pair p;

    pair_open(&p);
    client_write(&p.c, bytes, size);
    CU_ASSERT_EQUAL(p.c.bytes, size);
    client_end(&p.c);
    pump(&p, &got);
    CU_ASSERT_EQUAL(p.c.taken, got.len);
    while (next_record(&got, &at, &r) && r.type == 6 && r.len > 0) {
        CU_ASSERT_TRUE_FATAL(seen + r.len <= size);
        CU_ASSERT_EQUAL(memcmp(r.content, bytes + seen, r.len), 0);
        seen += r.len;
    }
    CU_ASSERT_EQUAL(seen, size);
    CU_ASSERT_TRUE(r.type == 6 && r.len == 0); /* the end of STDOUT */
    CU_ASSERT_TRUE_FATAL(next_record(&got, &at, &r));
    CU_ASSERT_TRUE(r.type == 3 && r.len == 8);
    CU_ASSERT_EQUAL(memcmp(r.content, "\0\0\0\0\0\0\0\0", 8), 0);
    CU_ASSERT_EQUAL(at, got.len);
    buf_free(&got);
    pair_close(&p);
}

static void records_are_well_formed(void)
{
    static const struct {
        size_t from, to;
    } ranges[] = {{0, 70},         {8180, 8200},   {32760, 32776},
                  {65500, 65560},  {69990, 70000}, {131040, 131075},
                  {196570, 196620}};
    char *bytes = malloc(200000);
    size_t i, size;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    for (i = 0; i < 200000; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        for (size = ranges[i].from; size <= ranges[i].to; size++)
            one_size(size, bytes);
    free(bytes);
}

static void again(void *arg)
{
    struct pair *p = arg;

    loop_at(p->l, &p->stop, 1);
}

/* The end of a step: the peer reads all there is, and more can be written. */
static void read_on(void *arg)
{
    struct pair *p = arg;

    CU_ASSERT_EQUAL(client_is_full(&p->c),
                    p->c.out.len >= OUT_LOW && p->c.out.len > 0);
    receive(p, p->got);
    if (p->c.out.len == 0 || ++p->steps > 1000)
        loop_stop(p->l);
}

/* A reader that stops, and one that goes on. */
static void back_pressure(void)
{
    static char bytes[16384];
    struct buf got = {NULL, 0, 0, 0};
    size_t sent = 0;
    struct pair p;

    pair_open(&p);
    while (!client_is_full(&p.c)) {
        client_write(&p.c, bytes, sizeof(bytes));
        client_flush(&p.c);
        sent += sizeof(bytes);
        CU_ASSERT_TRUE_FATAL(sent < 64 * OUT_HIGH);
    }
    CU_ASSERT_TRUE(p.c.out.len >= OUT_HIGH);
    CU_ASSERT_TRUE(p.c.out.len < OUT_HIGH + 2 * sizeof(bytes));
    CU_ASSERT_FALSE(client_is_flushed(&p.c));
    CU_ASSERT_EQUAL(p.taken, 0);
    p.got = &got;
    p.stop.fn = again; /* so that no step waits */
    p.stop.arg = &p;
    loop_at(p.l, &p.stop, 1);
    loop_run(p.l, read_on, &p);
    CU_ASSERT_EQUAL(p.c.out.len, 0);
    CU_ASSERT_TRUE(p.taken > 0);
    CU_ASSERT_EQUAL(p.gone, 0);
    receive(&p, &got);
    CU_ASSERT_TRUE(got.len > sent);
    CU_ASSERT_TRUE(client_is_flushed(&p.c));
    buf_free(&got);
    pair_close(&p);
}

static void a_peer_that_closes_is_noticed(void)
{
    struct pair p;

    pair_open(&p);
    close(p.peer);
    p.peer = -1;
    p.stop.fn = stop;
    p.stop.arg = &p;
    loop_at(p.l, &p.stop, 1);
    loop_run(p.l, stop, &p);
    CU_ASSERT_EQUAL(p.gone, 1);
    CU_ASSERT_TRUE(client_is_flushed(&p.c));
    client_write(&p.c, "more", 4); /* goes nowhere, harms nobody */
    client_end(&p.c);
    client_flush(&p.c);
    CU_ASSERT_EQUAL(p.gone, 1);
    CU_ASSERT_EQUAL(p.c.out.len, 0);
    pair_close(&p);
}

static void so_is_one_that_closes_half(void)
{
    struct pair p;

    pair_open(&p);
    CU_ASSERT_EQUAL(shutdown(p.peer, SHUT_WR), 0);
    p.stop.fn = stop;
    p.stop.arg = &p;
    loop_at(p.l, &p.stop, 1);
    loop_run(p.l, stop, &p);
    CU_ASSERT_EQUAL(p.gone, 1);
    pair_close(&p);
}

static void writing_to_a_closed_peer_is_no_signal(void)
{
    struct pair p;

    pair_open(&p);
    close(p.peer);
    p.peer = -1;
    client_write(&p.c, "x", 1);
    client_flush(&p.c);
    CU_ASSERT_EQUAL(p.gone, 1);
    CU_ASSERT_EQUAL(p.taken, 0);
    client_flush(&p.c);
    CU_ASSERT_EQUAL(p.gone, 1);
    pair_close(&p);
}

static void without_an_end_there_is_no_end_record(void)
{
    struct buf got = {NULL, 0, 0, 0};
    size_t at = 0, n = 0;
    struct record r;
    struct pair p;

    pair_open(&p);
    client_write(&p.c, "half", 4);
    pump(&p, &got);
    client_fini(&p.c);
    receive(&p, &got);
    for (; next_record(&got, &at, &r); n++)
        CU_ASSERT_TRUE(r.type == 6 && r.len == 4);
    CU_ASSERT_EQUAL(n, 1);
    buf_free(&got);
    pair_close(&p);
}

static const struct unit_test tests[] = {
    {"records are well-formed, for any number of bytes",
     records_are_well_formed},
    {"a reader that stops fills it to OUT_HIGH, one that goes on empties it",
     back_pressure},
    {"a peer that closes is noticed", a_peer_that_closes_is_noticed},
    {"so is one that closes half", so_is_one_that_closes_half},
    {"writing to a closed peer is a hang-up and no signal",
     writing_to_a_closed_peer_is_no_signal},
    {"an answer that is broken off has no end record",
     without_an_end_there_is_no_end_record},
    {NULL, NULL},
};

CU_ErrorCode test_client_add(void)
{
    return unit_add("client", tests);
}
