/*
 * upstream.c - how does one request get to the upstream and back?
 *
 *   transfer_start -> curl_multi_add_handle -> socket and timer callbacks
 *      -> the loop -> curl_multi_socket_action -> header/write callbacks
 *
 * HTTP/1.1 on kept-alive connections: libcurl 7.88's HTTP/2 reports aborted
 * bodies as complete.  What holds:
 *
 *   - Each request goes out once.  libcurl repeats one by itself when a kept
 *     connection turns out to be dead; the second time it is about to send,
 *     on_prereq() stops it, because the upstream may have counted the first.
 *   - No multi function is called from inside libcurl: what is started,
 *     cancelled or resumed in there is due, and done by settle(), outside.
 *   - A step looks at the transfers it concerns, never at all of them: there
 *     may be a thousand streams.
 *   - Environment proxies are not used: http_proxy can come from a request
 *     header in a CGI-like environment (httpoxy).
 */
#include "upstream.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "../state/limiter.h"
#include "buf.h"
#include "head.h"
#include "limits.h"

struct transfer {
    struct transfer *prev, *next; /* all of them */
    struct transfer *next_unsent; /* those whose request is not out yet */
    struct transfer *next_due;    /* those to be seen to outside */
    struct upstream *u;
    CURL *easy;
    struct curl_slist *headers;
    const struct transfer_ops *ops; /* NULL: cancelled */
    void *arg;
    size_t lines_len; /* bytes of our header lines: the head is longer */
    size_t body_len;
    struct upstream_head head;
    size_t head_bytes;
    unsigned sends; /* times libcurl was about to send it */
    bool has_head, garbage, paused;
    bool is_added; /* libcurl knows of it */
    bool is_due;   /* it is in that list */
    char error[CURL_ERROR_SIZE];
};

struct upstream {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct transfer *first;
    struct transfer *unsent, *due; /* short ones, through their next_... */
    int depth;                     /* > 0: inside libcurl */
    bool has_new;                  /* added, and libcurl has not run since */
    CURL *spare[SPARE_HANDLES];    /* of transfers that are over */
    int n_spare;
};

/* ---- what libcurl tells ---------------------------------------------------- */

/* False: it was not in that list. */
static bool leave_unsent(struct transfer *t)
{
    struct transfer **at;

    for (at = &t->u->unsent; *at != NULL && *at != t;)
        at = &(*at)->next_unsent;
    if (*at == NULL)
        return false;
    *at = t->next_unsent;
    return true;
}

/* Once, whoever sees it first. */
static void tell_sent(struct transfer *t)
{
    if (leave_unsent(t) && t->ops != NULL)
        t->ops->sent(t->arg);
}

static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
    struct transfer *t = arg;
    size_t n = len;
    long status = 0;

    (void)one;
    t->head_bytes += len;
    while (n > 0 && (data[n - 1] == '\n' || data[n - 1] == '\r'))
        n--;
    if (t->has_head)
        return len; /* a trailer: not passed on */
    if (n >= 5 && strncmp(data, "HTTP/", 5) == 0) {
        head_clear(&t->head); /* after a 1xx comes another head */
        return len;
    }
    if (n > 0) {
        if (head_take(&t->head, data, n) && t->head_bytes <= HEAD_BYTES)
            return len;
        t->garbage = true;
        return 0;
    }
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return len;
    t->has_head = true;
    t->head.status = (int)status;
    tell_sent(t); /* it was, or there would be no answer */
    if (t->ops != NULL)
        t->ops->head(t->arg, &t->head);
    return len;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
    struct transfer *t = arg;

    (void)one;
    if (t->ops == NULL)
        return CURL_WRITEFUNC_ERROR;
    if (!t->has_head) { /* HTTP/0.9, or no blank line: libcurl would pass it */
        t->garbage = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (t->ops->body(t->arg, data, len))
        return len;
    if (t->ops == NULL)
        return CURL_WRITEFUNC_ERROR;
    t->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

static int on_prereq(void *arg, char *ip, char *local, int port, int local_port)
{
    struct transfer *t = arg;

    (void)ip;
    (void)local;
    (void)port;
    (void)local_port;
    t->sends++;
    return t->sends > 1 || t->ops == NULL ? CURL_PREREQFUNC_ABORT
                                          : CURL_PREREQFUNC_OK;
}

/* ---- ends ------------------------------------------------------------------ */

/* It is new, cancelled, or may go on: settle() sees to it. */
static void is_due_now(struct transfer *t)
{
    if (t->is_due)
        return;
    t->is_due = true;
    t->next_due = t->u->due;
    t->u->due = t;
}

static void leave_lists(struct transfer *t)
{
    struct upstream *u = t->u;
    struct transfer **at;

    (void)leave_unsent(t);
    for (at = &u->due; *at != NULL && *at != t;)
        at = &(*at)->next_due;
    if (*at == t)
        *at = t->next_due;
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        u->first = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
}

/* One of them holds the key. */
static void free_headers(struct curl_slist *list)
{
    struct curl_slist *h;

    for (h = list; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

/* A handle with nothing set. */
static CURL *easy_take(struct upstream *u)
{
    CURL *easy = u->n_spare > 0 ? u->spare[--u->n_spare] : curl_easy_init();

    CHECK(easy != NULL);
    return easy;
}

static void easy_give(struct upstream *u, CURL *easy)
{
    if (u->n_spare == SPARE_HANDLES) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy); /* it knows nothing of the transfer any more */
    u->spare[u->n_spare++] = easy;
}

static void transfer_free(struct transfer *t)
{
    leave_lists(t);
    curl_multi_remove_handle(t->u->multi, t->easy);
    easy_give(t->u, t->easy);
    free_headers(t->headers);
    head_clear(&t->head);
    free(t);
}

static enum transfer_end verdict(const struct transfer *t, CURLcode code)
{
    if (t->garbage)
        return END_GARBAGE;
    if (code == CURLE_OK)
        return t->has_head ? END_OK : END_LOST; /* cut within the head */
    if (t->sends > 1)
        return END_STALE;
    if (t->has_head)
        return END_TRUNCATED;
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL: /* a status line that is none */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return END_GARBAGE;
    default:
        return t->sends == 0 ? END_UNREACHABLE : END_LOST;
    }
}

/* Tells the owner of a finished transfer.  Outside of libcurl. */
static void finish(struct transfer *t, CURLcode code)
{
    const struct transfer_ops *ops = t->ops;
    enum transfer_end how = verdict(t, code);
    char detail[CURL_ERROR_SIZE];
    void *arg = t->arg;

    snprintf(detail, sizeof(detail), "%s",
             t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
    transfer_free(t);
    if (ops != NULL)
        ops->end(arg, how, detail);
}

static void read_messages(struct upstream *u)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(u->multi, &left)) != NULL) {
        CURLcode code = msg->data.result;
        struct transfer *t = NULL;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(t, code);
    }
}

