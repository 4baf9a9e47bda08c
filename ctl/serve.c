/*
 * serve.c - lighttpd and its workers in the foreground, without a shell.
 *
 * What conf/run is for a clone, this is for an image that has no shell to run
 * it: the first process of the container.  It knows no practice upstream and no
 * TLS of its own.
 *
 *   sluicectl serve --> lighttpd (a session of its own) --> sluice.fcgi, ...
 *
 * How it stops, on SIGTERM, SIGINT or SIGHUP, is conf/run's way too:
 *
 *   1. SIGINT to lighttpd      no new connection, open requests go on
 *   2. SIGTERM to the workers  waiters are refused, streams may finish
 *   3. wait                    until lighttpd has gone; not longer than drain_s,
 *                              nor 3 s after the last worker that was there
 *   4. SIGTERM, 3 s later SIGKILL to what is left; a second signal comes here
 *
 * Not simply SIGTERM to lighttpd: that cuts every stream.  Not SIGINT alone:
 * who waits would wait on, and lighttpd 1.4.69 never ends if a client keeps a
 * half-sent request open.  As process 1 it reaps whatever ends.
 *
 * What always holds: one of these to a state directory (run.lock, which lighttpd inherits,
 * so that an orphan of a killed run is not overrun); nothing that it started outlives
 * it; its last word is an exit status, 0 only when it was told to stop.
 */
#include "ctl/serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/crew.h"
#include "ctl/ctl.h"
#include "ctl/is_up.h"
#include "fcgi/config/config.h"
#include "fcgi/config/tls_files.h"
#include "lib/clock.h"

#define START_MS     10000 /* for the first answer */
#define LOOK_MS      100
#define KILL_MS      3000
#define FILES_MAX    32768 /* descriptors: two a request, three with upstream */
#define DEFAULT_ROOT "/usr/share/sluice"
#define DEFAULT_FCGI "/usr/lib/sluice/sluice.fcgi"
#define SOCKET_ROOM  90 /* of a path: a socket's address has 107 bytes */

struct serve {
    struct listen at;
    const char *dir, *data, *root;
    bool both; /* ::1 listens beside 127.0.0.1 */
    int64_t drain_ms;
    int signals;
    int lock; /* of the state directory; lighttpd inherits it */
    pid_t web;
    bool is_gone; /* lighttpd, with this status */
    int status;
};

/* What is refused, and why, in one line with conf/run's prefix; -1. */
static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "sluice: ");
    print_text(stderr, what);
    fprintf(stderr, ": %s\n", why);
    return -1;
}

/* ---- before the start --------------------------------------------------------- */

/* Files of DIR whose names begin with PREFIX. */
static void sweep(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
}

/* What a run before this one has left, or this one leaves.  The state itself is
 * kept: the window that it counts is still full. */
static void sweep_all(const struct serve *s)
{
    char path[RUN_PATH_MAX];

    sweep(s->dir, "fcgi.sock-");
    sweep(s->dir, "listen");
    snprintf(path, sizeof(path), "%s/upload", s->dir);
    sweep(path, "lighttpd-upload-");
}

/* One of ours, for us alone: who can reach the sockets in it can spend the
 * account's quota. */
static int claim(struct serve *s)
{
    struct stat st;
    char path[RUN_PATH_MAX], pid[24];

    if (strlen(s->dir) > SOCKET_ROOM)
        return refuse(s->dir, "SLUICE_STATE_DIR may have 90 characters");
    if (mkdir(s->dir, 0700) == -1 && errno != EEXIST)
        return refuse(s->dir, strerror(errno));
    if (stat(s->dir, &st) == -1 || !S_ISDIR(st.st_mode) ||
        st.st_uid != geteuid())
        return refuse(s->dir, "SLUICE_STATE_DIR must be a directory of the "
                              "user that this runs as (an engine makes one "
                              "with --tmpfs DIR:uid=10001,mode=0700)");
    snprintf(path, sizeof(path), "%s/upload", s->dir);
    if (mkdir(path, 0700) == -1 && errno != EEXIST)
        return refuse(path, strerror(errno));
    snprintf(path, sizeof(path), "%s/run.lock", s->dir);
    /* Not closed at an exec: as long as a process of ours lives, it is held. */
    s->lock = open(path, O_RDWR | O_CREAT, 0600); /* NOLINT(*-cloexec-*) */
    if (s->lock == -1)
        return refuse(path, strerror(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) == -1)
        return refuse(s->dir, "another one runs with this state directory");
    snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(s->lock, 0) == -1 || write(s->lock, pid, strlen(pid)) == -1)
        return refuse(path, strerror(errno));
    sweep_all(s);
    return 0;
}

/* "localhost" is ::1 for some clients: then that listens, too, where it is there
 * and nobody has it. */
static bool can_have_both(const struct listen *at)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                             .sin6_port = htons((uint16_t)at->port),
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd, rc, on = 1;

    if (strcmp(at->bind, "127.0.0.1") != 0 &&
        strcmp(at->bind, "localhost") != 0)
        return false;
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    rc = bind(fd, (const struct sockaddr *)&a, sizeof(a));
    close(fd);
    return rc == 0;
}

