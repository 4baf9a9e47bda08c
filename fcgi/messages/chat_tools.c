/*
 * chat_tools.c - which functions may the model call, and must it?
 *
 *   tools[]                      function: name, description, and input_schema
 *                                as parameters
 *   tool_choice auto, any,       "auto", "required", "none", that function
 *     none, tool
 *   disable_parallel_tool_use    parallel_tool_calls: false
 *
 * A tool of another type than custom has no schema in the request: Anthropic's
 * models know it, or their servers run it.  Nobody else could.
 *
 * Which of them at this point: tool_changes.c.
 *
 * No tools is no list: upstreams refuse an empty one, and a choice without.
 */
#include "fcgi/messages/chat_tools.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/tool_changes.h"
#include "lib/base.h"

static bool refuse_type(struct messages_fault *fault, size_t i,
                        struct json_object *tool)
{
    char word[FAULT_WORD];

    return messages_fault_set(fault, 400,
                              "tools.%zu: \"%s\" is a tool of Anthropic's own. "
                              "This upstream has only "
                              "tools that come with an input_schema.",
                              i, messages_fault_type(tool, word));
}

static bool write_tool(struct buf *out, struct messages_fault *fault, size_t i,
                       struct json_object *tool)
{
    struct json_object *schema = json_read_member(tool, "input_schema");
    struct json_object *words = json_read_string(tool, "description");
    size_t len;

    if (json_read_member(tool, "type") != NULL &&
        !json_read_is(tool, "type", "custom"))
        return refuse_type(fault, i, tool);
    if (json_read_text(tool, "name", &len) == NULL || len == 0 ||
        !json_object_is_type(schema, json_type_object))
        return messages_fault_set(
            fault, 400, "tools.%zu: name and input_schema are needed.", i);
    buf_str(out, "{\"type\":\"function\",\"function\":{\"name\":");
    json_write_string(out, json_read_member(tool, "name"));
    if (words != NULL) {
        buf_str(out, ",\"description\":");
        json_write_string(out, words);
    }
    buf_str(out, ",\"parameters\":");
    json_write_value(out, schema);
    buf_str(out, "}}");
    return true;
}

static bool write_choice(struct buf *out, struct messages_fault *fault,
                         struct json_object *choice)
{
    static const struct {
        const char *type, *is;
    } rows[] = {{"auto", ",\"tool_choice\":\"auto\""},
                {"any", ",\"tool_choice\":\"required\""},
                {"none", ",\"tool_choice\":\"none\""}};
    struct json_object *name = json_read_string(choice, "name");
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (json_read_is(choice, "type", rows[i].type)) {
            buf_str(out, rows[i].is);
            return true;
        }
    if (!json_read_is(choice, "type", "tool") || name == NULL)
        return messages_fault_set(fault, 400,
                                  "tool_choice: auto, any, none, or tool and a "
                                  "name is needed.");
    buf_str(out, ",\"tool_choice\":{\"type\":\"function\",\"function\":{"
                 "\"name\":");
    json_write_string(out, name);
    buf_str(out, "}}");
    return true;
}

/* Must one be called, though there is none? */
static bool is_forced(struct json_object *choice)
{
    return json_read_is(choice, "type", "any") ||
           json_read_is(choice, "type", "tool");
}

/* The list TOOLS, and what CHANGES brought; *N of them. */
static bool write_tools(struct json_object *tools, struct json_object *changes,
                        struct buf *out, struct messages_fault *fault,
                        size_t *n)
{
    size_t i, all = tools == NULL ? 0 : json_object_array_length(tools);
    struct json_object_iter it;

    for (i = 0; i < all; i++) {
        struct json_object *tool = json_object_array_get_idx(tools, i);

        if (!tool_changes_offer(changes, tool))
            continue;
        buf_str(out, (*n)++ > 0 ? "," : ",\"tools\":[");
        if (!write_tool(out, fault, i, tool))
            return false;
    }
    json_object_object_foreachC(changes, it)
    {
        if (!json_object_is_type(it.val, json_type_object))
            continue;
        buf_str(out, (*n)++ > 0 ? "," : ",\"tools\":[");
        if (!write_tool(out, fault, i++, it.val))
            return false;
    }
    buf_str(out, *n > 0 ? "]" : "");
    return true;
}

bool chat_tools_write(struct json_object *root, struct buf *out,
                      struct messages_fault *fault)
{
    struct json_object *tools = json_read_member(root, "tools");
    struct json_object *choice = json_read_member(root, "tool_choice");
    bool is_list = json_object_is_type(tools, json_type_array);
    struct json_object *changes;
    size_t n = 0;
    bool fine;

    if (tools != NULL && !is_list)
        return messages_fault_set(fault, 400, "tools: a list is needed.");
    changes = tool_changes_read(root);
    fine = write_tools(tools, changes, out, fault, &n);
    json_object_put(changes);
    if (!fine)
        return false;
    if (n == 0)
        return !is_forced(choice) ||
               messages_fault_set(fault, 400,
                                  "tool_choice: there are no tools.");
    if (choice != NULL && !write_choice(out, fault, choice))
        return false;
    if (json_object_get_boolean(
            json_read_member(choice, "disable_parallel_tool_use")))
        buf_str(out, ",\"parallel_tool_calls\":false");
    return true;
}
