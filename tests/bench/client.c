/*
 * client.c - one connection at a time, one request after the other.
 *
 *   begin -> connect -> send -> headers -> body -> finish -> (think) -> begin
 *
 * A kept connection that the server closed before the first byte of an answer
 * is opened anew and not counted as a failure, as every client library does.
 *
 * The answer is hashed line by line without what differs between two runs of
 * nimsim ("id" and "created") and without SSE comments, which are Sluice's
 * own.  All else must be equal to the byte.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FNV_BASIS  UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)
#define SLOW_TICK  (50 * NS_PER_MS) /* a slow reader reads that often */
#define SLOW_RCV   4096             /* its receive buffer */
#define LIGHT_TICK (20 * NS_PER_MS) /* before it asks again, after a failure */

static void begin(struct client *c, int64_t now);

/* ---- hashing and counting the answer -------------------------------------- */

static void hash_add(struct client *c, const char *data, size_t len)
{
    uint64_t h = c->hash;
    size_t i;

    for (i = 0; i < len; i++)
        h = (h ^ (unsigned char)data[i]) * FNV_PRIME;
    c->hash = h;
}

/* Leaves out the value after NAME, up to the first of STOP.  Returns what is
 * left of the line. */
static const char *hash_until(struct client *c, const char *from,
                              const char *end, const char *name,
                              const char *stop)
{
    const char *p = memmem(from, (size_t)(end - from), name, strlen(name));

    if (p == NULL)
        return from;
    p += strlen(name);
    hash_add(c, from, (size_t)(p - from));
    while (p < end && strchr(stop, *p) == NULL)
        p++;
    return p;
}

static void note_seq(struct client *c, const char *line, size_t len)
{
    static const char mark[] = "nimsim-";
    const char *p = memmem(line, len, mark, strlen(mark));

    if (p != NULL)
        c->seq = strtoull(p + strlen(mark), NULL, 10);
}

static void note_event(struct client *c, const char *line, size_t len)
{
    struct load_stream *r = c->record;

    if (len == 12 && memcmp(line, "data: [DONE]", 12) == 0)
        c->load->done_seen++;
    c->load->events++;
    if (c->seq == 0)
        note_seq(c, line, len);
    if (r != NULL && r->n <= c->load->o.words)
        r->at_ns[r->n++] = samples_now_ns();
}

static void take_line(struct client *c)
{
    const char *p = c->line, *end = c->line + c->line_len;
    size_t len = c->line_len;

    c->line_len = 0;
    if (c->load->o.stream) {
        if (len > 0 && p[0] == ':')
            return;
        if (len == 0 && !c->event_has_line)
            return;
        c->event_has_line = len > 0;
        if (len > 5 && memcmp(p, "data:", 5) == 0)
            note_event(c, p, len);
    }
    p = hash_until(c, p, end, "\"id\":\"", "\"");
    p = hash_until(c, p, end, "\"created\":", ",}");
    hash_add(c, p, (size_t)(end - p));
    hash_add(c, "\n", 1);
}

static void line_add(struct client *c, const char *data, size_t len)
{
    if (c->line_len + len > c->line_cap) {
        size_t cap = c->line_cap > 0 ? c->line_cap : 1024;

        while (cap < c->line_len + len)
            cap *= 2;
        if (cap > CLIENT_LINE)
            return; /* its hash will say so */
        c->line = realloc(c->line, cap);
        if (c->line == NULL)
            abort();
        c->line_cap = cap;
    }
    memcpy(c->line + c->line_len, data, len);
    c->line_len += len;
}

static void take_text(struct client *c, const char *data, size_t len)
{
    c->load->bytes += (int64_t)len;
    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        size_t n = nl != NULL ? (size_t)(nl - data) : len;

        line_add(c, data, n);
        if (nl == NULL)
            return;
        take_line(c);
        data += n + 1;
        len -= n + 1;
    }
}

static void count_hash(struct load *l, uint64_t hash)
{
    int i;

    for (i = 0; i < HASHES_MAX; i++) {
        if (l->hashes[i].n > 0 && l->hashes[i].hash != hash)
            continue;
        l->hashes[i].hash = hash;
        l->hashes[i].n++;
        return;
    }
    l->other_hashes++;
}

