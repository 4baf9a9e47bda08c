/*
 * chat_assistant.c - how do the assistant's turns look as one chat message?
 *
 *   text        content, with a blank line between two
 *   thinking    a member of its own, if the upstream has one
 *   tool_use    tool_calls; the input as a text
 *
 * What Anthropic's servers have done themselves (searches, code) has no
 * counterpart, and an answer that rests on it would not make sense without.
 */
#include "fcgi/messages/chat_assistant.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "lib/base.h"

/* What may stand in his turns, and the text it must hold. */
static const struct spoken {
    const char *type, *key;
} spoken[] = {
    {"text", "text"},
    {"thinking", "thinking"},
    {"redacted_thinking", NULL}, /* nobody else can read it */
    {"tool_use", NULL},          /* see write_call() */
};

static bool check_block(const struct chat_parts *p, struct json_object *b)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(spoken); i++) {
        if (!json_read_is(b, "type", spoken[i].type))
            continue;
        if (spoken[i].key == NULL || json_read_string(b, spoken[i].key))
            return true;
        return messages_fault_set(
            p->fault, 400, "messages.%zu.content.%zu.%s: a string is needed.",
            p->turn, p->block, spoken[i].key);
    }
    return chat_parts_refuse(p, b);
}

/* Puts what the blocks of TYPE in these turns say; a content that is a string
 * is a text. */
static void put_spoken(struct turn_list *t, struct chat_parts *p, size_t from,
                       size_t end, const char *type)
{
    size_t i, k, n, len;

    for (i = from; i < end; i++) {
        struct json_object *content = turn_list_content(t, i);
        bool is_list = json_object_is_type(content, json_type_array);

        if (strcmp(type, "text") == 0 &&
            json_object_is_type(content, json_type_string))
            (void)chat_parts_put(p, content, true);
        n = is_list ? json_object_array_length(content) : 0;
        for (k = 0; k < n; k++) {
            struct json_object *b = json_object_array_get_idx(content, k);
            const char *text = json_read_text(b, type, &len);

            if (json_read_is(b, "type", type) && text != NULL && len > 0)
                chat_parts_wrapped(p, "", text, len, "");
        }
    }
}

/* A member of the message; none if there is nothing in it. */
static size_t write_spoken(struct turn_list *t, size_t from, size_t end,
                           const char *type, const char *key)
{
    size_t start = t->out->len;
    struct chat_parts p = turn_list_parts(t);

    buf_str(t->out, ",");
    json_write_text(t->out, key, strlen(key));
    buf_str(t->out, ":");
    chat_parts_begin(&p, false);
    put_spoken(t, &p, from, end, type);
    chat_parts_end(&p);
    if (p.n == 0)
        t->out->len = start;
    return p.n;
}

/* The input is a text for the chat API, which is a JSON text by itself. */
static bool write_call(struct turn_list *t, struct json_object *b)
{
    struct json_object *input = json_read_member(b, "input");
    struct json_object *id = json_read_string(b, "id");
    struct json_object *name = json_read_string(b, "name");
    struct buf text = {NULL, 0, 0, 0};

    if (id == NULL || name == NULL ||
        !json_object_is_type(input, json_type_object))
        return messages_fault_set(
            t->fault, 400, "messages: a tool_use needs id, name and input.");
    buf_str(t->out, "{\"id\":");
    json_write_string(t->out, id);
    buf_str(t->out, ",\"type\":\"function\",\"function\":{\"name\":");
    json_write_string(t->out, name);
    buf_str(t->out, ",\"arguments\":");
    json_write_value(&text, input);
    json_write_text(t->out, buf_head(&text), text.len);
    buf_str(t->out, "}}");
    buf_free(&text);
    return true;
}

/* Adds the calls of turn I to *N of them. */
static bool write_calls_at(struct turn_list *t, size_t i, size_t *n)
{
    struct json_object *blocks = turn_list_blocks(t, i);
    struct chat_parts p = turn_list_parts(t);

    p.turn = i;
    for (; blocks != NULL && p.block < json_object_array_length(blocks);
         p.block++) {
        struct json_object *b = json_object_array_get_idx(blocks, p.block);

        if (!check_block(&p, b))
            return false;
        if (!json_read_is(b, "type", "tool_use"))
            continue;
        buf_str(t->out, (*n)++ > 0 ? "," : ",\"tool_calls\":[");
        if (!write_call(t, b))
            return false;
    }
    return true;
}

static bool has_content(const struct turn_list *t, size_t i)
{
    struct json_object *content = turn_list_content(t, i);

    return json_object_is_type(content, json_type_string) ||
           json_object_is_type(content, json_type_array) ||
           messages_fault_set(
               t->fault, 400,
               "messages.%zu.content: a string or a list is needed.", i);
}

bool chat_assistant_write(struct turn_list *t, size_t from, size_t end)
{
    size_t said, calls = 0, i;

    turn_list_begin(t, "{\"role\":\"assistant\"");
    said = write_spoken(t, from, end, "text", "content");
    if (t->reasoning_key != NULL)
        (void)write_spoken(t, from, end, "thinking", t->reasoning_key);
    for (i = from; i < end; i++)
        if (!has_content(t, i) || !write_calls_at(t, i, &calls))
            return false;
    buf_str(t->out, calls > 0 ? "]" : "");
    if (said == 0)
        buf_str(t->out, calls > 0 ? ",\"content\":null" : ",\"content\":\"\"");
    buf_str(t->out, "}");
    return true;
}
