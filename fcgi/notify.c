/*
 * notify.c - what does the service manager know of this worker?
 *
 *   main.c --> ready, reloading, stopping --+
 *   adopt.c --> reloaded, or refused -------+
 *   a timer of the loop --> WATCHDOG=1 -----+--> datagram to $NOTIFY_SOCKET
 *
 * sd_notify(3) describes the protocol; it is small enough to need no library.
 * The watchdog's word comes from the loop and from nowhere else: a worker whose
 * loop is stuck falls silent, and is ended and started anew.
 *
 * Sending never waits.  A manager that is too busy to take a datagram gets the
 * last word a little later: it would count a worker that is ready as one that
 * never came up.
 */
#include "fcgi/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"
#include "lib/clock.h"
#include "lib/loop.h"

#define WORD_BYTES 640               /* the longest tells why not, up to 512 */
#define AGAIN_NS   (100 * NS_PER_MS) /* the manager's queue was full */

struct notify {
    struct loop *loop;
    int fd;
    struct sockaddr_un to;
    socklen_t to_len;
    bool stopping;     /* nothing takes that back */
    unsigned reloads;  /* that are not over */
    int64_t period_ns; /* of the watchdog's word; 0: nobody watches */
    struct loop_timer watchdog, again;
    /* What the manager had no room for: RELOADING, and the word after it. */
    char reloading[64], owed[WORD_BYTES];
};

/* ---- sending ---------------------------------------------------------------- */

/* False: the manager has no room now.  Any other failure is for good, and no
 * reason to stop serving. */
static bool send_word(const struct notify *n, const char *word)
{
    ssize_t sent =
        sendto(n->fd, word, strlen(word), MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)&n->to, n->to_len);

    return sent != -1 || (errno != EAGAIN && errno != ENOBUFS);
}

static void send_owed(struct notify *n)
{
    loop_cancel(n->loop, &n->again);
    if (n->reloading[0] != '\0' && send_word(n, n->reloading))
        n->reloading[0] = '\0';
    if (n->reloading[0] == '\0' && n->owed[0] != '\0' && send_word(n, n->owed))
        n->owed[0] = '\0';
    if (n->reloading[0] != '\0' || n->owed[0] != '\0')
        loop_at(n->loop, &n->again, loop_now(n->loop) + AGAIN_NS);
}

/* A later word makes an earlier one that is still owed untrue, but for a
 * RELOADING: whoever missed that would wait for it in vain. */
static void say(struct notify *n, const char *word)
{
    (void)snprintf(n->owed, sizeof(n->owed), "%s", word);
    send_owed(n);
}

static void on_again(void *arg)
{
    send_owed(arg);
}

static void on_watchdog(void *arg)
{
    struct notify *n = arg;
    bool sent = send_word(n, "WATCHDOG=1");
    int64_t wait = sent || n->period_ns < AGAIN_NS ? n->period_ns : AGAIN_NS;

    loop_at(n->loop, &n->watchdog, loop_now(n->loop) + wait);
}

/* ---- who is to be told ---------------------------------------------------------- */

/* A path, or with @ a name without a file.  False: neither, or too long. */
static bool read_address(struct notify *n, const char *text)
{
    size_t len = strlen(text);

    if ((text[0] != '/' && text[0] != '@') || len < 2 ||
        len >= sizeof(n->to.sun_path))
        return false;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, text, len);
    if (text[0] == '@')
        n->to.sun_path[0] = '\0';
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
                            (text[0] == '/'));
    return true;
}

/* Half the time that the watchdog allows this process; 0: it is not watched. */
static int64_t watchdog_period_ns(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    char *end;
    long long us;

    if (usec == NULL ||
        (pid != NULL && (strtoll(pid, &end, 10) != getpid() || *end != '\0')))
        return 0;
    us = strtoll(usec, &end, 10); /* cut at the ends of its range */
    if (us <= 0 || *end != '\0')
        return 0;
    return us < INT64_MAX / 1000 ? us * 1000 / 2 : INT64_MAX / 4;
}

struct notify *notify_open(struct loop *l)
{
    const char *address = getenv("NOTIFY_SOCKET");
    struct notify *n;

    if (address == NULL)
        return NULL;
    n = calloc(1, sizeof(*n));
    CHECK(n != NULL);
    n->loop = l;
    n->watchdog = (struct loop_timer){.fn = on_watchdog, .arg = n};
    n->again = (struct loop_timer){.fn = on_again, .arg = n};
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd == -1 || !read_address(n, address)) {
        notify_close(n);
        return NULL;
    }
    n->period_ns = watchdog_period_ns();
    if (n->period_ns > 0)
        loop_at(l, &n->watchdog, loop_now(l));
    return n;
}

void notify_close(struct notify *n)
{
    if (n == NULL)
        return;
    loop_cancel(n->loop, &n->watchdog);
    loop_cancel(n->loop, &n->again);
    if (n->fd != -1)
        close(n->fd);
    free(n);
}

/* ---- what there is to say --------------------------------------------------------- */

void notify_ready(struct notify *n)
{
    if (n != NULL && !n->stopping)
        say(n, "READY=1\nSTATUS=Serving");
}

/* The manager tells by the time whether a later READY belongs to this. */
void notify_reloading(struct notify *n)
{
    struct timespec ts;

    if (n == NULL || n->stopping || clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
        return;
    n->reloads++;
    (void)snprintf(n->reloading, sizeof(n->reloading),
                   "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    n->owed[0] = '\0'; /* a READY from before */
    send_owed(n);
}

/* READY ends the wait of whoever asked for any of several, so it is the last
 * one's.  A line's end in WHY would begin a word of its own. */
void notify_reloaded(struct notify *n, const char *why)
{
    char word[WORD_BYTES], *c;

    if (n == NULL || n->stopping || (n->reloads > 0 && --n->reloads > 0))
        return;
    if (why == NULL) {
        notify_ready(n);
        return;
    }
    (void)snprintf(word, sizeof(word),
                   "READY=1\nSTATUS=Serving; reload refused: %.512s", why);
    for (c = strchr(word, '\n') + 1; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    say(n, word);
}

/* So that nobody has to set the manager's patience with each drain_s. */
void notify_stopping(struct notify *n, int64_t most_ms)
{
    char word[WORD_BYTES];

    if (n == NULL)
        return;
    n->stopping = true;
    n->reloading[0] = '\0';
    (void)snprintf(word, sizeof(word),
                   "STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=%lld",
                   (long long)most_ms * 1000);
    say(n, word);
}
