/* Mirrors fcgi/accept.c, receive.c, readers.c: a real socket, in the loop. */
#include "fcgi/accept.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "fcgi/gate.h"
#include "fcgi/glance.h"
#include "fcgi/pages/routes.h"
#include "fcgi/receive.h"
#include "lib/clock.h"
#include "unit.h"

#define LARGEST  (200 * KIB)
#define PATIENCE (10 * NS_PER_S) /* of a test that waits in vain */

struct desk {
    struct loop *l;
    struct accept *a;
    int listening, peer;
    uint32_t open;
    struct buf bytes;  /* to be sent, PIECE at a time */
    size_t piece;      /* 0: nothing is sent by the hook */
    struct request *r; /* what came of it */
    int calls;
    bool (*over)(const struct desk *d); /* then the loop stops */
    bool in_vain;                       /* it never was */
    struct loop_timer next, later, alarm;
};

/* ---- a web server ---------------------------------------------------------- */

/* Padded where libfcgi skips it: it reads on in the padding of others. */
static void record(struct buf *b, int type, const void *data, size_t len)
{
    unsigned char pad = type != FCGI_BEGIN_REQUEST && len > 0 ? 3 : 0;
    unsigned char h[FCGI_HEADER_LEN] = {FCGI_VERSION_1,
                                        (unsigned char)type,
                                        0,
                                        7,
                                        (unsigned char)(len >> 8),
                                        (unsigned char)len,
                                        pad};

    buf_add(b, h, sizeof(h));
    buf_add(b, data, len);
    buf_add(b, "pad", pad);
}

static void param(struct buf *b, const char *name, const char *value)
{
    unsigned char lens[2] = {(unsigned char)strlen(name),
                             (unsigned char)strlen(value)};

    buf_add(b, lens, 2);
    buf_str(b, name);
    buf_str(b, value);
}

/* A whole request with BODY_LEN bytes of JSON. */
static void write_request(struct buf *b, size_t body_len)
{
    static const unsigned char begin[8] = {0, FCGI_RESPONDER};
    struct buf params = {NULL, 0, 0, 0}, body = {NULL, 0, 0, 0};
    char length[24];
    size_t i;

    buf_str(&body, "{\"model\":\"m\",\"x\":\"");
    while (body.len + 2 < body_len)
        buf_str(&body, "y");
    buf_str(&body, "\"}");
    (void)snprintf(length, sizeof(length), "%zu", body.len);
    param(&params, "REQUEST_METHOD", "POST");
    param(&params, "REQUEST_URI", "/v1/chat/completions");
    param(&params, "CONTENT_TYPE", "application/json");
    param(&params, "CONTENT_LENGTH", length);
    record(b, FCGI_BEGIN_REQUEST, begin, sizeof(begin));
    record(b, FCGI_PARAMS, buf_head(&params), params.len);
    record(b, FCGI_PARAMS, "", 0);
    for (i = 0; i < body.len; i += 8000)
        record(b, FCGI_STDIN, buf_head(&body) + i,
               body.len - i < 8000 ? body.len - i : 8000);
    record(b, FCGI_STDIN, "", 0);
    buf_free(&params);
    buf_free(&body);
}

/* ---- the desk --------------------------------------------------------------- */

static void take(void *arg, struct request *r)
{
    struct desk *d = arg;

    d->calls++;
    request_free(d->r);
    d->r = r;
}

static bool has_request(const struct desk *d)
{
    return d->calls > 0;
}

static bool is_idle(const struct desk *d)
{
    return accept_is_idle(d->a);
}

static bool is_busy(const struct desk *d)
{
    return !accept_is_idle(d->a);
}

