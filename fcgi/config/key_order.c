/*
 * key_order.c - what do the keys become by an order?
 *
 *   revise.c --> key_order_do()   with the lock, in its thread
 *
 * The body is a stranger's until all of it is known.  Of a member that nobody
 * knows, and of a name that is not there, nothing is said again: it may be a
 * key.
 */
#include "fcgi/config/key_order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/client_fields.h"
#include "fcgi/config/clients.h"
#include "fcgi/config/config.h"
#include "fcgi/config/keys.h"
#include "lib/base.h"
#include "lib/complaint.h"

/* An order while it is done. */
struct work {
    struct key_order *o;
    struct keys keys;
    int status;
    struct complaint *err;
};

/* Says that it is refused as STATUS; the reason is in w->err already. */
static int refuse(struct work *w, int status)
{
    w->status = status;
    return -1;
}

/* ---- the body ------------------------------------------------------------------ */

static int put_expiry(const struct client_entry *e, struct json_object *value,
                      int64_t now_s)
{
    int64_t s = json_object_get_int64(value);
    char must[96];

    if (value == NULL) {
        e->client->expires_at = 0;
        return 0;
    }
    if (json_object_is_type(value, json_type_int) && s >= 1 &&
        s <= KEY_EXPIRES_MAX) {
        e->client->expires_at = now_s + s;
        return 0;
    }
    (void)snprintf(must, sizeof(must),
                   "must be a whole number of seconds from 1 to %lld, or null",
                   (long long)KEY_EXPIRES_MAX);
    return client_fields_refuse(e, "expires_in_s", must);
}

/* May it be said here?  Who has a hash has made his key himself, and a name is
 * for good. */
static bool is_allowed(const struct key_order *o, const char *member)
{
    return strcmp(member, "key_sha256") != 0 &&
           (o->deed == KEY_MAKE || strcmp(member, "name") != 0);
}

static int put_member(const struct work *w, const struct client_entry *e,
                      const char *member, struct json_object *value)
{
    int rc;

    if (strcmp(member, "expires_in_s") == 0)
        return put_expiry(e, value, w->o->now_s);
    if (!is_allowed(w->o, member))
        return client_fields_refuse(e, member,
                                    "cannot be said here; must be left out");
    rc = client_fields_put(e, member, value);
    return rc == 1 ? client_fields_unknown(e, member) : rc;
}

static int put_body(struct work *w, struct client_key *key)
{
    const struct client_entry e = {
        .client = key, .is_made = true, .err = w->err};
    struct json_object_iterator it = json_object_iter_begin(w->o->body);
    struct json_object_iterator end = json_object_iter_end(w->o->body);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (put_member(w, &e, json_object_iter_peek_name(&it),
                       json_object_iter_peek_value(&it)) == -1)
            return refuse(w, 400);
    if (key->name[0] != '\0')
        return 0;
    (void)client_fields_refuse(&e, "name", "is missing");
    return refuse(w, 400);
}

/* ---- making one --------------------------------------------------------------------- */

static size_t place_of(const struct keys *keys, const char *name)
{
    size_t i;

    for (i = 0; i < keys->n && strcmp(keys->list[i].name, name) < 0; i++)
        continue;
    return i;
}

static bool is_at(const struct keys *keys, size_t i, const char *name)
{
    return i < keys->n && strcmp(keys->list[i].name, name) == 0;
}

/* Where an upstream has no key of ours the client's own goes there. */
static int check_upstreams(struct work *w)
{
    const struct config *cfg = w->o->cfg;
    size_t i;

    for (i = 0; i < cfg->n_upstreams; i++) {
        if (cfg->upstreams[i].api_key != NULL)
            continue;
        (void)complain(w->err,
                       "upstreams.%s has no API key, so that a client's "
                       "Authorization is the upstream's; must have one before "
                       "keys are made (NVIDIA_API_KEY, api_key_file)",
                       cfg->upstreams[i].name);
        return refuse(w, 409);
    }
    return 0;
}

static int check_room(struct work *w, const char *name)
{
    const struct config *cfg = w->o->cfg;

    if (clients_is_set(cfg, name)) {
        (void)complain(w->err, "name: %s stands in the settings file (clients)",
                       name);
        return refuse(w, 409);
    }
    if (is_at(&w->keys, place_of(&w->keys, name), name)) {
        (void)complain(w->err,
                       "name: a key of %s was made already; `sluicectl key "
                       "set` changes it, `key revoke` ends it",
                       name);
        return refuse(w, 409);
    }
    if (w->keys.n >= KEYS_MAX ||
        w->keys.n + cfg->n_clients >= CLIENTS_LIST_MAX) {
        (void)complain(w->err,
                       "there are %zu keys already, and no room for more; one "
                       "must be revoked first",
                       w->keys.n + cfg->n_clients);
        return refuse(w, 409);
    }
    return 0;
}

static int make(struct work *w)
{
    struct client_key key, *at;
    size_t i;

    client_fields_init(&key);
    if (put_body(w, &key) == -1 || check_upstreams(w) == -1 ||
        check_room(w, key.name) == -1)
        return -1;
    if (key_text_make(w->o->key, key.hash) == -1) {
        (void)complain(w->err, "getrandom: %s", strerror(errno));
        return refuse(w, 503);
    }
    key.made_at = w->o->now_s;
    memcpy(w->o->name, key.name, sizeof(w->o->name));
    i = place_of(&w->keys, key.name);
    at = &w->keys.list[i];
    memmove(at + 1, at, (w->keys.n - i) * sizeof(*at));
    *at = key;
    w->keys.n++;
    return 0;
}

/* ---- changing and revoking ----------------------------------------------------------- */

/* The one that is meant; NULL: none of ours. */
static struct client_key *find(struct work *w)
{
    const char *name = w->o->name;
    size_t i = place_of(&w->keys, name);

    if (clients_is_set(w->o->cfg, name)) {
        (void)complain(w->err,
                       "%s stands in the settings file (clients), and must be "
                       "changed there",
                       name);
        (void)refuse(w, 409);
        return NULL;
    }
    if (is_at(&w->keys, i, name))
        return &w->keys.list[i];
    (void)complain(w->err, "No key was made of that name.");
    (void)refuse(w, 404);
    return NULL;
}

static int set(struct work *w)
{
    struct client_key *key = find(w);

    return key != NULL ? put_body(w, key) : -1;
}

static int revoke(struct work *w)
{
    struct client_key *key = find(w);
    size_t i;

    if (key == NULL)
        return -1;
    i = (size_t)(key - w->keys.list);
    w->keys.n--;
    memmove(key, key + 1, (w->keys.n - i) * sizeof(*key));
    return 0;
}

bool key_order_holds(const struct key_order *o, const struct config *cfg)
{
    const struct keys made = {cfg->made, cfg->n_made};

    return o->deed == KEY_REVOKE ||
           is_at(&made, place_of(&made, o->name), o->name);
}

struct json_object *key_order_do(struct key_order *o, struct json_object *list,
                                 int *status, struct complaint *err)
{
    static int (*const deeds[])(struct work * w) = {
        [KEY_MAKE] = make, [KEY_SET] = set, [KEY_REVOKE] = revoke};
    struct work w = {.o = o, .status = 400, .err = err};
    struct json_object *after = NULL;

    if (keys_read(&w.keys, list, err) == 0 && deeds[o->deed](&w) == 0)
        after = keys_write(&w.keys);
    *status = w.status;
    keys_free(&w.keys);
    return after;
}
