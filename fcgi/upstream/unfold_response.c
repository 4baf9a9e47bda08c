/*
 * unfold_response.c - how does a whole response look as its events?
 *
 *   response.created
 *   for each item of its output
 *     response.output_item.added
 *     of a message   each part: added, its text as one delta, done
 *     of a call      its arguments as one delta, done
 *     response.output_item.done
 *   response.completed, .incomplete or .failed
 *
 * Clients read the deltas, the items or the last event; each finds all of it.
 */
#include <json-c/json.h>
#include <string.h>

#include "fcgi/upstream/unfold.h"
#include "state/limiter.h"

struct telling {
    struct buf *out;
    int64_t number; /* of the next event */
    struct json_object *item;
    int64_t item_index;
};

static const char *const nothing[] = {NULL};

static void set_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text));
}

static void set_int(struct json_object *o, const char *key, int64_t n)
{
    json_object_object_add(o, key, json_object_new_int64(n));
}

static struct json_object *begin(struct telling *t, const char *type)
{
    struct json_object *event = json_object_new_object();

    CHECK(event != NULL);
    set_text(event, "type", type);
    set_int(event, "sequence_number", t->number++);
    return event;
}

/* The same about the present item. */
static struct json_object *begin_of_item(struct telling *t, const char *type)
{
    struct json_object *event = begin(t, type);
    const char *id = unfold_text(t->item, "id");

    set_text(event, "item_id", id == NULL ? "" : id);
    set_int(event, "output_index", t->item_index);
    return event;
}

static void tell(struct telling *t, struct json_object *event)
{
    unfold_event(t->out, unfold_text(event, "type"), event);
}

/* A copy of O in which KEY is an empty text. */
static struct json_object *emptied(struct json_object *o, const char *key)
{
    struct json_object *copy = unfold_copy(o, nothing);

    set_text(copy, key, "");
    return copy;
}

/* ---- parts ------------------------------------------------------------------------ */

/* What a text of an item is called, and its events. */
struct spoken {
    const char *type; /* of the part, or of the item */
    const char *key;
    const char *delta, *done;
};

static const struct spoken parts[] = {
    {"output_text", "text", "response.output_text.delta",
     "response.output_text.done"},
    {"refusal", "refusal", "response.refusal.delta", "response.refusal.done"},
};
static const struct spoken calls[] = {
    {"function_call", "arguments", "response.function_call_arguments.delta",
     "response.function_call_arguments.done"},
    {"custom_tool_call", "input", "response.custom_tool_call_input.delta",
     "response.custom_tool_call_input.done"},
};

/* The row of O's type, if O has the text; NULL: there is none. */
static const struct spoken *spoken_of(struct json_object *o,
                                      const struct spoken *rows, size_t n)
{
    const char *type = unfold_text(o, "type");
    size_t i;

    for (i = 0; type != NULL && i < n; i++)
        if (strcmp(type, rows[i].type) == 0 &&
            unfold_text(o, rows[i].key) != NULL)
            return &rows[i];
    return NULL;
}

/* INDEX of the part; -1: it is the item's own text. */
static void tell_text(struct telling *t, const struct spoken *as,
                      struct json_object *text, int64_t index)
{
    const char *const types[] = {as->delta, as->done};
    const char *const keys[] = {"delta", as->key};
    size_t i;

    for (i = 0; i < ARRAY_LEN(types); i++) {
        struct json_object *event = begin_of_item(t, types[i]);

        if (index >= 0)
            set_int(event, "content_index", index);
        json_object_object_add(event, keys[i], json_object_get(text));
        if (strcmp(as->type, "output_text") == 0)
            json_object_object_add(event, "logprobs", json_object_new_array());
        tell(t, event);
    }
}

/* Takes PART. */
static void tell_part(struct telling *t, const char *type, int64_t index,
                      struct json_object *part)
{
    struct json_object *event = begin_of_item(t, type);

