/*
 * asking.c - how may an upstream that speaks chat be asked?
 *
 *   gate.c --> asking_of()   when a body has come, and is put in chat's words
 *
 * One text must do for whichever upstream it goes to: so of several that may
 * have the model the smallest bound counts, and a field that one of them may not
 * know is for none of them.
 */
#include "fcgi/config/asking.h"

#include <string.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/fields.h"
#include "fcgi/config/lines.h"
#include "fcgi/config/protocols.h"
#include "lib/base.h"

static const char *field_of(const struct config_upstream *up)
{
    switch (up->reasoning) {
    case REASONING_NONE:
        break;
    case REASONING_CONTENT:
        return "reasoning_content";
    case REASONING_SHORT:
        return "reasoning";
    }
    return NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a == 0 || b == 0 ? max_i64(a, b) : min_i64(a, b);
}

static void take(struct asking *a, const struct config_upstream *up, bool first)
{
    const char *field = field_of(up);

    if (first || a->reasoning_field != field)
        a->reasoning_field = first ? field : NULL; /* literals: one address */
    a->may_continue = up->prefill && (first || a->may_continue);
    a->max_tokens = smaller(a->max_tokens, up->max_tokens);
}

/* Adds those that MODEL may go to: whose patterns name it, or, where nobody's do,
 * that have none. */
static void add_takers(const struct config *cfg, const char *model,
                       bool is_taker[UPSTREAMS_MAX])
{
    bool is_named = false;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        is_named |= cfg->upstreams[i].n_models > 0 &&
                    lines_takes(&cfg->upstreams[i], model);
    for (i = 0; i < cfg->n_upstreams; i++)
        is_taker[i] |= lines_takes(&cfg->upstreams[i], model) &&
                       (!is_named || cfg->upstreams[i].n_models > 0);
}

void asking_of(const struct config *cfg, const char *model,
               const char *protocol, struct asking *out)
{
    char others[FALLBACKS_MAX][MODEL_BYTES], real[MODEL_BYTES];
    const char *name = aliases_of(cfg, model, real) ? real : model;
    size_t n = fallbacks_of(cfg, name, others), i;
    bool is_taker[UPSTREAMS_MAX] = {false}, first = true;

    memset(out, 0, sizeof(*out));
    add_takers(cfg, name, is_taker);
    while (n > 0)
        add_takers(cfg, others[--n], is_taker);
    for (i = 0; i < cfg->n_upstreams; i++) {
        if (!is_taker[i] || protocols_has(&cfg->upstreams[i], protocol))
            continue;
        take(out, &cfg->upstreams[i], first);
        first = false;
    }
}
