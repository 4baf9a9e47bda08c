/*
 * proxy_text.c - what are the parts of a proxy's address?
 *
 * scheme://[user[:password]@]host:port, user and password percent-encoded.  They
 * go into no message, no page and no log: what is shown has stars for them, and
 * libcurl, which quotes what it cannot read, is given them apart (handle.c).
 */
#include "fcgi/config/proxy_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/authority.h"
#include "lib/buf.h"

/* Of socks5:// the names are looked up here, of socks5h:// there. */
static const char *const schemes[] = {"http://", "https://", "socks5://",
                                      "socks5h://"};

/* Bytes of the scheme that TEXT begins with; 0: none of these. */
static size_t scheme_len(const char *text)
{
    size_t i, len;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        len = strlen(schemes[i]);
        if (strncasecmp(text, schemes[i], len) == 0)
            return len;
    }
    return 0;
}

/* One slash is what people copy along. */
static size_t len_of(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && text[len - 1] == '/' ? len - 1 : len;
}

/* Is each per cent sign the beginning of a byte that is not zero? */
static bool is_encoded(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] != '%')
            continue;
        if (i + 2 >= len || !isxdigit((unsigned char)text[i + 1]) ||
            !isxdigit((unsigned char)text[i + 2]) ||
            memcmp(text + i, "%00", 3) == 0)
            return false;
        i += 2;
    }
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text > 0x20 && *text < 0x7f; text++)
        ;
    return *text == '\0';
}

const char *proxy_text_fault(const char *text)
{
    size_t scheme = scheme_len(text), len = len_of(text), user;
    const char *host, *at;

    if (scheme == 0)
        return "it begins with none of these";
    if (!is_printable(text))
        return "it has a space or a non-ASCII character";
    if (len <= scheme) /* "http://" alone: its slash is not one to spare */
        return "its host or port is missing or wrong";
    at = memrchr(text + scheme, '@', len - scheme);
    host = at != NULL ? at + 1 : text + scheme;
    user = at != NULL ? (size_t)(at - (text + scheme)) : 0;
    if (at != NULL && (user == 0 || text[scheme] == ':' ||
                       memchr(text + scheme, '/', user) != NULL ||
                       !is_encoded(text + scheme, user)))
        return "its user or password is wrong, or not percent-encoded";
    len -= (size_t)(host - text);
    if (!authority_is_fine(host, len) || host[len - 1] == ']' ||
        memchr(host, ':', len) == NULL)
        return "its host or port is missing or wrong";
    return NULL;
}

void proxy_text_trim(char *text)
{
    size_t scheme = scheme_len(text), i;

    text[len_of(text)] = '\0';
    for (i = 0; i < scheme; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
}

void proxy_text_split(struct proxy_parts *parts, const char *proxy)
{
    size_t scheme = scheme_len(proxy), len;
    const char *user = proxy + scheme, *at = strrchr(user, '@'), *colon;

    *parts = (struct proxy_parts){.scheme_len = scheme, .host = user};
    if (at == NULL)
        return;
    len = (size_t)(at - user);
    colon = memchr(user, ':', len);
    parts->host = at + 1;
    parts->user = user;
    parts->user_len = colon != NULL ? (size_t)(colon - user) : len;
    parts->password = colon != NULL ? colon + 1 : at;
    parts->password_len = (size_t)(at - parts->password);
}

void proxy_text_show(struct buf *b, const char *proxy)
{
    struct proxy_parts p;

    proxy_text_split(&p, proxy);
    buf_add(b, proxy, p.scheme_len);
    buf_str(b, p.user_len > 0 ? "***@" : "");
    buf_add(b, p.host, strlen(p.host) + 1);
}
