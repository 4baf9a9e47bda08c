/*
 * quote.c - what if an error quotes the key it was sent?
 *
 * The key goes to the end of the error's message, of an HTML title, or of a
 * text: where real upstreams put it.
 */
#include "quote.h"

#include <string.h>

#include "model.h"
#include "text.h"

/* Where in TEXT the words end that people read. */
static size_t place_in(const char *text)
{
    static const char *const begins[] = {"\"message\":\"", "\"detail\":\"",
                                         "\"title\":\""};
    const char *at;
    size_t i;

    for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        at = strstr(text, begins[i]);
        if (at == NULL)
            continue;
        at += strlen(begins[i]);
        while (*at != '"' && *at != '\0')
            at += *at == '\\' && at[1] != '\0' ? 2 : 1;
        return (size_t)(at - text);
    }
    at = strstr(text, "</title>");
    return at != NULL ? (size_t)(at - text) : strlen(text);
}

/* As some JSON writers put these characters. */
static void add_escaped(struct text *out, const char *key)
{
    for (; *key != '\0'; key++) {
        if (*key == '-')
            text_str(out, "\\u002d");
        else if (*key == '/')
            text_str(out, "\\/");
        else
            text_add(out, key, 1);
    }
}

void quote_into(struct text *out, size_t from, const struct behaviour *how,
                const char *key)
{
    struct text whole = {0};
    size_t at;

    if (key == NULL || out->len == from ||
        (!how->echoes_key && !how->echoes_escaped))
        return;
    at = from + place_in(out->data + from);
    text_add(&whole, out->data, at);
    text_str(&whole, ": the key ");
    if (how->echoes_escaped)
        add_escaped(&whole, key);
    else
        text_str(&whole, key);
    text_str(&whole, " was sent");
    text_add(&whole, out->data + at, out->len - at);
    text_free(out);
    *out = whole;
}
