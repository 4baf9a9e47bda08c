/*
 * json_strict.c - is this JSON, and nothing but JSON?
 *
 * json-c's strict mode refuses trailing commas, comments and more that other
 * readers would refuse too.  In 0.18 (Debian 13) it also refuses every byte
 * above 0x7f, taking it for a control character, and whole numbers beyond 64
 * bits.  Where it stops at one of those, it is asked again without it: better
 * to let a comma too many pass than to refuse all languages but one.
 */
#include "lib/json_strict.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"

/* Did strict mode stop at something that JSON allows? */
static bool is_its_own_fault(struct json_tokener *tok, const char *text,
                             size_t len)
{
    size_t at = json_tokener_get_parse_end(tok);

    switch (json_tokener_get_error(tok)) {
    case json_tokener_error_parse_string:
    case json_tokener_error_parse_utf8_string:
        return at < len && (unsigned char)text[at] >= 0x80;
    case json_tokener_error_parse_number:
        return at > 0 && at <= len && text[at - 1] >= '0' &&
               text[at - 1] <= '9';
    default:
        return false;
    }
}

struct json_object *json_strict_parse(struct json_tokener *tok,
                                      const char *text, size_t len)
{
    struct json_object *root;

    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
    /* With the zero, which tells json-c that a number has ended. */
    root = json_tokener_parse_ex(tok, text, (int)len + 1);
    if (root != NULL || !is_its_own_fault(tok, text, len))
        return root;
    json_tokener_reset(tok);
    json_tokener_set_flags(tok, 0);
    return json_tokener_parse_ex(tok, text, (int)len + 1);
}

const char *json_strict_text(struct json_object *value)
{
    const char *text;

    if (!json_object_is_type(value, json_type_string))
        return NULL;
    text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text
                                                                     : NULL;
}

struct json_object *json_strict_object(const char *text, size_t len)
{
    struct json_tokener *tok;
    struct json_object *root;

    if (memchr(text, '\0', len) != NULL || !buf_is_utf8(text, len))
        return NULL;
    tok = json_tokener_new_ex(JSON_DEPTH);
    CHECK(tok != NULL);
    root = json_strict_parse(tok, text, len);
    if (json_tokener_get_error(tok) != json_tokener_success ||
        json_tokener_get_parse_end(tok) < len ||
        !json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        root = NULL;
    }
    json_tokener_free(tok);
    return root;
}
