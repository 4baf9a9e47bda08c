/*
 * wire.c - what libmicrohttpd is too well-behaved to send.
 *
 * The raw bytes go past the library; afterwards exchange.c tells it to drop
 * the connection.  Nothing else is ever queued on such a connection, so the
 * two writers never meet.
 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "reply.h"
#include "request.h"

/* sim/bigheader: 200 lines of 1 KiB. */
#define PADDING_LINES 200
#define PADDING_BYTES 1024

/* sim/short: how much more is announced than sent. */
#define MISSING_BYTES 100

bool wire_is_wanted(const struct behaviour *how)
{
    return how->fault == FAULT_GARBAGE || how->fault == FAULT_BADHEADER ||
           how->fault == FAULT_BIGHEADER || how->fault == FAULT_SHORT ||
           how->head_bytes != -1 || how->is_unframed;
}

static void padding_write(struct text *out)
{
    char padding[PADDING_BYTES];
    int i;

    memset(padding, 'x', sizeof(padding));
    for (i = 0; i < PADDING_LINES; i++) {
        size_t start = out->len;

        text_fmt(out, "X-Sim-Padding-%d: ", i);
        text_add(out, padding, PADDING_BYTES - 2 - (out->len - start));
        text_str(out, "\r\n");
    }
}

/* sim/blank-N-MS, all at once. */
static void blanks_write(const struct request *r, struct text *out)
{
    int64_t i;

    for (i = 0; i < r->how.blanks && i < PADDING_BYTES; i++)
        text_str(out, "\n");
}

static void head_write(const struct request *r, struct text *out)
{
    size_t length = r->out.len;
    char id[37];

    if (r->how.fault == FAULT_SHORT)
        length += MISSING_BYTES;
    reply_reqid(r, id);
    text_fmt(out,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
             "Nvcf-Reqid: %s\r\nNvcf-Status: fulfilled\r\n",
             id);
    if (!r->how.is_unframed)
        text_fmt(out, "Content-Length: %zu\r\n", length);
    if (r->how.fault == FAULT_BADHEADER)
        text_str(out, "X-Sim-Bare-CR: before\rafter\r\n"
                      "X-Sim-Folded: first line\r\n  second line\r\n");
    if (r->how.fault == FAULT_BIGHEADER)
        padding_write(out);
    text_str(out, "Connection: close\r\n\r\n");
}

/* sim/unframed+cut-BYTES: a cut that nothing in the answer betrays. */
static size_t body_bytes(const struct request *r)
{
    if (r->how.cut_bytes != -1 && (size_t)r->how.cut_bytes < r->out.len)
        return (size_t)r->how.cut_bytes;
    return r->out.len;
}

void wire_prepare(struct request *r)
{
    struct text raw = {0};

    if (r->how.fault == FAULT_GARBAGE) {
        text_str(&raw, "\x16\x03nimsim: these bytes are not HTTP\xff\r\n\r\n");
    } else {
        head_write(r, &raw);
        if (r->how.is_unframed)
            blanks_write(r, &raw);
        text_add(&raw, r->out.data, body_bytes(r));
    }
    if (r->how.head_bytes != -1 && raw.len > (size_t)r->how.head_bytes)
        raw.len = (size_t)r->how.head_bytes;
    text_free(&r->out);
    r->out = raw;
    r->out_sent = 0;
}

enum wire_result wire_write(struct request *r)
{
    while (r->out_sent < r->out.len) {
        ssize_t n = send(r->wait.fd, r->out.data + r->out_sent,
                         r->out.len - r->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0) {
            r->out_sent += (size_t)n;
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return WIRE_BLOCKED;
        if (errno == EINTR)
            continue;
        return WIRE_DONE; /* the client has left: nothing to shut */
    }
    wire_shut(r);
    return WIRE_DONE;
}

/*
 * Dissolving a TCP connection sends its reset at once.  The usual way, a
 * close with SO_LINGER at zero, would come after the library's own shutdown
 * and so be read as a clean end first.
 */
void wire_reset(struct request *r)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    r->was_ended_by_us = true;
    if (connect(r->wait.fd, &nobody, sizeof(nobody)) == -1)
        wire_shut(r);
}

void wire_shut(struct request *r)
{
    r->was_ended_by_us = true;
    shutdown(r->wait.fd, SHUT_WR);
}
