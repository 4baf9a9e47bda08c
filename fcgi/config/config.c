/*
 * config.c - what are the settings, all sources taken together?
 *
 *   main.c, sluicectl check --> config_load()
 *        config_read()      json_file.c
 *   revise.c --> config_build()
 *        values_init()      defaults
 *        put_file()         walked key by key           --> value_put_json()
 *        load_env()         every variable of a row     --> value_put_text()
 *        live_apply()       live.c; keys.c: keys_put()  --> value_put_json()
 *        pool_spread()      pool.c: an upstream of several keys is several
 *        load_secrets()     the key files that both may have named
 *        config_settle()    what was left open; do they agree?
 *
 * A mistake never passes in silence: a key or variable that nobody knows, a
 * key given twice, or a value that another one makes pointless stops the load,
 * because a typing error here means a limit that does not hold.  In the file,
 * keys that begin with two slashes are comments, at any level.
 */
#include "fcgi/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/keys.h"
#include "fcgi/config/lines.h"
#include "fcgi/config/live.h"
#include "fcgi/config/pool.h"
#include "fcgi/config/protocols.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/store_settle.h"
#include "fcgi/config/values.h"
#include "lib/complaint.h"

#define FILE_MAX MIB /* of the configuration: hundreds of upstreams */
#define NAME_CUT 64  /* bytes of an unknown name that are looked at */

/*
 * Unknown names.
 */

static const char *nearest_variable(const char *name)
{
    const char *best = "SLUICE_CONFIG";
    size_t least = setting_text_distance(name, best, strlen(best)), i, n;
    const struct setting *s;

    for (i = 0; (s = setting_at(i)) != NULL; i++) {
        if (s->env == NULL)
            continue;
        n = setting_text_distance(name, s->env, strlen(s->env));
        if (n < least) {
            least = n;
            best = s->env;
        }
    }
    return best;
}

static const char *nearest_key(const char *key, bool of_upstream)
{
    const char *best = of_upstream ? "name" : "upstreams";
    size_t least = setting_text_distance(key, best, strlen(best)), i, n;
    const struct setting *s;

    for (i = 0; (s = setting_at(i)) != NULL; i++) {
        if (s->key == NULL || s->of_upstream != of_upstream)
            continue;
        /* A bare "queu" means the section of "queue.max". */
        n = setting_text_distance(
            key, s->key,
            strchr(key, '.') != NULL ? strlen(s->key) : strcspn(s->key, "."));
        if (n < least) {
            least = n;
            best = s->key;
        }
    }
    if (!of_upstream && setting_text_distance(key, "clients", 7) < least)
        best = "clients";
    return best;
}

/*
 * The file.
 */

static int unknown_key(const char *key, const struct config_upstream *up,
                       struct complaint *err)
{
    if (up == NULL && setting_find(key, true) != NULL)
        return complain(err,
                        "%s: unknown key; the nearest known one is "
                        "upstreams[].%s",
                        key, key);
    return complain(err, "%s%s%s%.*s: unknown key; the nearest known one is %s",
                    up != NULL ? "upstreams." : "", up != NULL ? up->name : "",
                    up != NULL ? "." : "", NAME_CUT, key,
                    nearest_key(key, up != NULL));
}

/* One member of the file's OBJECT; SECTION is "" or as "queue". */
static int put_member(struct config *cfg, struct config_upstream *up,
                      const char *section, const char *member,
                      struct json_object *value, struct complaint *err);

static int put_members(struct config *cfg, struct config_upstream *up,
                       const char *section, struct json_object *object,
                       struct complaint *err)
{
    struct json_object_iterator it = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *member = json_object_iter_peek_name(&it);

        if (strncmp(member, "//", 2) != 0 &&
            put_member(cfg, up, section, member,
                       json_object_iter_peek_value(&it), err) == -1)
            return -1;
    }
    return 0;
}

static int put_upstreams(struct config *cfg, struct json_object *list,
                         struct complaint *err);

static int put_member(struct config *cfg, struct config_upstream *up,
                      const char *section, const char *member,
                      struct json_object *value, struct complaint *err)
{
    struct setting_put put = {NULL, cfg, up, SOURCE_FILE, err};
    char key[NAME_CUT * 2];

    if (up == NULL && *section == '\0' && strcmp(member, "upstreams") == 0)
        return put_upstreams(cfg, value, err);
    if (up == NULL && *section == '\0' && strcmp(member, "clients") == 0)
        return clients_put(cfg, value, err);
    (void)snprintf(key, sizeof(key), "%s%s%.*s", section,
                   *section != '\0' ? "." : "", NAME_CUT, member);
    if (strchr(member, '.') != NULL)
        return complain(err,
                        "%s: unknown key; what is before a dot is an "
                        "object of its own in the file",
                        key);
    put.row = setting_find(key, up != NULL);
    if (put.row != NULL)
        return value_put_json(&put, value);
    if (up != NULL || *section != '\0' || !setting_is_section(key))
        return unknown_key(key, up, err);
    if (!json_object_is_type(value, json_type_object))
        return complain(err, "%s: must be an object", key);
    return put_members(cfg, NULL, key, value, err);
}

