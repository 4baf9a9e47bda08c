/*
 * main.c - how does a worker start, and how does it stop?
 *
 *   settings -> state file -> listening socket (descriptor 0, made by the web
 *   server or systemd) -> the loop, until SIGTERM -> drain
 *
 * SIGTERM, SIGINT  drain: no new requests, waiters are refused, the rest may
 *                  finish within drain_s; a second one ends at once
 * SIGHUP           the log is opened anew and the settings file read, by all
 *                  workers (adopt.c)
 *
 * A service manager hears of each (notify.c).
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/accept.h"
#include "fcgi/access_log.h"
#include "fcgi/adopt.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "fcgi/config/rules.h"
#include "fcgi/config/tls_files.h"
#include "fcgi/config/token.h"
#include "fcgi/exchange.h"
#include "fcgi/gather.h"
#include "fcgi/key_log.h"
#include "fcgi/leading.h"
#include "fcgi/notify.h"
#include "fcgi/own_process.h"
#include "fcgi/pages/events.h"
#include "fcgi/pages/key_ask.h"
#include "fcgi/pages/models.h"
#include "fcgi/pages/ready.h"
#include "fcgi/pages/routes.h"
#include "fcgi/sluice.h"
#include "fcgi/upstream/upstream.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "state/history.h"
#include "state/operator.h"

extern char **environ;

#define EXIT_CONFIG 78   /* EX_CONFIG of sysexits.h */
#define STOP_MS     5000 /* from the drain's end to the process's, at most */

#define REST_NS (3 * NS_PER_S) /* with nobody waiting or running */

#define FRESH_MS 1000  /* a snapshot a second, for all who look */
#define KEEP_MS  50000 /* history on the disk: a minute at most is lost */

/* ---- the end of every step ------------------------------------------------ */

/* With one client each request would take a turn at its end, and the next one
 * takes one at its beginning: it does both. */
#define CALM_NS NS_PER_MS

/* Nothing was wished, or it may wait for the next turn, which is soon. */
static bool needs_no_turn(struct sluice *s)
{
    int64_t at = loop_now(s->loop) + CALM_NS;

    if (s->turn_due || !limiter_has_wishes(s->lim))
        return !s->turn_due;
    if (!limiter_may_wait(s->lim))
        return false;
    if (s->limiter_timer.place == 0 || s->limiter_timer.at_ns > at)
        loop_at(s->loop, &s->limiter_timer, at);
    return true;
}

/* Does what was wished of the limiter.  False: nothing was, or it cannot be
 * had now, and the timer says when to come again. */
static bool take_turn(struct sluice *s)
{
    int64_t now = clock_now_ns(), due;

    if (needs_no_turn(s))
        return false;
    s->turn_due = false;
    due = limiter_turn(s->lim, now);
    adopt_look(s->adopt);
    if (limiter_is_paused(s->lim) != s->paused) {
        s->paused = !s->paused;
        if (s->paused)
            exchange_recall_all(s);
    }
    loop_at(s->loop, &s->limiter_timer, due);
    return due <= now || !limiter_has_wishes(s->lim);
}

/* Once a second.  What a burst has left in the heap goes back to the system, and
 * so do the pages of the state, which is not ours alone. */
static void rest(struct sluice *s)
{
    if (limiter_has_tickets(s->lim))
        s->busy_ns = s->expired_ns;
    if (s->expired_ns - s->busy_ns < REST_NS) {
        s->rested = false;
    } else if (!s->rested) {
        s->rested = true;
        upstream_rest(s->up);
        malloc_trim(0);
        limiter_rest(s->lim);
    }
}

/*
 * Answers leave first, because an exchange that is over gives its ticket back;
 * what the limiter then grants goes to the upstream in the same step, and what
 * it refuses to the client.
 */
static void after_step(void *arg)
{
    struct sluice *s = arg;

    do {
        upstream_begin(s->up);
        exchange_flush_all(s);
        leading_step(s->leading);
    } while (take_turn(s) || upstream_has_new(s->up));
    exchange_watch_all(s);
    access_log_step(s);
    gather_look(s);
    if (loop_now(s->loop) - s->expired_ns >= NS_PER_S) {
        s->expired_ns = loop_now(s->loop); /* each second has a turn */
        accept_expire(s->accept, s->expired_ns);
        adopt_tick(s->adopt);
        rest(s);
    }
    if (s->draining && s->n_exchanges == 0 && accept_is_idle(s->accept))
        loop_stop(s->loop);
}

static void on_turn_due(void *arg)
{
    ((struct sluice *)arg)->turn_due = true;
}

static void on_limiter_poked(void *arg, uint32_t events)
{
    (void)events;
    on_turn_due(arg);
}

static void on_request(void *arg, struct request *r)
{
    exchange_start(arg, r);
}

