/*
 * listed.c - whose list has this model?
 *
 * Asked for each request and each upstream, so the names lie in order.
 */
#include "fcgi/upstream/listed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"

struct names {
    char **name; /* in order; NULL: no list is known */
    size_t n;
};

struct listed {
    struct names of[UPSTREAMS_MAX];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget(struct names *s)
{
    while (s->n > 0)
        free(s->name[--s->n]);
    free(s->name);
    s->name = NULL;
}

struct listed *listed_new(void)
{
    struct listed *l = calloc(1, sizeof(*l));

    CHECK(l != NULL);
    return l;
}

void listed_free(struct listed *l)
{
    size_t i;

    for (i = 0; l != NULL && i < UPSTREAMS_MAX; i++)
        forget(&l->of[i]);
    free(l);
}

void listed_take(struct listed *l, size_t upstream, struct json_object *list)
{
    size_t n = json_object_array_length(list), i;
    struct names *s = &l->of[upstream];
    json_object *id;

    CHECK(upstream < UPSTREAMS_MAX);
    forget(s);
    s->name = calloc(n + 1, sizeof(*s->name));
    CHECK(s->name != NULL);
    for (i = 0; i < n; i++) {
        if (!json_object_object_get_ex(json_object_array_get_idx(list, i), "id",
                                       &id))
            continue;
        s->name[s->n] = strdup(json_object_get_string(id));
        CHECK(s->name[s->n++] != NULL);
    }
    qsort(s->name, s->n, sizeof(*s->name), by_name);
}

void listed_forget(struct listed *l, size_t upstream)
{
    forget(&l->of[upstream]);
}

enum listed_word listed_has(const struct listed *l, size_t upstream,
                            const char *model)
{
    const struct names *s;

    if (l == NULL || upstream >= UPSTREAMS_MAX || l->of[upstream].name == NULL)
        return LISTED_UNKNOWN;
    s = &l->of[upstream];
    return s->n > 0 && bsearch(&model, s->name, s->n, sizeof(*s->name),
                               by_name) != NULL
               ? LISTED_YES
               : LISTED_NO;
}
