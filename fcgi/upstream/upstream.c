/*
 * upstream.c - how does one request get to the upstream and back?
 *
 *   transfer_start -> handle.c: what is asked
 *                  -> multi.c: libcurl on our loop -> header/write callbacks
 *
 * HTTP/1.1 on kept-alive connections: libcurl 7.88's HTTP/2 reports aborted
 * bodies as complete, and of a stream's head nobody tells when it is out.
 * What holds:
 *
 *   - Each request goes out once.  libcurl repeats one by itself when a kept
 *     connection turns out to be dead; the second time it is about to send,
 *     on_prereq() stops it, because the upstream may have counted the first.
 *   - on_prereq() is also where a request is asked whether it may still go:
 *     libcurl calls it when all of a connection is there, TLS too, or a kept
 *     one was found, and writes the head in the same call of its own.
 *   - No multi function is called from inside libcurl: what is started,
 *     cancelled or resumed in there is due, and done by settle(), outside.
 *   - A step looks at the transfers it concerns, never at all of them.
 */
#include "fcgi/upstream/upstream.h"

#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/handle.h"
#include "fcgi/upstream/multi.h"
#include "lib/base.h"
#include "lib/loop.h"

struct transfer {
    struct transfer *prev, *next; /* all of them */
    struct transfer *next_unsent; /* those whose request is not out yet */
    struct transfer *next_due;    /* those to be seen to outside */
    struct upstream *u;
    struct handle *handle;
    CURL *easy; /* of that */
    struct handle_lines *headers;
    const struct transfer_ops *ops; /* NULL: cancelled */
    void *arg;
    char *proxy;      /* its host and port; NULL: none */
    size_t lines_len; /* bytes of our header lines: the head is longer */
    long before;      /* bytes of what a proxy was asked first */
    size_t body_len;
    struct upstream_head head;
    size_t head_bytes;
    unsigned sends; /* times libcurl was about to send it */
    bool has_head, garbage, paused;
    bool held;     /* may_write() said no */
    bool is_added; /* libcurl knows of it */
    bool is_usual; /* handle_is_usual() */
    bool is_due;   /* it is in that list */
    char error[CURL_ERROR_SIZE];
};

struct upstream {
    struct multi multi;
    struct handles handles;
    struct transfer *first;
    struct transfer *unsent, *due; /* short ones, through their next_... */
    bool has_new;                  /* added, and libcurl has not run since */
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
    handle_sent(t->easy, &t->headers);
    tell_sent(t); /* it was, or there would be no answer */
    if (t->ops != NULL)
        t->ops->head(t->arg, &t->head);
    return len;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
    struct transfer *t = arg;

    (void)one;
    if (t->ops == NULL || !t->has_head) { /* libcurl would pass it: */
        t->garbage |= !t->has_head;       /* HTTP/0.9, or no blank line */
        return CURL_WRITEFUNC_ERROR;
    }
    if (t->ops->body(t->arg, data, len))
        return len;
    if (t->ops == NULL)
        return CURL_WRITEFUNC_ERROR;
    t->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

static bool may_write(const struct transfer *t)
{
    return t->ops == NULL || t->ops->may_write == NULL ||
           t->ops->may_write(t->arg);
}

static int on_prereq(void *arg, char *ip, char *local, int port, int local_port)
{
    struct transfer *t = arg;

    (void)ip, (void)local, (void)port, (void)local_port;
    t->held = t->sends == 0 && !may_write(t);
    if (t->held)
        return CURL_PREREQFUNC_ABORT;
    t->sends++;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &t->before);
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

static void transfer_free(struct transfer *t)
{
    leave_lists(t);
    curl_multi_remove_handle(t->u->multi.curl, t->easy);
    handle_give(&t->u->handles, t->handle, t->is_usual);
    handle_forget(t->headers);
    head_clear(&t->head);
    free(t->proxy);
    free(t);
}

static enum transfer_end verdict(const struct transfer *t, CURLcode code)
{
    if (t->garbage)
        return END_GARBAGE;
    return t->held ? END_HELD : handle_verdict(code, t->has_head, t->sends);
}

/* Tells the owner of a finished transfer.  Outside of libcurl. */
static void finish(struct transfer *t, CURLcode code)
{
    const struct transfer_ops *ops = t->ops;
    enum transfer_end how = verdict(t, code);
    char detail[CURL_ERROR_SIZE];
    void *arg = t->arg;

    handle_explain(t->easy, how == END_UNREACHABLE ? t->proxy : NULL,
                   t->error[0] != '\0' ? t->error : curl_easy_strerror(code),
                   detail);
    transfer_free(t);
    if (ops != NULL)
        ops->end(arg, how, detail);
}

static void read_messages(struct upstream *u)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(u->multi.curl, &left)) != NULL) {
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
    head -= t->before;
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
    t->u->multi.depth++;
    curl_easy_pause(t->easy, CURLPAUSE_CONT); /* may call on_body() */
    t->u->multi.depth--;
}

static void add(struct transfer *t)
{
    t->is_added = true;
    CHECK(curl_multi_add_handle(t->u->multi.curl, t->easy) == CURLM_OK);
    t->u->has_new = true;
}

/* Does what may not be done inside libcurl, until nothing is left of it. */
static void settle(void *arg)
{
    struct upstream *u = arg;
    struct transfer *t;

    if (u->multi.depth > 0)
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

bool upstream_has_new(const struct upstream *u)
{
    return u->has_new;
}

void upstream_begin(struct upstream *u)
{
    if (!u->has_new)
        return;
    u->has_new = false;
    multi_begin(&u->multi);
}

static bool has_sent(CURL *e)
{
    struct transfer *t = NULL;

    curl_easy_getinfo(e, CURLINFO_PRIVATE, (char **)&t);
    return t->sends > 0;
}

static void prepare(CURL *e, void *arg)
{
    struct upstream *u = arg;

    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_prereq);
    multi_own(&u->multi, e);
}

void upstream_rest(struct upstream *u)
{
    handle_rest(&u->handles);
}

struct upstream *upstream_new(struct loop *loop)
{
    struct upstream *u = calloc(1, sizeof(*u));

    CHECK(u != NULL);
    u->handles.prepare = prepare;
    u->handles.arg = u;
    if (multi_open(&u->multi, loop, settle, has_sent, u))
        return u;
    free(u);
    return NULL;
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
    handle_fini(&u->handles);
    multi_close(&u->multi);
    free(u);
}

/* ---- a transfer --------------------------------------------------------------- */

static void set_callbacks(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
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
    t->handle = handle_take(&u->handles);
    t->easy = t->handle->easy;
    t->headers = handle_set(t->handle, req);
    t->is_usual = handle_is_usual(req);
    t->proxy = handle_proxy(req);
    t->lines_len = handle_lines_len(req);
    t->body_len = req->body_len;
    set_callbacks(t);
    t->next = u->first;
    if (u->first != NULL)
        u->first->prev = t;
    u->first = t;
    t->next_unsent = u->unsent;
    u->unsent = t;
    if (u->multi.depth > 0)
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
    if (t->u->multi.depth > 0)
        is_due_now(t);
    else
        transfer_free(t);
}