/* ---- signals ---------------------------------------------------------------- */

static void on_drain_over(void *arg)
{
    struct sluice *s = arg;

    log_say(s->log, LOG_WARN_, "drain",
            "%u requests were not finished within drain_s and are cut off",
            s->n_exchanges);
    loop_stop(s->loop);
}

/* Where the socket is ours alone, the web server must learn that it has to go
 * elsewhere: a connection in our backlog would wait for our end, and fail. */
static void leave_socket(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nothing == -1)
        return;
    (void)dup2(nothing, 0);
    close(nothing);
}

static void drain(struct sluice *s)
{
    if (s->draining) {
        loop_stop(s->loop);
        return;
    }
    s->draining = true;
    log_say(s->log, LOG_INFO_, "drain", "%u requests are open", s->n_exchanges);
    accept_stop(s->accept);
    leave_socket();
    notify_stopping(s->notify, s->cfg->drain_ms + STOP_MS);
    loop_at(s->loop, &s->drain_timer,
            loop_now(s->loop) + s->cfg->drain_ms * NS_PER_MS);
    events_end_all(s->events);
    exchange_drain_all(s);
}

/* The log at once, whatever becomes of the settings. */
static void hang_up(struct sluice *s)
{
    notify_reloading(s->notify);
    if (log_reopen(s->log) == -1)
        log_say(s->log, LOG_ERROR_, "log", "cannot be opened anew: %s",
                strerror(errno));
    adopt_reload(s->adopt, NULL); /* tells the manager when it is over */
}

static void on_signal(void *arg, uint32_t events)
{
    struct sluice *s = arg;
    struct signalfd_siginfo si;

    (void)events;
    while (read(s->signal_watch.fd, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
            drain(s);
        else if (si.ssi_signo == SIGHUP)
            hang_up(s);
    }
}

/* Blocked in every thread and read here, so that no call of libfcgi or
 * libcurl is ever interrupted. */
static int signals_open(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTSTP,
           SIG_IGN); /* whoever is stopped under the lock of the state */
    signal(SIGTTIN,
           SIG_IGN); /* holds all workers up: no terminal may do that */
    signal(SIGTTOU, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1); /* libfcgi's; read and left at that */
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- the start ------------------------------------------------------------------ */

static void on_limiter_event(void *arg, const char *event, const char *message)
{
    struct sluice *s = arg;

    if (strcmp(event, "key") == 0)
        key_log(s, message);
    else
        log_say(s->log, LOG_WARN_, event, "%s", message);
}

/* What only tests change: they cannot wait for a minute. */
static int64_t test_ms(const char *name, int64_t otherwise)
{
    const char *value = getenv(name);
    char *end;
    long long ms = value != NULL ? strtoll(value, &end, 10) : -1;

    return ms >= 0 && ms <= 600000 && *end == '\0' ? ms : otherwise;
}

/* Said once: where the log is the standard error, by that. */
static int fail(struct sluice *s, const char *what, const char *why)
{
    if (s->cfg->log_path != NULL)
        fprintf(stderr, "sluice: %s: %s\n", what, why);
    log_say(s->log, LOG_ERROR_, "start", "%s: %s", what, why);
    return EXIT_FAILURE;
}

static int open_parts(struct sluice *s)
{
    struct limiter_settings set = rules_of(s->cfg);
    char err[512];

    if (limiter_open(&s->lim, s->cfg->state_dir, s->cfg->data_dir, &set,
                     clock_now_ns(), on_limiter_event, s, err,
                     sizeof(err)) == -1)
        return fail(s, "shared state", err);
    limiter_keep(s->lim, s->cfg->data_dir,
                 test_ms("SLUICE_TEST_KEEP_MS", KEEP_MS) * NS_PER_MS);
    s->fresh_ns = test_ms("SLUICE_TEST_FRESH_MS", FRESH_MS) * NS_PER_MS;
    s->loop = loop_new();
    if (s->loop == NULL)
        return fail(s, "epoll", strerror(errno));
    if (token_take(s->cfg, err, sizeof(err)) == -1)
        log_say(s->log, LOG_WARN_, "admin", "there is no admin token: %s", err);
    if (adopt_start(s, environ, err, sizeof(err)) == -1)
        return fail(s, "settings", err);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (s->up = upstream_new(s->loop)) == NULL)
        return fail(s, "libcurl", "cannot be initialised");
    s->models = models_new(s);
    models_watch(s->models);
    s->ready = ready_new(s);
    s->key_ask = key_ask_start(s);
    s->events = events_new(s);
    s->leading = leading_new(s);
    s->accept = accept_start(s->loop, 0, &routes_all, s->cfg->max_body_bytes,
                             &s->n_unconnected, on_request, s);
    if (s->accept == NULL)
        return fail(s, "listening socket", strerror(errno));
    accept_follow(s->accept, s->cfg);
    return EXIT_SUCCESS;
}

