/*
 * call_input.c - with what was a tool called?
 *
 *   {"a":1}            that
 *   {"a":1}{"a":1}     its first object: there are servers that say it twice
 *   nothing, null      {}: the call of a tool without parameters
 *   anything else      {"INVALID_JSON":"..."}, as Anthropic's documentation
 *                      has it; the model can learn from it what it did
 *
 * A line feed within a text is escaped on the way.  An object that is broken in
 * another way passes as it comes, since its beginning is gone before its end is
 * here; only a whole answer can be looked at first.
 */
#include "fcgi/messages/call_input.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"

enum place {
    PLACE_BEFORE = 0, /* nothing but white space, or the beginning of null */
    PLACE_OBJECT = 1,
    PLACE_AFTER = 2, /* of the object */
    PLACE_OTHER = 3, /* it is none */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* It is no object: all of it goes into a text. */
static void begin_other(struct call_input *c, struct buf *out)
{
    c->at = PLACE_OTHER;
    buf_str(out, "{\"" CALL_INPUT_WRONG "\":\"");
    json_write_chars(out, c->held, c->len);
    c->len = 0;
}

/* Returns how many bytes are done with. */
static size_t take_before(struct call_input *c, const char *text, size_t len,
                          struct buf *out)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (is_space(text[i]) && (c->len == 0 || c->len == 4))
            continue;
        if (text[i] == '{' && c->len == 0) {
            c->at = PLACE_OBJECT;
            return i;
        }
        if (c->len < 4 && text[i] == "null"[c->len]) {
            c->held[c->len++] = text[i];
            continue;
        }
        begin_other(c, out);
        return i;
    }
    return len;
}

static void look(struct call_input *c, char byte)
{
    if (c->is_escaped)
        c->is_escaped = false;
    else if (byte == '\\')
        c->is_escaped = c->in_text;
    else if (byte == '"')
        c->in_text = !c->in_text;
    else if (!c->in_text && (byte == '{' || byte == '['))
        c->depth++;
    else if (!c->in_text && (byte == '}' || byte == ']'))
        c->depth--;
}

static void take_object(struct call_input *c, const char *text, size_t len,
                        struct buf *out)
{
    size_t i, from = 0;

    for (i = 0; i < len && c->at == PLACE_OBJECT; i++) {
        if (c->in_text && (unsigned char)text[i] < 0x20) {
            buf_add(out, text + from, i - from);
            json_write_chars(out, text + i, 1);
            from = i + 1;
        }
        look(c, text[i]);
        if (c->depth <= 0)
            c->at = PLACE_AFTER;
    }
    buf_add(out, text + from, i - from);
}

void call_input_take(struct call_input *c, const char *text, size_t len,
                     struct buf *out)
{
    size_t n = 0;

    if (c->at == PLACE_BEFORE)
        n = take_before(c, text, len, out);
    if (c->at == PLACE_OBJECT)
        take_object(c, text + n, len - n, out);
    else if (c->at == PLACE_OTHER)
        json_write_chars(out, text + n, len - n);
}

void call_input_end(struct call_input *c, struct buf *out)
{
    if (c->at == PLACE_BEFORE && c->len > 0 && c->len < 4)
        begin_other(c, out);
    if (c->at == PLACE_OTHER)
        buf_str(out, "\"}");
    c->at = PLACE_AFTER;
}

bool call_input_is_whole(const struct call_input *c)
{
    return c->at == PLACE_AFTER;
}

void call_input_write(const char *text, size_t len, struct buf *out)
{
    struct call_input c = {.at = PLACE_BEFORE};
    struct buf input = {NULL, 0, 0, 0};
    struct json_object *root = NULL;

    call_input_take(&c, text, len, &input);
    call_input_end(&c, &input);
    buf_add(&input, "", 1);
    if (input.len == 1) {
        buf_str(out, "{}");
    } else if (json_read_object(buf_head(&input), input.len - 1, &root) ==
               JSON_READ_OK) {
        json_write_value(out, root);
    } else {
        buf_str(out, "{\"" CALL_INPUT_WRONG "\":");
        json_write_text(out, text, len);
        buf_str(out, "}");
    }
    json_object_put(root);
    buf_free(&input);
}