/* ---- the connection ----------------------------------------------------------- */

static void drop(struct client *c)
{
    if (c->fd != -1)
        close(c->fd);
    c->fd = -1;
    c->reused = false;
}

static void watch(struct client *c, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};

    if (epoll_ctl(c->load->ep, EPOLL_CTL_MOD, c->fd, &ev) == -1)
        abort();
}

/* The request is over, well or badly; what comes next? */
static void rest(struct client *c, int64_t pause_ns)
{
    int64_t now = samples_now_ns();

    c->load->finished++;
    c->state = CLIENT_IDLE;
    c->due_ns = now + pause_ns;
    if (pause_ns == 0)
        begin(c, now);
}

static void fail(struct client *c)
{
    struct load *l = c->load;

    drop(c);
    if (c->state == CLIENT_BODY)
        l->cut++;
    else
        l->failed++;
    /* Where nobody listens, too, it asks no more often than it would. */
    rest(c, l->o.think_ns > LIGHT_TICK ? l->o.think_ns : LIGHT_TICK);
}

static void finish(struct client *c)
{
    struct load *l = c->load;
    int64_t now = samples_now_ns();

    if (c->line_len > 0)
        take_line(c);
    l->status[c->status < 600 ? c->status : 599]++;
    if (c->status >= 200 && c->status < 300) {
        l->ok++;
        samples_add(&l->latency, now - c->begun_ns);
        samples_add(&l->first_byte, c->first_ns - c->begun_ns);
        count_hash(l, c->hash);
    } else {
        l->refused++;
    }
    if (c->record != NULL)
        c->record->seq = c->seq;
    c->reused = true;
    if (c->close_after || l->o.close_each)
        drop(c);
    rest(c, c->status >= 400 && l->o.think_ns < LIGHT_TICK ? LIGHT_TICK
                                                           : l->o.think_ns);
}

/* A kept connection was closed under our hands: once more. */
static bool is_stale(const struct client *c)
{
    return c->reused &&
           (c->state == CLIENT_SENDING || c->state == CLIENT_HEADERS) &&
           c->head_len == 0;
}

static bool open_connection(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(c->load->o.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = c};
    int small = SLOW_RCV;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1)
        return false;
    if (c->load->o.read_bps > 0)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
        errno != EINPROGRESS)
        return false;
    return epoll_ctl(c->load->ep, EPOLL_CTL_ADD, c->fd, &ev) == 0;
}

