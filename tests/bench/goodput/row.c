/* row.c - what a row does not say. */
#include "row.h"

#include <string.h>

#include "lib/base.h"

#define W (60 * NS_PER_S)

const struct row *const rows_of[ROW_KINDS] = {
    [ROW_ONE] = rows_one,
    [ROW_CHOICE] = rows_choice,
    [ROW_TOKENS] = rows_tokens,
};

struct row row_whole(const struct row *r)
{
    static const struct demand usual = {.loops = 100, .clients = 8};
    struct row w = *r;

    w.window_ns = r->window_ns > 0 ? r->window_ns : W;
    w.windows = r->windows > 0 ? r->windows : 20;
    w.believed = r->believed > 0 ? r->believed : 40;
    w.margin_ns = r->margin_ns > 0 ? r->margin_ns : 500 * NS_PER_MS;
    w.tries = r->tries > 0 ? r->tries : 3;
    if (r->demand[0].loops == 0)
        w.demand[0] = usual;
    return w;
}

uint32_t row_bounds(const struct row *r)
{
    uint32_t n = 0;

    while (n < BOUNDS_MAX && r->bounds[n].at > 0)
        n++;
    return n;
}

uint32_t row_upstreams(const struct row *r)
{
    uint32_t n = 1;

    while (n < UPSTREAMS && r->more[n - 1].believed > 0)
        n++;
    return n;
}

const struct upstream_spec *row_upstream(const struct row *r, uint32_t i)
{
    return i == 0 ? &r->upstream : &r->more[i - 1].upstream;
}

uint32_t row_believed(const struct row *r, uint32_t i)
{
    return i == 0 ? r->believed : r->more[i - 1].believed;
}

const struct row *row_named(const char *name)
{
    const struct row *r;
    uint32_t kind;

    for (kind = 0; kind < ROW_KINDS; kind++)
        for (r = rows_of[kind]; r->name != NULL; r++)
            if (strcmp(r->name, name) == 0)
                return r;
    return NULL;
}
