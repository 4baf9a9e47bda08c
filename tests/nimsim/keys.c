/*
 * keys.c - whose key is it, and is it still good?
 */
#include "keys.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

static struct sim_key *find(struct keys *k, const char *text)
{
    size_t i;

    for (i = 0; i < k->n; i++)
        if (strcmp(k->key[i].text, text) == 0)
            return &k->key[i];
    return NULL;
}

static struct sim_key *add(struct keys *k, const char *text)
{
    struct sim_key *key = &k->key[k->n];

    if (k->n == KEYS_MAX || strlen(text) >= sizeof(key->text))
        return NULL;
    memcpy(key->text, text, strlen(text) + 1);
    key->state = KEY_GOOD;
    window_init(&key->window);
    k->n++;
    return key;
}

static bool parse(enum key_state *out, const char *word)
{
    static const char *const names[] = {"good", "revoked", "unpaid"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (word != NULL && strcmp(word, names[i]) == 0) {
            *out = (enum key_state)i;
            return true;
        }
    return false;
}

const char *keys_set(struct keys *k, struct json_object *value)
{
    static const char wrong[] = "keys must be an object of at most 16 keys, "
                                "each good, revoked or unpaid";
    enum key_state state;

    if (!json_object_is_type(value, json_type_object))
        return wrong;
    json_object_object_foreach(value, text, word)
    {
        struct sim_key *key = find(k, text);

        if (!parse(&state, json_object_get_string(word)))
            return wrong;
        if (key == NULL)
            key = add(k, text);
        if (key == NULL)
            return wrong;
        key->state = state;
    }
    return NULL;
}

struct sim_key *keys_find(struct keys *k, const char *authorization)
{
    size_t len = strlen("Bearer ");

    if (authorization == NULL ||
        strncasecmp(authorization, "Bearer ", len) != 0)
        return NULL;
    return find(k, authorization + len);
}

void keys_fini(struct keys *k)
{
    while (k->n > 0)
        window_fini(&k->key[--k->n].window);
}
