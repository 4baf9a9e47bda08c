/*
 * fuzz_keys.c - keys that were made: what is kept, and an order about them.
 *
 * Input: a letter (m, s, r), a line that is the body, and the text of
 * keys.json.  Whatever comes of it is one line that names no key, or a list
 * that can be read again.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/config/client_key.h"
#include "fcgi/config/config.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/key_order.h"
#include "fcgi/config/keys.h"
#include "lib/complaint.h"

static struct json_object *parse(const void *data, size_t len,
                                 struct complaint *err)
{
    struct json_file file = {.text = fuzz_copy(data, len), .len = len};
    struct json_object *root = json_file_parse(&file, "keys.json", err);

    json_file_free(&file);
    return root;
}

static void check_list(const struct keys *keys)
{
    size_t i;

    CHECK(keys->n <= KEYS_MAX);
    for (i = 0; i < keys->n; i++) {
        const struct client_key *k = &keys->list[i];

        CHECK(k->name[0] != '\0' && strlen(k->name) < CLIENT_MAX);
        CHECK(i == 0 || strcmp(keys->list[i - 1].name, k->name) < 0);
        CHECK(k->weight >= 1 && k->weight <= 1000 && k->made_at > 0);
        CHECK(k->requests_per_min >= 0 && k->requests_per_min <= 10000);
        CHECK(k->queue_max >= 0 && k->queue_max <= 4096 && k->expires_at >= 0);
    }
}

/* The order of LETTER, with BODY, about the first of LIST. */
static void order(char letter, struct json_object *body,
                  struct json_object *list, const struct keys *keys)
{
    static char upstream[] = "nvapi-0123456789";
    static struct config cfg = {.n_upstreams = 1};
    struct key_order o = {.deed = letter == 's'   ? KEY_SET
                                  : letter == 'r' ? KEY_REVOKE
                                                  : KEY_MAKE,
                          .body = body,
                          .cfg = &cfg,
                          .now_s = 1790000000};
    char err[512] = "";
    struct complaint c = {err, sizeof(err)};
    struct json_object *after;
    struct keys again;
    int status;

    cfg.upstreams[0].api_key = upstream;
    if (o.deed != KEY_MAKE && keys->n > 0)
        memcpy(o.name, keys->list[0].name, sizeof(o.name));
    after = key_order_do(&o, list, &status, &c);
    if (after == NULL) {
        CHECK(status >= 400 && err[0] != '\0');
        return;
    }
    CHECK(keys_read(&again, after, &c) == 0);
    CHECK(again.n == keys->n + (o.deed == KEY_MAKE) - (o.deed == KEY_REVOKE));
    check_list(&again);
    keys_free(&again);
    json_object_put(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    char err[512] = "";
    struct complaint c = {err, sizeof(err)};
    struct json_object *body, *root, *list;
    struct keys keys;

    if (line == NULL || line == data)
        return 0;
    body = parse(data + 1, (size_t)(line - data) - 1, &c);
    root = parse(line + 1, size - (size_t)(line - data) - 1, &c);
    if (json_object_object_get_ex(root, "keys", &list) &&
        keys_read(&keys, list, &c) == 0) {
        check_list(&keys);
        if (body != NULL)
            order((char)data[0], body, list, &keys);
        keys_free(&keys);
    }
    json_object_put(root);
    json_object_put(body);
    return 0;
}
