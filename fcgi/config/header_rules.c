/*
 * header_rules.c - which header fields of a request may go on to an upstream?
 *
 * What pass_headers lists, and of that nothing which would harm: fields of one
 * connection (RFC 9110, 7.6.1) and of its body's framing, cookies, the page
 * that asks, the way that a request took to us, and what is said to Sluice.
 * Keys go by key_header, so that a list cannot give them to a stranger.
 */
#include "fcgi/config/header_rules.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base.h"

static const char *const never[] = {
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-*",
    "host",
    "content-length",
    "content-encoding",
    "expect",
    "accept-encoding",
    "cookie",
    "cookie2",
    "origin",
    "referer",
    "forwarded",
    "x-forwarded-*",
    "x-real-ip",
    "via",
    "sec-*",
    "x-sluice-*",
    "authorization",
    "x-api-key",
    "api-key",
    "x-request-id",
};

bool header_fits(const char *pattern, const char *name)
{
    size_t n;

    /* Most differ in their first letter: five dozen are asked for a request. */
    if (((*pattern ^ *name) & ~0x20) != 0 && *pattern != '*')
        return false;
    n = strlen(pattern);
    if (n > 0 && pattern[n - 1] == '*')
        return strncasecmp(pattern, name, n - 1) == 0;
    return strcasecmp(pattern, name) == 0;
}

bool header_is_secret(const char *name)
{
    static const char *const names[] = {"authorization", "proxy-authorization",
                                        "x-api-key", "api-key", "cookie"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool header_may_pass(const char *name)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(never); i++)
        if (header_fits(never[i], name))
            return false;
    return true;
}

/* A token (RFC 9110, 5.6.2) as far as FastCGI can carry it. */
static size_t name_len(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) || text[n] == '-' || text[n] == '_')
        n++;
    return n;
}

/* Would PATTERN let one through that must not pass? */
static bool lets_out(const char *pattern)
{
    size_t n = strlen(pattern), i;

    for (i = 0; i < ARRAY_LEN(never); i++) {
        size_t m = strlen(never[i]);

        if (pattern[n - 1] == '*' && n <= m &&
            strncasecmp(pattern, never[i], n - 1) == 0)
            return true;
    }
    return pattern[n - 1] != '*' && !header_may_pass(pattern);
}

const char *header_pattern_fault(const char *pattern)
{
    size_t n = name_len(pattern);
    bool is_key = strcasecmp(pattern, "authorization") == 0 ||
                  strcasecmp(pattern, "x-api-key") == 0 ||
                  strcasecmp(pattern, "api-key") == 0;

    if (n >= HEADER_NAME_MAX || n == 0 ||
        strcmp(pattern + n, pattern[n] == '*' ? "*" : "") != 0)
        return "an entry is no header name, nor the beginning of one with a * "
               "behind it";
    if (is_key)
        return "a client's key passes by itself where the upstream has none of "
               "ours (api_key_file, key_header)";
    if (lets_out(pattern))
        return "an entry would pass on a header that must never pass: of the "
               "connection, of cookies, of the page or the way it came";
    return NULL;
}

const char *header_line_fault(const char *line)
{
    size_t n = name_len(line);
    char name[HEADER_NAME_MAX];

    if (n == 0 || n >= sizeof(name) || line[n] != ':' ||
        strspn(line + n + 1, " ") == strlen(line + n + 1))
        return "an entry is not \"Name: value\"";
    memcpy(name, line, n);
    name[n] = '\0';
    if (strcasecmp(name, "authorization") == 0 ||
        strcasecmp(name, "x-api-key") == 0 || strcasecmp(name, "api-key") == 0)
        return "a key belongs into api_key_file, and key_header says how it is "
               "sent";
    if (!header_may_pass(name))
        return "an entry sets a header that is Sluice's own to send, or must "
               "never pass";
    return NULL;
}
