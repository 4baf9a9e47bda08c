/*
 * chat_parts.c - what is a block of content called in a chat message?
 *
 *   text            text
 *   image           image_url: its address, or data:TYPE;base64,...
 *   document        text, between <document> and </document>; no PDF, no file:
 *                   where a tool has brought one, a sentence says so
 *   search_result   the same
 *   tool_reference  the tool's name
 *
 * Texts alone become one string, with a blank line between them: not every
 * model's template knows a list.  Where an image cannot be, "[image]" says
 * that there was one.
 */
#include "fcgi/messages/chat_parts.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/tool_changes.h"
#include "lib/base.h"

void chat_parts_begin(struct chat_parts *p, bool is_list)
{
    p->is_list = is_list;
    p->n = 0;
    buf_str(p->out, is_list ? "[" : "\"");
}

void chat_parts_end(struct chat_parts *p)
{
    buf_str(p->out, p->is_list ? "]" : "\"");
}

/* ---- texts ------------------------------------------------------------------ */

static void begin_text(struct chat_parts *p)
{
    if (p->n++ > 0)
        buf_str(p->out, p->is_list ? "," : "\\n\\n");
    if (p->is_list)
        buf_str(p->out, "{\"type\":\"text\",\"text\":\"");
}

static void end_text(struct chat_parts *p)
{
    if (p->is_list)
        buf_str(p->out, "\"}");
}

static void add(struct chat_parts *p, const char *text, size_t len)
{
    json_write_chars(p->out, text, len);
}

void chat_parts_wrapped(struct chat_parts *p, const char *before,
                        const char *text, size_t len, const char *behind)
{
    begin_text(p);
    add(p, before, strlen(before));
    add(p, text, len);
    add(p, behind, strlen(behind));
    end_text(p);
}

/* An empty text is nothing: upstreams refuse it. */
static bool put_plain(struct chat_parts *p, const char *text, size_t len)
{
    if (len > 0)
        chat_parts_wrapped(p, "", text, len, "");
    return true;
}

static bool put_text(struct chat_parts *p, struct json_object *block)
{
    size_t len;
    const char *text = json_read_text(block, "text", &len);

    if (text == NULL)
        return messages_fault_set(
            p->fault, 400, "messages.%zu.content.%zu.text: a string is needed.",
            p->turn, p->block);
    return put_plain(p, text, len);
}

/* ---- images ----------------------------------------------------------------- */

static bool refuse_image(const struct chat_parts *p, const char *why)
{
    return messages_fault_set(p->fault, 400,
                              "messages.%zu.content.%zu.source: %s", p->turn,
                              p->block, why);
}

