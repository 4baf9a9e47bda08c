/*
 * receive.c - how do a connection's bytes become a request?
 *
 *   FCGX_Accept_r (parameters) -> gate.c: may it? -> STDIN -> request.c parses
 *   the bytes themselves, where all have come and are few (glance.c) -> the same
 *
 * libfcgi closes a descriptor as it likes.  A thread, whose descriptor the loop
 * must be able to shut down meanwhile, gives it a duplicate; the loop speaks
 * FastCGI on the first one later.
 */
#include "fcgi/receive.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>

#include "fcgi/as_chat.h"
#include "fcgi/ask_how.h"
#include "fcgi/config/bounds.h"
#include "fcgi/fault.h"
#include "fcgi/gate.h"
#include "fcgi/glance.h"
#include "fcgi/route.h"

/* A request ends with an empty STDIN record of its own number (FastCGI 1.0,
 * sections 3.3 and 5.3). */
enum receive_look receive_look(const unsigned char *bytes, size_t len)
{
    unsigned id = 0;
    size_t at = 0;

    while (len - at >= FCGI_HEADER_LEN) {
        const unsigned char *h = bytes + at;
        unsigned its = (unsigned)h[2] << 8 | h[3];
        size_t content = (size_t)h[4] << 8 | h[5];

        if (h[0] != FCGI_VERSION_1 || (at == 0 && h[1] != FCGI_BEGIN_REQUEST))
            return LOOK_OTHER;
        if (at == 0)
            id = its;
        at += FCGI_HEADER_LEN;
        if (h[1] == FCGI_STDIN && its == id && content == 0)
            return LOOK_WHOLE;
        if (len - at < content + h[6])
            break;
        at += content + h[6];
    }
    return LOOK_SHORT;
}

/*
 * Reads STDIN to its end, keeping at most MAX bytes: what is more is read and
 * dropped, because a peer whose bytes are left unread would be reset and
 * might never see our answer.  False: broken off or too slow.
 */
static bool read_body(FCGX_Stream *in, struct buf *body, size_t max,
                      size_t *total)
{
    for (*total = 0;;) {
        int c = FCGX_GetChar(in); /* fills libfcgi's buffer */
        size_t more;
        char first;

        if (c == EOF)
            return FCGX_GetError(in) == 0;
        first = (char)c;
        more = (size_t)(in->stop - in->rdNext);
        *total += 1 + more;
        if (*total <= max) {
            buf_add(body, &first, 1);
            buf_add(body, in->rdNext, more);
        }
        in->rdNext += more;
    }
}

/* A page of ours that only shows something has no use for one. */
static bool wants_body(const struct request *r)
{
    return r->route->proxied || r->route->access == ACCESS_ADMIN;
}

static size_t most_of_body(const struct request *r, const struct gate *g)
{
    return wants_body(r) ? (size_t)gate_max_body(g) : 0;
}

/* R has its body, which was TOTAL bytes long. */
static void understand(struct request *r, struct gate *g, size_t total)
{
    struct asking how;

    if (total > most_of_body(r, g))
        buf_free(&r->body);
    if (!wants_body(r))
        r->content_length = -1; /* it was dropped */
    else if (total > most_of_body(r, g))
        fault_too_large(&r->fault, gate_max_body(g));
    if (as_chat_protocol(r) != NULL) {
        ask_how(r, g, &how);
        as_chat_make(r, gate_speakers(g, as_chat_protocol(r)), &how);
    }
    request_parse_body(r);
}

/* False: broken off or too slow. */
static bool take_body(struct request *r, FCGX_Stream *in, struct gate *g)
{
    size_t total;

    if (!read_body(in, &r->body, most_of_body(r, g), &total))
        return false;
    understand(r, g, total);
    return true;
}

/* The parameters are there. */
static struct request *take(const FCGX_Request *fr, struct gate *g,
                            bool is_whole, int64_t now)
{
    struct request *r = request_new(fr->envp, now);
    size_t total;

    r->fcgi_id = (uint16_t)fr->requestId;
    if (!gate_admits(g, r)) {
        r->has_rest = !is_whole || !read_body(fr->in, &r->body, 0, &total);
        return r;
    }
    if (take_body(r, fr->in, g))
        return r;
    request_free(r);
    return NULL;
}

/* With keepConnection set FCGX_Accept_r keeps the descriptor it finds and reads
 * from it; -1 as listening socket makes its own accept(), after a broken
 * request, fail at once; and detached it closes without waiting for the peer to
 * close first. */
static struct request *receive_from(FCGX_Request *fr, int fd, struct gate *g,
                                    bool is_whole, int64_t now)
{
    FCGX_InitRequest(fr, -1, 0);
    fr->keepConnection = 1;
    fr->ipcFd = fd;
    (void)FCGX_Detach(fr);
    return fd != -1 && FCGX_Accept_r(fr) == 0 ? take(fr, g, is_whole, now)
                                              : NULL;
}

struct request *receive_seen(const unsigned char *bytes, size_t len,
                             struct gate *g, int64_t now)
{
    struct request *r = glance_head(bytes, len, now);

    if (r == NULL || !gate_admits(g, r))
        return r;
    if (!glance_body(&r->body, r->fcgi_id, bytes, len)) {
        request_free(r);
        return NULL;
    }
    understand(r, g, r->body.len);
    return r;
}

struct request *receive(int fd, struct gate *g, int64_t now)
{
    FCGX_Request fr;
    struct request *r = receive_from(&fr, fd, g, true, now);

    FCGX_Free(&fr, r == NULL); /* what is broken it has closed, or does now */
    return r;
}

struct request *receive_slowly(int fd, struct gate *g, int64_t now)
{
    FCGX_Request fr;
    struct request *r =
        receive_from(&fr, fcntl(fd, F_DUPFD_CLOEXEC, 0), g, false, now);

    FCGX_Free(&fr, 1);
    return r;
}
