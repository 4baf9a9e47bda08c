/*
 * receive.c - how do a connection's bytes become a request?
 *
 *   FCGX_Accept_r (parameters) -> STDIN -> request.c parses
 *
 * libfcgi reads from a descriptor of its own choice and closes it as it likes,
 * so it gets a duplicate; the loop speaks FastCGI on the first one later.
 */
#include "receive.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>

#include "limits.h"
#include "route.h"

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
 * never see our answer.  False: broken off or too slow.
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

/* A request is whole, or as whole as it will get. */
static struct request *take(const FCGX_Request *fr, int64_t max_body,
                            int64_t now)
{
    struct request *r = request_new(fr->envp, now);
    size_t max = (size_t)max_body, total;
    const char *allow = "";

    if (!read_body(fr->in, &r->body, max, &total)) {
        request_free(r);
        return NULL;
    }
    if (total > max || r->content_length > max_body) {
        buf_free(&r->body);
        fault_set(&r->fault, 413, "sluice_too_large",
                  "The body is larger than %zu MB (max_body_mb).", max / MIB);
    }
    if (r->fault.status == 0)
        r->route = route_find(r, &allow);
    snprintf(r->allow, sizeof(r->allow), "%s", allow);
    request_parse_body(r);
    r->fcgi_id = (uint16_t)fr->requestId;
    return r;
}

struct request *receive(int fd, int64_t max_body, int64_t now)
{
    struct request *r = NULL;
    FCGX_Request fr;

    /*
     * With keepConnection set FCGX_Accept_r keeps the descriptor it finds
     * and reads from it; -1 as listening socket makes its own accept(),
     * after a broken request, fail at once; and detached it closes without
     * waiting for the peer to close first.
     */
    FCGX_InitRequest(&fr, -1, 0);
    fr.keepConnection = 1;
    fr.ipcFd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    (void)FCGX_Detach(&fr);
    if (fr.ipcFd != -1 && FCGX_Accept_r(&fr) == 0)
        r = take(&fr, max_body, now);
    FCGX_Free(&fr, 1);
    return r;
}
