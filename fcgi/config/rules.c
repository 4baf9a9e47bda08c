/*
 * rules.c - what do the settings say to the limiter?
 */
#include "fcgi/config/rules.h"

#include <assert.h>
#include <string.h>

#include "fcgi/config/config.h"

_Static_assert((int)SIDE_BOTH == (int)TOKENS_BOTH &&
                   (int)SIDE_IN == (int)TOKENS_IN &&
                   (int)SIDE_OUT == (int)TOKENS_OUT,
               "the same order");

/* 0: upstream I shares a line with nobody. */
static uint32_t line_of(const struct config *cfg, size_t i)
{
    uint32_t line = (uint32_t)cfg->upstreams[i].line;
    size_t k;

    for (k = 0; k < cfg->n_upstreams; k++)
        if (k != i && cfg->upstreams[k].line == cfg->upstreams[i].line)
            return line + 1;
    return 0;
}

struct limiter_settings rules_of(const struct config *cfg)
{
    struct limiter_settings set;
    size_t i;

    memset(&set, 0, sizeof(set)); /* compared as bytes in the state file */
    for (i = 0; i < cfg->n_upstreams; i++) {
        const struct config_upstream *u = &cfg->upstreams[i];
        struct limiter_rules *r = &set.rules[i];

        snprintf(r->name, sizeof(r->name), "%s", u->name);
        r->requests = (uint32_t)u->requests;
        r->window_ns = u->window_ms * NS_PER_MS;
        r->margin_ns = u->margin_ms * NS_PER_MS;
        r->burst = (uint32_t)u->burst;
        r->min_gap_ns = u->min_gap_ms * NS_PER_MS;
        r->in_flight = (uint32_t)u->in_flight;
        r->per_model = u->scope == SCOPE_MODEL;
        r->learns = u->scope == SCOPE_AUTO;
        r->line = line_of(cfg, i);
        r->share = (uint32_t)u->weight;
        r->tokens = (uint32_t)u->tokens;
        r->counts = (uint32_t)u->tokens_counted;
        r->retreat_max_ns = cfg->retreat_max_ms * NS_PER_MS;
    }
    set.n_upstreams = (uint32_t)cfg->n_upstreams;
    set.store.used = cfg->shared_url != NULL;
    set.store.share_on_loss = cfg->shared_on_loss == LOSS_SHARE;
    set.store.ahead = (uint32_t)cfg->shared_ahead;
    set.bounds.waiting = (uint32_t)cfg->queue_max;
    set.bounds.per_client = (uint32_t)cfg->queue_per_client;
    set.bounds.bytes = (uint64_t)cfg->queue_max_bytes;
    return set;
}
