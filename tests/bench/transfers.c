/*
 * transfers.c - what does libcurl cost?
 *
 *   transfers PORT [N]
 *
 * N small chats (20,000) are sent to nimsim on PORT, one after the other, by
 * turns of 500 over fcgi/upstream/, which is libcurl, and by hand: the least that
 * can be done on the same loop, a kept connection, one send() and as many recv()
 * as it takes for head and Content-Length.  One line of JSON: the process's own
 * CPU time a request of each, medians, in microseconds.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fcgi/upstream/upstream.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/loop.h"
#include "samples.h"

#define TURN 500

#define CHAT                                                                   \
    "{\"model\":\"sim/tokens-3\",\"messages\":[{\"role\":\"user\","            \
    "\"content\":\"hello\"}]}"

/* As a worker sends them. */
static const char *const headers[] = {
    "Content-Type: application/json", "Accept: */*", "NVCF-POLL-SECONDS: 600",
    "X-Request-Id: req_0123456789abcdef01234567", NULL};

struct bench {
    struct loop *loop;
    struct upstream *up;
    int port, fd;
    struct loop_watch watch;
    struct buf got; /* by hand */
    int left;       /* of this turn */
};

/* ---- libcurl ----------------------------------------------------------------- */

static void ask(struct bench *b);

static void on_sent(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, struct upstream_head *head)
{
    (void)arg;
    CHECK(head->status == 200);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    (void)arg;
    (void)data;
    return len > 0;
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct bench *b = arg;

    (void)detail;
    CHECK(how == END_OK);
    if (--b->left > 0)
        ask(b);
    else
        loop_stop(b->loop);
}

static void ask(struct bench *b)
{
    static const struct transfer_ops ops = {NULL, on_sent, on_head, on_body,
                                            on_end};
    char url[64];
    const struct transfer_request req = {.url = url,
                                         .method = "POST",
                                         .headers = headers,
                                         .body = CHAT,
                                         .body_len = sizeof(CHAT) - 1,
                                         .connect_ms = 2000};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/chat/completions",
                   b->port);
    (void)transfer_start(b->up, &req, &ops, b);
}

static void begin_new(void *arg)
{
    struct bench *b = arg;

    while (upstream_has_new(b->up))
        upstream_begin(b->up);
}

static void by_libcurl(struct bench *b)
{
    b->left = TURN;
    ask(b);
    loop_run(b->loop, begin_new, b);
}

/* ---- by hand ------------------------------------------------------------------- */

static void ask_by_hand(struct bench *b)
{
    char text[1024];
    size_t i, n;

    n = (size_t)snprintf(text, sizeof(text),
                         "POST /v1/chat/completions HTTP/1.1\r\n"
                         "Host: 127.0.0.1:%d\r\n",
                         b->port);
    for (i = 0; headers[i] != NULL; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\r\n", headers[i]);
    n += (size_t)snprintf(text + n, sizeof(text) - n,
                          "Accept-Encoding: identity\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          sizeof(CHAT) - 1, CHAT);
    CHECK(send(b->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n);
}

/* All of an answer, which says its length? */
static bool is_whole(const struct buf *got)
{
    const char *text = buf_head(got), *end, *length;

    end = memmem(text, got->len, "\r\n\r\n", 4);
    length = memmem(text, got->len, "Content-Length: ", 16);
    return end != NULL && length != NULL &&
           got->len >=
               (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
}

static void on_bytes(void *arg, uint32_t events)
{
    struct bench *b = arg;
    ssize_t n = recv(b->fd, buf_room(&b->got, 16384), 16384, MSG_DONTWAIT);

    (void)events;
    CHECK(n > 0);
    b->got.len += (size_t)n;
    if (!is_whole(&b->got))
        return;
    CHECK(memcmp(buf_head(&b->got), "HTTP/1.1 200", 12) == 0);
    b->got.len = 0;
    if (--b->left > 0)
        ask_by_hand(b);
    else
        loop_stop(b->loop);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void by_hand(struct bench *b)
{
    b->left = TURN;
    ask_by_hand(b);
    loop_run(b->loop, nothing, b);
}

static void connect_by_hand(struct bench *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)b->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(b->fd != -1 && connect(b->fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    b->watch = (struct loop_watch){-1, 0, on_bytes, b};
    loop_watch(b->loop, &b->watch, b->fd, EPOLLIN);
}

/* ---- both ------------------------------------------------------------------------ */

static int64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t measure(struct bench *b, void (*way)(struct bench *b))
{
    int64_t before = cpu_ns();

    way(b);
    return (cpu_ns() - before) / TURN;
}

int main(int argc, char **argv)
{
    struct bench b = {.port = argc > 1 ? atoi(argv[1]) : 0};
    int turns = (argc > 2 ? atoi(argv[2]) : 20000) / TURN / 2, i;
    struct samples curl = {NULL, 0, 0}, hand = {NULL, 0, 0};

    if (b.port == 0 || turns < 1) {
        fprintf(stderr, "usage: transfers PORT [N], at least %d\n", 2 * TURN);
        return EXIT_FAILURE;
    }
    CHECK((b.loop = loop_new()) != NULL);
    CHECK((b.up = upstream_new(b.loop)) != NULL);
    connect_by_hand(&b);
    by_libcurl(&b);
    by_hand(&b);
    for (i = 0; i < turns; i++) {
        samples_add(&curl, measure(&b, by_libcurl));
        samples_add(&hand, measure(&b, by_hand));
    }
    samples_sort(&curl);
    samples_sort(&hand);
    printf("{\"libcurl_us\":%.1f,\"by_hand_us\":%.1f,\"turns\":%d}\n",
           (double)samples_at(&curl, 500) / 1e3,
           (double)samples_at(&hand, 500) / 1e3, turns);
    samples_free(&curl);
    samples_free(&hand);
    loop_unwatch(b.loop, &b.watch);
    close(b.fd);
    buf_free(&b.got);
    upstream_free(b.up);
    loop_free(b.loop);
    return EXIT_SUCCESS;
}
