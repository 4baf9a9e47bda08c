/*
 * ask_how.c - how may a request be asked of upstreams that speak chat?
 *
 *   receive.c --> ask_how() --> as_chat_make()
 *
 * By its model, which is read before the rest is: what the body says in chat's
 * words depends on who may get it.
 */
#include "fcgi/ask_how.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/as_chat.h"
#include "fcgi/gate.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "lib/base.h"
#include "lib/json_strict.h"
#include "lib/json_walk.h"

#define ESCAPED 6 /* bytes that one may be written with */

/* The text that is written as VALUE; false: it is no name. */
static bool read_name(struct json_span value, char out[MODEL_BYTES + 1])
{
    char text[ESCAPED * MODEL_BYTES + 3];
    json_tokener *tok;
    json_object *v;
    const char *name;

    if (value.len < 2 || value.len >= sizeof(text) || *value.at != '"')
        return false;
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    tok = json_tokener_new();
    CHECK(tok != NULL);
    v = json_strict_parse(tok, text, value.len);
    name = json_strict_text(v);
    if (name != NULL)
        (void)snprintf(out, MODEL_BYTES + 1, "%s", name);
    json_object_put(v);
    json_tokener_free(tok);
    return name != NULL;
}

void ask_how(const struct request *r, struct gate *g, struct asking *out)
{
    struct json_span body = {buf_head(&r->body), r->body.len};
    char name[MODEL_BYTES + 1] = "";
    struct json_walk w;
    struct json_item item;

    memset(out, 0, sizeof(*out));
    if (as_chat_protocol(r) == NULL || !r->route->is_inference ||
        body.at == NULL)
        return;
    if (body.len >= 3 && memcmp(body.at, "\xef\xbb\xbf", 3) == 0)
        body = (struct json_span){body.at + 3, body.len - 3};
    if (!json_walk_into(&w, body) || !w.is_object)
        return;
    while (json_walk_next(&w, &item)) /* of several the last counts */
        if (json_walk_says(item.key, "model") && !read_name(item.value, name))
            name[0] = '\0';
    if (name[0] != '\0')
        gate_asking(g, name, as_chat_protocol(r), out);
}