static bool is_of_type(char c)
{
    return c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "image/", and nothing that would end it. */
static bool is_image_type(const char *type, size_t len)
{
    size_t i = 6;

    if (type == NULL || len <= i || len > 64 ||
        strncasecmp(type, "image/", i) != 0)
        return false;
    while (i < len && is_of_type(type[i]))
        i++;
    return i == len;
}

/* What an upstream may be sent to fetch; a file of its own never. */
static bool is_web_address(const char *url, size_t len)
{
    return (len > 8 && strncasecmp(url, "https://", 8) == 0) ||
           (len > 7 && strncasecmp(url, "http://", 7) == 0);
}

static void begin_image(struct chat_parts *p)
{
    buf_str(p->out, p->n++ > 0 ? "," : "");
    buf_str(p->out, "{\"type\":\"image_url\",\"image_url\":{\"url\":\"");
}

static bool put_data(struct chat_parts *p, struct json_object *source)
{
    size_t type_len, len;
    const char *type = json_read_text(source, "media_type", &type_len);
    const char *data = json_read_text(source, "data", &len);

    if (!is_image_type(type, type_len) || data == NULL || len == 0)
        return refuse_image(p, "an image/... media_type and data are needed.");
    begin_image(p);
    buf_str(p->out, "data:");
    add(p, type, type_len);
    buf_str(p->out, ";base64,");
    add(p, data, len);
    buf_str(p->out, "\"}}");
    return true;
}

bool chat_parts_address(struct chat_parts *p, const char *url, size_t len)
{
    if (!is_web_address(url, len) &&
        (len <= 11 || strncasecmp(url, "data:image/", 11) != 0))
        return false;
    begin_image(p);
    add(p, url, len);
    buf_str(p->out, "\"}}");
    return true;
}

static bool put_address(struct chat_parts *p, struct json_object *source)
{
    size_t len;
    const char *url = json_read_text(source, "url", &len);

    if (url == NULL || !is_web_address(url, len))
        return refuse_image(p, "an http or https url is needed.");
    begin_image(p);
    add(p, url, len);
    buf_str(p->out, "\"}}");
    return true;
}

static bool put_image(struct chat_parts *p, struct json_object *block)
{
    struct json_object *source = json_read_member(block, "source");

    if (!p->is_list)
        return put_plain(p, "[image]", 7);
    if (json_read_is(source, "type", "base64"))
        return put_data(p, source);
    if (json_read_is(source, "type", "url"))
        return put_address(p, source);
    return refuse_image(p, "only base64 and url are supported for images.");
}

/* ---- documents -------------------------------------------------------------- */

static void add_tagged(struct chat_parts *p, struct json_object *block,
                       const char *key)
{
    size_t len;
    const char *text = json_read_text(block, key, &len);

    if (text == NULL || len == 0)
        return;
    buf_fmt(p->out, "\\n<%s>", key);
    add(p, text, len);
    buf_fmt(p->out, "</%s>", key);
}

static void begin_document(struct chat_parts *p, struct json_object *block)
{
    begin_text(p);
    buf_str(p->out, "<document>");
    add_tagged(p, block, "title");
    add_tagged(p, block, "context");
    add_tagged(p, block, "source"); /* of a search result: where it is from */
}

static bool put_blocks(struct chat_parts *p, struct json_object *blocks)
{
    size_t i, n = json_object_array_length(blocks);

    for (i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(blocks, i);

        if (json_read_is(b, "type", "text")) {
            if (!put_text(p, b))
                return false;
        } else if (!json_read_is(b, "type", "image")) {
            return chat_parts_refuse(p, b);
        } else if (!put_image(p, b)) {
            return false;
        }
    }
    return true;
}

static bool put_content(struct chat_parts *p, struct json_object *block,
                        struct json_object *content)
{
    bool is_list = json_object_is_type(content, json_type_array);

    if (!is_list && !json_object_is_type(content, json_type_string))
        return refuse_image(p, "content is needed.");
    begin_document(p, block);
    end_text(p);
    if (is_list ? !put_blocks(p, content)
                : !put_plain(p, json_object_get_string(content),
                             (size_t)json_object_get_string_len(content)))
        return false;
    return put_plain(p, "</document>", 11);
}

/*
 * The model has asked for it, so it can look for another way.  A fault would
 * be the end of the conversation, of which it is a part from then on.
 */
#define UNREADABLE                                                             \
    "[A document that this model cannot read, such as a PDF. Its text has to " \
    "be extracted by other means.]"

static bool put_document(struct chat_parts *p, struct json_object *block)
{
    struct json_object *source = json_read_member(block, "source");
    size_t len;
    const char *data = json_read_text(source, "data", &len);

    if (json_read_is(source, "type", "content"))
        return put_content(p, block, json_read_member(source, "content"));
    if ((!json_read_is(source, "type", "text") || data == NULL) &&
        p->has_results)
        return put_plain(p, UNREADABLE, sizeof(UNREADABLE) - 1);
    if (!json_read_is(source, "type", "text") || data == NULL)
        return refuse_image(p, "PDF documents and files are not supported by "
                               "this upstream; send their text.");
    begin_document(p, block);
    buf_str(p->out, "\\n");
    add(p, data, len);
    buf_str(p->out, "\\n</document>");
    end_text(p);
    return true;
}

static bool put_search_result(struct chat_parts *p, struct json_object *block)
{
    return put_content(p, block, json_read_member(block, "content"));
}

static bool put_tool_reference(struct chat_parts *p, struct json_object *block)
{
    size_t len;
    const char *name = json_read_text(block, "tool_name", &len);

    return len == 0 ? chat_parts_refuse(p, block) : put_plain(p, name, len);
}

/* ---- any block -------------------------------------------------------------- */

static const struct {
    const char *type;
    bool (*put)(struct chat_parts *p, struct json_object *block);
} rows[] = {
    {"text", put_text},
    {"image", put_image},
    {"document", put_document},
    {"search_result", put_search_result},
    {"tool_reference", put_tool_reference},
};

bool chat_parts_refuse(const struct chat_parts *p, struct json_object *block)
{
    char word[FAULT_WORD];

    return messages_fault_set(
        p->fault, 400,
        "messages.%zu.content.%zu: a block of type \"%s\" is not supported "
        "here by this upstream.",
        p->turn, p->block, messages_fault_type(block, word));
}

bool chat_parts_put_block(struct chat_parts *p, struct json_object *block)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (json_read_is(block, "type", rows[i].type))
            return rows[i].put(p, block);
    return chat_parts_refuse(p, block);
}

bool chat_parts_put(struct chat_parts *p, struct json_object *content,
                    bool only_texts)
{
    if (json_object_is_type(content, json_type_string))
        return put_plain(p, json_object_get_string(content),
                         (size_t)json_object_get_string_len(content));
    if (!json_object_is_type(content, json_type_array))
        return messages_fault_set(
            p->fault, 400,
            "messages.%zu.content: a string or a list is needed.", p->turn);
    for (p->block = 0; p->block < json_object_array_length(content);
         p->block++) {
        struct json_object *b = json_object_array_get_idx(content, p->block);

        if (only_texts && tool_changes_is(b))
            continue;
        if (only_texts && !json_read_is(b, "type", "text"))
            return chat_parts_refuse(p, b);
        if (!chat_parts_put_block(p, b))
            return false;
    }
    return true;
}

/* ---- images of a result ----------------------------------------------------- */

/* The blocks that B holds itself; NULL: none. */
static struct json_object *blocks_in(struct json_object *b)
{
    if (json_read_is(b, "type", "document"))
        return json_read_list(json_read_member(b, "source"), "content");
    return NULL;
}

bool chat_parts_put_images(struct chat_parts *p, struct json_object *content)
{
    size_t i, n = 0;
    bool fine = true;

    if (json_object_is_type(content, json_type_array))
        n = json_object_array_length(content);
    for (i = 0; i < n && fine; i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        if (json_read_is(b, "type", "image"))
            fine = put_image(p, b);
        else if (blocks_in(b) != NULL)
            fine = chat_parts_put_images(p, blocks_in(b));
    }
    return fine;
}

size_t chat_parts_images(struct json_object *content)
{
    size_t i, n = 0, images = 0;

    if (json_object_is_type(content, json_type_array))
        n = json_object_array_length(content);
    for (i = 0; i < n; i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        images += json_read_is(b, "type", "image");
        if (blocks_in(b) != NULL)
            images += chat_parts_images(blocks_in(b));
    }
    return images;
}
