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
