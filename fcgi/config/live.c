/*
 * live.c - which live changes are there?
 *
 *   revise.c --> live_merge()   a PATCH on top of those that are in force
 *   config.c --> live_apply()   the last of a config's sources
 *
 * They are kept as they were asked for, in one object; a config is always built
 * anew from it, so that to drop one brings back what file and environment say.
 */
#include "fcgi/config/live.h"

#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/fields.h"
#include "fcgi/config/pool.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/values.h"
#include "lib/base.h"
#include "lib/complaint.h"

#define KEY_SHOWN 64 /* a longer one is none of ours */
#define NEAR_MAX  4  /* letters to change: farther is another word */

static const char upstreams[] = "upstreams.";

const struct setting *live_find(struct config *cfg, const char *key,
                                struct config_upstream **up)
{
    const char *dot;
    size_t i, n;

    *up = NULL;
    if (strncmp(key, upstreams, sizeof(upstreams) - 1) != 0)
        return setting_find(key, false);
    key += sizeof(upstreams) - 1;
    dot = strchr(key, '.'); /* names have none */
    n = dot != NULL ? (size_t)(dot - key) : 0;
    for (i = 0; dot != NULL && i < cfg->n_upstreams; i++) {
        *up = &cfg->upstreams[i];
        if (strlen((*up)->name) == n && memcmp((*up)->name, key, n) == 0 &&
            !pool_is_copy(cfg, i))
            return setting_find(dot + 1, true);
    }
    *up = NULL;
    return NULL;
}

int live_apply(struct config *cfg, struct json_object *live,
               struct complaint *err)
{
    struct setting_put put = {NULL, cfg, NULL, SOURCE_LIVE, err};
    struct json_object_iterator it = json_object_iter_begin(live);
    struct json_object_iterator end = json_object_iter_end(live);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        put.row = live_find(cfg, json_object_iter_peek_name(&it), &put.up);
        if (put.row == NULL || put.row->change != CHANGE_LIVE)
            continue;
        if (value_put_json(&put, json_object_iter_peek_value(&it)) == -1)
            return -1;
    }
    return 0;
}

/* An account's key may have been pasted where a setting's belongs: what could
 * be one goes into no answer and no log. */
static bool looks_like_ours(const char *key)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz_.";

    if (strncmp(key, upstreams, sizeof(upstreams) - 1) == 0)
        allowed = "abcdefghijklmnopqrstuvwxyz_.-0123456789"; /* names have */
    return strlen(key) <= KEY_SHOWN && key[strspn(key, allowed)] == '\0';
}

/* How far KEY is from what ROW of UP, or of none, is called; NAME gets that. */
static size_t distance(const char *key, const struct setting *row,
                       const struct config_upstream *up,
                       char name[SETTING_LABEL_MAX])
{
    size_t whole, bare;

    (void)snprintf(name, SETTING_LABEL_MAX, "%s%s%s%s",
                   up != NULL ? upstreams : "", up != NULL ? up->name : "",
                   up != NULL ? "." : "", row->key);
    whole = setting_text_distance(key, name, strlen(name));
    bare = setting_text_distance(key, row->key, strlen(row->key));
    return whole < bare ? whole : bare;
}

/* The setting that KEY may be meant to be; "": none is near enough. */
static void find_nearest(struct config *cfg, const char *key,
                         char best[SETTING_LABEL_MAX])
{
    size_t least = NEAR_MAX + 1, i, k, n;
    const struct setting *row;
    char name[SETTING_LABEL_MAX];

    *best = '\0';
    for (i = 0; (row = setting_at(i)) != NULL; i++)
        for (k = 0; k < (row->of_upstream ? cfg->n_upstreams : 1); k++) {
            if (row->key == NULL || row->change != CHANGE_LIVE ||
                (row->of_upstream && pool_is_copy(cfg, k)))
                continue;
            n = distance(key, row, row->of_upstream ? &cfg->upstreams[k] : NULL,
                         name);
            if (n >= least || n >= strlen(key))
                continue;
            least = n;
            memcpy(best, name, sizeof(name));
        }
}

static int refuse_unknown(struct config *cfg, const char *key,
                          struct complaint *err)
{
    char best[SETTING_LABEL_MAX];

    find_nearest(cfg, key, best);
    return complain(err, "%s: unknown key; %s%s%s",
                    looks_like_ours(key) ? key : "(not shown)",
                    *best != '\0' ? "the nearest known one is " : "", best,
                    *best != '\0' ? ""
                                  : "must be one that GET /api/config tells "
                                    "of");
}

/* May KEY be patched to VALUE, whatever that is?  One that is in force may
 * always be taken out. */
static int check_key(struct config *cfg, struct json_object *live,
                     const char *key, bool taken_out, struct complaint *err)
{
    struct config_upstream *up;
    const struct setting *row = live_find(cfg, key, &up);

    if (taken_out && json_object_object_get_ex(live, key, NULL))
        return 0;
    if (row == NULL)
        return refuse_unknown(cfg, key, err);
    if (row->change == CHANGE_RELOAD)
        return complain(err,
                        "%s: cannot be changed live; must be set in the "
                        "settings file, which POST /api/reload reads%s%s",
                        key, row->env != NULL ? ", or at the start as " : "",
                        row->env != NULL ? row->env : "");
    if (row->change != CHANGE_LIVE)
        return complain(err,
                        "%s: cannot be changed live; must be set in the "
                        "settings file or the environment before a start",
                        key);
    return 0;
}

static void put_copy(struct json_object *to, const char *key,
                     struct json_object *value)
{
    struct json_object *copy = NULL;

    CHECK(json_object_deep_copy(value, &copy, NULL) == 0);
    CHECK(json_object_object_add(to, key, copy) == 0);
}

static struct json_object *copy_of(struct json_object *live)
{
    struct json_object *copy = NULL;

    if (live == NULL)
        copy = json_object_new_object();
    else
        CHECK(json_object_deep_copy(live, &copy, NULL) == 0);
    CHECK(copy != NULL);
    return copy;
}

struct json_object *live_merge(struct config *cfg, struct json_object *live,
                               struct json_object *patch, struct complaint *err)
{
    struct json_object *merged = copy_of(live);
    struct json_object_iterator it = json_object_iter_begin(patch);
    struct json_object_iterator end = json_object_iter_end(patch);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);
        struct json_object *value = json_object_iter_peek_value(&it);

        if (check_key(cfg, merged, key, value == NULL, err) == -1) {
            json_object_put(merged);
            return NULL;
        }
        json_object_object_del(merged, key);
        if (value != NULL)
            put_copy(merged, key, value);
    }
    return merged;
}
