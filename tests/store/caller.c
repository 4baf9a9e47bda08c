/*
 * caller - a host's leader that wants nothing: it calls the store, again and
 * again, and says what it hears.
 *
 *   caller URL [ACCOUNT [PASSWORD-FILE [CA]]]
 *
 * A line for each thing that happens, with milliseconds since the start: up,
 * down WHY, ok HOSTS RTT-US, stale, pushed.  The log goes to standard error.
 * It ends when standard input does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fcgi/store/store.h"
#include "lib/base.h"
#include "lib/clock.h"
#include "lib/complaint.h"
#include "lib/log.h"
#include "lib/loop.h"

#define POLL_NS (50 * NS_PER_MS)

static struct loop *loop;
static struct store *store;
static struct shared_ask ask;
static struct loop_timer poll_timer;
static struct loop_watch input;
static int64_t start_ns;
static bool is_quiet; /* after the first answer since it is up */

static void say(const char *what, const char *more)
{
    printf("%lld %s%s%s\n",
           (long long)((clock_now_ns() - start_ns) / NS_PER_MS), what,
           *more != '\0' ? " " : "", more);
    (void)fflush(stdout);
}

static void on_up(void *arg)
{
    (void)arg;
    is_quiet = false;
    say("up", "");
}

static void on_down(void *arg, const char *why)
{
    (void)arg;
    say("down", why);
}

static void on_answer(void *arg, const struct shared_answer *a)
{
    char text[64];

    (void)arg;
    (void)snprintf(text, sizeof(text), "%u %lld", a->hosts,
                   (long long)(store_rtt_ns(store) / 1000));
    if (!is_quiet)
        say("ok", text);
    is_quiet = true;
}

static void on_stale(void *arg)
{
    (void)arg;
    say("stale", "");
}

static void on_pushed(void *arg)
{
    (void)arg;
    say("pushed", "");
}

static void on_poll(void *arg)
{
    (void)arg;
    (void)store_call(store, &ask);
    loop_at(loop, &poll_timer, loop_now(loop) + POLL_NS);
}

static void on_input(void *arg, uint32_t events)
{
    char text[256];

    (void)arg;
    (void)events;
    if (read(0, text, sizeof(text)) <= 0)
        loop_stop(loop);
}

static void nothing(void *arg)
{
    (void)arg;
}

static char *read_password(const char *path, char *out, size_t max)
{
    FILE *f = path != NULL && *path != '\0' ? fopen(path, "re") : NULL;

    if (f == NULL)
        return NULL;
    if (fgets(out, (int)max, f) == NULL)
        out[0] = '\0';
    (void)fclose(f);
    out[strcspn(out, "\n")] = '\0';
    return out;
}

int main(int argc, char **argv)
{
    static const struct store_calls calls = {on_up, on_down, on_answer,
                                             on_stale, on_pushed};
    struct store_config c = {.account = "default", .name = "caller"};
    char err[512], password[512];
    struct complaint why = {err, sizeof(err)};
    struct log *log = NULL;

    if (argc < 2 || log_open(&log, NULL, LOG_INFO_) == -1)
        return 2;
    c.url = argv[1];
    c.account = argc > 2 && *argv[2] != '\0' ? argv[2] : c.account;
    c.password = argc > 3 ? read_password(argv[3], password, 512) : NULL;
    c.tls_ca = argc > 4 ? argv[4] : NULL;
    c.host = ask.host = 0x1234;
    ask.epoch = 1;
    c.log = log;
    start_ns = clock_now_ns();
    loop = loop_new();
    CHECK(loop != NULL);
    store = store_open(loop, &c, &calls, NULL, &why);
    if (store == NULL) {
        fprintf(stderr, "%s\n", err);
        return 1;
    }
    input = (struct loop_watch){-1, 0, on_input, NULL};
    loop_watch(loop, &input, 0, EPOLLIN);
    poll_timer.fn = on_poll;
    on_poll(NULL);
    loop_run(loop, nothing, NULL);
    loop_unwatch(loop, &input);
    loop_cancel(loop, &poll_timer);
    store_close(store);
    loop_free(loop);
    log_close(log);
    return 0;
}