static void give_up(void *arg)
{
    struct desk *d = arg;

    d->in_vain = true;
    loop_stop(d->l);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* The end of a step: sends a piece, or looks whether it is over. */
static void hook(void *arg)
{
    struct desk *d = arg;
    size_t n = d->piece < d->bytes.len ? d->piece : d->bytes.len;

    if (n > 0) {
        ssize_t sent =
            send(d->peer, buf_head(&d->bytes), n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0)
            buf_take(&d->bytes, (size_t)sent);
        loop_at(d->l, &d->next, loop_now(d->l)); /* and another step */
    } else if (d->over(d)) {
        loop_stop(d->l);
    }
}

static void desk_open(struct desk *d)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(at.sun_family);

    FCGX_Init();
    memset(d, 0, sizeof(*d));
    d->l = loop_new();
    d->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    d->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A name that the kernel chooses: unix(7), autobind. */
    CU_ASSERT_EQUAL_FATAL(bind(d->listening, (struct sockaddr *)&at, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(d->listening, 8), 0);
    len = sizeof(at);
    (void)getsockname(d->listening, (struct sockaddr *)&at, &len);
    CU_ASSERT_EQUAL_FATAL(connect(d->peer, (struct sockaddr *)&at, len), 0);
    d->a = accept_start(d->l, d->listening, &routes_all, LARGEST, &d->open,
                        take, d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d->a);
    d->over = has_request;
    d->next.fn = nothing;
    d->alarm.fn = give_up;
    d->alarm.arg = d;
    loop_at(d->l, &d->alarm, loop_now(d->l) + PATIENCE);
}

static void desk_close(struct desk *d)
{
    if (d->r != NULL)
        close(d->r->fd);
    request_free(d->r);
    CU_ASSERT_FALSE(d->in_vain);
    accept_free(d->a);
    loop_cancel(d->l, &d->next);
    loop_cancel(d->l, &d->later);
    loop_cancel(d->l, &d->alarm);
    loop_free(d->l);
    close(d->listening);
    close(d->peer);
    buf_free(&d->bytes);
}

/* A request of BODY_LEN comes, PIECE bytes a step. */
static void comes(size_t body_len, size_t piece)
{
    struct desk d;

    desk_open(&d);
    write_request(&d.bytes, body_len);
    d.piece = piece;
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.calls, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.r);
    CU_ASSERT_EQUAL(d.r->fault.status, 0);
    CU_ASSERT_EQUAL(d.r->fcgi_id, 7);
    CU_ASSERT_EQUAL(d.r->body.len, body_len);
    CU_ASSERT_STRING_EQUAL(d.r->model, "m");
    CU_ASSERT_TRUE(accept_is_idle(d.a));
    desk_close(&d);
}

static void at_once(void)
{
    comes(100, SIZE_MAX);
}

/* As systemd does to the open file that it shares with us. */
static void on_a_socket_that_waits(void)
{
    struct desk d;
    struct timeval wait = {0, 0};
    socklen_t len = sizeof(wait);
    int flags;

    desk_open(&d);
    flags = fcntl(d.listening, F_GETFL);
    CU_ASSERT_TRUE((flags & O_NONBLOCK) != 0);
    (void)fcntl(d.listening, F_SETFL, flags & ~O_NONBLOCK);
    write_request(&d.bytes, 100);
    d.piece = SIZE_MAX;
    (void)alarm(60); /* standing in accept4(), it would never come back */
    loop_run(d.l, hook, &d);
    (void)alarm(0);
    CU_ASSERT_EQUAL(d.calls, 1);
    CU_ASSERT_TRUE((fcntl(d.listening, F_GETFL) & O_NONBLOCK) != 0);
    (void)getsockopt(d.listening, SOL_SOCKET, SO_RCVTIMEO, &wait, &len);
    CU_ASSERT_TRUE(wait.tv_sec == 0 && wait.tv_usec > 0);
    desk_close(&d);
}

static void byte_by_byte(void)
{
    comes(100, 1);
}

static void in_a_few_pieces(void)
{
    comes(100, 40);
}

static void large(void)
{
    comes(150 * KIB, SIZE_MAX);
    comes(150 * KIB, 5000);
}

/* ---- what is known of a request by its head ---- */

static void a_head_is_known_when_all_of_it_is_there(void)
{
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    size_t n, head = 0;

    write_request(&b, 100);
    for (n = 0; n <= b.len; n++) {
        unsigned char *copy = malloc(n > 0 ? n : 1); /* for ASan */

        memcpy(copy, b.data, n);
        r = glance_head(copy, n, 5);
        head = r != NULL && head == 0 ? n : head;
        if (r != NULL) {
            CU_ASSERT_STRING_EQUAL(r->method, "POST");
            CU_ASSERT_STRING_EQUAL(r->path, "/v1/chat/completions");
            CU_ASSERT_EQUAL(r->content_length, 100);
            CU_ASSERT_EQUAL(r->fcgi_id, 7);
            CU_ASSERT_EQUAL(r->fault.status, 0);
        }
        CU_ASSERT_EQUAL(r != NULL, head > 0);
        request_free(r);
        free(copy);
    }
    CU_ASSERT_TRUE(head > 100 && head < b.len - 100);
    buf_free(&b);
}

