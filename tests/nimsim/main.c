/*
 * nimsim - the practice upstream: behaves towards Sluice as NVIDIA's front
 * end does, breaks on request, and logs every arrival.
 *
 *   main.c        options, socket, daemon, signals
 *   exchange.c    the life of a request; calls all that follows
 *   attempt.c       arrival: key, limiter (window.c), log (arrivals.c)
 *   answer.c      words and buffered bodies   sse.c     the same as events
 *   tokens.c      what a request takes
 *   vectors.c     embeddings, rankings        route.c   paths, model list
 *   model.c       what a model's name asks    faults.c  error answers
 *   refuse.c      answers of no model         operator.c  faults a test orders
 *   said.c        thoughts, calls, a mirror   agent.c   an agent's choice
 *   tool_call.c   tools to call
 *   upload.c      files that came
 *   jobs.c        202, polls, 302             workers.c limits of a model
 *   reply.c       bytes out through HTTP      wire.c    bytes past HTTP
 *   waits.c       suspended connections       control.c /sim/...
 *   settings.c    /sim/config
 *
 * Threads: libmicrohttpd's one, the timer's one, and main, which sleeps.
 *
 * What it does not do: TLS, HTTP/2, several choices, logprobs, rates
 * per model or per account, token limits.  See README.md.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"
#include "jobs.h"
#include "settings.h"
#include "sim.h"

#define EXIT_USAGE 2

#define CONNECTIONS_MAX 16000
/* Room for 1,500 clients that knock in the same few milliseconds. */
#define BACKLOG 4096
/* Longer than any test, so that only the client ends a connection. */
#define KEEPALIVE_S 3600U
/* Per connection: all request headers, and one block on its way out. */
#define CONNECTION_BYTES ((size_t)64 * 1024)

struct options {
    const char *listen;
    const char *port_file;
    const char *key;
    int64_t requests;
    double window_s;
    enum window_kind limiter;
    int64_t tokens;
    int64_t delay_min_ms;
    int64_t delay_max_ms;
    int64_t arrivals_max;
    int64_t backlog;
    bool has_parent;
};

static const char usage[] =
    "usage: nimsim [options]\n"
    "  --listen ADDRESS:PORT       default 127.0.0.1:0; port 0 = a free one\n"
    "  --port-file PATH            write the port there once listening\n"
    "  --requests N                accepted in a window, default 40\n"
    "  --window S                  length of the window, default 60\n"
    "  --tokens N                  in a window, default 0: nobody counts\n"
    "  --limiter fixed|sliding|none\n"
    "  --delay-ms MIN-MAX          transit before a request arrives, default "
    "0\n"
    "  --key KEY                   ask for Authorization: Bearer KEY\n"
    "  --arrivals-max N            keep the newest N in the log, default "
    "200000\n"
    "  --backlog N                 connections that wait to be accepted, "
    "default 4096\n"
    "  --parent                    exit when the parent process does\n"
    "  --help\n";

/* --- options --- */

static void die(const char *option, const char *why)
{
    fprintf(stderr, "nimsim: %s: %s\n", option, why);
    exit(EXIT_USAGE);
}

static int64_t number(const char *option, const char *s, char **end)
{
    int64_t n;

    errno = 0;
    n = strtoll(s, end, 10);
    if (errno != 0 || *end == s || n < 0)
        die(option, "needs a whole number");
    return n;
}

static int64_t whole_number(const char *option, const char *s)
{
    char *end;
    int64_t n = number(option, s, &end);

    if (*end != '\0')
        die(option, "needs a whole number");
    return n;
}

static void set_delay(struct options *o, const char *s)
{
    const char *problem;
    char *end;

    o->delay_min_ms = number("--delay-ms", s, &end);
    o->delay_max_ms = o->delay_min_ms;
    if (*end == '-')
        o->delay_max_ms = number("--delay-ms", end + 1, &end);
    if (*end != '\0')
        die("--delay-ms", "needs MIN-MAX in milliseconds");
    problem = settings_check_delay(o->delay_min_ms, o->delay_max_ms);
    if (problem != NULL)
        die("--delay-ms", problem);
}

static void set_window(struct options *o, const char *s)
{
    const char *problem;
    char *end;

    o->window_s = strtod(s, &end);
    if (end == s || *end != '\0')
        die("--window", "needs a number of seconds");
    problem = settings_check_window(o->window_s);
    if (problem != NULL)
        die("--window", problem);
}

