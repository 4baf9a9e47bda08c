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

/* Up to PATTERN's first star, or all of it: does TEXT begin so? */
static bool begins(const char *pattern, size_t len, const char *text)
{
    size_t i;

    for (i = 0; i < len && strchr("*?[\\", pattern[i]) == NULL; i++)
        if (pattern[i] != text[i])
            return false;
    return true;
}

/* ENTRY is "METHOD:PATH", either of which may have stars. */
static bool fits(const char *entry, const struct request *r)
{
    const char *path = strchr(entry, ':');
    char method[16];

    if (!begins(entry, (size_t)(path - entry), r->method) ||
        !begins(path + 1, strlen(path + 1), r->path))
        return false; /* nearly all, and each request is asked */
    (void)snprintf(method, sizeof(method), "%.*s", (int)(path - entry), entry);
    return fnmatch(method, r->method, 0) == 0 &&
           fnmatch(path + 1, r->path, 0) == 0;
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
