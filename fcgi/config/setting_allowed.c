/*
 * setting_allowed.c - what may a setting be, in words?
 *
 * For the message that refuses another value; the table itself is settings.c.
 */
#include "fcgi/config/setting_allowed.h"

#include <stdio.h>

#include "fcgi/config/settings.h"

#define S  1000
#define MB ((int64_t)MIB)

static void join_words(char *out, size_t max, const char *const *words)
{
    size_t len = (size_t)snprintf(out, max, "one of");

    for (; *words != NULL && len < max; words++)
        len += (size_t)snprintf(out + len, max - len, " %s%s", *words,
                                words[1] == NULL ? "" : ",");
}

void setting_allowed(char *out, size_t max, const struct setting *row)
{
    int64_t unit = row->kind == SETTING_MEGABYTES ? MB : 1;

    switch (row->kind) {
    case SETTING_COUNT:
    case SETTING_MEGABYTES:
        (void)snprintf(out, max, "a whole number%s from %lld to %lld",
                       unit == MB ? " of MB" : "", (long long)(row->min / unit),
                       (long long)(row->max / unit));
        break;
    case SETTING_SECONDS:
        (void)snprintf(out, max,
                       "a number of seconds from %g to %g, no finer than 0.001",
                       (double)row->min / S, (double)row->max / S);
        break;
    case SETTING_BOOL:
        (void)snprintf(out, max, "true or false");
        break;
    case SETTING_WORD:
        join_words(out, max, row->words);
        break;
    case SETTING_NAME:
        (void)snprintf(out, max,
                       "1 to %d characters out of a-z, 0-9, '_' and '-'",
                       UPSTREAM_NAME_MAX - 1);
        break;
    case SETTING_URL:
        (void)snprintf(out, max,
                       "http://HOST or https://HOST with an "
                       "optional port (1-65535), path and query");
        break;
    case SETTING_API_PATH:
        (void)snprintf(out, max, "/ or a path, as /v1 is one");
        break;
    case SETTING_PROXY:
        (void)snprintf(out, max,
                       "http://, https://, socks5:// or socks5h:// and "
                       "HOST:PORT, before which USER:PASSWORD@ may stand");
        break;
    case SETTING_STORE:
        (void)snprintf(out, max,
                       "redis://, rediss:// or sentinel:// and HOST:PORT, or "
                       "unix:///PATH; nothing is none");
        break;
    case SETTING_ACCOUNT:
        (void)snprintf(out, max,
                       "1 to %lld characters out of A-Z, a-z, 0-9, '_', '.' "
                       "and '-'",
                       (long long)row->max);
        break;
    case SETTING_PATH:
        (void)snprintf(out, max, "an absolute path below %d bytes%s%s",
                       SETTING_TEXT_MAX, row->none_word != NULL ? ", or " : "",
                       row->none_word != NULL ? row->none_word : "");
        break;
    case SETTING_HEADER:
        (void)snprintf(out, max,
                       "a header's name: 1 to %d letters, digits, '-', '_'",
                       SETTING_HEADER_MAX);
        break;
    case SETTING_SECRET:
        (void)snprintf(out, max, "1 to %d printable characters, no spaces",
                       SETTING_TEXT_MAX);
        break;
    case SETTING_PATTERNS:
    case SETTING_HOSTS:
    case SETTING_REQUESTS:
    case SETTING_HEADERS:
    case SETTING_LINES:
    case SETTING_ORIGINS:
        (void)snprintf(out, max, "a list of at most %d texts",
                       SETTING_LIST_MAX);
        break;
    case SETTING_PATHS:
        (void)snprintf(out, max, "a list of at most %d absolute paths",
                       UPSTREAMS_MAX);
        break;
    case SETTING_FALLBACKS:
        (void)snprintf(out, max,
                       "an object of at most %d models, each with a list of 1 "
                       "to %d others",
                       SETTING_LIST_MAX, FALLBACKS_MAX);
        break;
    case SETTING_ALIASES:
        (void)snprintf(out, max,
                       "an object of at most %d patterns, each with the name "
                       "of a model",
                       SETTING_LIST_MAX);
        break;
    case SETTING_NETWORKS:
        (void)snprintf(out, max,
                       "a list of at most %d: ADDRESS, ADDRESS/BITS, "
                       "loopback, private",
                       SETTING_LIST_MAX);
        break;
    case SETTING_ELSEWHERE:
        *out = '\0';
        break;
    }
}
