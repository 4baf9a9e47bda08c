/*
 * chat_user.c - how do the user's turns look as chat messages?
 *
 *   tool_result     a message of role tool each, first of all: they must follow
 *                   the calls at once.  They are texts, so
 *   their images    go into the message of role user behind them
 *   all else        in that message
 *   role system     a remark in the middle: said by the user, in the tags that
 *                   Claude Code has for such, since many models' templates
 *                   know a system message at the beginning only
 */
#include "fcgi/messages/chat_user.h"

#include <json-c/json.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/tool_changes.h"

static bool is_result(struct json_object *block)
{
    return json_read_is(block, "type", "tool_result");
}

static bool write_result(struct turn_list *t, struct chat_parts *p,
                         struct json_object *block)
{
    struct json_object *content = json_read_member(block, "content");
    struct json_object *id = json_read_string(block, "tool_use_id");
    bool is_error =
        json_object_get_boolean(json_read_member(block, "is_error"));

    if (id == NULL)
        return messages_fault_set(
            t->fault, 400,
            "messages.%zu.content.%zu.tool_use_id: a string is needed.",
            p->turn, p->block);
    turn_list_begin(t, "{\"role\":\"tool\",\"tool_call_id\":");
    json_write_string(t->out, id);
    buf_str(t->out, ",\"content\":");
    chat_parts_begin(p, false);
    if (is_error)
        chat_parts_wrapped(p, "", "Error:", 6, "");
    if (content != NULL && !chat_parts_put(p, content, false))
        return false;
    chat_parts_end(p);
    buf_str(t->out, "}");
    return true;
}

/* All results of turn I. */
static bool write_results(struct turn_list *t, size_t i)
{
    struct json_object *blocks = turn_list_blocks(t, i);
    size_t k, n = blocks == NULL ? 0 : json_object_array_length(blocks);

    for (k = 0; k < n; k++) {
        struct json_object *b = json_object_array_get_idx(blocks, k);
        struct chat_parts p = turn_list_parts(t);

        p.turn = i;
        p.block = k;
        p.has_results = true;
        if (is_result(b) && !write_result(t, &p, b))
            return false;
    }
    return true;
}

/* Images of turn I, those in results too. */
static size_t images_at(const struct turn_list *t, size_t i)
{
    struct json_object *blocks = turn_list_blocks(t, i);
    size_t k, n = blocks == NULL ? 0 : json_object_array_length(blocks);
    size_t images = chat_parts_images(blocks);

    for (k = 0; k < n; k++) {
        struct json_object *b = json_object_array_get_idx(blocks, k);

        if (is_result(b))
            images += chat_parts_images(json_read_member(b, "content"));
    }
    return images;
}

static void put_reminder(struct chat_parts *p, const char *text, size_t len)
{
    if (len > 0)
        chat_parts_wrapped(p, "<system-reminder>\n", text, len,
                           "\n</system-reminder>");
}

static bool put_remark(struct chat_parts *p, struct json_object *block)
{
    size_t len;
    const char *text = json_read_text(block, "text", &len);

    if (tool_changes_is(block))
        return true; /* chat_tools.c has seen it */
    if (text == NULL || !json_read_is(block, "type", "text"))
        return chat_parts_refuse(p, block);
    put_reminder(p, text, len);
    return true;
}

/* What turn P->turn says itself, and the images of its results. */
static bool put_blocks(struct turn_list *t, struct chat_parts *p)
{
    struct json_object *blocks = turn_list_blocks(t, p->turn);
    bool is_system = json_read_is(turn_list_at(t, p->turn), "role", "system");
    bool fine = true;

    for (p->block = 0; fine && p->block < json_object_array_length(blocks);
         p->block++) {
        struct json_object *b = json_object_array_get_idx(blocks, p->block);

        if (is_system)
            fine = put_remark(p, b);
        else if (!is_result(b))
            fine = chat_parts_put_block(p, b);
        else if (p->is_list)
            fine = chat_parts_put_images(p, json_read_member(b, "content"));
    }
    return fine;
}

static bool put_turn(struct turn_list *t, struct chat_parts *p)
{
    struct json_object *content = turn_list_content(t, p->turn);

    if (turn_list_is_silent(t, p->turn)) /* which may be the assistant's */
        return true;
    if (json_object_is_type(content, json_type_array))
        return put_blocks(t, p);
    if (!json_object_is_type(content, json_type_string) ||
        !json_read_is(turn_list_at(t, p->turn), "role", "system"))
        return chat_parts_put(p, content, false);
    put_reminder(p, json_object_get_string(content),
                 (size_t)json_object_get_string_len(content));
    return true;
}

bool chat_user_write(struct turn_list *t, size_t from, size_t end)
{
    struct chat_parts p = turn_list_parts(t);
    size_t images = 0, results = t->written, i, start, written;

    for (i = from; i < end; i++) {
        images += images_at(t, i);
        if (!write_results(t, i))
            return false;
    }
    p.has_results = t->written > results;
    start = t->out->len;
    written = t->written;
    turn_list_begin(t, "{\"role\":\"user\",\"content\":");
    chat_parts_begin(&p, images > 0);
    for (p.turn = from; p.turn < end; p.turn++)
        if (!put_turn(t, &p))
            return false;
    chat_parts_end(&p);
    buf_str(t->out, "}");
    if (p.n == 0) { /* results alone */
        t->out->len = start;
        t->written = written;
    }
    return true;
}