static int add_upstream(struct config *cfg, struct complaint *err)
{
    return values_init(cfg, &cfg->upstreams[cfg->n_upstreams++], err);
}

static int put_upstreams(struct config *cfg, struct json_object *list,
                         struct complaint *err)
{
    size_t n, i;

    if (!json_object_is_type(list, json_type_array))
        return complain(err, "upstreams: must be a list of objects");
    n = json_object_array_length(list);
    if (n < 1 || n > UPSTREAMS_MAX)
        return complain(err, "upstreams: has %zu; must be a list of 1 to %d", n,
                        UPSTREAMS_MAX);
    for (i = 0; i < n; i++) {
        struct json_object *object = json_object_array_get_idx(list, i);
        struct config_upstream *up = &cfg->upstreams[i];
        struct json_object *name;

        if (!json_object_is_type(object, json_type_object))
            return complain(err, "upstreams[%zu]: must be an object", i);
        if (add_upstream(cfg, err) == -1)
            return -1;
        /* First, for the messages about the others bear it. */
        if (json_object_object_get_ex(object, "name", &name) &&
            put_member(cfg, up, "", "name", name, err) == -1)
            return -1;
        if (put_members(cfg, up, "", object, err) == -1)
            return -1;
    }
    return 0;
}

static int put_file(struct config *cfg, const struct json_file *file,
                    const char *path, struct complaint *err)
{
    struct json_object *root = json_file_parse(file, path, err);
    int rc = -1;

    if (root != NULL)
        rc = put_members(cfg, NULL, "", root, err);
    json_object_put(root);
    return rc;
}

/*
 * The environment.
 */

/* The value of NAME, or NULL where it is unset or empty. */
static const char *env_get(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (; *env != NULL; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return (*env)[len + 1] != '\0' ? *env + len + 1 : NULL;
    return NULL;
}

static bool is_known_variable(const char *name)
{
    return setting_find_env(name) != NULL ||
           strncmp(name, "SLUICE_TEST_", 12) == 0 ||
           strncmp(name, "SLUICE_RUN_", 11) == 0;
}

static int refuse_unknown_variables(char *const *env, struct complaint *err)
{
    char name[NAME_CUT + 1];
    size_t len;

    for (; *env != NULL; env++) {
        len = strcspn(*env, "=");
        if (strncmp(*env, "SLUICE_", 7) != 0 || (*env)[len] == '\0' ||
            (*env)[len + 1] == '\0')
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, *env);
        if (!is_known_variable(name))
            return complain(err,
                            "%s: unknown variable; the nearest known one "
                            "is %s",
                            name, nearest_variable(name));
    }
    return 0;
}

static int load_env(struct config *cfg, char *const *env, struct complaint *err)
{
    struct setting_put put = {NULL, cfg, NULL, SOURCE_ENV, err};
    const char *value;
    size_t i;

    if (refuse_unknown_variables(env, err) == -1)
        return -1;
    if (env_get(env, "NVIDIA_API_KEY") != NULL &&
        env_get(env, "SLUICE_API_KEY_FILE") != NULL)
        return complain(err, "NVIDIA_API_KEY and SLUICE_API_KEY_FILE are both "
                             "set; must be one of them");
    for (i = 0; (put.row = setting_at(i)) != NULL; i++) {
        if (put.row->env == NULL || put.row->kind == SETTING_ELSEWHERE)
            continue;
        put.up = put.row->of_upstream ? &cfg->upstreams[0] : NULL;
        value = env_get(env, put.row->env);
        if (value != NULL && value_put_text(&put, value) == -1)
            return -1;
    }
    return 0;
}

/*
 * Keys and tokens in files.
 */

/* Reads the secret that KEY of UP (or of CFG) names, into *SECRET, unless one
 * is there already: the environment wins. */
static int load_secret(char **secret, const char *key, struct config *cfg,
                       struct config_upstream *up, struct complaint *err)
{
    const struct setting *row = setting_find(key, up != NULL);
    char *path = *(char **)setting_field(row, cfg, up);
    char label[SETTING_LABEL_MAX];
    const char *why;

    if (path == NULL || *secret != NULL)
        return 0;
    why = json_file_secret(secret, path);
    if (why == NULL)
        return 0;
    setting_label(label, sizeof(label), row, setting_source(row, cfg, up), cfg,
                  up);
    return complain(err, "%s: cannot read %s: %s", label, path, why);
}

static int load_secrets(struct config *cfg, struct complaint *err)
{
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++)
        if (load_secret(&cfg->upstreams[i].api_key, "api_key_file", cfg,
                        &cfg->upstreams[i], err) == -1)
            return -1;
    if (load_secret(&cfg->admin_token, "admin.token_file", cfg, NULL, err) ==
        -1)
        return -1;
    if (load_secret(&cfg->shared_password, "shared.password_file", cfg, NULL,
                    err) == -1)
        return -1;
    return load_secret(&cfg->read_token, "admin.read_token_file", cfg, NULL,
                       err);
}