/* Lengths that lead out of what is there, in every place: no head of it. */
static void an_odd_head_is_none(void)
{
    struct buf b = {NULL, 0, 0, 0};
    size_t i;

    write_request(&b, 10);
    for (i = 0; i < b.len; i++) {
        unsigned char *copy = malloc(b.len);
        int k;

        for (k = 0; k < 256; k++) {
            memcpy(copy, b.data, b.len);
            copy[i] = (unsigned char)k;
            request_free(glance_head(copy, b.len, 5)); /* ASan looks on */
        }
        free(copy);
    }
    b.data[24] = (char)0xff; /* the first name is 2 GB long */
    CU_ASSERT_PTR_NULL(glance_head((unsigned char *)b.data, b.len, 5));
    buf_free(&b);
}

/* ---- callers that are not let in ---------------------------------------------- */

/* Of a request of BODY_LEN bytes LEN come; it is not waited for, and the rest
 * of it finds a reader. */
static void is_refused(const char *remove, const char *put, size_t body_len,
                       size_t len, int status)
{
    struct config cfg = {.anonymous = FROM_NOWHERE, .n_upstreams = 1};
    struct desk d;
    char *at;

    desk_open(&d);
    accept_follow(d.a, &cfg);
    write_request(&d.bytes, body_len);
    at = memmem(d.bytes.data, d.bytes.len, remove, strlen(remove));
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, put, strlen(remove));
    d.bytes.len = len < d.bytes.len ? len : d.bytes.len;
    d.piece = SIZE_MAX;
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.calls, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.r);
    CU_ASSERT_EQUAL(d.r->fault.status, status);
    CU_ASSERT_EQUAL(d.r->body.len, 0);
    CU_ASSERT_EQUAL(d.r->body.cap, 0);
    CU_ASSERT_EQUAL(d.r->has_rest, len < SIZE_MAX);
    desk_close(&d);
}

static void strangers_are_told_before_their_body_has_come(void)
{
    is_refused("m", "m", 100 * KIB, 50 * KIB, 401);
    is_refused("m", "m", 100 * KIB, 17 * KIB, 401);
    is_refused("m", "m", 100, SIZE_MAX, 401);
    is_refused("m", "m", 9 * KIB, 5 * KIB, 401);
    is_refused("m", "m", 100, 190, 401);
}

static void so_are_faults_of_the_head(void)
{
    struct config *none = NULL;
    struct desk d;

    is_refused("/v1/chat", "/v2/chat", 100 * KIB, 50 * KIB, 404);
    is_refused("POST", "LOCK", 100 * KIB, 50 * KIB, 405);
    desk_open(&d); /* everybody may, but that is too large */
    accept_follow(d.a, none);
    write_request(&d.bytes, 300 * KIB);
    d.bytes.len = 50 * KIB;
    d.piece = SIZE_MAX;
    loop_run(d.l, hook, &d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.r);
    CU_ASSERT_EQUAL(d.r->fault.status, 413);
    CU_ASSERT_TRUE(d.r->has_rest);
    desk_close(&d);
}

/* All of it is written, although nobody wanted it, and then it closes. */
static void what_is_left_of_a_refused_one_is_read(void)
{
    struct config cfg = {.anonymous = FROM_NOWHERE, .n_upstreams = 1};
    struct desk d;

    desk_open(&d);
    accept_follow(d.a, &cfg);
    write_request(&d.bytes, 190 * KIB);
    d.piece = 40 * KIB;
    loop_run(d.l, hook, &d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.r);
    accept_linger(d.a, dup(d.r->fd));
    d.over = is_busy;
    loop_at(d.l, &d.next, 0);
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.bytes.len, 0);
    shutdown(d.peer, SHUT_RDWR);
    d.over = is_idle;
    loop_at(d.l, &d.next, 0);
    loop_run(d.l, hook, &d);
    desk_close(&d);
}

static void nobody_lingers_for_ever(void)
{
    struct desk d;
    int pair[2];

    desk_open(&d);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    accept_linger(d.a, pair[0]);
    accept_expire(d.a, clock_now_ns());
    CU_ASSERT_FALSE(accept_is_idle(d.a));
    accept_expire(d.a, clock_now_ns() + LINGER_MS * NS_PER_MS);
    CU_ASSERT_TRUE(accept_is_idle(d.a));
    CU_ASSERT_EQUAL(read(pair[1], pair, 1), 0); /* it is closed */
    close(pair[1]);
    desk_close(&d);
}

