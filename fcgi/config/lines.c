/*
 * lines.c - who may serve the same model?
 *
 * Two upstreams do unless their patterns contradict each other, as far as these
 * are plain text: "meta/" and "nvidia/" do, "*-instruct" and "meta/" do not.  A
 * model that stands in for another has its requests wait with those of that
 * one.  To say so of two that share nothing costs little: they only stand in
 * one line.  To miss it would let one request be in two.
 */
#include "fcgi/config/lines.h"

#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

#include "fcgi/config/fallbacks.h"
#include "fcgi/config/fields.h"

_Static_assert(UPSTREAMS_MAX <= 32, "a set of upstreams has a bit for each");

bool lines_takes(const struct config_upstream *up, const char *model)
{
    size_t i;

    for (i = 0; i < up->n_models; i++)
        if (fnmatch(up->models[i], model, 0) == 0)
            return true;
    return up->n_models == 0;
}

/* Is there no name that both fit? */
static bool contradict(const char *a, const char *b)
{
    size_t n = strcspn(a, "*?[\\"), m = strcspn(b, "*?[\\");
    size_t least = n < m ? n : m;

    if (memcmp(a, b, least) != 0)
        return true;
    return (n < m && a[n] == '\0') || (m < n && b[m] == '\0');
}

static bool overlap(const struct config_upstream *a,
                    const struct config_upstream *b)
{
    size_t i, k;

    for (i = 0; i < a->n_models; i++)
        for (k = 0; k < b->n_models; k++)
            if (!contradict(a->models[i], b->models[k]))
                return true;
    return a->n_models == 0 || b->n_models == 0;
}

/* All that stand in the line of one of SET stand in the first one's. */
static void join(struct config *cfg, uint32_t set)
{
    uint32_t lines = 0;
    size_t i, first = 0;

    for (i = 0; i < cfg->n_upstreams; i++)
        if ((set >> i & 1) != 0)
            lines |= UINT32_C(1) << cfg->upstreams[i].line;
    while (lines != 0 && (lines >> first & 1) == 0)
        first++;
    for (i = 0; i < cfg->n_upstreams; i++)
        if ((lines >> cfg->upstreams[i].line & 1) != 0)
            cfg->upstreams[i].line = first;
}

static uint32_t takers_of(const struct config *cfg, const char *model)
{
    uint32_t set = 0;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (lines_takes(&cfg->upstreams[i], model))
            set |= UINT32_C(1) << i;
    return set;
}

/* The line of TEXT, "ASKED=MODEL|MODEL". */
static void join_fallbacks(struct config *cfg, const char *text)
{
    char models[FALLBACKS_MAX][MODEL_BYTES], asked[MODEL_BYTES] = "";
    uint32_t set;
    size_t n;

    memcpy(asked, text, strcspn(text, "="));
    set = takers_of(cfg, asked);
    for (n = fallbacks_of(cfg, asked, models); n > 0; n--)
        set |= takers_of(cfg, models[n - 1]);
    join(cfg, set);
}

void config_lines(struct config *cfg)
{
    size_t i, k;

    for (i = 0; i < cfg->n_upstreams; i++)
        cfg->upstreams[i].line = i;
    for (i = 0; i < cfg->n_upstreams; i++)
        for (k = 0; k < i; k++)
            if (overlap(&cfg->upstreams[i], &cfg->upstreams[k]))
                join(cfg, UINT32_C(1) << i | UINT32_C(1) << k);
    for (i = 0; i < cfg->n_fallbacks; i++)
        join_fallbacks(cfg, cfg->fallbacks[i]);
}
