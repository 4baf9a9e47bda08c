/*
 * origins.c - which pages does an entry of `origins` mean?
 *
 *   SCHEME://HOST, with or without a port: one, exactly as a browser sends it
 *   SCHEME:// and a star: all of a scheme whose hosts browsers draw by lot
 *       (moz-extension, vscode-webview, app); never of the web's own, for that
 *       is everybody
 *   https:// and a star before ".example.com": all hosts below one, at any
 *       depth; not itself
 *   null, file://: pages without an origin of their own, and of the disk, from
 *       browsers that say so
 *
 * The star stands for letters that a host may have, and for nothing else: no
 * slash, no "@", no second port can hide in it.
 */
#include "fcgi/config/origins.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define HOST_LETTERS                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define HOST_BYTES 253 /* of a name (RFC 1035); the ids of extensions have 36 */

static bool is_bare(const char *text)
{
    return strcasecmp(text, "null") == 0 || strcasecmp(text, "file://") == 0;
}

static bool is_web(const char *origin)
{
    return strncasecmp(origin, "http://", 7) == 0 ||
           strncasecmp(origin, "https://", 8) == 0;
}

/* RFC 3986, 3.1. */
static bool is_scheme(const char *text, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";

    return len > 0 && strchr("0123456789+.-", text[0]) == NULL &&
           strspn(text, letters) >= len;
}

/* Is the name in REST, which may go on with a port, one label? */
static bool is_one_label(const char *rest)
{
    size_t len = strcspn(rest, ":");

    return memchr(rest, '.', len) == NULL &&
           (len != 9 || strncasecmp(rest, "localhost", 9) != 0);
}

/* REST follows the star that a host begins with. */
static const char *star_fault(const char *entry, const char *rest,
                              const char **host)
{
    if (*rest == '\0')
        return is_web(entry) ? "a star for every host is all the web" : NULL;
    if (*rest != '.' || strchr(rest, '*') != NULL)
        return "a star is the whole host, or its first label";
    if (!is_web(entry))
        return "a star before a name is for http:// and https://";
    if (is_one_label(rest + 1))
        return "a star before a name of one label is too much of the web";
    *host = rest + 1;
    return NULL;
}

const char *origins_fault(const char *entry, const char **host)
{
    const char *rest = strstr(entry, "://");

    *host = NULL;
    if (is_bare(entry))
        return NULL;
    if (strcmp(entry, "*") == 0)
        return "a star alone is every page there is";
    if (rest == NULL || !is_scheme(entry, (size_t)(rest - entry)))
        return "an entry is not scheme://host or scheme://host:port";
    rest += 3;
    if (*rest == '*')
        return star_fault(entry, rest + 1, host);
    *host = rest;
    return NULL;
}

bool origins_fit(const char *entry, const char *origin)
{
    const char *star = strchr(entry, '*'), *host;
    size_t before, behind, len, middle;

    if (star == NULL)
        return strcasecmp(entry, origin) == 0;
    before = (size_t)(star - entry);
    behind = strlen(star + 1);
    len = strlen(origin);
    if (len <= before + behind || strncasecmp(origin, entry, before) != 0 ||
        strcasecmp(origin + len - behind, star + 1) != 0)
        return false;
    host = origin + before;
    middle = len - before - behind;
    return middle <= HOST_BYTES && strspn(host, HOST_LETTERS) >= middle;
}
