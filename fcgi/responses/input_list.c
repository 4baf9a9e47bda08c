/*
 * input_list.c - what is item I, and how does a chat message begin?
 *
 * A message says whose it is by its role, and needs no type; anything else says
 * so by its type.
 */
#include "fcgi/responses/input_list.h"

#include <json-c/json.h>

#include "lib/base.h"

/* An item of a type that is not here is a fault: without it the conversation
 * would be another one. */
static const struct {
    const char *type;
    enum item_kind kind;
} types[] = {
    {"function_call", ITEM_CALL},
    {"custom_tool_call", ITEM_CALL},
    {"local_shell_call", ITEM_CALL},
    {"function_call_output", ITEM_RESULT},
    {"custom_tool_call_output", ITEM_RESULT},
    {"local_shell_call_output", ITEM_RESULT},
    {"reasoning", ITEM_THOUGHT},
    /* What came of it stands in the message behind it. */
    {"web_search_call", ITEM_DONE},
    {"file_search_call", ITEM_DONE},
    {"code_interpreter_call", ITEM_DONE},
    {"image_generation_call", ITEM_DONE},
    {"mcp_list_tools", ITEM_DONE},
    {"mcp_call", ITEM_DONE},
};

/* Developers are what the system was called before. */
static const struct {
    const char *role;
    enum item_kind kind;
} roles[] = {
    {"user", ITEM_USER},
    {"system", ITEM_SYSTEM},
    {"developer", ITEM_SYSTEM},
    {"assistant", ITEM_ASSISTANT},
};

enum item_kind input_list_kind(struct json_object *item)
{
    bool is_message = json_read_member(item, "type") == NULL ||
                      json_read_is(item, "type", "message");
    size_t i;

    for (i = 0; is_message && i < ARRAY_LEN(roles); i++)
        if (json_read_is(item, "role", roles[i].role))
            return roles[i].kind;
    for (i = 0; i < ARRAY_LEN(types); i++)
        if (json_read_is(item, "type", types[i].type))
            return types[i].kind;
    return ITEM_UNKNOWN;
}

struct json_object *input_list_at(const struct input_list *l, size_t i)
{
    return json_object_array_get_idx(l->list, i);
}

void input_list_begin(struct input_list *l, const char *head)
{
    buf_str(l->out, l->written++ > 0 ? "," : "");
    buf_str(l->out, head);
}

struct chat_parts input_list_parts(struct input_list *l)
{
    struct chat_parts p = {.out = l->out, .fault = l->fault};

    return p;
}

void input_list_take_back(struct input_list *l, size_t written, size_t len)
{
    l->out->len = len;
    l->written = written;
}
