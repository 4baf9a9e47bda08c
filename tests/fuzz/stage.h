/*
 * An exchange without events, a limiter or a socket: what relay.c writes stays
 * in the client's buffer, and is taken from there.
 */
#ifndef SLUICE_FUZZ_STAGE_H
#define SLUICE_FUZZ_STAGE_H

#include <fastcgi.h>

#include "fcgi/config/config.h"
#include "fcgi/exchange.h"
#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/relay.h"
#include "fcgi/upstream/answer_head.h"
#include "fuzz.h"

struct stage {
    struct sluice s;
    struct config cfg; /* nothing is secret */
    struct exchange x;
    struct upstream_head head;
    struct buf said; /* all that the web server got */
};

static inline void stage_open(struct stage *st, bool stream, bool head_only)
{
    char method[] = "REQUEST_METHOD=POST", get[] = "REQUEST_METHOD=HEAD";
    char uri[] = "REQUEST_URI=/v1/chat/completions";
    char models[] = "REQUEST_URI=/v1/models";
    char *envp[] = {head_only ? get : method, head_only ? models : uri, NULL};
    static struct loop *clock; /* only its time is asked for */

    if (clock == NULL)
        clock = loop_new();
    CHECK(clock != NULL);
    memset(st, 0, sizeof(*st));
    st->s.loop = clock;
    st->s.cfg = &st->cfg;
    st->x.s = &st->s;
    st->x.stats.sending = true; /* errors are noted with the send's end */
    st->x.req = request_new(envp, 1);
    st->x.req->stream = stream;
    gate_route(&routes_all, st->x.req);
    CHECK(st->x.req->route != NULL);
    st->x.client.fd = -1;
    relay_init(&st->x.relay);
    deadlines_init(&st->x.due);
    head_clear(&st->head);
}

static inline void stage_close(struct stage *st)
{
    head_clear(&st->head);
    relay_fini(&st->x.relay);
    request_free(st->x.req);
    buf_free(&st->x.client.out);
    buf_free(&st->said);
}

/* Takes the records out of the client's buffer.  How many bytes they held. */
static inline size_t stage_hear(struct stage *st)
{
    struct buf *out = &st->x.client.out;
    size_t before = st->said.len;

    while (out->len > 0) {
        FCGI_Header h;
        size_t len;

        CHECK(out->len >= sizeof(h));
        memcpy(&h, buf_head(out), sizeof(h));
        len = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;
        CHECK(h.version == FCGI_VERSION_1 && h.type == FCGI_STDOUT);
        CHECK(out->len >= sizeof(h) + len + h.paddingLength && len > 0);
        buf_add(&st->said, buf_head(out) + sizeof(h), len);
        buf_take(out, sizeof(h) + len + h.paddingLength);
    }
    st->x.client.above = false;
    return st->said.len - before;
}

/* The length of a CGI head at the front of what was said: lines without a
 * control character, one Status, a blank line. */
static inline size_t stage_head_len(const struct stage *st)
{
    const char *p, *line, *text = st->said.len > 0 ? buf_head(&st->said) : "";
    const char *end = text + st->said.len;
    unsigned status = 0;

    for (line = text;; line = p + 2) {
        for (p = line; p < end && *p != '\r'; p++)
            CHECK((unsigned char)*p >= 0x20 || *p == '\t');
        CHECK(end - p >= 2 && p[1] == '\n');
        if (p == line)
            break;
        CHECK(*line != ' ' && *line != '\t' && *line != ':' &&
              memchr(line, ':', (size_t)(p - line)) != NULL);
        status += strncasecmp(line, "Status:", 7) == 0;
    }
    CHECK(status == 1);
    return (size_t)(p + 2 - text);
}

/* Reads "200" and header lines up to a blank one, as upstream.c does.  False:
 * a line that must not be passed on. */
static inline bool stage_read_head(struct stage *st, struct input *in)
{
    bool sound = true;
    char *line;
    size_t len;

    line = take_line(in, &len);
    st->head.status =
        line != NULL ? 200 + abs(atoi(line) % 1000 - 200) % 400 : 200;
    free(line);
    while ((line = take_line(in, &len)) != NULL && len > 0) {
        sound = head_take(&st->head, line, len) && sound;
        free(line);
    }
    free(line);
    return sound;
}

#endif
