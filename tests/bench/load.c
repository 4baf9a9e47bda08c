/*
 * load.c - N clients at once against 127.0.0.1; what do they see?
 *
 *   load --port 8080 --clients 32 --seconds 3 --chat sim/tokens-3
 *
 * One thread and one epoll; clients are in client.c.  Prints one line of JSON:
 * counts, latencies in microseconds, hashes of the answers and, with --gap-ms,
 * how late each event of a stream came after nimsim's own schedule, which is
 * read from its log of arrivals (/sim/arrivals; both use CLOCK_MONOTONIC).
 *
 * It can only reach this machine, and every run is bounded in requests and in
 * time.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define TICK_MS 5 /* how exact hang-ups, pauses and slow reading are */

static const char usage_text[] =
    "usage: load --port PORT [OPTION...]        only 127.0.0.1\n"
    "  --path PATH          /v1/chat/completions\n"
    "  --chat MODEL         POST a chat to that model; --get: GET instead\n"
    "  --body JSON          POST this instead\n"
    "  --pad BYTES          make the body that much longer\n"
    "  --header 'N: V'      also this one; %d is the client's number\n"
    "  --names N            which begins anew after N of them\n"
    "  --clients N          1 at once\n"
    "  --requests M         in all; --seconds T: none begins after that\n"
    "  --grace S            20; then open ones are given up\n"
    "  --close              a connection for each request\n"
    "  --stream             ask for a stream, read the answer as SSE\n"
    "  --gap-ms G --words W --sim-port P   record when each event came\n"
    "  --read-bps R         read only that many bytes a second\n"
    "  --hangup-ms T        close T ms after the request began\n"
    "  --think-ms T         pause between two requests of a client\n"
    "  --spread-ms T        the clients begin spread over T ms\n";

enum option_code {
    OPT_PORT = 1,
    OPT_PATH,
    OPT_CHAT,
    OPT_GET,
    OPT_BODY,
    OPT_PAD,
    OPT_HEADER,
    OPT_NAMES,
    OPT_CLIENTS,
    OPT_REQUESTS,
    OPT_SECONDS,
    OPT_GRACE,
    OPT_CLOSE,
    OPT_STREAM,
    OPT_GAP,
    OPT_WORDS,
    OPT_SIM_PORT,
    OPT_READ_BPS,
    OPT_HANGUP,
    OPT_THINK,
    OPT_SPREAD,
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"path", required_argument, NULL, OPT_PATH},
    {"chat", required_argument, NULL, OPT_CHAT},
    {"get", no_argument, NULL, OPT_GET},
    {"body", required_argument, NULL, OPT_BODY},
    {"pad", required_argument, NULL, OPT_PAD},
    {"header", required_argument, NULL, OPT_HEADER},
    {"names", required_argument, NULL, OPT_NAMES},
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"requests", required_argument, NULL, OPT_REQUESTS},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"close", no_argument, NULL, OPT_CLOSE},
    {"stream", no_argument, NULL, OPT_STREAM},
    {"gap-ms", required_argument, NULL, OPT_GAP},
    {"words", required_argument, NULL, OPT_WORDS},
    {"sim-port", required_argument, NULL, OPT_SIM_PORT},
    {"read-bps", required_argument, NULL, OPT_READ_BPS},
    {"hangup-ms", required_argument, NULL, OPT_HANGUP},
    {"think-ms", required_argument, NULL, OPT_THINK},
    {"spread-ms", required_argument, NULL, OPT_SPREAD},
    {NULL, 0, NULL, 0},
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s\n%s", what, usage_text);
    exit(2);
}

static int64_t number(const char *text, double scale, double max)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || v < 0 || v * scale > max)
        die("a number is wrong or out of bounds");
    return (int64_t)(v * scale);
}

static const char *chat_body(const char *model, bool stream)
{
    char *text;

    if (asprintf(&text,
                 "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"hello\"}]%s}",
                 model, stream ? ",\"stream\":true" : "") == -1)
        abort();
    return text;
}

