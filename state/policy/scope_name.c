/*
 * scope_name.c - what is a scope called on other machines?
 */
#include "state/policy/scope_name.h"

#include <stdio.h>
#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/names.h"

void scope_name(struct layout *lay, uint32_t scope, char out[SCOPE_NAME_MAX])
{
    const struct lay_rules *r = &lay->rules[limits_upstream(lay, scope)];
    const char *model = "";

    static_assert(SCOPE_NAME_MAX > sizeof(r->name) + LIMITER_NAME_MAX, "fits");
    if (scope >= LAY_UPSTREAMS)
        model = lay->models[scope - LAY_UPSTREAMS].text;
    snprintf(out, SCOPE_NAME_MAX, "%.31s%s%.127s", r->name,
             scope >= LAY_UPSTREAMS ? "/" : "", model);
}

static uint32_t upstream_named(const struct layout *lay, const char *name,
                               size_t len)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i) && len < sizeof(lay->rules[i].name) &&
            strncmp(lay->rules[i].name, name, len) == 0 &&
            lay->rules[i].name[len] == '\0')
            return i;
    return NONE;
}

/* Names of upstreams have no slash; those of models may. */
uint32_t scope_named(struct layout *lay, const char *name)
{
    size_t len = strcspn(name, "/");
    uint32_t upstream = upstream_named(lay, name, len), model;

    if (upstream == NONE || name[len] == '\0')
        return upstream;
    model = names_find_model(lay, upstream, name + len + 1);
    return model == NONE ? NONE : LAY_UPSTREAMS + model;
}
