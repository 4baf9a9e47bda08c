/*
 * glance.c - who asks, and for what, as far as the first bytes tell?
 *
 * Parameters are name-value pairs (FastCGI 1.0, section 3.4) in the content of
 * PARAMS records, the last of which is empty; the body is that of STDIN records.
 * Bytes are looked at and left where they are: what looks odd here is read by
 * libfcgi, from the beginning, and so is what is too large to be seen.
 */
#include "fcgi/glance.h"

#include <fastcgi.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/request.h"

struct cursor {
    const unsigned char *p, *end;
};

/* ---- records ------------------------------------------------------------------ */

/* A request to answer, and nothing else that FastCGI has. */
static bool is_for_us(const unsigned char *begin, size_t len)
{
    return len >= 2 && (begin[0] << 8 | begin[1]) == FCGI_RESPONDER;
}

/* Joins the content of the records of TYPE of the first request in BYTES.  False:
 * their end is not there. */
static bool join(struct buf *out, int type, uint16_t *id,
                 const unsigned char *bytes, size_t len)
{
    size_t at = 0;

    while (len - at >= FCGI_HEADER_LEN) {
        const unsigned char *h = bytes + at;
        uint16_t its = (uint16_t)(h[2] << 8 | h[3]);
        size_t content = (size_t)h[4] << 8 | h[5];

        if (h[0] != FCGI_VERSION_1 || (at == 0) != (h[1] == FCGI_BEGIN_REQUEST))
            return false;
        if (at == 0)
            *id = its;
        else if (its != *id || (h[1] != FCGI_PARAMS && h[1] != FCGI_STDIN))
            return false; /* of another request, or no part of one */
        at += FCGI_HEADER_LEN;
        if (len - at < content + h[6] ||
            (h[1] == FCGI_BEGIN_REQUEST && !is_for_us(bytes + at, content)))
            return false;
        if (h[1] == type && content == 0)
            return true;
        if (h[1] == type)
            buf_add(out, bytes + at, content);
        at += content + h[6];
    }
    return false;
}

/* ---- pairs --------------------------------------------------------------------- */

/* A length of one byte, or of four whose first bit is set. */
static bool take_len(struct cursor *c, size_t *out)
{
    size_t left = (size_t)(c->end - c->p);

    if (left == 0 || (*c->p >= 0x80 && left < 4))
        return false;
    if (*c->p < 0x80) {
        *out = *c->p++;
        return true;
    }
    *out = (size_t)(c->p[0] & 0x7f) << 24 | (size_t)c->p[1] << 16 |
           (size_t)c->p[2] << 8 | c->p[3];
    c->p += 4;
    return true;
}

/* The next pair, as "NAME=value" and a zero: no longer than it is there, with its
 * two lengths, so TEXT has room. */
static bool take_pair(struct cursor *c, struct buf *text)
{
    char *out = text->data + text->len;
    size_t name, value;

    if (!take_len(c, &name) || !take_len(c, &value) ||
        name > (size_t)(c->end - c->p) ||
        value > (size_t)(c->end - c->p) - name ||
        memchr(c->p, '\0', name + value) != NULL)
        return false;
    memcpy(out, c->p, name);
    out[name] = '=';
    memcpy(out + name + 1, c->p + name, value);
    out[name + 1 + value] = '\0';
    text->len += name + value + 2;
    c->p += name + value;
    return true;
}

/* A request with what TEXT holds, N variables one behind the other. */
static struct request *make(struct buf *text, size_t n, int64_t now)
{
    char *envp[PARAMS_MAX + 1], *p = text->data;
    size_t i;

    for (i = 0; i < n; i++, p += strlen(p) + 1)
        envp[i] = p;
    envp[n] = NULL;
    return request_new(envp, now);
}

/* A key may be among them. */
static void wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    buf_free(b);
}

struct request *glance_head(const unsigned char *bytes, size_t len, int64_t now)
{
    struct buf params = {NULL, 0, 0, 0}, text = {NULL, 0, 0, 0};
    struct request *r = NULL;
    struct cursor c;
    uint16_t id = 0;
    size_t n = 0;

    /* At once, so that no copy stays behind; for "=" and zero a pair has two
     * lengths. */
    (void)buf_room(&params, len);
    (void)buf_room(&text, len);
    if (len <= LOOK_BYTES && join(&params, FCGI_PARAMS, &id, bytes, len) &&
        params.len > 0) {
        c.p = (const unsigned char *)params.data;
        c.end = c.p + params.len;
        while (n < PARAMS_MAX && c.p < c.end && take_pair(&c, &text))
            n++;
        if (c.p == c.end)
            r = make(&text, n, now);
    }
    if (r != NULL)
        r->fcgi_id = id;
    wipe(&params);
    wipe(&text);
    return r;
}

bool glance_body(struct buf *body, uint16_t id, const unsigned char *bytes,
                 size_t len)
{
    return join(body, FCGI_STDIN, &id, bytes, len);
}
