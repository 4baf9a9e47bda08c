/*
 * input_user.c - how does a run of the user's items look as chat messages?
 *
 *   ..._output           a message of role tool each, first of all: they must
 *                        follow the calls at once.  They are texts, so
 *   their images         go into the message of role user behind them
 *   messages of a user   in that message
 *   of a developer, in   a remark: said by the user, in tags, since many models'
 *   the middle           templates know a system message at the beginning only
 */
#include <json-c/json.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/responses/input_parts.h"
#include "fcgi/responses/input_sides.h"

/* ---- results ---------------------------------------------------------------- */

/* A string or parts; anything else is a JSON text. */
static bool put_output(struct chat_parts *p, struct json_object *item)
{
    struct json_object *output = json_read_member(item, "output");
    struct buf text = {NULL, 0, 0, 0};

    if (json_object_is_type(output, json_type_string) ||
        json_object_is_type(output, json_type_array))
        return input_parts_put(p, item, "output", false);
    if (output == NULL)
        return true;
    json_write_value(&text, output);
    chat_parts_wrapped(p, "", buf_head(&text), text.len, "");
    buf_free(&text);
    return true;
}

/* Of whichever kind of call: chat knows one. */
static bool write_result(struct input_list *l, size_t i)
{
    struct json_object *item = input_list_at(l, i);
    struct json_object *id = json_read_string(item, "call_id");
    struct chat_parts p = input_list_parts(l);

    p.turn = i;
    if (id == NULL)
        return messages_fault_set(l->fault, 400,
                                  "input.%zu.call_id: a string is needed.", i);
    input_list_begin(l, "{\"role\":\"tool\",\"tool_call_id\":");
    json_write_string(l->out, id);
    buf_str(l->out, ",\"content\":");
    chat_parts_begin(&p, false);
    if (!put_output(&p, item))
        return false;
    chat_parts_end(&p);
    buf_str(l->out, "}");
    return true;
}

/* ---- messages --------------------------------------------------------------- */

/* Item P->turn: its content as one text, in tags. */
static bool put_remark(struct chat_parts *p, struct json_object *item)
{
    struct buf text = {NULL, 0, 0, 0};
    struct chat_parts inner = *p;
    bool fine;

    buf_str(p->out, p->n > 0 && !p->is_list ? "\\n\\n" : "");
    buf_str(p->out, p->n > 0 && p->is_list ? "," : "");
    inner.out = &text;
    inner.is_list = false;
    inner.n = 0;
    fine = input_parts_put(&inner, item, "content", true);
    p->n++;
    buf_str(p->out, p->is_list ? "{\"type\":\"text\",\"text\":\"" : "");
    buf_str(p->out, "<system-reminder>\\n");
    if (text.len > 0)
        buf_add(p->out, buf_head(&text), text.len);
    buf_str(p->out, "\\n</system-reminder>");
    buf_str(p->out, p->is_list ? "\"}" : "");
    buf_free(&text);
    return fine;
}

/* Of a result only what its own message could not hold. */
static bool put_item(struct chat_parts *p, struct json_object *item)
{
    switch (input_list_kind(item)) {
    case ITEM_RESULT:
        return !p->is_list || input_parts_put_others(p, item, "output");
    case ITEM_SYSTEM:
        return put_remark(p, item);
    default:
        return input_parts_put(p, item, "content", false);
    }
}

static const char *key_of(struct json_object *item)
{
    return input_list_kind(item) == ITEM_RESULT ? "output" : "content";
}

static bool write_said(struct input_list *l, size_t from, size_t end,
                       bool is_list)
{
    size_t start = l->out->len, written = l->written;
    struct chat_parts p = input_list_parts(l);

    input_list_begin(l, "{\"role\":\"user\",\"content\":");
    chat_parts_begin(&p, is_list);
    for (p.turn = from; p.turn < end; p.turn++)
        if (!put_item(&p, input_list_at(l, p.turn)))
            return false;
    chat_parts_end(&p);
    buf_str(l->out, "}");
    if (p.n == 0) /* results alone */
        input_list_take_back(l, written, start);
    return true;
}

bool input_user_write(struct input_list *l, size_t from, size_t end)
{
    size_t i, others = 0;

    for (i = from; i < end; i++) {
        struct json_object *item = input_list_at(l, i);

        others += input_parts_others(item, key_of(item));
        if (input_list_kind(item) == ITEM_RESULT && !write_result(l, i))
            return false;
    }
    return write_said(l, from, end, others > 0);
}
