/*
 * keep.c - what of new settings needs a restart?
 *
 * All that is neither LIVE nor RELOAD in settings.c, and which upstreams there
 * are: requests under way hold their numbers.  Of an upstream that both have,
 * by its name, the rest is taken over.
 */
#include "fcgi/config/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/fields.h"
#include "fcgi/config/pool.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/values.h"
#include "lib/base.h"

static void note(struct json_object *notes, const char *label)
{
    char text[SETTING_LABEL_MAX + 64];

    if (notes == NULL)
        return;
    snprintf(text, sizeof(text), "%s: has changed; this needs a restart",
             label);
    json_object_array_add(notes, json_object_new_string(text));
}

static void note_row(struct json_object *notes, const struct setting *row,
                     const struct value_home *home)
{
    char label[SETTING_LABEL_MAX];

    setting_label(label, sizeof(label), row, SOURCE_FILE, home->cfg, home->up);
    note(notes, label);
}

/* An admin token that nobody chose is in no settings (token.c). */
static bool is_made_up(const struct setting *row, const struct value_home *home)
{
    return row->kind == SETTING_SECRET &&
           *(char **)setting_field(row, home->cfg, home->up) == NULL;
}

/* The fixed fields of TO become those of FROM. */
static void keep_rows(const struct value_home *from,
                      const struct value_home *to, struct json_object *notes)
{
    const struct setting *row;
    size_t i;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->of_upstream != (from->up != NULL) ||
            row->change != CHANGE_RESTART || row->kind == SETTING_ELSEWHERE ||
            value_is_same(row, from, to))
            continue;
        if (!is_made_up(row, to))
            note_row(notes, row, from);
        value_copy(row, from, to);
    }
}

static struct config_upstream *find(struct config *cfg, const char *name)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (strcmp(cfg->upstreams[i].name, name) == 0)
            return &cfg->upstreams[i];
    return NULL;
}

static bool has_same_upstreams(struct config *a, struct config *b)
{
    size_t i;

    for (i = 0; i < a->n_upstreams && i < b->n_upstreams; i++)
        if (strcmp(a->upstreams[i].name, b->upstreams[i].name) != 0)
            return false;
    return a->n_upstreams == b->n_upstreams;
}

/* The one of NEXT that OLD, one of NOW's, has become; a copy for whose key there
 * is no file any more, what the first of them has; NULL: it is gone. */
static struct config_upstream *find_new(struct config *next,
                                        const struct config *now,
                                        const struct config_upstream *old)
{
    struct config_upstream *same = find(next, old->name);

    if (same == NULL && pool_is_copy(now, (size_t)(old - now->upstreams)))
        same = find(next, now->upstreams[old->pool].name);
    return same;
}

static void copy_upstream(struct config *from, struct config_upstream *from_up,
                          struct config *to, struct config_upstream *to_up)
{
    const struct value_home a = {from, from_up}, b = {to, to_up};
    const struct setting *row;
    size_t i;

    for (i = 0; (row = setting_at(i)) != NULL; i++)
        if (row->of_upstream)
            value_copy(row, &a, &b);
}

/* The upstreams of NOW, in their order, with the new values of those that are
 * still there.  RENEWED has room for all. */
static void renew(struct config *next, struct config *now,
                  struct config_upstream *renewed)
{
    size_t i;

    for (i = 0; i < now->n_upstreams; i++) {
        struct config_upstream *old = &now->upstreams[i];
        struct config_upstream *same = find_new(next, now, old);

        copy_upstream(same != NULL ? next : now, same != NULL ? same : old,
                      next, &renewed[i]);
    }
}

static void keep_upstreams(struct config *next, struct config *now)
{
    struct config_upstream *renewed;
    size_t i;

    renewed = calloc(UPSTREAMS_MAX, sizeof(*renewed));
    CHECK(renewed != NULL);
    renew(next, now, renewed);
    for (i = 0; i < next->n_upstreams; i++)
        values_fini(next, &next->upstreams[i]);
    memcpy(next->upstreams, renewed, sizeof(next->upstreams));
    next->n_upstreams = now->n_upstreams;
    free(renewed);
}

void keep_fixed(struct config *next, struct config *now,
                struct json_object *notes)
{
    const struct value_home from = {now, NULL}, to = {next, NULL};
    size_t i;

    keep_rows(&from, &to, notes);
    if (!has_same_upstreams(next, now)) {
        note(notes, "upstreams");
        keep_upstreams(next, now);
    }
    for (i = 0; i < now->n_upstreams; i++) {
        struct config_upstream *up = &next->upstreams[i];

        /* Of a copy all has been said with the first. */
        keep_rows(&(struct value_home){now, &now->upstreams[i]},
                  &(struct value_home){next, up},
                  pool_is_copy(now, i) ? NULL : notes);
        up->pool = now->upstreams[i].pool;
        up->pool_n = now->upstreams[i].pool_n;
    }
}
