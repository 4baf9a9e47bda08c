/*
 * pool.c - which upstreams come of one with several keys?
 *
 *   config.c --> pool_spread()   when all sources have had their say
 *
 * Each key has a limit of its own, so each is an upstream of its own, unlike
 * the first in nothing but its key and its name.  The settings, /api/config and
 * live changes know only the first.
 */
#include "fcgi/config/pool.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/values.h"
#include "lib/complaint.h"

bool pool_is_copy(const struct config *cfg, size_t i)
{
    return cfg->upstreams[i].pool_n > 0 && cfg->upstreams[i].pool != i;
}

/* Complains of the files of UP: what is WRONG with them. */
static int refuse(struct config *cfg, struct config_upstream *up,
                  const char *wrong, struct complaint *err)
{
    const struct setting *row = setting_find("api_key_files", true);
    char label[SETTING_LABEL_MAX];

    setting_label(label, sizeof(label), row, setting_source(row, cfg, up), cfg,
                  up);
    return complain(err, "%s: %s", label, wrong);
}

/* ---- copies ---------------------------------------------------------------- */

static bool is_taken(const struct config *cfg, const char *name)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (strcmp(cfg->upstreams[i].name, name) == 0)
            return true;
    return false;
}

/* The name of the copy that is NTH, counted from 1, of the upstream FIRST. */
static int name_copy(struct config *cfg, size_t first, size_t nth,
                     char out[UPSTREAM_NAME_MAX], struct complaint *err)
{
    struct config_upstream *up = &cfg->upstreams[first];
    char name[UPSTREAM_NAME_MAX + 8], wrong[192];

    (void)snprintf(name, sizeof(name), "%s-%zu", up->name, nth);
    if (strlen(name) >= UPSTREAM_NAME_MAX)
        return refuse(cfg, up,
                      "the upstream's name has no room for a number behind it; "
                      "must be shorter",
                      err);
    if (is_taken(cfg, name)) {
        (void)snprintf(wrong, sizeof(wrong),
                       "key %zu would be upstream %s, and there is one of that "
                       "name; must be its own",
                       nth, name);
        return refuse(cfg, up, wrong, err);
    }
    memcpy(out, name, strlen(name) + 1);
    return 0;
}

static void copy(struct config *cfg, size_t from, size_t to)
{
    const struct value_home a = {cfg, &cfg->upstreams[from]};
    const struct value_home b = {cfg, &cfg->upstreams[to]};
    const struct setting *row;
    size_t i;

    memset(b.up, 0, sizeof(*b.up));
    for (i = 0; (row = setting_at(i)) != NULL; i++)
        if (row->of_upstream)
            value_copy(row, &a, &b);
}

/* Upstream I becomes as many as it has keys; at least one. */
static int spread(struct config *cfg, size_t i, struct complaint *err)
{
    struct config_upstream *up = &cfg->upstreams[i];
    size_t n = up->n_api_key_files > 0 ? up->n_api_key_files : 1, k;
    char name[UPSTREAM_NAME_MAX];

    if (cfg->n_upstreams + n - 1 > UPSTREAMS_MAX)
        return refuse(cfg, up,
                      "there are more than 16 upstreams with its keys;"
                      " must be fewer",
                      err);
    memmove(up + n, up + 1, (cfg->n_upstreams - i - 1) * sizeof(*up));
    memset(up + 1, 0, (n - 1) * sizeof(*up));
    cfg->n_upstreams += n - 1;
    for (k = 1; k < n; k++)
        copy(cfg, i, i + k);
    for (k = 0; k < n; k++) {
        up[k].pool = i;
        up[k].pool_n = n;
        if (k > 0) {
            memset(up[k].name, 0, sizeof(up[k].name));
            if (name_copy(cfg, i, k + 1, name, err) == -1)
                return -1;
            memcpy(up[k].name, name, sizeof(name));
        }
    }
    return 0;
}

/* ---- keys ------------------------------------------------------------------ */

static int read_keys(struct config *cfg, size_t first, struct complaint *err)
{
    struct config_upstream *up = &cfg->upstreams[first];
    char wrong[SETTING_TEXT_MAX + 128];
    size_t i, k;

    for (i = 0; i < up->n_api_key_files; i++) {
        const char *why =
            json_file_secret(&up[i].api_key, up->api_key_files[i]);

        if (why != NULL) {
            (void)snprintf(wrong, sizeof(wrong), "cannot read %s: %s",
                           up->api_key_files[i], why);
            return refuse(cfg, up, wrong, err);
        }
        for (k = 0; k < i; k++) {
            if (strcmp(up[i].api_key, up[k].api_key) != 0)
                continue;
            (void)snprintf(wrong, sizeof(wrong),
                           "files %zu and %zu hold the same key; must be its "
                           "own",
                           k + 1, i + 1);
            return refuse(cfg, up, wrong, err);
        }
    }
    return 0;
}

int pool_spread(struct config *cfg, struct complaint *err)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i += cfg->upstreams[i].pool_n) {
        struct config_upstream *up = &cfg->upstreams[i];

        if (up->n_api_key_files > 0 &&
            (up->api_key != NULL || up->api_key_file != NULL))
            return refuse(cfg, up,
                          "there is api_key_file, or a key in the environment, "
                          "too; must be one of them",
                          err);
        if (spread(cfg, i, err) == -1 || read_keys(cfg, i, err) == -1)
            return -1;
    }
    return 0;
}
