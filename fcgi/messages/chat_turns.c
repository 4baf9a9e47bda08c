/*
 * chat_turns.c - how do Anthropic's turns look as chat messages?
 *
 *   system                       one message of that role, before all others
 *   a run of user turns          chat_user.c
 *   a run of assistant turns     chat_assistant.c
 *
 * Turns of one role in a row are one turn by Anthropic's rules, and there are
 * models whose templates insist on roles that take turns.  What says nothing
 * is no turn, and parts none.
 */
#include "fcgi/messages/chat_turns.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/chat_assistant.h"
#include "fcgi/messages/chat_user.h"

/* ---- system ----------------------------------------------------------------- */

/* Claude Code's note for Anthropic's accounts, another one each time: no model
 * needs it, and a prompt that begins otherwise each time is cached nowhere. */
static bool is_billing_note(struct json_object *block)
{
    static const char mark[] = "x-anthropic-billing-header:";
    size_t len;
    const char *text = json_read_text(block, "text", &len);

    return text != NULL && strncmp(text, mark, sizeof(mark) - 1) == 0;
}

static bool put_system(struct chat_parts *p, struct json_object *system)
{
    size_t i, n = 0;

    if (system == NULL || json_object_is_type(system, json_type_string))
        return system == NULL || chat_parts_put(p, system, true);
    if (!json_object_is_type(system, json_type_array))
        return messages_fault_set(p->fault, 400,
                                  "system: a string or a list is needed.");
    n = json_object_array_length(system);
    for (i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(system, i);

        if (!json_read_is(b, "type", "text"))
            return messages_fault_set(p->fault, 400,
                                      "system.%zu: only text is supported.", i);
        if (!is_billing_note(b) && !chat_parts_put_block(p, b))
            return false;
    }
    return true;
}

/* ROOT's, and the turns of that role that stand before all others: N of
 * them. */
static bool write_system(struct turn_list *t, struct json_object *root,
                         size_t n)
{
    size_t start = t->out->len, written = t->written;
    struct chat_parts p = turn_list_parts(t);

    turn_list_begin(t, "{\"role\":\"system\",\"content\":");
    chat_parts_begin(&p, false);
    if (!put_system(&p, json_read_member(root, "system")))
        return false;
    for (p.turn = 0; p.turn < n; p.turn++)
        if (!turn_list_is_silent(t, p.turn) &&
            !chat_parts_put(&p, turn_list_content(t, p.turn), true))
            return false;
    chat_parts_end(&p);
    buf_str(t->out, "}");
    if (p.n == 0) {
        t->out->len = start;
        t->written = written;
    }
    return true;
}

/* ---- all of them ------------------------------------------------------------ */

static bool check_roles(const struct turn_list *t)
{
    size_t i, n = json_object_array_length(t->list);

    for (i = 0; i < n; i++)
        if (!turn_list_is_assistant(t, i) &&
            !json_read_is(turn_list_at(t, i), "role", "user") &&
            !json_read_is(turn_list_at(t, i), "role", "system"))
            return messages_fault_set(t->fault, 400,
                                      "messages.%zu.role: \"user\", "
                                      "\"assistant\" or \"system\" is needed.",
                                      i);
    return true;
}

/* Behind the run that turn I begins. */
static size_t end_of_run(const struct turn_list *t, size_t i)
{
    size_t end = i + 1, n = json_object_array_length(t->list);
    bool is_his = turn_list_is_assistant(t, i);

    while (end < n && (turn_list_is_assistant(t, end) == is_his ||
                       turn_list_is_silent(t, end)))
        end++;
    return end;
}

static bool write_turns(struct turn_list *t, size_t i, bool *ends_open)
{
    size_t end, n = json_object_array_length(t->list), written;

    for (; i < n; i = end) {
        bool is_his = turn_list_is_assistant(t, i);

        end = end_of_run(t, i);
        written = t->written;
        if (is_his ? !chat_assistant_write(t, i, end)
                   : !chat_user_write(t, i, end))
            return false;
        *ends_open = t->written > written ? is_his : *ends_open;
    }
    return true;
}

bool chat_turns_write(struct json_object *root, const char *reasoning_key,
                      struct buf *out, bool *ends_open,
                      struct messages_fault *fault)
{
    struct turn_list t = {.list = json_read_list(root, "messages"),
                          .out = out,
                          .fault = fault,
                          .reasoning_key = reasoning_key};
    size_t n = t.list == NULL ? 0 : json_object_array_length(t.list), i = 0;

    if (n == 0)
        return messages_fault_set(fault, 400,
                                  "messages: at least one message is needed.");
    if (!check_roles(&t))
        return false;
    while (i < n && (json_read_is(turn_list_at(&t, i), "role", "system") ||
                     turn_list_is_silent(&t, i)))
        i++;
    buf_str(out, "[");
    if (!write_system(&t, root, i) || !write_turns(&t, i, ends_open))
        return false;
    buf_str(out, "]");
    return t.written > 0 ||
           messages_fault_set(fault, 400, "messages: there is no content.");
}