static void set_option(struct load_options *o, int code, const char **chat)
{
    const double ms = 1e6, s = 1e9, time_max = SECONDS_MAX * 1e9;

    switch ((enum option_code)code) {
    case OPT_PORT:
        o->port = (uint16_t)number(optarg, 1, 65535);
        break;
    case OPT_PATH:
        snprintf(o->path, sizeof(o->path), "%s", optarg);
        break;
    case OPT_CHAT:
        *chat = optarg;
        break;
    case OPT_GET:
        o->method = "GET";
        break;
    case OPT_BODY:
        o->body = optarg;
        break;
    case OPT_PAD:
        o->pad_bytes = (int)number(optarg, 1, 1 << 24);
        break;
    case OPT_HEADER:
        if (o->n_headers == HEADERS_MAX)
            die("too many headers");
        o->headers[o->n_headers++] = optarg;
        break;
    case OPT_NAMES:
        o->names = (int)number(optarg, 1, CLIENTS_MAX);
        break;
    case OPT_CLIENTS:
        o->clients = number(optarg, 1, CLIENTS_MAX);
        break;
    case OPT_REQUESTS:
        o->requests = number(optarg, 1, REQUESTS_MAX);
        break;
    case OPT_SECONDS:
        o->run_ns = number(optarg, s, time_max);
        break;
    case OPT_GRACE:
        o->grace_ns = number(optarg, s, time_max);
        break;
    case OPT_CLOSE:
        o->close_each = true;
        break;
    case OPT_STREAM:
        o->stream = true;
        break;
    case OPT_GAP:
        o->gap_ns = number(optarg, ms, time_max);
        break;
    case OPT_WORDS:
        o->words = number(optarg, 1, 100000);
        break;
    case OPT_SIM_PORT:
        o->sim_port = (uint16_t)number(optarg, 1, 65535);
        break;
    case OPT_READ_BPS:
        o->read_bps = number(optarg, 1, 1e9);
        break;
    case OPT_HANGUP:
        o->hangup_ns = number(optarg, ms, time_max);
        break;
    case OPT_THINK:
        o->think_ns = number(optarg, ms, time_max);
        break;
    case OPT_SPREAD:
        o->spread_ns = number(optarg, ms, time_max);
        break;
    }
}

static void read_options(struct load_options *o, int argc, char **argv)
{
    const char *chat = NULL;
    int code;

    *o = (struct load_options){.method = "POST",
                               .path = "/v1/chat/completions",
                               .clients = 1,
                               .requests = REQUESTS_MAX,
                               .run_ns = SECONDS_MAX * NS_PER_S,
                               .grace_ns = 20 * NS_PER_S};
    while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (code == '?')
            die("unknown option");
        set_option(o, code, &chat);
    }
    if (o->port == 0 || optind < argc)
        die("--port is missing, or there is more than options");
    if (o->requests == REQUESTS_MAX && o->run_ns == SECONDS_MAX * NS_PER_S)
        die("--requests or --seconds: a run must have an end");
    if (o->gap_ns > 0 &&
        (o->words == 0 || o->sim_port == 0 || o->requests > CLIENTS_MAX))
        die("--gap-ms needs --words, --sim-port and at most 4096 --requests");
    if (chat != NULL)
        o->body = chat_body(chat, o->stream);
}

/* ---- how late each event was ------------------------------------------------ */

/* GET /sim/arrivals; NULL if it cannot be had.  free(3) it. */
static char *read_arrivals(uint16_t port)
{
    static const char ask[] = "GET /sim/arrivals HTTP/1.0\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t len = 0, cap = 1 << 20;
    char *text = malloc(cap);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssize_t n = -1;

    if (text != NULL && fd != -1 &&
        connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0)
        while ((n = recv(fd, text + len, cap - len - 1, 0)) > 0) {
            len += (size_t)n;
            if (len + 1 < cap)
                continue;
            cap *= 2;
            text = realloc(text, cap);
            if (text == NULL)
                abort();
        }
    if (fd != -1)
        close(fd);
    if (text != NULL)
        text[len] = '\0';
    return text;
}