/*
 * Do they agree?
 */

/* The name of KEY as whoever set it knows it. */
static void label_of(char *label, const char *key, const struct config *cfg,
                     const struct config_upstream *up)
{
    const struct setting *row = setting_find(key, up != NULL);

    setting_label(label, SETTING_LABEL_MAX, row, setting_source(row, cfg, up),
                  cfg, up);
}

static int settle_upstream(struct config *cfg, struct config_upstream *up,
                           struct complaint *err)
{
    const struct setting *burst = setting_find("burst", true);
    char label[SETTING_LABEL_MAX], other[SETTING_LABEL_MAX];

    if (setting_source(burst, cfg, up) == SOURCE_DEFAULT)
        up->burst = up->requests;
    if (up->burst > up->requests) {
        label_of(label, "burst", cfg, up);
        label_of(other, "requests", cfg, up);
        return complain(err, "%s: %lld is more than %s; must be from 1 to %lld",
                        label, (long long)up->burst, other,
                        (long long)up->requests);
    }
    if (up->api_key != NULL && strncmp(up->base_url, "http://", 7) == 0 &&
        !setting_text_is_loopback(up->base_url)) {
        label_of(label, "base_url", cfg, up);
        return complain(err,
                        "%s: the API key would travel in the clear; must "
                        "be https://, or a host on this machine",
                        label);
    }
    if (up->models != NULL && up->n_models == 0)
        return complain(err,
                        "upstreams.%s.models: an empty list takes nothing;"
                        " must have a pattern, or be left out to take all",
                        up->name);
    return protocols_settle(cfg, up, err);
}

int config_settle(struct config *cfg, char *err, size_t err_max)
{
    struct complaint c = {err, err_max};
    size_t i, j;

    for (i = 0; i < cfg->n_upstreams; i++) {
        if (settle_upstream(cfg, &cfg->upstreams[i], &c) == -1)
            return -1;
        for (j = 0; j < i; j++)
            if (strcmp(cfg->upstreams[i].name, cfg->upstreams[j].name) == 0)
                return complain(&c,
                                "upstreams[%zu].name: %s is taken by "
                                "upstreams[%zu]; must be its own",
                                i, cfg->upstreams[i].name, j);
    }
    config_lines(cfg);
    if (fallbacks_settle(cfg, &c) == -1 || aliases_settle(cfg, &c) == -1 ||
        store_settle(cfg, &c) == -1)
        return -1;
    return clients_settle(cfg, &c);
}

int config_read(struct json_file *file, char *const *env, char *err,
                size_t err_max)
{
    struct complaint c = {err, err_max};
    const char *path = env_get(env, "SLUICE_CONFIG"), *why;

    memset(file, 0, sizeof(*file));
    if (path == NULL)
        return 0;
    why = json_file_read(file, path, FILE_MAX);
    if (file->text == NULL)
        return complain(&c, "SLUICE_CONFIG: cannot read %s: %s", path, why);
    return 0;
}

int config_build(struct config **out, const struct config_from *from, char *err,
                 size_t err_max)
{
    struct complaint c = {err, err_max};
    struct config *cfg = calloc(1, sizeof(*cfg));
    const char *path = env_get(from->env, "SLUICE_CONFIG");

    *out = NULL;
    if (cfg == NULL)
        return complain(&c, "%s", strerror(ENOMEM));
    if (values_init(cfg, NULL, &c) == -1 ||
        (from->file != NULL && from->file->text != NULL &&
         put_file(cfg, from->file, path != NULL ? path : "", &c) == -1) ||
        (cfg->n_upstreams == 0 && add_upstream(cfg, &c) == -1) ||
        load_env(cfg, from->env, &c) == -1 ||
        (from->live != NULL && live_apply(cfg, from->live, &c) == -1) ||
        keys_put(cfg, from->keys, &c) == -1 || pool_spread(cfg, &c) == -1 ||
        load_secrets(cfg, &c) == -1 || config_settle(cfg, err, err_max) == -1) {
        config_free(cfg);
        return -1;
    }
    *out = cfg;
    return 0;
}

int config_load(struct config **out, char *const *env, char *err,
                size_t err_max)
{
    struct json_file file;
    struct config_from from = {.file = &file, .env = env};
    int rc = config_read(&file, env, err, err_max);

    *out = NULL;
    if (rc == 0)
        rc = config_build(out, &from, err, err_max);
    json_file_free(&file);
    return rc;
}

void config_free(struct config *cfg)
{
    size_t i;

    if (cfg == NULL)
        return;
    for (i = 0; i < cfg->n_upstreams; i++)
        values_fini(cfg, &cfg->upstreams[i]);
    clients_free(cfg);
    values_fini(cfg, NULL);
    free(cfg);
}