/* A page shows something: what is sent with the question is dropped. */
static void pages_hold_no_body(void)
{
    struct desk d;
    char *at;

    desk_open(&d);
    write_request(&d.bytes, 150 * KIB);
    at = memmem(d.bytes.data, d.bytes.len, "/v1/chat/completions", 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, "/health?hat/completi", 20);
    at = memmem(d.bytes.data, d.bytes.len, "POST", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, "HEAD", 4);
    d.piece = SIZE_MAX;
    loop_run(d.l, hook, &d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.r);
    CU_ASSERT_EQUAL(d.r->fault.status, 0);
    CU_ASSERT_EQUAL(d.r->body.cap, 0);
    desk_close(&d);
}

/* What has come when the peer closes: LEN bytes of a request. */
static void breaks_off(size_t body_len, size_t len)
{
    struct desk d;

    desk_open(&d);
    write_request(&d.bytes, body_len);
    CU_ASSERT_EQUAL(send(d.peer, buf_head(&d.bytes), len, 0), (ssize_t)len);
    buf_free(&d.bytes);
    shutdown(d.peer, SHUT_RDWR);
    d.over = is_idle;
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.calls, 0);
    CU_ASSERT_TRUE(accept_is_idle(d.a));
    desk_close(&d);
}

static void broken_off(void)
{
    breaks_off(100, 0);
    breaks_off(100, 60);
    breaks_off(100 * KIB, 30 * KIB);
}

/* Sent and left open: over at its deadline, and not before. */
static void is_given_up(size_t body_len, size_t len)
{
    struct desk d;

    desk_open(&d);
    write_request(&d.bytes, body_len);
    d.bytes.len = len;
    d.piece = SIZE_MAX;
    d.over = is_busy;
    loop_run(d.l, hook, &d);
    accept_expire(d.a, clock_now_ns());
    CU_ASSERT_FALSE(accept_is_idle(d.a));
    accept_expire(d.a, NEVER);
    d.over = is_idle;
    loop_at(d.l, &d.next, 0); /* a step at least */
    loop_run(d.l, hook, &d);
    CU_ASSERT_TRUE(accept_is_idle(d.a));
    CU_ASSERT_EQUAL(d.calls, 0);
    desk_close(&d);
}

static void too_slow(void)
{
    is_given_up(100, 60);
    is_given_up(100 * KIB, 30 * KIB);
}

static void others_speak_something_else(void)
{
    struct desk d;

    desk_open(&d);
    buf_str(&d.bytes, "GET / HTTP/1.1\r\n\r\n");
    d.piece = SIZE_MAX;
    d.over = is_idle;
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.calls, 0);
    CU_ASSERT_TRUE(accept_is_idle(d.a));
    desk_close(&d);
}

/* One descriptor is left: enough to accept, not to answer. */
static void give_back(void *arg)
{
    struct desk *d = arg;
    struct rlimit files;

    CU_ASSERT_EQUAL(d->calls, 0);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static void waits_for_descriptors(void)
{
    struct rlimit files, few;
    struct desk d;
    int fd;

    desk_open(&d);
    write_request(&d.bytes, 100);
    d.piece = SIZE_MAX;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &files), 0);
    fd = dup(d.peer);
    close(fd);
    few = (struct rlimit){(rlim_t)fd + 1, files.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
    d.later.fn = give_back;
    d.later.arg = &d;
    loop_at(d.l, &d.later, loop_now(d.l) + 100 * NS_PER_MS);
    loop_run(d.l, hook, &d);
    CU_ASSERT_EQUAL(d.calls, 1);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &files), 0);
    desk_close(&d);
}

/* ---- read from what was seen, or by libfcgi ---- */

/* B, as libfcgi reads it. */
static struct request *by_libfcgi(const struct buf *b, struct gate *g)
{
    struct request *r;
    int fds[2];

    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    CU_ASSERT_EQUAL(write(fds[1], buf_head(b), b->len), (ssize_t)b->len);
    close(fds[1]);
    r = receive(fds[0], g, 5);
    if (r != NULL)
        close(fds[0]);
    return r;
}

