/*
 * api_url.c - where does an upstream's API lie?
 *
 *   base_url                        chat is asked for at
 *   https://host                    https://host/v1/chat/completions
 *   https://host/v1beta/openai      https://host/v1beta/openai/chat/completions
 *   https://host/openai/v1?a=b      https://host/openai/v1/chat/completions?a=b
 *   https://host, api_path "/"      https://host/chat/completions
 *   https://api.perplexity.ai       the same: it is known to have no /v1
 *
 * Clients ask for what is under /v1 here, wherever it lies there.
 */
#include "fcgi/config/api_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/authority.h"
#include "fcgi/config/fields.h"
#include "lib/base.h"
#include "lib/buf.h"

static const char ours[] = "/v1";

/* Hosts whose API lies at their root (docs.perplexity.ai, OpenAI
 * compatibility). */
static const char *const at_root[] = {"api.perplexity.ai"};

/* ---- the parts of one -------------------------------------------------------- */

static const char *host_of(const char *url)
{
    return strstr(url, "://") + 3;
}

/* Of URL: where its path begins, or its query, or its end. */
static const char *path_of(const char *url)
{
    const char *host = host_of(url);

    return host + strcspn(host, "/?#");
}

static bool is_at_root(const char *url)
{
    const char *host = host_of(url);
    size_t len = strcspn(host, ":/?"), i;

    for (i = 0; i < ARRAY_LEN(at_root); i++)
        if (strlen(at_root[i]) == len &&
            strncasecmp(host, at_root[i], len) == 0)
            return true;
    return false;
}

/* ---- putting one together ---------------------------------------------------- */

static void add_path(struct buf *b, const struct config_upstream *u)
{
    const char *path = path_of(u->base_url);
    size_t len = strcspn(path, "?");

    buf_add(b, u->base_url, (size_t)(path - u->base_url) + len);
    if (u->api_path != NULL)
        buf_add(b, u->api_path,
                strcmp(u->api_path, "/") == 0 ? 0 : strlen(u->api_path));
    else if (len == 0 && !is_at_root(u->base_url))
        buf_str(b, ours);
}

/* Does QUERY, or NULL, have a parameter of the name that PAIR begins with? */
static bool has_param(const char *query, const char *pair, size_t len)
{
    size_t name = strcspn(pair, "=&");

    if (name > len)
        name = len;
    while (query != NULL && *query != '\0') {
        if (strncmp(query, pair, name) == 0 &&
            strchr("=&", query[name]) != NULL)
            return true;
        query += strcspn(query, "&");
        query += *query == '&';
    }
    return false;
}

static void add_query(struct buf *b, const char *own, const char *asked)
{
    char sign = asked != NULL ? '&' : '?';

    while (own != NULL && *own != '\0') {
        size_t len = strcspn(own, "&");

        if (len > 0 && !has_param(asked, own, len)) {
            buf_add(b, &sign, 1);
            buf_add(b, own, len);
            sign = '&';
        }
        own += len + (own[len] == '&');
    }
}

void api_url(struct buf *b, const struct config_upstream *u, const char *target)
{
    const char *own = strchr(u->base_url, '?');
    const char *asked = strchr(target, '?');

    CHECK(strncmp(target, ours, sizeof(ours) - 1) == 0);
    add_path(b, u);
    buf_str(b, target + sizeof(ours) - 1);
    add_query(b, own != NULL ? own + 1 : NULL,
              asked != NULL ? asked + 1 : NULL);
    buf_add(b, "", 1);
}

/* ADDRESS from its path on, if U is where it lies; NULL: it is not. */
static const char *path_there(const struct config_upstream *u,
                              const char *address)
{
    size_t origin = (size_t)(path_of(u->base_url) - u->base_url);

    if (address[0] == '/')
        return address[1] != '/' ? address : NULL;
    if (strncasecmp(address, u->base_url, origin) != 0 ||
        strchr("/?#", address[origin]) == NULL)
        return NULL;
    return address + origin;
}

bool api_url_back(struct buf *b, const struct config_upstream *u,
                  const char *address)
{
    const char *path = path_there(u, address), *api;
    struct buf there = {NULL, 0, 0, 0};
    size_t len;
    bool fits;

    if (path == NULL)
        return false;
    add_path(&there, u);
    buf_add(&there, "", 1);
    api = path_of(buf_head(&there));
    len = strlen(api);
    fits = strncmp(path, api, len) == 0 && strchr("/?#", path[len]) != NULL &&
           (path != address || strcmp(api, ours) != 0);
    if (fits) {
        buf_str(b, ours);
        buf_add(b, path + len, strlen(path + len) + 1);
    }
    buf_free(&there);
    return fits;
}

/* ---- what one may be --------------------------------------------------------- */

/* The URL that was meant, where it ends with what clients ask for: SDKs and
 * documents show whole addresses. */
static const char *endpoint_fault(const char *url)
{
    static const char *const ends[] = {"/chat/completions", "/completions",
                                       "/embeddings",       "/responses",
                                       "/messages",         "/models"};
    static char why[192];
    const char *path = path_of(url);
    size_t len = strcspn(path, "?"), i, n;

    while (len > 0 && path[len - 1] == '/')
        len--;
    for (i = 0; i < ARRAY_LEN(ends); i++) {
        n = strlen(ends[i]);
        if (len < n || strncmp(path + len - n, ends[i], n) != 0)
            continue;
        (void)snprintf(why, sizeof(why),
                       "it ends with %s, which clients ask for themselves; "
                       "write %.*s",
                       ends[i], (int)min_i64(path + len - n - url, (int64_t)96),
                       url);
        return why;
    }
    return NULL;
}

/* A key in it would be shown wherever the address is. */
static const char *query_fault(const char *query)
{
    static const char *const secret[] = {"key",      "token", "secret",
                                         "password", "sig",   "code"};
    size_t i, k, name;

    for (; query != NULL; query = strchr(query, '&')) {
        query += *query == '&' || *query == '?';
        name = strcspn(query, "=&");
        for (i = 0; i < ARRAY_LEN(secret); i++)
            for (k = 0; k + strlen(secret[i]) <= name; k++)
                if (strncasecmp(query + k, secret[i], strlen(secret[i])) == 0)
                    return "its query holds a key, which belongs into "
                           "api_key_file";
    }
    return NULL;
}

const char *api_url_fault(const char *url)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    const char *host = url + scheme;
    size_t len = strcspn(host, "/?#\\");
    const char *why;

    if (scheme == 0)
        return "it begins with neither http:// nor https://";
    if (memchr(host, '@', len) != NULL)
        return "it carries a user name or a password";
    if (strchr(url, '#') != NULL)
        return "it carries a fragment";
    why = query_fault(strchr(url, '?'));
    if (why != NULL)
        return why;
    if (!authority_is_fine(host, len))
        return "its host or port is missing or wrong";
    if (strpbrk(url, " \\\"<>^`{|}") != NULL || strstr(host, "/..") != NULL)
        return "its path has something that no path may have";
    return endpoint_fault(url);
}

char *api_url_kept(const char *text)
{
    char *url = strdup(text), *from, *to, *path;

    if (url == NULL)
        return NULL;
    path = url + (path_of(url) - url);
    for (from = url; from < host_of(url); from++) /* later code compares it */
        *from = (char)tolower((unsigned char)*from);
    for (from = to = path; *from != '\0' && *from != '?'; from++)
        if (*from != '/' ||
            (from[1] != '/' && from[1] != '?' && from[1] != '\0'))
            *to++ = *from;
    memmove(to, from, strlen(from) + 1);
    return url;
}
