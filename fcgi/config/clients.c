/*
 * clients.c - which client does this key belong to?
 *
 *   config.c  --> clients_put(), clients_settle()  the settings' list
 *   auth.c    --> clients_hash(), clients_find()   whose key is this?
 *   ctl_key.c --> clients_hash()                   a new one
 *
 * The settings hold no key, only the SHA-256 of each: a key is 256 random
 * bits, so nothing slower is needed.  A presented key is compared with all of
 * them, each to its last byte, so that the time tells nothing.
 */
#include "fcgi/config/clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"
#include "state/limiter.h"

#define CLIENTS_LIST_MAX 1024 /* as many as the state file has rows for */

static const char *const priorities[] = {LIMITER_CLASS_LIST(LIST_NAME) NULL};

/* Numbers and words, as settings.c has them; the two texts are read by hand. */
static const struct setting members[] = {
    {.key = "name", .kind = SETTING_NAME},
    {.key = "key_sha256", .kind = SETTING_SECRET},
    {.key = "priority",
     .kind = SETTING_WORD,
     .words = priorities,
     .initial = CLASS_NORMAL,
     .at = offsetof(struct client_key, priority)},
    {.key = "weight",
     .kind = SETTING_COUNT,
     .initial = 1,
     .min = 1,
     .max = 1000,
     .at = offsetof(struct client_key, weight)},
    {.key = "requests_per_min",
     .kind = SETTING_COUNT,
     .min = 0,
     .max = 10000,
     .at = offsetof(struct client_key, requests_per_min)},
    {.key = "queue_max",
     .kind = SETTING_COUNT,
     .min = 1,
     .max = 4096,
     .at = offsetof(struct client_key, queue_max)},
};

/* One entry on its way in; I is its place in the list. */
struct entry {
    struct client_key *client;
    size_t i;
    struct complaint *err;
};

/* ---- keys ------------------------------------------------------------------ */

void clients_hash(unsigned char out[KEY_HASH], const char *key, size_t len)
{
    CHECK(EVP_Digest(key, len, out, NULL, EVP_sha256(), NULL) == 1);
}

const struct client_key *clients_find(const struct config *cfg,
                                      const unsigned char hash[KEY_HASH])
{
    size_t i, found = SIZE_MAX;

    for (i = 0; i < cfg->n_clients; i++) {
        /* All ones where they are the same, else all zeros; no branch. */
        size_t same =
            (size_t)(CRYPTO_memcmp(cfg->clients[i].hash, hash, KEY_HASH) != 0) -
            1;

        found = (found & ~same) | (i & same);
    }
    return found == SIZE_MAX ? NULL : &cfg->clients[found];
}

bool clients_has_name(const struct config *cfg, const char *name)
{
    size_t i;

    for (i = 0; i < cfg->n_clients; i++)
        if (strcmp(cfg->clients[i].name, name) == 0)
            return true;
    return false;
}

/* ---- one entry ----------------------------------------------------------------- */

