/*
 * free.c - what costs no slot?
 *
 * The list `free` says so: what reads, polls, deletes or counts, which no
 * upstream counts as inference.  None of them waits; nobody's limit bounds
 * them, so their number does.
 */
#include "fcgi/free.h"

#include <fnmatch.h>
#include <string.h>

#include "fcgi/answer.h"
#include "fcgi/config/config.h"
#include "fcgi/exchange_parts.h"

/* Does TEXT fit the LEN bytes of PATTERN, which have one star at the most, as
 * nearly all have?  A star is anything, slashes too. */
static bool fits_simply(const char *pattern, size_t len, const char *text)
{
    const char *star = memchr(pattern, '*', len);
    size_t before = star != NULL ? (size_t)(star - pattern) : len;
    size_t after = star != NULL ? len - before - 1 : 0, n = strlen(text);

    if (star == NULL ? n != len : n < before + after)
        return false;
    return memcmp(text, pattern, before) == 0 &&
           (after == 0 || memcmp(text + n - after, star + 1, after) == 0);
}

static bool is_simple(const char *pattern, size_t len)
{
    size_t i, stars = 0;

    for (i = 0; i < len; i++) {
        if (pattern[i] == '?' || pattern[i] == '[' || pattern[i] == '\\')
            return false;
        stars += pattern[i] == '*';
    }
    return stars <= 1;
}

static bool fits_part(const char *pattern, size_t len, const char *text)
{
    char copy[PATH_BYTES];

    if (is_simple(pattern, len))
        return fits_simply(pattern, len, text);
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)len, pattern);
    return fnmatch(copy, text, 0) == 0;
}

/* ENTRY is "METHOD:PATH", either of which may have stars. */
static bool fits(const char *entry, const struct request *r)
{
    const char *path = strchr(entry, ':');

    return fits_part(entry, (size_t)(path - entry), r->method) &&
           fits_part(path + 1, strlen(path + 1), r->path);
}

bool free_is(const struct config *cfg, const struct request *r)
{
    size_t i;

    for (i = 0; i < cfg->n_free; i++)
        if (fits(cfg->free[i], r))
            return true;
    return false;
}

static void give_back(struct exchange *x)
{
    x->s->n_free--;
}

enum step free_go(struct exchange *x)
{
    if (x->s->n_free == FREE_MAX)
        return exchange_fail_as(x, 503, ERROR_QUEUE_FULL, 1000, 1,
                                "%d requests that cost no slot are under way "
                                "at once; no more than that are passed on.",
                                FREE_MAX);
    x->s->n_free++;
    return exchange_go_free(x, give_back);
}