/* Higher is of no use, and lighttpd complains of more than it may have. */
static int raise_files(void)
{
    struct rlimit r = {FILES_MAX, FILES_MAX};

    (void)getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max < FILES_MAX ? r.rlim_max : FILES_MAX;
    return setrlimit(RLIMIT_NOFILE, &r) == 0 ? (int)r.rlim_cur : 1024;
}

/* What lighttpd.conf asks of its environment. */
static void tell_lighttpd(struct serve *s)
{
    char text[24];

    if (strcmp(s->at.bind, "localhost") == 0)
        snprintf(s->at.bind, sizeof(s->at.bind), "127.0.0.1");
    setenv("SLUICE_RUN_ADDR", s->at.bind, 1);
    snprintf(text, sizeof(text), "%d", s->at.port);
    setenv("SLUICE_RUN_PORT", text, 1);
    snprintf(text, sizeof(text), "%d", raise_files());
    setenv("SLUICE_RUN_MAX_FDS", text, 1);
    setenv("SLUICE_RUN_DIR", s->dir, 1);
    snprintf(text, sizeof(text), "%" PRId64, s->drain_ms / 1000 + 2);
    setenv("SLUICE_RUN_GRACE", text, 1);
    setenv("SLUICE_ROOT", s->root, 1);
    setenv("SLUICE_STATE_DIR", s->dir, 1);
    setenv("SLUICE_DATA_DIR", s->data, 1);
    setenv("SLUICE_FCGI", DEFAULT_FCGI, 0);
    setenv("SLUICE_WORKERS", "2", 0);
}

/* All that can be wrong is said here, before anything is started: later it would
 * stand in a log, once for each worker. */
static int prepare(struct serve *s, struct ctl *c)
{
    char err[512];

    if (!is_up_place(&s->at, getenv("SLUICE_LISTEN")))
        return refuse(getenv("SLUICE_LISTEN"),
                      "SLUICE_LISTEN must be ADDRESS:PORT, as in 0.0.0.0:8080 "
                      "or [::1]:8080");
    if (serve_environment(c) == -1)
        return -1;
    if (tls_files_check(c->cfg, err, sizeof(err)) == -1)
        return refuse("settings", err);
    s->dir = c->cfg->state_dir;
    s->data = c->cfg->data_dir;
    s->root = getenv("SLUICE_ROOT");
    if (s->root == NULL || s->root[0] == '\0')
        s->root = DEFAULT_ROOT;
    s->drain_ms = (c->cfg->drain_ms + 999) / 1000 * 1000;
    if (claim(s) == -1)
        return -1;
    s->both = can_have_both(&s->at);
    tell_lighttpd(s);
    return 0;
}

/* ---- lighttpd ------------------------------------------------------------------- */

static _Noreturn void become_lighttpd(const struct serve *s, pid_t parent)
{
    char conf[RUN_PATH_MAX];
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    snprintf(conf, sizeof(conf), "%s/%s", s->root,
             s->both ? "conf/lighttpd-loopback.conf" : "lighttpd.conf");
    if (null != -1)
        (void)dup2(null, STDIN_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    /* If we are killed outright the kernel ends it, and it its workers. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent) {
        execlp("lighttpd", "lighttpd", "-D", "-f", conf, (char *)NULL);
        execl("/usr/sbin/lighttpd", "lighttpd", "-D", "-f", conf, (char *)NULL);
        refuse("lighttpd", strerror(errno));
    }
    _exit(127);
}

/* As process 1 we inherit whatever a worker left; of those only the number is
 * given back. */
static void reap(struct serve *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == s->web) {
            s->is_gone = true;
            s->status = status;
        }
}

/* Waits for MS; true: we are to stop. */
static bool is_told(struct serve *s, int ms)
{
    struct pollfd p = {s->signals, POLLIN, 0};
    struct signalfd_siginfo info;

    if (poll(&p, 1, ms) <= 0)
        return false;
    if (read(s->signals, &info, sizeof(info)) != sizeof(info))
        return false;
    if (info.ssi_signo != SIGCHLD)
        return true;
    reap(s);
    return false;
}

/* Signals are blocked before the fork: none can come in between, and lighttpd
 * gets them unblocked again. */
static int start(struct serve *s)
{
    pid_t self = getpid();
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->signals == -1)
        return refuse("signalfd", strerror(errno));
    s->web = fork();
    if (s->web == 0)
        become_lighttpd(s, self);
    return s->web == -1 ? refuse("fork", strerror(errno)) : 0;
}

/* ---- its end ---------------------------------------------------------------------- */

