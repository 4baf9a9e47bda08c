/*
 * keys.c - which keys were made?
 *
 *   key_file.c  --> keys_read()    what is kept, checked whole
 *   key_order.c --> keys_read(), keys_write()
 *   config.c    --> keys_put()     beside the clients of the settings
 *
 * A key stands in a list of objects as it does in the settings, with the moment
 * when it was made, and the one when it ends or null.  Where the settings name
 * a client so, theirs holds: the other comes back once they no longer do.
 */
#include "fcgi/config/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/client_fields.h"
#include "fcgi/config/client_key.h"
#include "fcgi/config/fields.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/serial.h"
#include "state/limiter.h"

/* ---- one key --------------------------------------------------------------- */

/* A moment, in seconds since 1970; false: it is none. */
static bool take_moment(int64_t *to, struct json_object *value)
{
    *to = json_object_get_int64(value);
    return json_object_is_type(value, json_type_int) && *to > 0 &&
           serial_is_sane((uint64_t)*to);
}

static int put_member(const struct client_entry *e, const char *member,
                      struct json_object *value)
{
    int rc;

    if (strcmp(member, "made_at") == 0)
        return take_moment(&e->client->made_at, value)
                   ? 0
                   : client_fields_refuse(e, member,
                                          "must be seconds since 1970");
    if (strcmp(member, "expires_at") == 0)
        return value == NULL || take_moment(&e->client->expires_at, value)
                   ? 0
                   : client_fields_refuse(
                         e, member, "must be seconds since 1970, or null");
    rc = client_fields_put(e, member, value);
    return rc == 1 ? client_fields_unknown(e, member) : rc;
}

static int put_entry(const struct client_entry *e, struct json_object *object)
{
    struct json_object_iterator it, end;

    if (!json_object_is_type(object, json_type_object))
        return complain(e->err, "%s[%zu]: must be an object", e->list, e->i);
    client_fields_init(e->client);
    it = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (put_member(e, json_object_iter_peek_name(&it),
                       json_object_iter_peek_value(&it)) == -1)
            return -1;
    if (e->client->made_at == 0)
        return client_fields_refuse(e, "made_at", "is missing");
    return client_fields_complete(e);
}

/* ---- all of them ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct client_key *)a)->name,
                  ((const struct client_key *)b)->name);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct client_ref *)a)->key->hash,
                  ((const struct client_ref *)b)->key->hash, KEY_HASH);
}

/* Needs the order of names. */
static int look_for_equal_names(const struct keys *keys, struct complaint *err)
{
    size_t i;

    for (i = 1; i < keys->n; i++)
        if (by_name(&keys->list[i - 1], &keys->list[i]) == 0)
            return complain(err, "keys: two have the name %s; must be its own",
                            keys->list[i].name);
    return 0;
}

static int look_for_equal_hashes(const struct keys *keys, struct complaint *err)
{
    struct client_ref *order = calloc(keys->n + 1, sizeof(*order));
    size_t i;
    int rc = 0;

    CHECK(order != NULL);
    for (i = 0; i < keys->n; i++)
        order[i].key = &keys->list[i];
    qsort(order, keys->n, sizeof(*order), by_hash);
    for (i = 1; i < keys->n && rc == 0; i++)
        if (by_hash(&order[i - 1], &order[i]) == 0)
            rc = complain(err,
                          "keys: %s and %s have the same key_sha256; must be "
                          "its own",
                          order[i - 1].key->name, order[i].key->name);
    free(order);
    return rc;
}

static int put_all(struct keys *keys, struct json_object *list,
                   struct complaint *err)
{
    struct client_entry e = {.list = "keys", .is_made = true, .err = err};

    for (; e.i < keys->n; e.i++) {
        e.client = &keys->list[e.i];
        if (put_entry(&e, json_object_array_get_idx(list, e.i)) == -1)
            return -1;
    }
    qsort(keys->list, keys->n, sizeof(*keys->list), by_name);
    if (look_for_equal_names(keys, err) == -1)
        return -1;
    return look_for_equal_hashes(keys, err);
}

