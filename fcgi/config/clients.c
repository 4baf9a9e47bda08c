/*
 * clients.c - which client does this key belong to?
 *
 *   config.c  --> clients_put(), clients_settle()  the settings' list
 *   auth.c    --> clients_find()                   whose key is this?
 *
 * Those of the settings, and those that were made (keys.c).  We have no key,
 * only the SHA-256 of each.  A presented key is compared with all of them, each
 * to its last byte, so that the time tells nothing.
 */
#include "fcgi/config/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <openssl/crypto.h>

#include "fcgi/config/client_fields.h"
#include "fcgi/config/fields.h"
#include "lib/complaint.h"

/* ---- keys ------------------------------------------------------------------ */

static const struct client_key *find(const struct client_key *list, size_t n,
                                     const unsigned char hash[KEY_HASH])
{
    size_t i, found = SIZE_MAX;

    for (i = 0; i < n; i++) {
        /* All ones where they are the same, else all zeros; no branch. */
        size_t same =
            (size_t)(CRYPTO_memcmp(list[i].hash, hash, KEY_HASH) != 0) - 1;

        found = (found & ~same) | (i & same);
    }
    return found == SIZE_MAX ? NULL : &list[found];
}

const struct client_key *clients_find(const struct config *cfg,
                                      const unsigned char hash[KEY_HASH])
{
    const struct client_key *set = find(cfg->clients, cfg->n_clients, hash);
    const struct client_key *made = find(cfg->made, cfg->n_made, hash);

    return set != NULL ? set : made;
}

bool clients_is_over(const struct client_key *key, int64_t now_ms)
{
    return key->expires_at != 0 && now_ms / 1000 >= key->expires_at;
}

static const struct client_key *named(const struct client_key *list, size_t n,
                                      const char *name)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct client_key *clients_named(const struct config *cfg,
                                       const char *name)
{
    const struct client_key *set = named(cfg->clients, cfg->n_clients, name);

    return set != NULL ? set : named(cfg->made, cfg->n_made, name);
}

bool clients_is_set(const struct config *cfg, const char *name)
{
    return named(cfg->clients, cfg->n_clients, name) != NULL;
}

bool clients_has_name(const struct config *cfg, const char *name)
{
    return clients_named(cfg, name) != NULL;
}

/* ---- one entry ----------------------------------------------------------------- */

static int put_entry(const struct client_entry *e, struct json_object *object)
{
    struct json_object_iterator it, end;
    int rc;

    if (!json_object_is_type(object, json_type_object))
        return complain(e->err, "clients[%zu]: must be an object", e->i);
    client_fields_init(e->client);
    it = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *member = json_object_iter_peek_name(&it);

        if (strncmp(member, "//", 2) == 0)
            continue;
        rc = client_fields_put(e, member, json_object_iter_peek_value(&it));
        if (rc != 0)
            return rc == -1 ? -1 : client_fields_unknown(e, member);
    }
    return client_fields_complete(e);
}

/* ---- the list ------------------------------------------------------------------ */

int clients_put(struct config *cfg, struct json_object *list,
                struct complaint *err)
{
    struct client_entry e = {.list = "clients", .err = err};
    size_t n;

    if (!json_object_is_type(list, json_type_array))
        return complain(err, "clients: must be a list of objects");
    n = json_object_array_length(list);
    if (n > CLIENTS_LIST_MAX)
        return complain(err, "clients: has %zu; must be a list of at most %d",
                        n, CLIENTS_LIST_MAX);
    clients_free(cfg);
    cfg->clients = calloc(n + 1, sizeof(*cfg->clients));
    if (cfg->clients == NULL)
        return complain(err, "clients: %s", strerror(ENOMEM));
    cfg->n_clients = n;
    for (; e.i < n; e.i++) {
        e.client = &cfg->clients[e.i];
        if (put_entry(&e, json_object_array_get_idx(list, e.i)) == -1)
            return -1;
    }
    return 0;
}

/* Names and keys must tell one client from another. */
static int look_for_twins(const struct config *cfg, struct complaint *err)
{
    size_t i, j;

    for (i = 0; i < cfg->n_clients; i++) {
        const struct client_key *a = &cfg->clients[i];

        for (j = 0; j < i; j++) {
            const struct client_key *b = &cfg->clients[j];

            if (strcmp(a->name, b->name) == 0)
                return complain(err,
                                "clients[%zu].name: %s is taken by "
                                "clients[%zu]; must be its own",
                                i, a->name, j);
            if (memcmp(a->hash, b->hash, KEY_HASH) == 0)
                return complain(err,
                                "clients[%zu].key_sha256: is that of "
                                "clients[%zu], too; must be its own",
                                i, j);
        }
    }
    return 0;
}

int clients_settle(const struct config *cfg, struct complaint *err)
{
    size_t i;

    for (i = 0; cfg->n_clients > 0 && i < cfg->n_upstreams; i++)
        if (cfg->upstreams[i].api_key == NULL)
            return complain(err,
                            "clients: upstreams.%s has no API key, so that a "
                            "client's Authorization would be the upstream's; "
                            "must have one (NVIDIA_API_KEY, api_key_file)",
                            cfg->upstreams[i].name);
    return look_for_twins(cfg, err);
}

static void wipe(struct client_key **list, size_t *n)
{
    if (*list != NULL)
        explicit_bzero(*list, *n * sizeof(**list));
    free(*list);
    *list = NULL;
    *n = 0;
}

void clients_free(struct config *cfg)
{
    wipe(&cfg->clients, &cfg->n_clients);
    wipe(&cfg->made, &cfg->n_made);
}
