/*
 * model_alias.c - what is this model called at the upstream?
 *
 * Clients of Anthropic's ask for its models by names of their own; the first
 * row that fits says which one is meant.
 */
#include <fnmatch.h>

#include "fcgi/messages/messages.h"

const char *model_alias(const char *model, const struct model_alias *rows,
                        size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (fnmatch(rows[i].pattern, model, 0) == 0)
            return rows[i].name;
    return model;
}
