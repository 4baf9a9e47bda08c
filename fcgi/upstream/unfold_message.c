/*
 * unfold_message.c - how does a whole message of Anthropic's API look as its
 * events?
 *
 *   message_start
 *   for each block   content_block_start, its text as one delta,
 *                    content_block_stop
 *   message_delta    why it ended, usage
 *   message_stop
 */
#include <json-c/json.h>
#include <string.h>

#include "fcgi/upstream/unfold.h"
#include "state/limiter.h"

static const char *const nothing[] = {NULL};

static void set_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text));
}

static struct json_object *begin(const char *type)
{
    struct json_object *event = json_object_new_object();

    CHECK(event != NULL);
    set_text(event, "type", type);
    return event;
}

static void tell(struct buf *out, struct json_object *event)
{
    unfold_event(out, unfold_text(event, "type"), event);
}

/* Which member of a block comes in deltas, and how those are called. */
static const struct spoken {
    const char *type, *key;
    const char *delta_type, *delta_key;
} rows[] = {
    {"text", "text", "text_delta", "text"},
    {"tool_use", "input", "input_json_delta", "partial_json"},
    {"server_tool_use", "input", "input_json_delta", "partial_json"},
    {"thinking", "thinking", "thinking_delta", "thinking"},
    {"thinking", "signature", "signature_delta", "signature"},
};

static bool speaks(struct json_object *block, const struct spoken *as)
{
    const char *type = unfold_text(block, "type");

    return type != NULL && strcmp(type, as->type) == 0 &&
           json_object_object_get_ex(block, as->key, NULL);
}

/* The block before its deltas. */
static struct json_object *block_begun(struct json_object *block)
{
    struct json_object *begun = unfold_copy(block, nothing);
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        if (!speaks(block, &rows[i]))
            continue;
        if (strcmp(rows[i].key, "input") == 0)
            json_object_object_add(begun, "input", json_object_new_object());
        else
            set_text(begun, rows[i].key, "");
    }
    return begun;
}

/* Takes PART. */
static void tell_block(struct buf *out, const char *type, int64_t index,
                       const char *key, struct json_object *part)
{
    struct json_object *event = begin(type);

    json_object_object_add(event, "index", json_object_new_int64(index));
    if (key != NULL)
        json_object_object_add(event, key, part);
    tell(out, event);
}

/* An object is told as its text. */
static struct json_object *delta_of(struct json_object *block,
                                    const struct spoken *as)
{
    struct json_object *delta = begin(as->delta_type);
    struct json_object *v = json_object_object_get(block, as->key);

    set_text(
        delta, as->delta_key,
        json_object_is_type(v, json_type_string)
            ? json_object_get_string(v)
            : json_object_to_json_string_ext(
                  v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    return delta;
}

static void unfold_block(struct buf *out, int64_t index,
                         struct json_object *block)
{
    size_t i;

    tell_block(out, "content_block_start", index, "content_block",
               block_begun(block));
    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (speaks(block, &rows[i]))
            tell_block(out, "content_block_delta", index, "delta",
                       delta_of(block, &rows[i]));
    tell_block(out, "content_block_stop", index, NULL, NULL);
}

static void tell_start(struct buf *out, struct json_object *root)
{
    static const char *const left_out[] = {"content", "stop_reason",
                                           "stop_sequence", NULL};
    struct json_object *message = unfold_copy(root, left_out);
    struct json_object *event = begin("message_start");

    json_object_object_add(message, "content", json_object_new_array());
    json_object_object_add(message, "stop_reason", NULL);
    json_object_object_add(message, "stop_sequence", NULL);
    json_object_object_add(event, "message", message);
    tell(out, event);
}

static void tell_end(struct buf *out, struct json_object *root)
{
    static const char *const keys[] = {"stop_reason", "stop_sequence"};
    struct json_object *event = begin("message_delta"), *v;
    struct json_object *delta = json_object_new_object();
    size_t i;

    for (i = 0; i < ARRAY_LEN(keys); i++) {
        v = NULL;
        (void)json_object_object_get_ex(root, keys[i], &v);
        json_object_object_add(delta, keys[i], json_object_get(v));
    }
    json_object_object_add(event, "delta", delta);
    if (json_object_object_get_ex(root, "usage", &v) && v != NULL)
        json_object_object_add(event, "usage", json_object_get(v));
    tell(out, event);
    tell(out, begin("message_stop"));
}

bool unfold_message(struct buf *out, struct json_object *root)
{
    struct json_object *content = unfold_list(root, "content");
    const char *type = unfold_text(root, "type");
    size_t i;

    if (content == NULL || type == NULL || strcmp(type, "message") != 0)
        return false;
    tell_start(out, root);
    for (i = 0; i < json_object_array_length(content); i++)
        unfold_block(out, (int64_t)i, json_object_array_get_idx(content, i));
    tell_end(out, root);
    return true;
}