static void set_requests(struct options *o, const char *s)
{
    const char *problem;

    o->requests = whole_number("--requests", s);
    problem = settings_check_requests(o->requests);
    if (problem != NULL)
        die("--requests", problem);
}

static void set_tokens(struct options *o, const char *s)
{
    const char *problem;

    o->tokens = whole_number("--tokens", s);
    problem = settings_check_tokens(o->tokens);
    if (problem != NULL)
        die("--tokens", problem);
}

static void set_arrivals_max(struct options *o, const char *s)
{
    o->arrivals_max = whole_number("--arrivals-max", s);
    if (o->arrivals_max < 1 || o->arrivals_max > 10000000)
        die("--arrivals-max", "must be 1 to 10000000");
}

static void set_backlog(struct options *o, const char *s)
{
    o->backlog = whole_number("--backlog", s);
    if (o->backlog < 1 || o->backlog > BACKLOG)
        die("--backlog", "must be 1 to 4096");
}

static void set_limiter(struct options *o, const char *s)
{
    if (!window_kind_parse(&o->limiter, s))
        die("--limiter", "must be fixed, sliding or none");
}

static void set_key(struct options *o, const char *s)
{
    if (*s == '\0')
        die("--key", "must not be empty");
    o->key = s;
}

static void option_set(struct options *o, int option, const char *value)
{
    switch (option) {
    case 'l':
        o->listen = value;
        return;
    case 'p':
        o->port_file = value;
        return;
    case 'r':
        set_requests(o, value);
        return;
    case 't':
        set_tokens(o, value);
        return;
    case 'w':
        set_window(o, value);
        return;
    case 'm':
        set_limiter(o, value);
        return;
    case 'd':
        set_delay(o, value);
        return;
    case 'k':
        set_key(o, value);
        return;
    case 'a':
        set_arrivals_max(o, value);
        return;
    case 'b':
        set_backlog(o, value);
        return;
    case 'P':
        o->has_parent = true;
        return;
    case 'h':
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default: /* getopt has said what is wrong */
        exit(EXIT_USAGE);
    }
}

static void options_parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},
        {"port-file", required_argument, NULL, 'p'},
        {"requests", required_argument, NULL, 'r'},
        {"tokens", required_argument, NULL, 't'},
        {"window", required_argument, NULL, 'w'},
        {"limiter", required_argument, NULL, 'm'},
        {"delay-ms", required_argument, NULL, 'd'},
        {"key", required_argument, NULL, 'k'},
        {"arrivals-max", required_argument, NULL, 'a'},
        {"backlog", required_argument, NULL, 'b'},
        {"parent", no_argument, NULL, 'P'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *o = (struct options){.listen = "127.0.0.1:0",
                          .requests = 40,
                          .window_s = 60,
                          .limiter = WINDOW_FIXED,
                          .arrivals_max = 200000,
                          .backlog = BACKLOG};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        option_set(o, option, optarg);
    if (optind < argc)
        die(argv[optind], "is no option");
}

/* --- the socket --- */

/* Splits "127.0.0.1:0" or "[::1]:0" and looks it up; dies on nonsense. */
static struct addrinfo *address_find(const char *listen)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
                                               AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *host = strdup(listen);
    char *name = host;
    char *colon;

    if (host == NULL)
        abort();
    colon = strrchr(host, ':');
    if (colon == NULL)
        die("--listen", "needs ADDRESS:PORT");
    *colon = '\0';
    if (*name == '[' && colon[-1] == ']') {
        name++;
        colon[-1] = '\0';
    }
    /* getaddrinfo() takes any number and keeps its low 16 bits. */
    if (whole_number("--listen", colon + 1) > 65535)
        die("--listen", "needs a port from 0 to 65535");
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0)
        die("--listen", "needs a numeric ADDRESS:PORT");
    free(host);
    return found;
}

static int socket_open(const char *listen_at, int backlog)
{
    struct addrinfo *at = address_find(listen_at);
    int one = 1;
    int fd;

    fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
        bind(fd, at->ai_addr, at->ai_addrlen) == -1 ||
        listen(fd, backlog) == -1) {
        fprintf(stderr, "nimsim: cannot listen on %s: %s\n", listen_at,
                strerror(errno));
        exit(EXIT_FAILURE);
    }
    freeaddrinfo(at);
    return fd;
}

