/*
 * open.c - how many streams can be open, and what does a worker hold for each?
 *
 *   open N MODEL SOCKET...   opens N streams over the workers' sockets in turn,
 *                            says how it stands, and holds them until standard
 *                            input ends
 *
 * It speaks FastCGI itself: a web server has two descriptors for each, and may
 * have its own bound.  A stream is open once its first event is here.
 */
#include <errno.h>
#include <fastcgi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define AT_ONCE  64 /* that are on their way: less than any backlog */
#define PATIENCE 15000

struct request {
    char bytes[2048];
    size_t len;
};

static struct {
    int ep;
    char *const *sockets;
    int n_sockets, begun, under_way, wanted;
    int n_open, refused, lost;
} all;

/* ---- what is asked --------------------------------------------------------------- */

static void add(struct request *r, const void *data, size_t len)
{
    if (len > sizeof(r->bytes) - r->len)
        abort();
    if (len > 0)
        memcpy(r->bytes + r->len, data, len);
    r->len += len;
}

static void record(struct request *r, int type, const void *data, size_t len)
{
    FCGI_Header h = {.version = FCGI_VERSION_1,
                     .type = (unsigned char)type,
                     .requestIdB0 = 1,
                     .contentLengthB1 = (unsigned char)(len >> 8),
                     .contentLengthB0 = (unsigned char)len};

    add(r, &h, sizeof(h));
    add(r, data, len);
}

static void param(struct request *r, const char *name, const char *value)
{
    char lens[2] = {(char)strlen(name), (char)strlen(value)};

    add(r, lens, 2);
    add(r, name, strlen(name));
    add(r, value, strlen(value));
}

static void compose(struct request *r, const char *model)
{
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER};
    struct request params = {.len = 0};
    char body[256], length[24];
    int n = snprintf(body, sizeof(body),
                     "{\"model\":\"%.100s\",\"stream\":true,\"messages\":"
                     "[{\"role\":\"user\",\"content\":\"Hello\"}]}",
                     model);

    (void)snprintf(length, sizeof(length), "%d", n);
    param(&params, "REQUEST_METHOD", "POST");
    param(&params, "REQUEST_URI", "/v1/chat/completions");
    param(&params, "REMOTE_ADDR", "127.0.0.1");
    param(&params, "HTTP_HOST", "127.0.0.1");
    param(&params, "HTTP_USER_AGENT", "OpenAI/Python 1.99.9");
    param(&params, "CONTENT_TYPE", "application/json");
    param(&params, "CONTENT_LENGTH", length);
    record(r, FCGI_BEGIN_REQUEST, &begin, sizeof(begin));
    record(r, FCGI_PARAMS, params.bytes, params.len);
    record(r, FCGI_PARAMS, NULL, 0);
    record(r, FCGI_STDIN, body, (size_t)n);
    record(r, FCGI_STDIN, NULL, 0);
}

/* ---- and what comes -------------------------------------------------------------- */

static bool begin(const struct request *r)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct epoll_event ev = {.events = EPOLLIN};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s",
                   all.sockets[all.begun++ % all.n_sockets]);
    if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
        send(fd, r->bytes, r->len, MSG_NOSIGNAL) != (ssize_t)r->len) {
        all.lost++;
        if (fd != -1)
            close(fd);
        return false;
    }
    ev.data.fd = fd;
    all.under_way++;
    return epoll_ctl(all.ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* It stays open, and is looked at no more, once an event has come. */
static void hear(int fd)
{
    char text[8192];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

    if (n <= 0) {
        all.lost++;
    } else if (memmem(text, (size_t)n, "data: ", 6) != NULL) {
        all.n_open++;
    } else if (memmem(text, (size_t)n, "Status: 200", 11) != NULL) {
        return; /* its head came alone */
    } else {
        all.refused++;
        if (all.refused == 1)
            fprintf(stderr, "open: %.*s\n", (int)n - 8, text + 8);
    }
    all.under_way--;
    (void)epoll_ctl(all.ep, EPOLL_CTL_DEL, fd, NULL);
}

static void run(const struct request *r)
{
    struct epoll_event ev[AT_ONCE];
    int i, n;

    while (all.begun < all.wanted || all.under_way > 0) {
        while (all.begun < all.wanted && all.under_way < AT_ONCE)
            (void)begin(r);
        n = epoll_wait(all.ep, ev, AT_ONCE, PATIENCE);
        if (n == 0 || (n < 0 && errno != EINTR))
            break; /* who has said nothing by now is neither */
        for (i = 0; i < n; i++)
            hear(ev[i].data.fd);
    }
}

int main(int argc, char **argv)
{
    struct request r = {.len = 0};
    char end[64];

    if (argc < 4) {
        fprintf(stderr, "usage: open N MODEL SOCKET...\n");
        return 2;
    }
    all.wanted = atoi(argv[1]);
    all.sockets = argv + 3;
    all.n_sockets = argc - 3;
    all.ep = epoll_create1(EPOLL_CLOEXEC);
    if (all.ep == -1)
        return 1;
    compose(&r, argv[2]);
    run(&r);
    printf("{\"open\":%d,\"refused\":%d,\"lost\":%d,\"silent\":%d}\n",
           all.n_open, all.refused, all.lost, all.under_way);
    fflush(stdout);
    while (read(0, end, sizeof(end)) > 0)
        continue;
    return 0;
}
