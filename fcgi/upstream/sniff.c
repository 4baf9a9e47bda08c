/*
 * sniff.c - what is in a body, by its first bytes?
 *
 * Servers send event streams as text/plain or without a type, JSON to those
 * who asked for a stream, and compressed bytes without a word of it.  Looked
 * at are the first bytes that are not white space: a field name of an event
 * stream, a bracket, the magic number of a compressed file.
 */
#include "fcgi/upstream/sniff.h"

#include <string.h>

#include "state/limiter.h"

/* How far do BYTES go along with WORD?  1: all of it, 0: they end before,
 * -1: they say something else. */
static int follows(const char *bytes, size_t len, const char *word, size_t n)
{
    if (memcmp(bytes, word, len < n ? len : n) != 0)
        return -1;
    return len >= n ? 1 : 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *sniff_coding(const char *bytes, size_t len)
{
    if (len >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return "gzip"; /* RFC 1952, 2.3.1 */
    if (len >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
        return "zstd"; /* RFC 8878, 3.1.1 */
    return NULL;
}

static enum sniffed sniff_words(const char *bytes, size_t len)
{
    static const struct {
        const char *word;
        enum sniffed kind;
    } rows[] = {
        {":", SNIFF_EVENTS},
        {"data:", SNIFF_EVENTS},
        {"event:", SNIFF_EVENTS},
        {"id:", SNIFF_EVENTS},
        {"retry:", SNIFF_EVENTS},
        {"{", SNIFF_JSON},
        {"[", SNIFF_JSON},
        {"\x1f\x8b", SNIFF_CODED},
        {"\x28\xb5\x2f\xfd", SNIFF_CODED},
    };
    bool may_be_one = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        int how = follows(bytes, len, rows[i].word, strlen(rows[i].word));

        if (how > 0)
            return rows[i].kind;
        may_be_one = may_be_one || how == 0;
    }
    return may_be_one ? SNIFF_UNKNOWN : SNIFF_OTHER;
}

enum sniffed sniff(const char *bytes, size_t len)
{
    size_t at = 0;
    int bom = len > 0 ? follows(bytes, len, "\xef\xbb\xbf", 3) : -1;

    if (bom == 0)
        return SNIFF_UNKNOWN;
    if (bom > 0)
        at = 3;
    while (at < len && is_space(bytes[at]))
        at++;
    return at == len ? SNIFF_UNKNOWN : sniff_words(bytes + at, len - at);
}
