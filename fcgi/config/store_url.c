/*
 * store_url.c - at which addresses is the store, and who are we there?
 *
 *   setting_text.c  is it fit to be the setting?
 *   fcgi/store/     connects to it
 *
 * One scan from the left: scheme, user, addresses, tail.  Nothing is looked up
 * here.  What is wrong is said in words of ours, because the text may have a
 * password in it.
 */
#include "fcgi/config/store_url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "lib/base.h"
#include "lib/buf.h"

#define HOST_WRONG "its host or port is missing or wrong"
#define USER_WRONG                                                             \
    "its user or password is wrong, too long, or not percent-encoded"

enum { TLS = 1, UNIX = 2, SENTINEL = 4 };

static const struct scheme {
    const char *text;
    int is;
} schemes[] = {
    {"redis://", 0},
    {"rediss://", TLS},
    {"valkey://", 0},
    {"valkeys://", TLS}, /* as Valkey's own tools */
    {"unix://", UNIX},
    {"sentinel://", SENTINEL},
    {"sentinels://", SENTINEL | TLS},
};

static const struct scheme *scheme_of(const char *text)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) == 0)
            return &schemes[i];
    return NULL;
}

static bool is_printable(const char *text)
{
    for (; *text > 0x20 && *text < 0x7f; text++)
        ;
    return *text == '\0';
}

/* Of a digit that is one. */
static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The LEN bytes at TEXT with their per cent signs resolved; false: they are
 * wrong, hold a zero, or do not fit. */
static bool decode(char *out, size_t max, const char *text, size_t len)
{
    size_t i, n = 0;

    for (i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            if (len - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
                !isxdigit((unsigned char)text[i + 2]))
                return false;
            c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        if (c == '\0' || n + 1 >= max)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* The at sign that ends user and password; NULL: there are none.  A slash must
 * be percent-encoded before it, an at sign need not be. */
static const char *user_end(const char *p)
{
    return memrchr(p, '@', strcspn(p, "/"));
}

/* "USER", "USER:PASSWORD" or ":PASSWORD"; an empty password is a slip. */
static bool read_user(struct store_url *u, const char *p, const char *at)
{
    const char *colon = memchr(p, ':', (size_t)(at - p));
    const char *end = colon != NULL ? colon : at;

    if (at == p || (colon != NULL && colon + 1 == at))
        return false;
    return decode(u->user, sizeof(u->user), p, (size_t)(end - p)) &&
           (colon == NULL || decode(u->password, sizeof(u->password), colon + 1,
                                    (size_t)(at - colon - 1)));
}

/* A whole number up to MOST, behind which *P is left; -1: there is none. */
static long read_number(const char **p, long most)
{
    long n = 0;

    if (!isdigit((unsigned char)**p))
        return -1;
    for (; isdigit((unsigned char)**p); (*p)++) {
        n = n * 10 + (**p - '0');
        if (n > most)
            return -1;
    }
    return n;
}

/* All that is left is its number. */
static bool read_db(struct store_url *u, const char *p)
{
    long db = read_number(&p, STORE_DB_MAX);

    u->db = db > 0 ? (uint32_t)db : 0;
    return db >= 0 && *p == '\0';
}

/* A host from *P on, an IPv6 address in brackets, and its port. */
static bool read_place(struct store_place *to, const char **p, int is)
{
    bool six = **p == '[';
    const char *host = *p + six;
    size_t len = six ? strspn(host, "0123456789abcdefABCDEF:.")
                     : strspn(host, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    long port = (is & SENTINEL) != 0 ? STORE_SENTINELS : STORE_PORT;

    if (len == 0 || len >= sizeof(to->host) || (six && host[len] != ']'))
        return false;
    memcpy(to->host, host, len);
    to->host[len] = '\0';
    *p = host + len + six;
    if (**p == ':') {
        (*p)++;
        port = read_number(p, 65535);
    }
    to->port = (uint16_t)(port > 0 ? port : 0);
    return port > 0;
}

/* The path of a socket from *P on; a comma or a question mark ends it. */
static bool read_path(struct store_place *to, const char **p)
{
    size_t len = strcspn(*p, ",?");

    if (**p != '/' || len < 2 ||
        len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return false;
    memcpy(to->host, *p, len);
    to->host[len] = '\0';
    to->port = 0;
    *p += len;
    return true;
}

static const char *read_places(struct store_url *u, const char **p,
                               const struct scheme *s)
{
    /* People copy whole URLs behind a comma: the scheme may stand there again, if
     * it is the same. */
    for (u->n = 0; u->n < STORE_PLACES;) {
        if (u->n > 0 && scheme_of(*p) == s)
            *p += strlen(s->text);
        if (!((s->is & UNIX) != 0 ? read_path(&u->at[u->n], p)
                                  : read_place(&u->at[u->n], p, s->is)))
            return (s->is & UNIX) != 0
                       ? "the path of its socket is missing, relative or "
                         "longer than 107 bytes"
                       : HOST_WRONG;
        u->n++;
        if (**p != ',')
            return NULL;
        (*p)++;
    }
    return "it has more than 8 addresses";
}

/* What the sentinels call the store, and where they are asked, a number too. */
static const char *read_master(struct store_url *u, const char *p)
{
    size_t len = *p == '/' ? strcspn(p + 1, "/") : 0;

    if (len == 0 || len >= sizeof(u->master) ||
        !decode(u->master, sizeof(u->master), p + 1, len))
        return "behind the sentinels there must be / and the name by which "
               "they know the store";
    p += 1 + len;
    return *p == '\0' || (*p == '/' && read_db(u, p + 1))
               ? NULL
               : "its database must be a number";
}

/* What stands behind the addresses. */
static const char *read_tail(struct store_url *u, const char *p, int is)
{
    if ((is & SENTINEL) != 0)
        return read_master(u, p);
    if ((is & UNIX) != 0)
        return *p == '\0' || (strncmp(p, "?db=", 4) == 0 && read_db(u, p + 4))
                   ? NULL
                   : "what stands behind its path must be ?db= and a number";
    if (*p == '\0' || strcmp(p, "/") == 0)
        return NULL;
    return *p == '/' && read_db(u, p + 1) ? NULL
                                          : HOST_WRONG
               ", or its database is no number";
}

const char *store_url_read(struct store_url *u, const char *text)
{
    const struct scheme *s = scheme_of(text);
    const char *p, *at, *why;

    memset(u, 0, sizeof(*u));
    if (s == NULL)
        return "it begins with none of these";
    if (!is_printable(text))
        return "it has a space or a non-ASCII character";
    u->tls = (s->is & TLS) != 0;
    u->sentinel = (s->is & SENTINEL) != 0;
    p = text + strlen(s->text);
    at = user_end(p);
    if (at != NULL && !read_user(u, p, at))
        return USER_WRONG;
    p = at != NULL ? at + 1 : p;
    why = read_places(u, &p, s);
    return why != NULL ? why : read_tail(u, p, s->is);
}

void store_url_wipe(struct store_url *u)
{
    explicit_bzero(u, sizeof(*u));
}

void store_url_show(struct buf *b, const char *text)
{
    const struct scheme *s = scheme_of(text);
    const char *p = text + (s != NULL ? strlen(s->text) : 0);
    const char *at = user_end(p);

    buf_add(b, text, (size_t)(p - text));
    buf_str(b, at != NULL ? "***@" : "");
    p = at != NULL ? at + 1 : p;
    buf_add(b, p, strlen(p) + 1);
}
