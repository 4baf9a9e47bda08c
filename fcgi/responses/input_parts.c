/*
 * input_parts.c - what is a part of an item called in a chat message?
 *
 *   input_text, output_text, text, refusal    text
 *   input_image                               image_url: a web address, or data
 *   input_audio                               the same
 *   input_file                                a 400: chat has no common word
 *
 * As in chat_parts.c texts alone become one string; where an image cannot be,
 * "[image]" says that there was one.
 */
#include "fcgi/responses/input_parts.h"

#include <json-c/json.h>

#include "fcgi/messages/json_write.h"
#include "lib/base.h"

struct part_place {
    const char *key; /* where the part stands in its item */
    bool only_texts;
};

static bool refuse(const struct chat_parts *p, const char *key, const char *why)
{
    return messages_fault_set(p->fault, 400, "input.%zu.%s.%zu: %s", p->turn,
                              key, p->block, why);
}

static bool put_text(struct chat_parts *p, const char *key, const char *text,
                     size_t len)
{
    if (text == NULL)
        return refuse(p, key, "a text is needed.");
    if (len > 0) /* an empty one is nothing: upstreams refuse it */
        chat_parts_wrapped(p, "", text, len, "");
    return true;
}

static bool put_image(struct chat_parts *p, const char *key,
                      struct json_object *part)
{
    size_t len;
    const char *url = json_read_text(part, "image_url", &len);

    if (url == NULL)
        return refuse(p, key,
                      "an image_url is needed; files are not stored for this "
                      "upstream.");
    if (!p->is_list)
        return put_text(p, key, "[image]", 7);
    return chat_parts_address(p, url, len) ||
           refuse(p, key,
                  "an http or https image_url, or one of data:image/, "
                  "is needed.");
}

static bool put_audio(struct chat_parts *p, const char *key,
                      struct json_object *part)
{
    struct json_object *audio = json_read_member(part, "input_audio");

    if (!json_object_is_type(audio, json_type_object))
        return refuse(p, key, "an input_audio is needed.");
    if (!p->is_list)
        return put_text(p, key, "[audio]", 7);
    buf_str(p->out, p->n++ > 0 ? "," : "");
    buf_str(p->out, "{\"type\":\"input_audio\",\"input_audio\":");
    json_write_value(p->out, audio);
    buf_str(p->out, "}");
    return true;
}

/* ---- any part --------------------------------------------------------------- */

static const struct {
    const char *type, *text; /* TEXT: the member that is one; NULL: none */
    bool (*put)(struct chat_parts *p, const char *key,
                struct json_object *part);
} rows[] = {
    {"input_text", "text", NULL},     {"output_text", "text", NULL},
    {"text", "text", NULL},           {"refusal", "refusal", NULL},
    {"input_image", NULL, put_image}, {"input_audio", NULL, put_audio},
};

static bool put_part(struct chat_parts *p, const struct part_place *at,
                     struct json_object *part)
{
    char word[FAULT_WORD];
    const char *text;
    size_t i, len;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_read_is(part, "type", rows[i].type))
            continue;
        if (rows[i].put != NULL && at->only_texts)
            break;
        if (rows[i].put != NULL)
            return rows[i].put(p, at->key, part);
        text = json_read_text(part, rows[i].text, &len);
        return put_text(p, at->key, text, len);
    }
    return messages_fault_set(p->fault, 400,
                              "input.%zu.%s.%zu: a part of type \"%s\" is not "
                              "supported here by this upstream.",
                              p->turn, at->key, p->block,
                              messages_fault_type(part, word));
}

bool input_parts_put(struct chat_parts *p, struct json_object *item,
                     const char *key, bool only_texts)
{
    const struct part_place at = {key, only_texts};
    struct json_object *list = json_read_list(item, key);
    size_t len;
    const char *text = json_read_text(item, key, &len);

    if (text != NULL)
        return put_text(p, key, text, len);
    if (list == NULL)
        return messages_fault_set(p->fault, 400,
                                  "input.%zu.%s: a string or a list is needed.",
                                  p->turn, key);
    for (p->block = 0; p->block < json_object_array_length(list); p->block++)
        if (!put_part(p, &at, json_object_array_get_idx(list, p->block)))
            return false;
    return true;
}

/* ---- those that are no texts ------------------------------------------------ */

static bool is_other(struct json_object *part)
{
    return json_read_is(part, "type", "input_image") ||
           json_read_is(part, "type", "input_audio");
}

bool input_parts_put_others(struct chat_parts *p, struct json_object *item,
                            const char *key)
{
    const struct part_place at = {key, false};
    struct json_object *list = json_read_list(item, key);
    size_t n = list == NULL ? 0 : json_object_array_length(list);

    for (p->block = 0; p->block < n; p->block++) {
        struct json_object *part = json_object_array_get_idx(list, p->block);

        if (is_other(part) && !put_part(p, &at, part))
            return false;
    }
    return true;
}

size_t input_parts_others(struct json_object *item, const char *key)
{
    struct json_object *list = json_read_list(item, key);
    size_t i, n = list == NULL ? 0 : json_object_array_length(list);
    size_t others = 0;

    for (i = 0; i < n; i++)
        others += is_other(json_object_array_get_idx(list, i));
    return others;
}