static int by_seq(const void *a, const void *b)
{
    const struct load_stream *x = a, *y = b;

    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Event k of a stream is due k gaps after its arrival; those from the one
 * numbered FIRST on. */
static void add_delays(const struct load *l, struct samples *out, int64_t first)
{
    char *text = read_arrivals(l->o.sim_port), *p = text;

    qsort(l->streams, (size_t)l->n_streams, sizeof(*l->streams), by_seq);
    while (p != NULL && (p = strstr(p, "\"seq\":")) != NULL) {
        struct load_stream key = {0}, *s;
        int64_t arrived = 0, k;

        if (sscanf(p, "\"seq\":%" SCNu64 ",\"t_ns\":%" SCNd64, &key.seq,
                   &arrived) != 2)
            break;
        p++;
        s = bsearch(&key, l->streams, (size_t)l->n_streams, sizeof(*s), by_seq);
        for (k = first; s != NULL && k < s->n; k++)
            samples_add(out, s->at_ns[k] - arrived - k * l->o.gap_ns);
    }
    free(text);
}

/* ---- the report ------------------------------------------------------------------ */

static void print_counts(const struct load *l)
{
    double seconds = (double)(l->end_ns - l->start_ns) / 1e9;
    const char *comma = "";
    int i;

    printf("{\"clients\":%" PRId64 ",\"begun\":%" PRId64 ",\"ok\":%" PRId64
           ",\"refused\":%" PRId64 ",\"cut\":%" PRId64 ",\"failed\":%" PRId64
           ",\"hung_up\":%" PRId64 ",\"unfinished\":%" PRId64
           ",\"reconnects\":%" PRId64 ",\"seconds\":%.3f,\"per_s\":%.1f,"
           "\"bytes\":%" PRId64 ",\"events\":%" PRId64 ",\"done\":%" PRId64
           ",\"status\":{",
           l->o.clients, l->begun, l->ok, l->refused, l->cut, l->failed,
           l->hung_up, l->unfinished, l->reconnects, seconds,
           (double)l->ok / seconds, l->bytes, l->events, l->done_seen);
    for (i = 0; i < 600; i++)
        if (l->status[i] > 0) {
            printf("%s\"%d\":%" PRId64, comma, i, l->status[i]);
            comma = ",";
        }
    printf("},\"hashes\":{");
    for (i = 0; i < HASHES_MAX && l->hashes[i].n > 0; i++)
        printf("%s\"%016" PRIx64 "\":%" PRId64, i > 0 ? "," : "",
               l->hashes[i].hash, l->hashes[i].n);
    printf("},\"other_hashes\":%" PRId64 ",", l->other_hashes);
}

/* The first event of a stream has no word in it. */
static void report_delays(const struct load *l)
{
    static const char *const names[] = {"event_delay_us", "word_delay_us"};
    int64_t first;

    for (first = 0; first < 2; first++) {
        struct samples delay = {NULL, 0, 0};

        add_delays(l, &delay, first);
        printf(",");
        samples_print(&delay, names[first]);
        samples_free(&delay);
    }
}

static void report(struct load *l)
{
    print_counts(l);
    samples_print(&l->latency, "latency_us");
    printf(",");
    samples_print(&l->first_byte, "first_byte_us");
    if (l->o.gap_ns > 0)
        report_delays(l);
    printf("}\n");
}

/* ---- the run ------------------------------------------------------------------------ */

static bool is_over(const struct load *l, const struct client *clients,
                    int64_t now)
{
    int64_t i;

    if (now - l->start_ns > l->o.run_ns + l->o.grace_ns)
        return true;
    for (i = 0; i < l->o.clients; i++)
        if (clients[i].state != CLIENT_OVER)
            return false;
    return true;
}

/* How long until someone must be looked at although nothing came. */
static int patience_ms(const struct load *l, int64_t now)
{
    if (l->o.hangup_ns > 0 || l->o.read_bps > 0 || l->o.think_ns > 0 ||
        now - l->start_ns <= l->o.spread_ns)
        return TICK_MS;
    return 4 * TICK_MS;
}

static void run(struct load *l, struct client *clients)
{
    struct epoll_event batch[256];
    int64_t i, now = samples_now_ns(), last_tick = 0;

    l->start_ns = now;
    for (i = 0; i < l->o.clients; i++)
        clients[i].due_ns = now + l->o.spread_ns * i / l->o.clients;
    while (!is_over(l, clients, now)) {
        int n, k;

        now = samples_now_ns();
        if (now - last_tick >= TICK_MS * NS_PER_MS) {
            last_tick = now;
            for (i = 0; i < l->o.clients; i++)
                client_tick(&clients[i], now);
        }
        n = epoll_wait(l->ep, batch, 256, patience_ms(l, now));
        for (k = 0; k < n; k++)
            client_event(batch[k].data.ptr, batch[k].events);
    }
    l->end_ns = samples_now_ns();
    for (i = 0; i < l->o.clients; i++)
        client_stop(&clients[i]);
}

static void raise_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

int main(int argc, char **argv)
{
    static struct load l;
    struct client *clients;
    int64_t i;

    read_options(&l.o, argc, argv);
    raise_descriptors();
    l.ep = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc((size_t)l.o.clients, sizeof(*clients));
    if (l.o.gap_ns > 0)
        l.streams = calloc((size_t)l.o.requests, sizeof(*l.streams));
    if (l.ep == -1 || clients == NULL) {
        free(clients);
        return EXIT_FAILURE;
    }
    for (i = 0; i < l.o.clients; i++)
        client_init(&clients[i], &l, (int)i);
    run(&l, clients);
    report(&l);
    for (i = 0; i < l.o.clients; i++)
        client_fini(&clients[i]);
    free(clients);
    return EXIT_SUCCESS;
}