static void send_some(struct client *c)
{
    ssize_t n = send(c->fd, c->request + c->sent, c->request_len - c->sent,
                     MSG_NOSIGNAL);

    if (n == -1 && errno != EAGAIN) {
        if (is_stale(c)) {
            c->load->reconnects++;
            drop(c);
            c->sent = 0;
            c->state = CLIENT_CONNECTING;
            if (open_connection(c))
                return;
        }
        fail(c);
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    if (c->sent < c->request_len) {
        watch(c, EPOLLOUT);
        return;
    }
    c->state = CLIENT_HEADERS;
    watch(c, EPOLLIN);
}

static void begin(struct client *c, int64_t now)
{
    struct load *l = c->load;

    if (l->begun >= l->o.requests || now - l->start_ns >= l->o.run_ns) {
        drop(c);
        c->state = CLIENT_OVER;
        return;
    }
    c->record = NULL;
    if (l->o.gap_ns > 0) {
        c->record = &l->streams[l->n_streams++];
        c->record->at_ns = calloc((size_t)l->o.words + 1, sizeof(int64_t));
    }
    l->begun++;
    c->sent = c->head_len = c->line_len = 0;
    c->hash = FNV_BASIS;
    c->seq = 0;
    c->event_has_line = false;
    c->begun_ns = now;
    c->first_ns = 0;
    c->hangup_ns = l->o.hangup_ns > 0 ? now + l->o.hangup_ns : INT64_MAX;
    c->due_ns = now + SLOW_TICK;
    if (c->fd != -1) {
        c->state = CLIENT_SENDING;
        send_some(c);
        return;
    }
    c->state = CLIENT_CONNECTING;
    if (!open_connection(c))
        fail(c);
}

/* ---- the answer ------------------------------------------------------------------ */

static const char *header(const struct client *c, const char *name)
{
    const char *p = strstr(c->head, "\r\n");
    size_t len = strlen(name);

    for (; p != NULL; p = strstr(p, "\r\n")) {
        p += 2;
        if (strncasecmp(p, name, len) == 0 && p[len] == ':')
            return p + len + 1 + strspn(p + len + 1, " ");
    }
    return NULL;
}

/* Which arrival it answers, in an API whose ids are not nimsim's: the last twelve
 * digits of a number that passes through. */
static void read_seq(struct client *c)
{
    const char *v = header(c, "Nvcf-Reqid");

    if (v != NULL && strcspn(v, "\r") == 36)
        c->seq = strtoull(v + 24, NULL, 16);
}

static bool read_head(struct client *c)
{
    const char *v;

    if (sscanf(c->head, "HTTP/1.%*d %d", &c->status) != 1)
        return false;
    read_seq(c);
    v = header(c, "Connection");
    c->close_after = v != NULL && strncasecmp(v, "close", 5) == 0;
    v = header(c, "Transfer-Encoding");
    c->chunk_state = 0;
    c->chunk_size = 0;
    if (v != NULL && strncasecmp(v, "chunked", 7) == 0) {
        c->kind = BODY_CHUNKED;
        return true;
    }
    v = header(c, "Content-Length");
    c->kind = v != NULL ? BODY_LENGTH : BODY_CLOSE;
    c->left = v != NULL ? strtoll(v, NULL, 10) : 0;
    c->close_after = c->close_after || v == NULL;
    return true;
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* States: 0 size line, 1 data, 2 end of data, 3 trailer line, 4 over. */
static bool take_chunked(struct client *c, const char *p, size_t len)
{
    const char *end = p + len;

    while (p < end && c->chunk_state != 4) {
        if (c->chunk_state == 1) {
            int64_t n = end - p < c->left ? end - p : c->left;

            take_text(c, p, (size_t)n);
            p += n;
            c->left -= n;
            c->chunk_state = c->left == 0 ? 2 : 1;
            continue;
        }
        if (*p == '\n' && c->chunk_state == 0) {
            c->left = c->chunk_size;
            c->chunk_state = c->left > 0 ? 1 : 3;
            c->chunk_size = 0;
        } else if (*p == '\n') {
            c->chunk_state = c->chunk_state == 3 ? 4 : 0;
        } else if (*p != '\r' && c->chunk_state == 0) {
            c->chunk_size = 16 * c->chunk_size + hex_value(*p);
        }
        p++;
    }
    return c->chunk_state == 4;
}

/* True: the answer is whole. */
static bool take_body(struct client *c, const char *data, size_t len)
{
    if (c->kind == BODY_CHUNKED)
        return take_chunked(c, data, len);
    take_text(c, data, len);
    if (c->kind == BODY_CLOSE)
        return false;
    c->left -= (int64_t)len;
    return c->left <= 0;
}

static void take(struct client *c, const char *data, size_t len)
{
    const char *end;
    size_t head;

    if (c->first_ns == 0)
        c->first_ns = samples_now_ns();
    if (c->state == CLIENT_BODY) {
        if (take_body(c, data, len))
            finish(c);
        return;
    }
    if (c->head_len + len >= CLIENT_HEAD) {
        fail(c);
        return;
    }
    memcpy(c->head + c->head_len, data, len);
    c->head_len += len;
    c->head[c->head_len] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL)
        return;
    if (!read_head(c)) {
        fail(c);
        return;
    }
    head = (size_t)(end - c->head) + 4;
    c->state = CLIENT_BODY;
    if ((c->kind == BODY_LENGTH && c->left == 0) ||
        take_body(c, c->head + head, c->head_len - head))
        finish(c);
}

static void at_end(struct client *c)
{
    if (is_stale(c)) {
        c->load->reconnects++;
        drop(c);
        c->sent = 0;
        c->state = CLIENT_CONNECTING;
        if (!open_connection(c))
            fail(c);
    } else if (c->state == CLIENT_BODY && c->kind == BODY_CLOSE) {
        finish(c);
    } else if (c->state == CLIENT_IDLE) {
        drop(c); /* kept, and closed in our pause */
    } else {
        fail(c);
    }
}

/* At most MAX bytes. */
static void read_some(struct client *c, size_t max)
{
    char data[16384];
    ssize_t n = recv(c->fd, data, max < sizeof(data) ? max : sizeof(data), 0);

    if (n > 0)
        take(c, data, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        at_end(c);
}

void client_event(struct client *c, uint32_t events)
{
    if (c->fd == -1)
        return;
    if (c->state == CLIENT_CONNECTING) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            fail(c);
            return;
        }
        c->state = CLIENT_SENDING;
    }
    if (c->state == CLIENT_SENDING) {
        send_some(c);
        return;
    }
    if (c->load->o.read_bps > 0 && c->state == CLIENT_BODY) {
        watch(c, 0); /* the tick reads */
        if ((events & (EPOLLERR | EPOLLHUP)) == 0)
            return;
    }
    read_some(c, SIZE_MAX);
}

