/*
 * target.c - which path was asked for, and which was meant?
 *
 *   /v1//chat/completions, /v1/chat/completions/    a slash too many
 *   /v1/v1/chat/completions                         /v1 in the base URL, and by
 *                                                   the client
 *   /chat/completions                               by neither
 *
 * all are /v1/chat/completions.  What could mean one thing here and another to
 * the upstream is refused.
 */
#include "fcgi/target.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/fault.h"
#include "lib/base.h"

/* ---- mending ----------------------------------------------------------------- */

/* What the OpenAI API has under /v1, and Sluice not above it. */
static const char *const segments[] = {
    "audio",  "batches",   "chat",    "completions",   "embeddings",  "files",
    "images", "messages",  "models",  "moderations",   "fine_tuning", "ranking",
    "rerank", "responses", "uploads", "vector_stores",
};

static size_t path_len(const char *target)
{
    return strcspn(target, "?");
}

/* Does TARGET begin with the segments of HEAD, and with no part of one? */
static bool is_under(const char *target, const char *head)
{
    size_t n = strlen(head);

    return strncmp(target, head, n) == 0 && strchr("/?", target[n]) != NULL;
}

static bool lacks_v1(const char *target)
{
    size_t n = strcspn(target + 1, "/?"), i;

    for (i = 0; i < ARRAY_LEN(segments); i++)
        if (strlen(segments[i]) == n &&
            strncmp(target + 1, segments[i], n) == 0)
            return true;
    return false;
}

/* Takes out LEN bytes at AT. */
static void cut(char *at, size_t len)
{
    memmove(at, at + len, strlen(at + len) + 1);
}

/* TARGET has room for three more bytes. */
static void mend(char *target)
{
    static const char under[] = {'/', 'v', '1'};
    char *p;

    for (p = target; *p != '\0' && *p != '?';)
        if (p[0] == '/' && p[1] == '/')
            cut(p, 1);
        else
            p++;
    if (p > target + 1 && p[-1] == '/')
        cut(p - 1, 1);
    while (is_under(target, "/v1/v1"))
        cut(target, 3);
    if (lacks_v1(target)) {
        memmove(target + 3, target, strlen(target) + 1);
        memcpy(target, under, sizeof(under));
    }
}

/* ---- decoding ---------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX of FROM up to '?' into TO, which is as long.  False: not a
 * valid encoding, or a control character. */
static bool decode(const char *from, char *to)
{
    for (; *from != '\0' && *from != '?'; from++) {
        int c = (unsigned char)*from;

        if (c == '%') {
            int hi = hex_digit(from[1]);
            int lo = hi < 0 ? -1 : hex_digit(from[2]);

            if (lo < 0)
                return false;
            c = hi * 16 + lo;
            from += 2;
        }
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '#')
            return false;
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

/* "..", "." or an empty segment would mean something else upstream. */
static bool has_odd_segment(const char *path)
{
    const char *p = path;

    while (*p == '/') {
        size_t n = strcspn(p + 1, "/");

        if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
            return true;
        if (n == 0 && p[1] == '/')
            return true;
        p += n + 1;
    }
    return *p != '\0';
}

/* ---- reading ----------------------------------------------------------------- */

static char *room(size_t size)
{
    char *p = calloc(1, size);

    CHECK(p != NULL);
    return p;
}

static const char *checked(const char *uri, struct fault *fault)
{
    const char *p;

    if (uri == NULL || *uri != '/' || strlen(uri) >= PATH_BYTES) {
        fault_bad(fault, "The path is missing or longer than %d bytes.",
                  PATH_BYTES);
        return "/";
    }
    for (p = uri; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '#')
            fault_bad(fault,
                      "The path holds a character that must be encoded.");
    return uri;
}

void target_read(char **target, char **path, const char *uri,
                 struct fault *fault)
{
    size_t size;

    uri = checked(uri, fault);
    size = strlen(uri) + sizeof("/v1");
    *target = memcpy(room(size), uri, strlen(uri) + 1);
    mend(*target);
    *path = room(path_len(*target) + sizeof("/"));
    if (decode(*target, *path) && !has_odd_segment(*path))
        return;
    fault_bad(fault,
              "The path is not a plain one: no \"..\", \"//\", backslash "
              "or control character.");
    memcpy(*path, "/", 2);
}

int target_query(const char *target, const char *name, char *out, size_t max)
{
    size_t n = strlen(name), len;
    const char *p = target + path_len(target);
    char *part;
    int rc = 1;

    while (*p != '\0' && !(strncmp(p + 1, name, n) == 0 && p[n + 1] == '='))
        p += 1 + strcspn(p + 1, "&");
    if (*p == '\0')
        return 0;
    len = strcspn(p + n + 2, "&");
    part = strndup(p + n + 2, len);
    CHECK(part != NULL);
    if (len >= max || strchr(part, '?') != NULL || !decode(part, out))
        rc = -1;
    free(part);
    return rc;
}
