/*
 * is_up.c - does a worker answer, where SLUICE_LISTEN says?
 *
 * For the container's health check and for serve.c, which waits for the first
 * answer.  By a socket and not by call.c: it needs no settings and no token, and
 * says nothing but yes or no.
 */
#include "ctl/is_up.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/clock.h"

#define DEFAULT_LISTEN "127.0.0.1:8080"

/* As SLUICE_LISTEN is written everywhere.  Port 0 is none: who asked for any port
 * could not be found. */
bool is_up_place(struct listen *out, const char *text)
{
    const char *colon;
    char *end;
    long port;
    size_t n;

    if (text == NULL || text[0] == '\0')
        text = DEFAULT_LISTEN;
    colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    port = strtol(colon + 1, &end, 10);
    n = (size_t)(colon - text);
    if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535 ||
        n >= sizeof(out->bind))
        return false;
    snprintf(out->bind, sizeof(out->bind), "%.*s", (int)n, text);
    snprintf(out->host, sizeof(out->host), "%s", out->bind);
    out->port = (int)port;
    if (text[0] == '[') { /* only there may the address have colons */
        n = strcspn(out->bind, "]");
        snprintf(out->host, sizeof(out->host), "%.*s", (int)n - 1,
                 out->bind + 1);
        if (out->bind[n] != ']' || out->bind[n + 1] != '\0')
            return false;
    } else if (strchr(out->bind, ':') != NULL) {
        return false;
    }
    if (strcmp(out->host, "0.0.0.0") == 0)
        snprintf(out->host, sizeof(out->host), "127.0.0.1");
    else if (strcmp(out->host, "::") == 0)
        snprintf(out->host, sizeof(out->host), "::1");
    return true;
}

/* A connection, or -1. */
static int reach(const struct listen *at)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL, *a;
    char port[8];
    int fd = -1;

    snprintf(port, sizeof(port), "%d", at->port);
    if (getaddrinfo(at->host, port, &hints, &list) != 0)
        return -1;
    for (a = list; a != NULL && fd == -1; a = a->ai_next) {
        fd =
            socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* The status is all that is read; -1: none came until END. */
static int status_of(int fd, int64_t end_ns)
{
    char text[16];
    size_t n = 0;

    while (n < 12) { /* "HTTP/1.0 200" */
        struct pollfd p = {fd, POLLIN, 0};
        int64_t left = end_ns - clock_now_ns();
        ssize_t got;

        if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) <= 0)
            return -1;
        got = read(fd, text + n, 12 - n);
        if (got <= 0)
            return -1;
        n += (size_t)got;
    }
    text[n] = '\0';
    return strncmp(text, "HTTP/1.", 7) == 0 ? (int)strtol(text + 9, NULL, 10)
                                            : -1;
}

/* HTTP/1.0: the answer ends with the connection, and its first line is enough. */
bool is_up_ask(const struct listen *at, const char *path, int wait_ms)
{
    int64_t end = clock_now_ns() + wait_ms * NS_PER_MS;
    char ask[128];
    int fd = reach(at), n, status = -1;

    if (fd == -1)
        return false;
    /* "localhost" is a name that is always ours (`hosts`). */
    n = snprintf(ask, sizeof(ask), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n",
                 path);
    if (send(fd, ask, (size_t)n, MSG_NOSIGNAL) == n)
        status = status_of(fd, end);
    close(fd);
    return status == 200;
}
