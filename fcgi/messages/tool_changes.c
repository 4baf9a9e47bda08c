/*
 * tool_changes.c - which of its tools may a model call at this point?
 *
 *   defer_loading            a tool that is not offered until it is named by
 *   tool_reference           a tool's result (Claude Code's ToolSearch), or by
 *   tool_addition            the system, which may also bring a new one along
 *   tool_removal             the system takes it away again
 *
 * Chat completions know one list for all of a conversation, so it is the one
 * that holds at its end.  What was never named stays out: Claude Code has a
 * placeholder that does nothing, and some have hundreds of such tools.
 */
#include "fcgi/messages/tool_changes.h"

#include <json-c/json.h>

#include "fcgi/messages/json_read.h"

static void change(struct json_object *changes, struct json_object *name,
                   struct json_object *to)
{
    if (name != NULL)
        json_object_object_add(changes, json_object_get_string(name), to);
    else
        json_object_put(to);
}

/* The names in a tool's result. */
static void read_result(struct json_object *changes, struct json_object *result)
{
    struct json_object *content = json_read_list(result, "content");
    size_t i, n = content == NULL ? 0 : json_object_array_length(content);

    for (i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        if (json_read_is(b, "type", "tool_reference"))
            change(changes, json_read_string(b, "tool_name"),
                   json_object_new_boolean(true));
    }
}

/* What the system says. */
static void read_change(struct json_object *changes, struct json_object *block)
{
    struct json_object *tool = json_read_member(block, "tool");
    struct json_object *made = json_read_member(tool, "definition");

    if (json_read_is(tool, "type", "tool_definition") &&
        json_object_is_type(made, json_type_object))
        change(changes, json_read_string(made, "name"), json_object_get(made));
    else
        change(changes, json_read_string(tool, "name"),
               json_object_new_boolean(
                   json_read_is(block, "type", "tool_addition")));
}

bool tool_changes_is(struct json_object *block)
{
    return json_read_is(block, "type", "tool_addition") ||
           json_read_is(block, "type", "tool_removal");
}

static void read_turn(struct json_object *changes, struct json_object *turn)
{
    struct json_object *content = json_read_list(turn, "content");
    size_t i, n = content == NULL ? 0 : json_object_array_length(content);

    for (i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        if (tool_changes_is(b)) /* of the system; else it was refused */
            read_change(changes, b);
        else if (json_read_is(b, "type", "tool_result"))
            read_result(changes, b);
    }
}

struct json_object *tool_changes_read(struct json_object *root)
{
    struct json_object *changes = json_object_new_object();
    struct json_object *turns = json_read_list(root, "messages");
    size_t i, n = turns == NULL ? 0 : json_object_array_length(turns);

    for (i = 0; i < n; i++)
        read_turn(changes, json_object_array_get_idx(turns, i));
    return changes;
}

bool tool_changes_offer(struct json_object *changes, struct json_object *tool)
{
    struct json_object *name = json_read_string(tool, "name");
    struct json_object *now =
        name == NULL ? NULL
                     : json_read_member(changes, json_object_get_string(name));

    if (now == NULL)
        return !json_object_get_boolean(
            json_read_member(tool, "defer_loading"));
    return json_object_is_type(now, json_type_boolean) &&
           json_object_get_boolean(now);
}
