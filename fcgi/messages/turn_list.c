/*
 * turn_list.c - what is turn I, and how does a chat message begin?
 */
#include "fcgi/messages/turn_list.h"

#include <json-c/json.h>

struct json_object *turn_list_at(const struct turn_list *t, size_t i)
{
    return json_object_array_get_idx(t->list, i);
}

struct json_object *turn_list_content(const struct turn_list *t, size_t i)
{
    return json_read_member(turn_list_at(t, i), "content");
}

struct json_object *turn_list_blocks(const struct turn_list *t, size_t i)
{
    return json_read_list(turn_list_at(t, i), "content");
}

bool turn_list_is_assistant(const struct turn_list *t, size_t i)
{
    return json_read_is(turn_list_at(t, i), "role", "assistant");
}

/* An empty text, and thinking that does not go there. */
static bool is_silent(const struct turn_list *t, bool is_his,
                      struct json_object *block)
{
    size_t len = 0;

    if (json_read_is(block, "type", "text"))
        return json_read_text(block, "text", &len) != NULL && len == 0;
    if (is_his && json_read_is(block, "type", "thinking"))
        return json_read_text(block, "thinking", &len) != NULL &&
               (len == 0 || t->reasoning_key == NULL);
    return is_his && json_read_is(block, "type", "redacted_thinking");
}

bool turn_list_is_silent(const struct turn_list *t, size_t i)
{
    struct json_object *content = turn_list_content(t, i);
    bool is_his = turn_list_is_assistant(t, i);
    size_t k = 0;

    if (json_object_is_type(content, json_type_string))
        return json_object_get_string_len(content) == 0;
    if (!json_object_is_type(content, json_type_array))
        return false;
    while (k < json_object_array_length(content) &&
           is_silent(t, is_his, json_object_array_get_idx(content, k)))
        k++;
    return k == json_object_array_length(content);
}

void turn_list_begin(struct turn_list *t, const char *head)
{
    buf_str(t->out, t->written++ > 0 ? "," : "");
    buf_str(t->out, head);
}

struct chat_parts turn_list_parts(struct turn_list *t)
{
    struct chat_parts p = {.out = t->out, .fault = t->fault};

    return p;
}
