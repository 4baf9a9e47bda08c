/*
 * input_assistant.c - how does a run of the assistant's items look as one chat
 * message?
 *
 *   message             content, with a blank line between two
 *   reasoning           a member of its own, if the upstream has one; its
 *                       content, or what is told of it (summary)
 *   function_call       tool_calls
 *   custom_tool_call    the same, with its text as {"input":"..."}
 *   local_shell_call    the same, with its action
 */
#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/call_input.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/responses/input_parts.h"
#include "fcgi/responses/input_sides.h"
#include "fcgi/responses/response_tools.h"

/* ---- words and thoughts ----------------------------------------------------- */

/* *N: how many texts there are; with none there is no content. */
static bool write_words(struct input_list *l, size_t from, size_t end,
                        size_t *n)
{
    size_t start = l->out->len;
    struct chat_parts p = input_list_parts(l);

    buf_str(l->out, ",\"content\":");
    chat_parts_begin(&p, false);
    for (p.turn = from; p.turn < end; p.turn++) {
        struct json_object *item = input_list_at(l, p.turn);

        if (input_list_kind(item) == ITEM_ASSISTANT &&
            !input_parts_put(&p, item, "content", true))
            return false;
    }
    chat_parts_end(&p);
    *n = p.n;
    if (p.n == 0)
        l->out->len = start;
    return true;
}

/* The texts of a list under KEY; false: there are none. */
static bool put_thoughts(struct chat_parts *p, struct json_object *item,
                         const char *key)
{
    struct json_object *list = json_read_list(item, key);
    size_t i, len, n = list == NULL ? 0 : json_object_array_length(list);
    size_t before = p->n;

    for (i = 0; i < n; i++) {
        const char *text =
            json_read_text(json_object_array_get_idx(list, i), "text", &len);

        if (text != NULL && len > 0)
            chat_parts_wrapped(p, "", text, len, "");
    }
    return p->n > before;
}

/* How many there are.  What is encrypted only its maker can read. */
static size_t write_thoughts(struct input_list *l, size_t from, size_t end)
{
    size_t start = l->out->len, i;
    struct chat_parts p = input_list_parts(l);

    if (l->reasoning_key == NULL)
        return 0;
    buf_str(l->out, ",");
    json_write_text(l->out, l->reasoning_key, strlen(l->reasoning_key));
    buf_str(l->out, ":");
    chat_parts_begin(&p, false);
    for (i = from; i < end; i++) {
        struct json_object *item = input_list_at(l, i);

        if (input_list_kind(item) == ITEM_THOUGHT &&
            !put_thoughts(&p, item, "content"))
            (void)put_thoughts(&p, item, "summary");
    }
    chat_parts_end(&p);
    if (p.n == 0)
        l->out->len = start;
    return p.n;
}

/* ---- calls ------------------------------------------------------------------ */

/* As JSON: a call that was none may come back, and templates read it. */
static bool write_arguments(struct json_object *item, struct buf *text)
{
    struct json_object *action = json_read_member(item, "action");
    size_t len;
    const char *said = json_read_text(item, "arguments", &len);

    if (json_read_is(item, "type", "custom_tool_call")) {
        buf_str(text, "{\"" RESPONSE_TOOLS_INPUT "\":");
        json_write_string(text, json_read_member(item, "input"));
        buf_str(text, "}");
        return json_read_string(item, "input") != NULL;
    }
    if (said != NULL)
        call_input_write(said, len, text);
    else
        json_write_value(text, action);
    return said != NULL || json_object_is_type(action, json_type_object);
}

static bool write_call(struct input_list *l, size_t i)
{
    struct json_object *item = input_list_at(l, i);
    struct json_object *id = json_read_string(item, "call_id");
    struct buf text = {NULL, 0, 0, 0};
    bool has_name = json_read_string(item, "name") != NULL ||
                    json_read_is(item, "type", "local_shell_call");
    bool fine = id != NULL && has_name && write_arguments(item, &text);

    if (fine) {
        buf_str(l->out, "{\"id\":");
        json_write_string(l->out, id);
        buf_str(l->out, ",\"type\":\"function\",\"function\":{\"name\":");
        response_tools_write_name(item, l->out);
        buf_str(l->out, ",\"arguments\":");
        json_write_text(l->out, buf_head(&text), text.len);
        buf_str(l->out, "}}");
    }
    buf_free(&text);
    return fine ||
           messages_fault_set(l->fault, 400,
                              "input.%zu: a call needs its call_id, its name, "
                              "and what it was called with.",
                              i);
}

static bool write_calls(struct input_list *l, size_t from, size_t end,
                        size_t *n)
{
    size_t i;

    for (i = from; i < end; i++) {
        if (input_list_kind(input_list_at(l, i)) != ITEM_CALL)
            continue;
        buf_str(l->out, (*n)++ > 0 ? "," : ",\"tool_calls\":[");
        if (!write_call(l, i))
            return false;
    }
    buf_str(l->out, *n > 0 ? "]" : "");
    return true;
}

bool input_assistant_write(struct input_list *l, size_t from, size_t end)
{
    size_t start = l->out->len, written = l->written;
    size_t said = 0, thought, calls = 0;

    input_list_begin(l, "{\"role\":\"assistant\"");
    if (!write_words(l, from, end, &said))
        return false;
    thought = write_thoughts(l, from, end);
    if (!write_calls(l, from, end, &calls))
        return false;
    if (said == 0)
        buf_str(l->out, calls > 0 ? ",\"content\":null" : ",\"content\":\"\"");
    buf_str(l->out, "}");
    if (said + thought + calls == 0)
        input_list_take_back(l, written, start);
    return true;
}