static void watch_parts(struct sluice *s, int signal_fd)
{
    s->limiter_watch = (struct loop_watch){-1, 0, on_limiter_poked, s};
    s->signal_watch = (struct loop_watch){-1, 0, on_signal, s};
    s->limiter_timer.fn = on_turn_due;
    s->limiter_timer.arg = s;
    s->drain_timer.fn = on_drain_over;
    s->drain_timer.arg = s;
    loop_watch(s->loop, &s->limiter_watch, limiter_fd(s->lim), EPOLLIN);
    loop_watch(s->loop, &s->signal_watch, signal_fd, EPOLLIN);
    gather_begin(s);
    s->turn_due = true; /* the first turn takes our place among the workers */
    s->busy_ns = loop_now(s->loop);
    loop_at(s->loop, &s->limiter_timer, s->busy_ns);
}

static void close_parts(struct sluice *s)
{
    accept_free(s->accept);
    s->accept = NULL;
    if (s->loop != NULL && s->lim != NULL) {
        exchange_abort_all(s);
        adopt_free(s->adopt);
        s->adopt = NULL;
        (void)limiter_turn(s->lim, clock_now_ns());
    }
    models_free(s->models);
    ready_free(s->ready);
    key_ask_free(s->key_ask);
    events_free(s->events);
    leading_free(s->leading);
    upstream_free(s->up);
    notify_close(s->notify);
    limiter_close(s->lim);
    loop_free(s->loop);
    log_close(s->log);
    config_free(s->cfg);
    curl_global_cleanup();
}

static int run(struct sluice *s, int signal_fd)
{
    int rc = open_parts(s);

    if (rc != EXIT_SUCCESS)
        return rc;
    watch_parts(s, signal_fd);
    log_say(s->log, LOG_INFO_, "start",
            "version %s, upstream %s at %s, %" PRId64 " requests in %" PRId64
            " ms",
            SLUICE_VERSION, s->cfg->upstreams[0].name,
            s->cfg->upstreams[0].base_url, s->cfg->upstreams[0].requests,
            s->cfg->upstreams[0].window_ms);
    s->notify = notify_open(s->loop);
    notify_ready(s->notify);
    loop_run(s->loop, after_step, s);
    log_say(s->log, LOG_INFO_, "stop", "version %s", SLUICE_VERSION);
    return EXIT_SUCCESS;
}

/* *SIGNAL_FD is to be closed at the end, if it is not -1. */
static int start(struct sluice *s, int *signal_fd)
{
    int error;

    if (!own_process_has_descriptors())
        return fail(s, "descriptors",
                    "too few: allow some hundreds (ulimit -n, LimitNOFILE=)");
    error = FCGX_Init();
    if (error != 0) /* an errno, or a number of libfcgi's own below zero */
        return fail(s, "libfcgi",
                    error > 0 ? strerror(error) : "cannot be initialised");
    *signal_fd = signals_open(); /* after FCGX_Init: it installs its own */
    if (*signal_fd == -1)
        return fail(s, "signals", strerror(errno));
    return run(s, *signal_fd);
}

static int usage(void)
{
    fprintf(stderr,
            "sluice.fcgi %s is a FastCGI responder: it wants a listening "
            "socket as descriptor 0.\nStart it from a web server "
            "(lighttpd.conf) or with `make run`.  It is configured by the\n"
            "file SLUICE_CONFIG names (conf/sluice.json) and by the "
            "environment.\n",
            SLUICE_VERSION);
    return EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    struct sluice s;
    char err[512];
    int signal_fd = -1, rc;

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("sluice.fcgi %s\n", SLUICE_VERSION);
        return EXIT_SUCCESS;
    }
    memset(&s, 0, sizeof(s));
    own_process_limit();
    if (config_load(&s.cfg, environ, err, sizeof(err)) == -1 ||
        tls_files_check(s.cfg, err, sizeof(err)) == -1) {
        fprintf(stderr, "sluice: %s\n", err);
        config_free(s.cfg);
        return EXIT_CONFIG;
    }
    if (!own_process_is_given(0)) {
        config_free(s.cfg);
        return usage();
    }
    if (log_open(&s.log, s.cfg->log_path, (enum log_level)s.cfg->log_level) ==
        -1) {
        fprintf(stderr, "sluice: log %s: %s\n", s.cfg->log_path,
                strerror(errno));
        config_free(s.cfg);
        return EXIT_CONFIG;
    }
    rc = start(&s, &signal_fd);
    close_parts(&s);
    (void)close(signal_fd); /* -1: it never was */
    return rc;
}
