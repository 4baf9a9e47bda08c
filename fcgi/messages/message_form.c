/*
 * message_form.c - what do a whole message and its events have in common?
 */
#include "fcgi/messages/message_form.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"

void message_form_head(const struct messages_told *told, struct buf *out)
{
    buf_str(out, "{\"id\":\"msg_");
    json_write_chars(out, told->id, strlen(told->id));
    buf_str(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    json_write_text(out, told->model, strlen(told->model));
}

void message_form_call(const struct messages_told *told, size_t n,
                       const struct buf *id, const struct buf *name,
                       struct buf *out)
{
    buf_str(out, "{\"type\":\"tool_use\",\"id\":\"");
    if (id->len > 0) {
        json_write_chars(out, buf_head(id), id->len);
    } else { /* its result must say of which call it is */
        buf_str(out, "toolu_");
        json_write_chars(out, told->id, strlen(told->id));
        buf_fmt(out, "_%zu", n);
    }
    buf_str(out, "\",\"name\":");
    json_write_text(out, buf_head(name), name->len);
    buf_str(out, ",\"input\":");
}

void message_form_texts(struct json_object *o, const char *key,
                        message_form_fn *fn, void *arg)
{
    size_t len, i, n;
    const char *text = json_read_text(o, key, &len);
    struct json_object *parts = json_read_list(o, key);

    if (text != NULL && len > 0)
        fn(arg, text, len);
    n = parts == NULL ? 0 : json_object_array_length(parts);
    for (i = 0; i < n; i++) {
        text =
            json_read_text(json_object_array_get_idx(parts, i), "text", &len);
        if (text != NULL && len > 0)
            fn(arg, text, len);
    }
}

/* Some servers say it by both names: one is enough. */
void message_form_thoughts(struct json_object *o, message_form_fn *fn,
                           void *arg)
{
    size_t len;
    const char *text = json_read_text(o, "reasoning_content", &len);

    if (text == NULL || len == 0)
        text = json_read_text(o, "reasoning", &len);
    if (text != NULL && len > 0)
        fn(arg, text, len);
}

size_t message_form_trim(const char **text, size_t len)
{
    while (len > 0 && (**text == ' ' || **text == '\n' || **text == '\r' ||
                       **text == '\t')) {
        (*text)++;
        len--;
    }
    return len;
}

struct json_object *message_form_choice(struct json_object *root)
{
    struct json_object *choices = json_read_list(root, "choices");

    return choices == NULL || json_object_array_length(choices) == 0
               ? NULL
               : json_object_array_get_idx(choices, 0);
}