/*
 * Is the last byte of the request out?  libcurl counts what the socket, or
 * TLS above it, took: of the body exactly, of the head only what went with
 * the first call.  Where that is not all, or the answer came before the end
 * of the request, the head of the answer tells.
 */
static bool is_out(const struct transfer *t)
{
    long head = 0;

    if (t->has_head)
        return true;
    if (t->sends == 0)
        return false;
    if (t->body_len > 0)
        return transfer_is_uploaded(t);
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &head);
    return head > 0 && (size_t)head >= t->lines_len;
}

static void look_for_sent(struct upstream *u)
{
    struct transfer *t, *next;

    for (t = u->unsent; t != NULL; t = next) {
        next = t->next_unsent;
        if (is_out(t))
            tell_sent(t);
    }
}

static void resume(struct transfer *t)
{
    t->paused = false;
    t->u->depth++;
    curl_easy_pause(t->easy, CURLPAUSE_CONT); /* may call on_body() */
    t->u->depth--;
}

static void add(struct transfer *t)
{
    t->is_added = true;
    CHECK(curl_multi_add_handle(t->u->multi, t->easy) == CURLM_OK);
    t->u->has_new = true;
}

/* Does what may not be done inside libcurl, until nothing is left of it. */
static void settle(struct upstream *u)
{
    struct transfer *t;

    if (u->depth > 0)
        return;
    look_for_sent(u);
    read_messages(u);
    while ((t = u->due) != NULL) {
        u->due = t->next_due;
        t->is_due = false;
        if (t->ops == NULL)
            transfer_free(t);
        else if (!t->is_added)
            add(t);
        else
            resume(t);
        read_messages(u);
    }
}

/* ---- libcurl and the loop --------------------------------------------------- */

struct socket_watch {
    struct loop_watch w;
    struct upstream *u;
};

static void act(struct upstream *u, curl_socket_t fd, int what)
{
    int running;

    u->depth++;
    /* It fails for want of memory alone, and then forgets what it was at. */
    CHECK(curl_multi_socket_action(u->multi, fd, what, &running) !=
          CURLM_OUT_OF_MEMORY);
    u->depth--;
    settle(u);
}