int keys_read(struct keys *out, struct json_object *list, struct complaint *err)
{
    size_t n;

    memset(out, 0, sizeof(*out));
    if (!json_object_is_type(list, json_type_array))
        return complain(err, "keys: must be a list of objects");
    n = json_object_array_length(list);
    if (n > KEYS_MAX)
        return complain(err, "keys: has %zu; must be a list of at most %d", n,
                        KEYS_MAX);
    out->list = calloc(n + 1, sizeof(*out->list));
    if (out->list == NULL)
        return complain(err, "keys: %s", strerror(ENOMEM));
    out->n = n;
    if (put_all(out, list, err) == 0)
        return 0;
    keys_free(out);
    return -1;
}

void keys_free(struct keys *keys)
{
    if (keys->list != NULL)
        explicit_bzero(keys->list, keys->n * sizeof(*keys->list));
    free(keys->list);
    memset(keys, 0, sizeof(*keys));
}

/* ---- as JSON ----------------------------------------------------------------- */

static void add(struct json_object *to, const char *member,
                struct json_object *value)
{
    CHECK(json_object_object_add(to, member, value) == 0);
}

/* Only where there is one: an older worker takes no list that has it. */
static void add_bound(struct json_object *to, const char *member, int64_t bound)
{
    if (bound != 0)
        add(to, member, json_object_new_int64(bound));
}

static struct json_object *object_of(const struct client_key *key)
{
    struct json_object *o = json_object_new_object();
    char hex[KEY_HASH_HEX];

    CHECK(o != NULL);
    key_text_hex(hex, key->hash);
    add(o, "name", json_object_new_string(key->name));
    add(o, "key_sha256", json_object_new_string(hex));
    add(o, "made_at", json_object_new_int64(key->made_at));
    add(o, "expires_at",
        key->expires_at != 0 ? json_object_new_int64(key->expires_at) : NULL);
    add(o, "priority",
        json_object_new_string(limiter_class_names[key->priority]));
    add(o, "weight", json_object_new_int64(key->weight));
    add(o, "requests_per_min", json_object_new_int64(key->requests_per_min));
    add_bound(o, "tokens_per_min", key->tokens_per_min);
    add_bound(o, "tokens_per_day", key->tokens_per_day);
    add(o, "queue_max", json_object_new_int64(key->queue_max));
    return o;
}

struct json_object *keys_write(const struct keys *keys)
{
    struct json_object *list = json_object_new_array();
    size_t i;

    CHECK(list != NULL);
    for (i = 0; i < keys->n; i++)
        CHECK(json_object_array_add(list, object_of(&keys->list[i])) == 0);
    return list;
}

/* ---- in the settings ------------------------------------------------------------ */

/* Is KEY's name, or its key, that of one of CFG's clients? */
static bool is_left_out(const struct config *cfg, const struct client_key *key)
{
    size_t i;

    for (i = 0; i < cfg->n_clients; i++)
        if (strcmp(cfg->clients[i].name, key->name) == 0 ||
            memcmp(cfg->clients[i].hash, key->hash, KEY_HASH) == 0)
            return true;
    return false;
}

int keys_put(struct config *cfg, struct json_object *list,
             struct complaint *err)
{
    struct keys keys;
    size_t i;

    if (list == NULL)
        return 0;
    if (keys_read(&keys, list, err) != 0)
        return -1;
    cfg->made = keys.list;
    cfg->n_made = 0;
    for (i = 0; i < keys.n; i++)
        if (!is_left_out(cfg, &keys.list[i]))
            cfg->made[cfg->n_made++] = keys.list[i];
    return 0;
}

static void note(struct json_object *notes, const char *text)
{
    json_object_array_add(notes, json_object_new_string(text));
}

void keys_note(const struct config *cfg, struct json_object *list,
               struct json_object *notes)
{
    char text[256];
    struct complaint c = {text, sizeof(text)};
    struct keys keys;
    size_t i;

    if (keys_read(&keys, list, &c) != 0)
        return;
    for (i = 0; i < keys.n; i++) {
        if (!is_left_out(cfg, &keys.list[i]))
            continue;
        (void)complain(&c,
                       "the key that was made for %s is not in force: its "
                       "name, or the key, stands in the settings file, too "
                       "(clients)",
                       keys.list[i].name);
        note(notes, text);
    }
    for (i = 0; keys.n > 0 && i < cfg->n_upstreams; i++) {
        if (cfg->upstreams[i].api_key != NULL)
            continue;
        (void)complain(&c,
                       "upstreams.%s has no API key: what comes with a key "
                       "that was made gets there without any",
                       cfg->upstreams[i].name);
        note(notes, text);
    }
    keys_free(&keys);
}
