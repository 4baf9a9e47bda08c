/*
 * input_items.c - how do the items of an input look as chat messages?
 *
 *   instructions, and messages     one message of role system, before all
 *   of system and developer at     others
 *   the beginning
 *   a run of the user's items      input_user.c: messages, results of calls
 *   a run of the assistant's       input_assistant.c: messages, calls, thoughts
 *
 * A run is one turn: there are models whose templates insist on roles that take
 * turns, and calls that belong together are one message there.
 */
#include "fcgi/responses/input_items.h"

#include <json-c/json.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/responses/input_parts.h"
#include "fcgi/responses/input_sides.h"

static bool is_assistants(const struct input_list *l, size_t i)
{
    return input_list_kind(input_list_at(l, i)) >= ITEM_ASSISTANT;
}

static bool refuse(const struct input_list *l, size_t i)
{
    struct json_object *item = input_list_at(l, i);
    char word[FAULT_WORD];

    if (json_read_member(item, "type") == NULL ||
        json_read_is(item, "type", "message"))
        return messages_fault_set(l->fault, 400,
                                  "input.%zu.role: \"user\", \"assistant\", "
                                  "\"system\" or \"developer\" is needed.",
                                  i);
    if (json_read_is(item, "type", "item_reference"))
        return messages_fault_set(l->fault, 400,
                                  "input.%zu: nothing is stored for this "
                                  "upstream, which speaks chat completions "
                                  "alone; send the item itself.",
                                  i);
    return messages_fault_set(l->fault, 400,
                              "input.%zu: an item of type \"%s\" is not "
                              "supported by this upstream, which speaks chat "
                              "completions alone.",
                              i, messages_fault_type(item, word));
}

static bool check_items(const struct input_list *l, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (input_list_kind(input_list_at(l, i)) == ITEM_UNKNOWN)
            return refuse(l, i);
    return true;
}

/* ROOT's instructions, and the N items of that kind before all others. */
static bool write_system(struct input_list *l, struct json_object *root,
                         size_t n)
{
    size_t start = l->out->len, written = l->written, len;
    struct chat_parts p = input_list_parts(l);
    const char *text = json_read_text(root, "instructions", &len);

    if (text == NULL && json_read_member(root, "instructions") != NULL)
        return messages_fault_set(l->fault, 400,
                                  "instructions: a string is needed.");
    input_list_begin(l, "{\"role\":\"system\",\"content\":");
    chat_parts_begin(&p, false);
    if (len > 0)
        chat_parts_wrapped(&p, "", text, len, "");
    for (p.turn = 0; p.turn < n; p.turn++)
        if (!input_parts_put(&p, input_list_at(l, p.turn), "content", true))
            return false;
    chat_parts_end(&p);
    buf_str(l->out, "}");
    if (p.n == 0)
        input_list_take_back(l, written, start);
    return true;
}

static bool write_runs(struct input_list *l, size_t from, size_t n)
{
    size_t i, end;

    for (i = from; i < n; i = end) {
        for (end = i + 1;
             end < n && is_assistants(l, end) == is_assistants(l, i);)
            end++;
        if (is_assistants(l, i) ? !input_assistant_write(l, i, end)
                                : !input_user_write(l, i, end))
            return false;
    }
    return true;
}

static bool write_text(struct input_list *l, struct json_object *text)
{
    if (json_object_get_string_len(text) == 0)
        return true; /* instructions may be all there is */
    input_list_begin(l, "{\"role\":\"user\",\"content\":");
    json_write_string(l->out, text);
    buf_str(l->out, "}");
    return true;
}

bool input_items_write(struct json_object *root, const char *reasoning_key,
                       struct buf *out, struct messages_fault *fault)
{
    struct input_list l = {.list = json_read_list(root, "input"),
                           .out = out,
                           .fault = fault,
                           .reasoning_key = reasoning_key};
    struct json_object *text = json_read_string(root, "input");
    size_t n = l.list == NULL ? 0 : json_object_array_length(l.list), i = 0;

    if (l.list == NULL && text == NULL)
        return messages_fault_set(fault, 400,
                                  "input: a string or a list is needed.");
    if (!check_items(&l, n))
        return false;
    while (i < n && input_list_kind(input_list_at(&l, i)) == ITEM_SYSTEM)
        i++;
    buf_str(out, "[");
    if (!write_system(&l, root, i) ||
        !(text != NULL ? write_text(&l, text) : write_runs(&l, i, n)))
        return false;
    buf_str(out, "]");
    return l.written > 0 ||
           messages_fault_set(fault, 400, "input: there is no content.");
}