static int socket_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } at;
    socklen_t len = sizeof(at);

    memset(&at, 0, sizeof(at));
    if (getsockname(fd, &at.any, &len) == -1)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.in6.sin6_port
                                              : at.in.sin_port);
}

/* By rename: who sees the file sees the whole number. */
static bool port_write(const char *path, int port)
{
    char *temporary = NULL;
    FILE *f = NULL;
    bool is_written = false;

    if (asprintf(&temporary, "%s.%ld", path, (long)getpid()) == -1)
        abort();
    f = fopen(temporary, "we");
    if (f != NULL) {
        is_written = fprintf(f, "%d\n", port) > 0;
        is_written = fclose(f) == 0 && is_written;
        is_written = is_written && rename(temporary, path) == 0;
    }
    if (!is_written)
        fprintf(stderr, "nimsim: %s: %s\n", path, strerror(errno));
    free(temporary);
    return is_written;
}

/* --- start and stop --- */

/* The largest descriptor plus one, after asking for as many as we may. */
static size_t descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur > 65536)
        return 65536;
    return (size_t)limit.rlim_cur;
}

static void parent_follow(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        exit(EXIT_SUCCESS);
}

/* Sleeps until SIGTERM or SIGINT; looks after the parent now and then. */
static void signals_wait(const sigset_t *set, bool has_parent, pid_t parent)
{
    const struct timespec second = {1, 0};

    if (!has_parent) {
        while (sigwaitinfo(set, NULL) == -1)
            continue;
        return;
    }
    while (sigtimedwait(set, NULL, &second) == -1 && getppid() == parent)
        continue;
}

static struct MHD_Daemon *daemon_start(struct sim *sim, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        exchange_step, sim, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, sim,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, sim,
        MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, sim,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, KEEPALIVE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_END);
}

static bool sim_init(struct sim *sim, const struct options *o)
{
    *sim = (struct sim){.key = o->key};
    pthread_mutex_init(&sim->lock, NULL);
    window_init(&sim->window);
    sim->window.kind = o->limiter;
    sim->window.requests = o->requests;
    sim->window.length_ns = (int64_t)(o->window_s * 1e9 + 0.5);
    sim->tokens = o->tokens;
    sim->delay = (struct delay){o->delay_min_ms, o->delay_max_ms};
    sim->arrivals = arrivals_new((size_t)o->arrivals_max);
    if (sim->arrivals == NULL) {
        fprintf(stderr, "nimsim: no memory for --arrivals-max\n");
        return false;
    }
    sim->jobs = jobs_new();
    if (sim->jobs == NULL)
        return false;
    sim->waits = waits_new(descriptors_raise());
    return sim->waits != NULL;
}

static void sim_fini(struct sim *sim)
{
    waits_free(sim->waits);
    jobs_free(sim->jobs);
    arrivals_free(sim->arrivals);
    window_fini(&sim->window);
    keys_fini(&sim->keys);
    pthread_mutex_destroy(&sim->lock);
}

/* Before any thread starts, so that all of them inherit the mask. */
static void signals_block(sigset_t *set)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

int main(int argc, char **argv)
{
    pid_t parent = getppid();
    struct options options;
    struct MHD_Daemon *daemon;
    struct sim sim;
    sigset_t set;
    int status = EXIT_FAILURE;
    int fd;

    options_parse(&options, argc, argv);
    signals_block(&set);
    if (options.has_parent)
        parent_follow(parent);
    fd = socket_open(options.listen, (int)options.backlog);
    if (!sim_init(&sim, &options))
        return EXIT_FAILURE;
    daemon = daemon_start(&sim, fd);
    if (daemon == NULL) {
        fprintf(stderr, "nimsim: libmicrohttpd does not start\n");
        return EXIT_FAILURE;
    }
    if (options.port_file == NULL ||
        port_write(options.port_file, socket_port(fd))) {
        signals_wait(&set, options.has_parent, parent);
        status = EXIT_SUCCESS;
    }
    waits_stop(sim.waits);
    MHD_stop_daemon(daemon);
    sim_fini(&sim);
    return status;
}