static void on_socket_ready(void *arg, uint32_t events)
{
    struct socket_watch *s = arg;
    int what = 0;

    if ((events & (EPOLLIN | EPOLLHUP)) != 0)
        what |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0)
        what |= CURL_CSELECT_OUT;
    if ((events & EPOLLERR) != 0)
        what |= CURL_CSELECT_ERR;
    act(s->u, s->w.fd, what);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *mine)
{
    struct socket_watch *s = mine;
    struct upstream *u = arg;
    uint32_t events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            loop_unwatch(u->loop, &s->w);
            curl_multi_assign(u->multi, fd, NULL);
            free(s);
        }
        return 0;
    }
    if (s == NULL) {
        s = calloc(1, sizeof(*s));
        CHECK(s != NULL);
        s->u = u;
        s->w = (struct loop_watch){-1, 0, on_socket_ready, s};
        curl_multi_assign(u->multi, fd, s);
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    loop_watch(u->loop, &s->w, fd, events);
    return 0;
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_set_timer(CURLM *multi, long ms, void *arg)
{
    struct upstream *u = arg;

    (void)multi;
    if (ms < 0)
        loop_cancel(u->loop, &u->timer);
    else
        loop_at(u->loop, &u->timer, loop_now(u->loop) + ms * NS_PER_MS);
    return 0;
}

bool upstream_has_new(const struct upstream *u)
{
    return u->has_new;
}

void upstream_begin(struct upstream *u)
{
    if (!u->has_new)
        return;
    u->has_new = false;
    act(u, CURL_SOCKET_TIMEOUT, 0);
}

struct upstream *upstream_new(struct loop *loop)
{
    struct upstream *u = calloc(1, sizeof(*u));

    CHECK(u != NULL);
    u->loop = loop;
    u->timer.fn = on_timer;
    u->timer.arg = u;
    u->multi = curl_multi_init();
    if (u->multi == NULL) {
        free(u);
        return NULL;
    }
    curl_multi_setopt(u->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(u->multi, CURLMOPT_SOCKETDATA, u);
    curl_multi_setopt(u->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(u->multi, CURLMOPT_TIMERDATA, u);
    curl_multi_setopt(u->multi, CURLMOPT_MAXCONNECTS, (long)POOL_MAX);
    return u;
}

void upstream_free(struct upstream *u)
{
    struct transfer *t, *next;

    if (u == NULL)
        return;
    for (t = u->first; t != NULL; t = next) {
        next = t->next;
        transfer_free(t);
    }
    while (u->n_spare > 0)
        curl_easy_cleanup(u->spare[--u->n_spare]);
    curl_multi_cleanup(u->multi);
    loop_cancel(u->loop, &u->timer);
    free(u);
}

/* ---- a transfer --------------------------------------------------------------- */

/* The same for every request. */
static void set_common(struct transfer *t)
{
    CURL *e = t->easy;

    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* A transfer that is cancelled while its host is looked up would
     * otherwise hold the loop until the look-up ends. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    /* TLS keeps it as long as the transfer; the default is four times this,
     * and a stream uses it once. */
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_prereq);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
}

static void add_line(struct transfer *t, const char *line)
{
    t->headers = curl_slist_append(t->headers, line);
    CHECK(t->headers != NULL);
}

static void set_url(CURL *easy, const struct transfer_request *req)
{
    struct buf url = {NULL, 0, 0, 0};

    buf_str(&url, req->base_url);
    buf_str(&url, req->target);
    buf_add(&url, "", 1);
    CHECK(curl_easy_setopt(easy, CURLOPT_URL, buf_head(&url)) == CURLE_OK);
    buf_free(&url);
}

static void set_request(struct transfer *t, const struct transfer_request *req)
{
    bool has_type = false;
    CURL *e = t->easy;
    size_t i;

    set_url(e, req);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)req->connect_ms);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)req->fresh);
    for (i = 0; req->headers[i] != NULL; i++) {
        add_line(t, req->headers[i]);
        t->lines_len += strlen(req->headers[i]) + 2;
        if (strncasecmp(req->headers[i], "Content-Type:", 13) == 0)
            has_type = true;
    }
    /* A body above 1 MB would wait up to a second for a 100. */
    add_line(t, "Expect:");
    if (!has_type)
        add_line(t, "Content-Type:"); /* or libcurl calls it a form */
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (strcmp(req->method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS,
                         req->body != NULL ? req->body : "");
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)req->body_len);
        t->body_len = req->body_len;
    }
}

struct transfer *transfer_start(struct upstream *u,
                                const struct transfer_request *req,
                                const struct transfer_ops *ops, void *arg)
{
    struct transfer *t = calloc(1, sizeof(*t));

    CHECK(t != NULL);
    t->u = u;
    t->ops = ops;
    t->arg = arg;
    t->head.content_length = -1;
    t->easy = easy_take(u);
    set_common(t);
    set_request(t, req);
    t->next = u->first;
    if (u->first != NULL)
        u->first->prev = t;
    u->first = t;
    t->next_unsent = u->unsent;
    u->unsent = t;
    if (u->depth > 0)
        is_due_now(t);
    else
        add(t);
    return t;
}

bool transfer_has_sent(const struct transfer *t)
{
    return t->sends > 0;
}

bool transfer_is_uploaded(const struct transfer *t)
{
    curl_off_t bytes = 0;

    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &bytes);
    return (uint64_t)bytes >= t->body_len;
}

void transfer_resume(struct transfer *t)
{
    if (!t->paused || t->ops == NULL)
        return;
    is_due_now(t);
    settle(t->u);
}

void transfer_cancel(struct transfer *t)
{
    t->ops = NULL;
    if (t->u->depth > 0)
        is_due_now(t);
    else
        transfer_free(t);
}