/* Until lighttpd has gone, or somebody is in a hurry, or the time is over. */
static void drain(struct serve *s)
{
    int64_t now = clock_now_ns(), begin = now;
    int64_t end = now + (s->drain_ms + KILL_MS) * NS_PER_MS;
    struct crew first, left;

    crew_list(&first, s->web);
    kill(s->web, SIGINT);
    /* Let it close its door first; what comes at once after the first signal is
     * a copy of it. */
    (void)is_told(s, LOOK_MS);
    crew_kill(&first, SIGTERM);
    while (!s->is_gone && (now = clock_now_ns()) < end) {
        if (is_told(s, LOOK_MS) && now - begin > NS_PER_S / 2)
            return;
        crew_list(&left, s->web);
        /* lighttpd may replace a worker that drained early: the newcomer has
         * nothing to finish */
        if (!crew_shares(&first, &left))
            end = min_i64(end, clock_now_ns() + KILL_MS * NS_PER_MS);
    }
}

/* Bounded: after KILL_MS everything is killed, again and again until /proc has
 * none of it. */
static void stop(struct serve *s, bool was_told)
{
    int64_t end;
    struct crew left;

    if (was_told && !s->is_gone)
        drain(s);
    if (!s->is_gone)
        kill(s->web, SIGTERM);
    crew_list(&left, s->web);
    crew_kill(&left, SIGTERM);
    end = clock_now_ns() + KILL_MS * NS_PER_MS;
    for (;; crew_list(&left, s->web)) {
        reap(s);
        if (s->is_gone && left.n == 0)
            break;
        if (clock_now_ns() > end) {
            crew_kill(&left, SIGKILL);
            if (!s->is_gone)
                kill(s->web, SIGKILL);
        }
        (void)is_told(s, LOOK_MS / 2);
    }
    sweep_all(s);
}

/* ---- in between --------------------------------------------------------------------- */

/* For sluicectl, as conf/run writes it. */
static void put_listen(const struct serve *s, char url[WHERE_URL_MAX])
{
    char path[RUN_PATH_MAX];
    bool is_v6 = strchr(s->at.host, ':') != NULL;
    FILE *f;

    snprintf(url, WHERE_URL_MAX, "http://%s%s%s:%d", is_v6 ? "[" : "",
             s->at.host, is_v6 ? "]" : "", s->at.port);
    snprintf(path, sizeof(path), "%s/listen", s->dir);
    f = fopen(path, "we");
    if (f == NULL)
        return;
    fprintf(f, "%s\n", url);
    fclose(f);
}

/* The settings say the rest; no key or token is among it. */
static void say_where(const struct serve *s, const struct config *cfg)
{
    const struct config_upstream *up = &cfg->upstreams[0];
    char url[WHERE_URL_MAX];

    put_listen(s, url);
    printf("Sluice listens on %s (base URL: %s/v1)\n", url, url);
    printf("  upstream  REAL: %s at %s\n", up->name, up->base_url);
    printf("  API key   %s\n", up->api_key != NULL
                                   ? "ours, from the settings"
                                   : "each client's own: what it sends as "
                                     "Authorization passes");
    printf("  admin     the token is %s\n",
           cfg->admin_token != NULL ? "the one in the settings"
                                    : "in admin.token of the data directory");
    printf("  state     %s, data %s\n", s->dir, s->data);
    fflush(stdout);
}

/* 1: it answers.  0: we are to stop.  -1: it did not start, which was said. */
static int await(struct serve *s)
{
    int64_t end = clock_now_ns() + START_MS * NS_PER_MS;

    while (!s->is_gone && clock_now_ns() < end) {
        if (is_up_ask(&s->at, "/health", 2000) && !s->is_gone)
            return 1;
        if (is_told(s, LOOK_MS))
            return 0;
    }
    fprintf(stderr,
            s->is_gone ? "sluice: lighttpd did not start on %s:%d; what is "
                         "wrong stands above\n"
                       : "sluice: no worker answers on %s:%d; what is wrong "
                         "stands above\n",
            s->at.bind, s->at.port);
    return -1;
}

/* In the order in which it happens.  Whatever comes of it the state directory is
 * swept, and nothing that was started is left. */
int serve_run(struct ctl *c)
{
    struct serve s = {.signals = -1, .lock = -1};
    bool was_told;
    int up;

    if (prepare(&s, c) == -1 || start(&s) == -1)
        return EXIT_FAILURE;
    up = await(&s);
    was_told = up == 0;
    if (up == 1) {
        say_where(&s, c->cfg);
        while (!s.is_gone && !was_told)
            was_told = is_told(&s, 60000);
        if (!was_told)
            fprintf(stderr, "sluice: lighttpd ended by itself (status %d)\n",
                    WIFEXITED(s.status) ? WEXITSTATUS(s.status)
                                        : 128 + WTERMSIG(s.status));
    }
    stop(&s, was_told);
    return was_told ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The engine's clock gives it five seconds; we take four. */
int serve_health(const char *path)
{
    struct listen at;

    if (strcmp(path, "/health") != 0 && strcmp(path, "/health/ready") != 0)
        return EXIT_USAGE;
    return is_up_place(&at, getenv("SLUICE_LISTEN")) &&
                   is_up_ask(&at, path, 4000)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
