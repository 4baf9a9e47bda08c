/* Mirrors fcgi/notify.c: a socket of our own stands for the manager's. */
#include "fcgi/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/loop.h"
#include "unit.h"

struct manager {
    char name[64];
    int fd;
    struct loop *l;
    struct notify *n;
    char words[4][256]; /* what it was told, the last ones */
    int n_words;
    bool reloading, ready;
    struct loop_timer end;
};

/* A name without a file: nothing is left behind. */
static void manager_open(struct manager *m)
{
    static int count;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int len;

    memset(m, 0, sizeof(*m));
    len = snprintf(m->name, sizeof(m->name), "@sluice-unit-%d-%d",
                   (int)getpid(), count++);
    memcpy(at.sun_path, m->name, (size_t)len);
    at.sun_path[0] = '\0';
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL_FATAL(
        bind(m->fd, (struct sockaddr *)&at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
        0);
    setenv("NOTIFY_SOCKET", m->name, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    m->l = loop_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m->l);
}

static void manager_close(struct manager *m)
{
    notify_close(m->n);
    loop_free(m->l);
    close(m->fd);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* The next word; "" if there is none. */
static const char *heard(struct manager *m)
{
    char *word = m->words[m->n_words++ % 4];
    ssize_t n = recv(m->fd, word, sizeof(m->words[0]) - 1, 0);

    word[n > 0 ? n : 0] = '\0';
    return word;
}

static void hear_until_two(void *arg)
{
    struct manager *m = arg;

    while (*heard(m) != '\0')
        continue;
    if (--m->n_words >= 2) /* the last was none */
        loop_stop(m->l);
}

static void nobody_wants_to_know(void)
{
    struct loop *l = loop_new();

    unsetenv("NOTIFY_SOCKET");
    CU_ASSERT_PTR_NULL(notify_open(l));
    setenv("NOTIFY_SOCKET", "vsock:2:3", 1);
    CU_ASSERT_PTR_NULL(notify_open(l));
    setenv("NOTIFY_SOCKET", "", 1);
    CU_ASSERT_PTR_NULL(notify_open(l));
    unsetenv("NOTIFY_SOCKET");
    notify_ready(NULL);
    notify_reloading(NULL);
    notify_reloaded(NULL, NULL);
    notify_stopping(NULL, 1);
    notify_close(NULL);
    loop_free(l);
}

static void each_state_is_one_word(void)
{
    struct manager m;
    long long us = 0;

    manager_open(&m);
    m.n = notify_open(m.l);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m.n);
    CU_ASSERT_STRING_EQUAL(heard(&m), "");
    notify_ready(m.n);
    CU_ASSERT_PTR_EQUAL(strstr(heard(&m), "READY=1\n"), m.words[1]);
    notify_reloading(m.n);
    CU_ASSERT_EQUAL(sscanf(heard(&m), "RELOADING=1\nMONOTONIC_USEC=%lld", &us),
                    1);
    CU_ASSERT_TRUE(us > 0);
    notify_stopping(m.n, 35000);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard(&m), "STOPPING=1\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(m.words[3], "\nEXTEND_TIMEOUT_USEC=35000000"));
    notify_ready(m.n);
    notify_reloading(m.n);
    CU_ASSERT_STRING_EQUAL(heard(&m), "");
    manager_close(&m);
}

static void a_reload_is_over_when_the_last_is(void)
{
    struct manager m;

    manager_open(&m);
    m.n = notify_open(m.l);
    notify_reloading(m.n);
    notify_reloading(m.n);
    notify_reloaded(m.n, NULL);
    (void)heard(&m);
    (void)heard(&m);
    CU_ASSERT_STRING_EQUAL(heard(&m), "");
    notify_reloaded(m.n, NULL);
    CU_ASSERT_STRING_EQUAL(heard(&m), "READY=1\nSTATUS=Serving");
    notify_reloading(m.n);
    (void)heard(&m);
    notify_reloaded(m.n, "line 3: no\nERRNO=5");
    CU_ASSERT_STRING_EQUAL(
        heard(&m),
        "READY=1\nSTATUS=Serving; reload refused: line 3: no ERRNO=5");
    manager_close(&m);
}

static void the_loop_feeds_the_watchdog(void)
{
    struct manager m;
    char pid[32];

    manager_open(&m);
    setenv("WATCHDOG_USEC", "20000", 1);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    m.n = notify_open(m.l);
    CU_ASSERT_STRING_EQUAL(heard(&m), ""); /* not before it goes round */
    m.n_words = 0;
    loop_run(m.l, hear_until_two, &m);
    CU_ASSERT_STRING_EQUAL(m.words[0], "WATCHDOG=1");
    CU_ASSERT_STRING_EQUAL(m.words[1], "WATCHDOG=1");
    manager_close(&m);
}

static void end_step(void *arg)
{
    struct manager *m = arg;

    loop_stop(m->l);
}

static void set_off(void *arg)
{
    (void)arg;
}

/* One step of the loop, with a timer so that it does not wait. */
static void step(struct manager *m)
{
    struct loop_timer now = {.fn = set_off};

    loop_at(m->l, &now, loop_now(m->l));
    loop_run(m->l, end_step, m);
}

static void another_process_is_watched(void)
{
    struct manager m;

    manager_open(&m);
    setenv("WATCHDOG_USEC", "20000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    m.n = notify_open(m.l);
    step(&m);
    CU_ASSERT_STRING_EQUAL(heard(&m), "");
    notify_close(m.n);
    setenv("WATCHDOG_USEC", "0", 1);
    unsetenv("WATCHDOG_PID");
    m.n = notify_open(m.l);
    step(&m);
    CU_ASSERT_STRING_EQUAL(heard(&m), "");
    manager_close(&m);
}

static void give_up(void *arg)
{
    struct manager *m = arg;

    loop_stop(m->l);
}

/* RELOADING, and READY after it. */
static void hear_both(void *arg)
{
    struct manager *m = arg;
    const char *word;

    while (*(word = heard(m)) != '\0') {
        m->reloading = m->reloading || strncmp(word, "RELOADING=1", 11) == 0;
        m->ready = m->reloading && strncmp(word, "READY=1", 7) == 0;
    }
    if (m->ready)
        loop_stop(m->l);
}

/* Until the queue of M is full, and not only what one sender may have in it. */
static void fill_queue(const struct manager *m)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(at);
    int sent, senders = 0;

    CU_ASSERT_EQUAL(getsockname(m->fd, (struct sockaddr *)&at, &len), 0);
    do {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        for (sent = 0; sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at,
                              len) == 1;)
            sent++;
        CU_ASSERT_EQUAL(errno, EAGAIN);
        close(fd);
    } while (sent > 0 && ++senders < 10000);
    CU_ASSERT_EQUAL(sent, 0);
}

static void a_busy_manager_hears_later(void)
{
    struct manager m;

    manager_open(&m);
    m.n = notify_open(m.l);
    fill_queue(&m);
    notify_reloading(m.n);
    notify_ready(m.n);
    m.n_words = 0;
    m.end = (struct loop_timer){.fn = give_up, .arg = &m};
    loop_at(m.l, &m.end, loop_now(m.l) + 10 * NS_PER_S);
    loop_run(m.l, hear_both, &m);
    CU_ASSERT_TRUE(m.ready);
    loop_cancel(m.l, &m.end);
    manager_close(&m);
}

static const struct unit_test tests[] = {
    {"without a service manager nothing is said", nobody_wants_to_know},
    {"ready, reloading, stopping are one word each, stopping the last",
     each_state_is_one_word},
    {"a reload is over when the last one is, and a refused one says why",
     a_reload_is_over_when_the_last_is},
    {"the loop feeds the watchdog", the_loop_feeds_the_watchdog},
    {"nobody feeds a watchdog that is another's or off",
     another_process_is_watched},
    {"a manager that is busy hears it later, and in order",
     a_busy_manager_hears_later},
    {NULL, NULL},
};

CU_ErrorCode test_notify_add(void)
{
    return unit_add("notify", tests);
}
