/*
 * listing.c - what does an upstream's list of models say?
 *
 *   {"object":"list","data":[{"id":"a/b"},...]}    OpenAI's; `data` may be null
 *   {"models":[{"name":"a"},...]}                  Ollama's and Gemini's own
 *   [{"id":"a/b"},...]                             bare
 *
 * All become OpenAI's.  A model without an id is known by its name; what has
 * neither is left out.
 */
#include "fcgi/upstream/listing.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/json_strict.h"
#include "state/limiter.h"

/* The member NAME of ONE, if it is a string that says something. */
static const char *text_of(json_object *one, const char *name)
{
    json_object *v;

    if (!json_object_object_get_ex(one, name, &v) ||
        !json_object_is_type(v, json_type_string) ||
        json_object_get_string_len(v) == 0)
        return NULL;
    return json_object_get_string(v);
}

static void add(json_object *to, json_object *one)
{
    const char *id = text_of(one, "id");

    if (id == NULL) {
        id = text_of(one, "name");
        if (id == NULL)
            return;
        json_object_object_add(one, "id", json_object_new_string(id));
        json_object_object_add(one, "object", json_object_new_string("model"));
    }
    json_object_array_add(to, json_object_get(one));
}

/* Where the models are in ROOT.  False: nowhere. */
static bool find(json_object *root, json_object **list)
{
    *list = root;
    if (json_object_is_type(root, json_type_array))
        return true;
    if (!json_object_object_get_ex(root, "data", list) &&
        !json_object_object_get_ex(root, "models", list))
        return false;
    /* Go writes an empty list so. */
    return *list == NULL || json_object_is_type(*list, json_type_array);
}

bool listing_read(json_object *to, struct buf *body)
{
    json_object *root, *list = NULL;
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    size_t i, n = 0;
    bool found;

    CHECK(tok != NULL);
    root = body->len > 0
               ? json_tokener_parse_ex(tok, buf_head(body), (int)body->len)
               : NULL;
    found = find(root, &list);
    if (list != NULL && found)
        n = json_object_array_length(list);
    for (i = 0; i < n; i++)
        add(to, json_object_array_get_idx(list, i));
    json_object_put(root);
    json_tokener_free(tok);
    return found;
}