/* ---- times --------------------------------------------------------------------------- */

void client_tick(struct client *c, int64_t now)
{
    struct load *l = c->load;

    if (c->state == CLIENT_IDLE) {
        if (now >= c->due_ns)
            begin(c, now);
        return;
    }
    if (c->state == CLIENT_OVER)
        return;
    if (now >= c->hangup_ns) {
        drop(c);
        l->hung_up++;
        rest(c, l->o.think_ns > 0 ? l->o.think_ns : LIGHT_TICK);
        return;
    }
    if (l->o.read_bps > 0 && c->state == CLIENT_BODY && now >= c->due_ns) {
        c->due_ns = now + SLOW_TICK;
        read_some(c, (size_t)(l->o.read_bps * SLOW_TICK / NS_PER_S) + 1);
    }
}

void client_stop(struct client *c)
{
    if (c->state != CLIENT_IDLE && c->state != CLIENT_OVER)
        c->load->unfinished++;
    drop(c);
    c->state = CLIENT_OVER;
}

/* ---- beginning and end ------------------------------------------------------------------ */

/* Copies TEXT; "%d" in it becomes I. */
static void put_numbered(FILE *f, const char *text, int i)
{
    const char *p;

    while ((p = strstr(text, "%d")) != NULL) {
        fprintf(f, "%.*s%d", (int)(p - text), text, i);
        text = p + 2;
    }
    fputs(text, f);
}

/* The body with a member "pad", so that bodies of any size can be had. */
static void put_body(FILE *f, const struct load_options *o)
{
    int i;

    if (o->pad_bytes == 0 || o->body[0] != '{') {
        fputs(o->body, f);
        return;
    }
    fputs("{\"pad\":\"", f);
    for (i = 0; i < o->pad_bytes; i++)
        fputc('x', f);
    fprintf(f, "\",%s", o->body + 1);
}

static char *body_text(const struct load_options *o, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);

    if (f == NULL)
        abort();
    if (o->body != NULL)
        put_body(f, o);
    fclose(f);
    return text;
}

void client_init(struct client *c, struct load *load, int i)
{
    const struct load_options *o = &load->o;
    size_t body_len;
    char *body = body_text(o, &body_len);
    FILE *f;
    int k;

    memset(c, 0, sizeof(*c));
    c->load = load;
    c->fd = -1;
    c->head = malloc(CLIENT_HEAD);
    f = open_memstream(&c->request, &c->request_len);
    if (f == NULL || c->head == NULL)
        abort();
    fprintf(f, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", o->method, o->path,
            o->port);
    for (k = 0; k < o->n_headers; k++) {
        put_numbered(f, o->headers[k], o->names > 0 ? i % o->names : i);
        fputs("\r\n", f);
    }
    if (o->close_each)
        fputs("Connection: close\r\n", f);
    if (o->body != NULL)
        fprintf(f, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                body_len);
    fputs("\r\n", f);
    fwrite(body, 1, body_len, f);
    fclose(f);
    free(body);
}

void client_fini(struct client *c)
{
    drop(c);
    free(c->request);
    free(c->head);
    free(c->line);
}
