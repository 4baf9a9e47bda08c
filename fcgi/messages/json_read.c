/*
 * json_read.c - what does a JSON text of somebody else hold?
 *
 * A tree costs some 64 bytes a value, and a value may be two bytes of text: so
 * what could be values is counted before json-c builds it.
 */
#include "fcgi/messages/json_read.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/json_strict.h"

/* The quote that ends the string whose text begins at FROM, or END: one that no
 * backslash escapes, unless that is escaped itself. */
static const char *end_of_string(const char *from, const char *end)
{
    const char *p = from, *slash;

    while ((p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        for (slash = p; slash > from && slash[-1] == '\\';)
            slash--;
        if ((p - slash) % 2 == 0)
            return p;
        p++;
    }
    return end;
}

/* Counts what a value may follow, outside of strings, which is never fewer than
 * there are.  In single quotes and comments, which json-c may take, more of it
 * could hide. */
static enum json_read look_over(const char *text, size_t len)
{
    const char *p, *end = text + len;
    size_t n = 0;

    for (p = text; p < end; p++) {
        if (*p == '"')
            p = end_of_string(p + 1, end);
        else if (*p == '\'' || *p == '/')
            return JSON_READ_NONE;
        else
            n += *p == ',' || *p == '[' || *p == '{';
    }
    return n > JSON_VALUES_MAX ? JSON_READ_MANY : JSON_READ_OK;
}

enum json_read json_read_object(const char *text, size_t len,
                                struct json_object **root)
{
    enum json_read is = look_over(text, len);

    *root = is == JSON_READ_OK ? json_strict_object(text, len) : NULL;
    return is == JSON_READ_OK && *root == NULL ? JSON_READ_NONE : is;
}

struct json_object *json_read_member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;

    if (!json_object_is_type(o, json_type_object) ||
        !json_object_object_get_ex(o, key, &v))
        return NULL;
    return v;
}

struct json_object *json_read_list(struct json_object *o, const char *key)
{
    struct json_object *v = json_read_member(o, key);

    return json_object_is_type(v, json_type_array) ? v : NULL;
}

struct json_object *json_read_string(struct json_object *o, const char *key)
{
    struct json_object *v = json_read_member(o, key);

    return json_object_is_type(v, json_type_string) ? v : NULL;
}

const char *json_read_text(struct json_object *o, const char *key, size_t *len)
{
    struct json_object *v = json_read_string(o, key);

    *len = v == NULL ? 0 : (size_t)json_object_get_string_len(v);
    return v == NULL ? NULL : json_object_get_string(v);
}

bool json_read_is(struct json_object *o, const char *key, const char *word)
{
    size_t len;
    const char *text = json_read_text(o, key, &len);

    return text != NULL && len == strlen(word) && memcmp(text, word, len) == 0;
}