    set_int(event, "content_index", index);
    json_object_object_add(event, "part", part);
    tell(t, event);
}

static void tell_content(struct telling *t, struct json_object *content)
{
    size_t i;

    for (i = 0; i < json_object_array_length(content); i++) {
        struct json_object *part = json_object_array_get_idx(content, i);
        const struct spoken *as = spoken_of(part, parts, ARRAY_LEN(parts));

        if (as == NULL)
            continue;
        tell_part(t, "response.content_part.added", (int64_t)i,
                  emptied(part, as->key));
        tell_text(t, as, json_object_object_get(part, as->key), (int64_t)i);
        tell_part(t, "response.content_part.done", (int64_t)i,
                  json_object_get(part));
    }
}

/* ---- items ------------------------------------------------------------------------- */

/* The present item, before anything of it was said. */
static struct json_object *item_begun(const struct telling *t)
{
    const struct spoken *call = spoken_of(t->item, calls, ARRAY_LEN(calls));
    struct json_object *item = call != NULL ? emptied(t->item, call->key)
                                            : unfold_copy(t->item, nothing);

    if (unfold_text(item, "status") != NULL)
        set_text(item, "status", "in_progress");
    if (unfold_list(item, "content") != NULL)
        json_object_object_add(item, "content", json_object_new_array());
    return item;
}

/* Takes ITEM. */
static void tell_whole_item(struct telling *t, const char *type,
                            struct json_object *item)
{
    struct json_object *event = begin(t, type);

    set_int(event, "output_index", t->item_index);
    json_object_object_add(event, "item", item);
    tell(t, event);
}

static void tell_item(struct telling *t)
{
    const struct spoken *call = spoken_of(t->item, calls, ARRAY_LEN(calls));
    struct json_object *content = unfold_list(t->item, "content");

    tell_whole_item(t, "response.output_item.added", item_begun(t));
    if (content != NULL)
        tell_content(t, content);
    if (call != NULL)
        tell_text(t, call, json_object_object_get(t->item, call->key), -1);
    tell_whole_item(t, "response.output_item.done", json_object_get(t->item));
}

/* ---- the response -------------------------------------------------------------------- */

/* Takes RESPONSE. */
static void tell_response(struct telling *t, const char *type,
                          struct json_object *response)
{
    struct json_object *event = begin(t, type);

    json_object_object_add(event, "response", response);
    tell(t, event);
}

static struct json_object *response_begun(struct json_object *root)
{
    static const char *const left_out[] = {"output", "usage", "output_text",
                                           NULL};
    struct json_object *response = unfold_copy(root, left_out);

    set_text(response, "status", "in_progress");
    json_object_object_add(response, "output", json_object_new_array());
    json_object_object_add(response, "usage", NULL);
    return response;
}

/* NULL: it is not over, so that no event could be the last. */
static const char *last_type(struct json_object *root)
{
    const char *status = unfold_text(root, "status");

    if (status == NULL || strcmp(status, "completed") == 0)
        return "response.completed";
    if (strcmp(status, "incomplete") == 0)
        return "response.incomplete";
    if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0)
        return "response.failed";
    return NULL;
}

bool unfold_response(struct buf *out, struct json_object *root)
{
    struct json_object *output = unfold_list(root, "output");
    const char *object = unfold_text(root, "object");
    const char *last = last_type(root);
    struct telling t = {out, 0, NULL, 0};
    size_t i;

    if (output == NULL || last == NULL ||
        (object != NULL && strcmp(object, "response") != 0))
        return false;
    tell_response(&t, "response.created", response_begun(root));
    for (i = 0; i < json_object_array_length(output); i++) {
        t.item = json_object_array_get_idx(output, i);
        t.item_index = (int64_t)i;
        if (json_object_is_type(t.item, json_type_object))
            tell_item(&t);
    }
    tell_response(&t, last, json_object_get(root));
    return true;
}