const char *clients_name_fault(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    const unsigned char *p;

    if (*name == '\0' || strlen(name) >= CLIENT_MAX)
        return "must have 1 to 63 characters";
    for (p = (const unsigned char *)name; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return "must be printable";
    if (!buf_is_utf8(name, strlen(name)))
        return "must be UTF-8";
    if (*name == ' ' || name[strlen(name) - 1] == ' ')
        return "must not begin or end with a space";
    /* The names of those without a key. */
    if (inet_pton(AF_INET, name, address) == 1 ||
        inet_pton(AF_INET6, name, address) == 1 ||
        strcmp(name, "anonymous") == 0 || strcmp(name, "unknown") == 0)
        return "must not be an address, anonymous or unknown";
    return NULL;
}

static int refuse(const struct entry *e, const char *member, const char *must)
{
    return complain(e->err, "clients[%zu].%s: %s", e->i, member, must);
}

static int put_name(const struct entry *e, struct json_object *value)
{
    const char *text = json_strict_text(value);
    const char *why =
        text != NULL ? clients_name_fault(text) : "must be a text";

    if (why != NULL)
        return refuse(e, "name", why);
    memcpy(e->client->name, text, strlen(text) + 1);
    return 0;
}

static int put_hash(const struct entry *e, struct json_object *value)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *text = json_strict_text(value);
    size_t i;

    if (text == NULL || strlen(text) != 2 * KEY_HASH ||
        strspn(text, digits) != 2 * KEY_HASH)
        return refuse(e, "key_sha256",
                      "must be the 64 hexadecimal digits of a key's SHA-256 "
                      "(sluicectl key new NAME)");
    for (i = 0; i < KEY_HASH; i++) {
        size_t high = (size_t)(strchr(digits, text[2 * i]) - digits) & 15;
        size_t low = (size_t)(strchr(digits, text[2 * i + 1]) - digits) & 15;

        e->client->hash[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static int put_number(const struct entry *e, const struct setting *row,
                      struct json_object *value)
{
    int64_t *to = (int64_t *)(void *)((char *)e->client + row->at);
    const char *text = json_strict_text(value);
    char must[SETTING_LABEL_MAX], allowed[SETTING_LABEL_MAX];
    int64_t i;

    if (row->kind == SETTING_WORD) {
        for (i = 0; text != NULL && row->words[i] != NULL; i++) {
            if (strcmp(row->words[i], text) == 0) {
                *to = i;
                return 0;
            }
        }
    } else if (json_object_is_type(value, json_type_int) &&
               json_object_get_int64(value) >= row->min &&
               json_object_get_int64(value) <= row->max) {
        *to = json_object_get_int64(value);
        return 0;
    }
    setting_allowed(allowed, sizeof(allowed), row);
    (void)snprintf(must, sizeof(must), "must be %.100s", allowed);
    return refuse(e, row->key, must);
}

static int unknown_member(const struct entry *e, const char *member)
{
    size_t i, n, best = 0, least = SIZE_MAX;

    for (i = 0; i < ARRAY_LEN(members); i++) {
        n = setting_text_distance(member, members[i].key,
                                  strlen(members[i].key));
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return complain(e->err,
                    "clients[%zu].%.64s: unknown key; the nearest known one "
                    "is %s",
                    e->i, member, members[best].key);
}

static int put_member(const struct entry *e, const char *member,
                      struct json_object *value)
{
    size_t i;

    if (strncmp(member, "//", 2) == 0)
        return 0;
    for (i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i].key, member) == 0)
            break;
    if (i == ARRAY_LEN(members))
        return unknown_member(e, member);
    e->client->given |= 1u << i;
    if (i == 0)
        return put_name(e, value);
    if (i == 1)
        return put_hash(e, value);
    return put_number(e, &members[i], value);
}

static int put_entry(const struct entry *e, struct json_object *object)
{
    struct json_object_iterator it, end;
    size_t i;

    if (!json_object_is_type(object, json_type_object))
        return complain(e->err, "clients[%zu]: must be an object", e->i);
    for (i = 2; i < ARRAY_LEN(members); i++)
        *(int64_t *)(void *)((char *)e->client + members[i].at) =
            members[i].initial;
    it = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (put_member(e, json_object_iter_peek_name(&it),
                       json_object_iter_peek_value(&it)) == -1)
            return -1;
    for (i = 0; i < 2; i++)
        if ((e->client->given & 1u << i) == 0)
            return refuse(e, members[i].key, "is missing");
    return 0;
}

/* ---- the list ------------------------------------------------------------------ */

int clients_put(struct config *cfg, struct json_object *list,
                struct complaint *err)
{
    struct entry e = {.err = err};
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

void clients_free(struct config *cfg)
{
    if (cfg->clients != NULL)
        explicit_bzero(cfg->clients, cfg->n_clients * sizeof(*cfg->clients));
    free(cfg->clients);
    cfg->clients = NULL;
    cfg->n_clients = 0;
}
