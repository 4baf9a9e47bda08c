/*
 * response_echo.c - what does a response say of its own request?
 *
 * As OpenAI's do, for clients insist on these members.  Of the tools those that
 * the model was told of.  What is long is not said again, for a stream would
 * say it three times.
 */
#include "fcgi/responses/response_echo.h"

#include <json-c/json.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/responses/response_tools.h"
#include "lib/base.h"

#define SAID_MAX ((size_t)16384) /* of a member */

static const struct {
    const char *name, *otherwise;
} rows[] = {
    {"instructions", "null"},
    {"max_output_tokens", "null"},
    {"metadata", "{}"},
    {"parallel_tool_calls", "true"},
    {"reasoning", "{\"effort\":null,\"summary\":null}"},
    {"safety_identifier", "null"},
    {"temperature", "null"},
    {"text", "{\"format\":{\"type\":\"text\"}}"},
    {"tool_choice", "\"auto\""},
    {"top_p", "null"},
    {"user", "null"},
};

static void write_name(struct buf *out, const char *name)
{
    buf_str(out, ",\"");
    buf_str(out, name);
    buf_str(out, "\":");
}

/* V, or OTHERWISE if there is none, or too much of it. */
static void write_value(struct buf *out, struct json_object *v,
                        const char *otherwise)
{
    size_t start = out->len;

    if (v != NULL)
        json_write_value(out, v);
    if (v != NULL && out->len - start <= SAID_MAX)
        return;
    out->len = start;
    buf_str(out, otherwise);
}

static void write_tools(struct json_object *root, struct buf *out)
{
    struct json_object *tools = json_read_list(root, "tools");
    size_t i, n = tools == NULL ? 0 : json_object_array_length(tools);
    size_t start = out->len, told = 0;

    buf_str(out, "[");
    for (i = 0; i < n && out->len - start <= SAID_MAX; i++) {
        struct json_object *tool = json_object_array_get_idx(tools, i);

        if (!response_tools_is_offered(tool))
            continue;
        buf_str(out, told++ > 0 ? "," : "");
        json_write_value(out, tool);
    }
    if (out->len - start > SAID_MAX) {
        out->len = start;
        buf_str(out, "[");
    }
    buf_str(out, "]");
}

void response_echo_write(struct json_object *root, struct buf *out)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        write_name(out, rows[i].name);
        write_value(out, json_read_member(root, rows[i].name),
                    rows[i].otherwise);
    }
    write_name(out, "tools");
    write_tools(root, out);
    buf_str(out, ",\"previous_response_id\":null,\"store\":false,"
                 "\"truncation\":\"disabled\"");
}
