/*
 * setting_text.c - is a text fit for its setting, and how is it kept?
 *
 * The ..._fault() functions tell what is wrong, or give NULL; none quotes the
 * text, which may be a misplaced key.
 */
#include "fcgi/config/setting_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/api_url.h"
#include "fcgi/config/authority.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/header_rules.h"
#include "fcgi/config/origins.h"
#include "fcgi/config/proxy_text.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/store_url.h"
#include "lib/address.h"

#define DISTANCE_CUT 64 /* bytes of a text that are looked at */

size_t setting_text_distance(const char *a, const char *b, size_t len)
{
    size_t row[DISTANCE_CUT + 1], a_len = strnlen(a, DISTANCE_CUT), i, j;

    if (len > DISTANCE_CUT)
        len = DISTANCE_CUT;
    for (j = 0; j <= len; j++)
        row[j] = j;
    for (i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (j = 1; j <= len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[len];
}

/* Milliseconds of UNIT; 0: it is none. */
static double unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ms;
    return 0;
}

bool setting_text_number(const struct setting *row, const char *text,
                         double *out)
{
    size_t len = strspn(text, "0123456789.-");
    char digits[32], *end;
    double ms;

    if (len == 0 || len >= sizeof(digits))
        return false;
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
    *out = strtod(digits, &end);
    if (end == digits || *end != '\0')
        return false;
    if (text[len] == '\0')
        return true;
    ms = setting_is_time(row) ? unit_ms(text + len) : 0;
    *out *= row->kind == SETTING_SECONDS ? ms / 1000 : ms;
    return ms > 0;
}

const char *setting_text_number_hint(const struct setting *row)
{
    return setting_is_time(row)
               ? "a time may have a unit, as 250ms, 30s, 15m or 1.5h have"
               : NULL;
}

/* Browsers send exactly scheme://host[:port]; anything else never matches. */
static const char *origin_fault(const char *text)
{
    const char *host, *why = origins_fault(text, &host);

    if (why == NULL && host != NULL &&
        (strpbrk(host, "/?#@\\") != NULL ||
         !authority_is_fine(host, strlen(host))))
        return "an entry is not scheme://host or scheme://host:port";
    return why;
}

static const char *network_fault(const char *text)
{
    struct network ignored;

    if (strcmp(text, "loopback") == 0 || strcmp(text, "private") == 0)
        return NULL;
    return network_read(&ignored, text);
}

static const char *store_fault_text(const char *text)
{
    struct store_url ignored;
    const char *why = store_url_read(&ignored, text);

    store_url_wipe(&ignored);
    return why;
}

/* It becomes a part of keys in the store, and is shown. */
static const char *label_fault(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len == 0 || len > max)
        return "it is empty or too long";
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len
               ? NULL
               : "it has another character";
}

/* Its value becomes a name that everybody may see. */
static const char *header_fault(const char *text)
{
    static const char *const keys[] = {"authorization", "proxy-authorization",
                                       "x-api-key", "api-key", "cookie"};
    size_t i;

    if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789-_") < strlen(text) ||
        strlen(text) > SETTING_HEADER_MAX)
        return "it is not the name of a header";
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcasecmp(text, keys[i]) == 0)
            return "what it holds is secret";
    return NULL;
}

static const char *request_fault(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ*");

    if (n == 0 || n > 8 || text[n] != ':' ||
        strchr("/*", text[n + 1]) == NULL || text[n + 1] == '\0' ||
        strchr(text, ' ') != NULL || strlen(text) >= MODEL_MAX)
        return "an entry is not a method and a path, as GET:/v1/files/* is";
    return NULL;
}

/* A path to be put behind an address. */
static const char *api_path_fault(const char *path)
{
    if (*path != '/' || strstr(path, "/..") != NULL ||
        strpbrk(path, " ?#\\\"<>^`{|}") != NULL)
        return "it is no path";
    return NULL;
}

const char *setting_text_secret_fault(const char *secret)
{
    const unsigned char *p;

    if (*secret == '\0')
        return "it is empty";
    for (p = (const unsigned char *)secret; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return "it has a space, a control or a non-ASCII character";
    if ((const char *)p - secret > SETTING_TEXT_MAX)
        return "it is too long";
    return NULL;
}

const char *setting_text_fault(const struct setting *row, const char *text)
{
    const unsigned char *p;

    for (p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return "it has a control character";
    if (p == (const unsigned char *)text)
        return "it is empty or has an empty entry";
    if (row->kind == SETTING_SECRET)
        return setting_text_secret_fault(text);
    if ((const char *)p - text >= SETTING_TEXT_MAX)
        return "it is too long";
    if (row->kind == SETTING_URL)
        return api_url_fault(text);
    if (row->kind == SETTING_API_PATH)
        return api_path_fault(text);
    if (row->kind == SETTING_PROXY)
        return proxy_text_fault(text);
    if (row->kind == SETTING_STORE)
        return store_fault_text(text);
    if (row->kind == SETTING_ACCOUNT)
        return label_fault(text, (size_t)row->max);
    if ((row->kind == SETTING_PATH || row->kind == SETTING_PATHS) &&
        *text != '/')
        return "it is relative";
    if (row->kind == SETTING_HOSTS && !authority_is_host(text, strlen(text)))
        return "an entry is not a bare host name";
    if (row->kind == SETTING_ORIGINS)
        return origin_fault(text);
    if (row->kind == SETTING_REQUESTS)
        return request_fault(text);
    if (row->kind == SETTING_HEADERS)
        return header_pattern_fault(text);
    if (row->kind == SETTING_LINES)
        return header_line_fault(text);
    if (row->kind == SETTING_FALLBACKS)
        return fallbacks_fault(text);
    if (row->kind == SETTING_ALIASES)
        return aliases_fault(text);
    if (row->kind == SETTING_NETWORKS)
        return network_fault(text);
    if (row->kind == SETTING_HEADER)
        return header_fault(text);
    if (row->kind == SETTING_PATTERNS &&
        (strchr(text, ' ') != NULL || strlen(text) >= MODEL_MAX))
        return "an entry has a space or is too long";
    return NULL;
}

char *setting_text_kept(const struct setting *row, const char *text)
{
    char *kept, *p;

    if (row->kind == SETTING_URL)
        return api_url_kept(text);
    kept = strdup(text);
    if (kept == NULL)
        return NULL;
    if (row->kind == SETTING_API_PATH)
        for (p = kept + strlen(kept); p > kept + 1 && p[-1] == '/';)
            *--p = '\0';
    if (row->kind == SETTING_PROXY)
        proxy_text_trim(kept);
    if (row->kind == SETTING_HOSTS || row->kind == SETTING_ORIGINS)
        for (p = kept; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
    return kept;
}

bool setting_text_is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    char name[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;
    size_t len;

    if (host == NULL)
        return false;
    host += 3;
    len = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":/");
    if (len >= sizeof(name))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, host);
    if (inet_pton(AF_INET, name, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcasecmp(name, "localhost") == 0;
}