/* Lengths that lead it astray it gives up, and we may answer with an error. */
static void reads_the_same(const struct buf *b, struct gate *g)
{
    unsigned char *copy = malloc(b->len); /* for ASan */
    struct request *seen = NULL, *read = by_libfcgi(b, g);

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, buf_head(b), b->len);
    if (receive_look(copy, b->len) == LOOK_WHOLE)
        seen = receive_seen(copy, b->len, g, 5);
    if (seen != NULL && read != NULL) {
        CU_ASSERT_EQUAL(seen->fcgi_id, read->fcgi_id);
        CU_ASSERT_STRING_EQUAL(seen->method, read->method);
        CU_ASSERT_STRING_EQUAL(seen->path, read->path);
        CU_ASSERT_STRING_EQUAL(seen->model, read->model);
        CU_ASSERT_EQUAL(seen->fault.status, read->fault.status);
        CU_ASSERT_EQUAL(seen->has_rest, read->has_rest);
        CU_ASSERT_EQUAL(seen->body.len, read->body.len);
        CU_ASSERT_TRUE(seen->body.len == 0 ||
                       memcmp(buf_head(&seen->body), buf_head(&read->body),
                              seen->body.len) == 0);
    }
    request_free(seen);
    request_free(read);
    free(copy);
}

static void what_was_seen_is_what_libfcgi_reads(void)
{
    struct gate *g = gate_new(&routes_all, 1000000);
    struct buf b = {NULL, 0, 0, 0};
    struct request *r;
    size_t i;

    write_request(&b, 9000);
    r = receive_seen((unsigned char *)b.data, b.len, g, 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_STRING_EQUAL(r->model, "m");
    CU_ASSERT_EQUAL(r->body.len, 9000);
    request_free(r);
    reads_the_same(&b, g);
    b.len = 0;
    write_request(&b, 100);
    for (i = 8; i < b.len;
         i++) { /* its first record is libfcgi's own to judge */
        int k;

        for (k = 0; k < 256; k += 5) {
            char was = b.data[i];

            b.data[i] = (char)k;
            reads_the_same(&b, g);
            b.data[i] = was;
        }
    }
    gate_free(g);
    buf_free(&b);
}

/* Every beginning of a request is short, all of it is whole. */
static void looks(void)
{
    struct buf b = {NULL, 0, 0, 0};
    size_t n;

    write_request(&b, 9000);
    for (n = 0; n < b.len; n++)
        CU_ASSERT_EQUAL(receive_look((unsigned char *)b.data, n), LOOK_SHORT);
    CU_ASSERT_EQUAL(receive_look((unsigned char *)b.data, b.len), LOOK_WHOLE);
    b.data[1] = FCGI_STDIN;
    CU_ASSERT_EQUAL(receive_look((unsigned char *)b.data, b.len), LOOK_OTHER);
    b.data[0] = 2;
    CU_ASSERT_EQUAL(receive_look((unsigned char *)b.data, b.len), LOOK_OTHER);
    buf_free(&b);
}

static const struct unit_test tests[] = {
    {"a request that comes at once is taken", at_once},
    {"also where another has made the listening socket wait",
     on_a_socket_that_waits},
    {"so is one that comes byte by byte", byte_by_byte},
    {"or in pieces", in_a_few_pieces},
    {"or is too large to be looked at", large},
    {"one that breaks off leaves nothing behind", broken_off},
    {"one that never ends is given up at its deadline", too_slow},
    {"what is not FastCGI is turned away", others_speak_something_else},
    {"a head is known when all of it is there",
     a_head_is_known_when_all_of_it_is_there},
    {"an odd one is none", an_odd_head_is_none},
    {"strangers are told before their body has come",
     strangers_are_told_before_their_body_has_come},
    {"so are who errs in the head", so_are_faults_of_the_head},
    {"what is left of a refused one is read",
     what_is_left_of_a_refused_one_is_read},
    {"nobody lingers for ever", nobody_lingers_for_ever},
    {"pages hold no body", pages_hold_no_body},
    {"one waits until there are descriptors for it", waits_for_descriptors},
    {"what was seen is what libfcgi reads",
     what_was_seen_is_what_libfcgi_reads},
    {"a request is whole with its last record", looks},
    {NULL, NULL},
};

CU_ErrorCode test_accept_add(void)
{
    return unit_add("accept", tests);
}
