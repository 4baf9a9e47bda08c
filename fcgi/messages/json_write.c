/*
 * json_write.c - how is JSON written?
 *
 * Straight into a buffer.  json-c would keep a text of each value beside its
 * tree, cannot say where a string with a zero byte ends, and writes NaN where
 * it has read it.
 */
#include "fcgi/messages/json_write.h"

#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/eight.h"
#include "lib/utf8.h"

/* ---- texts ------------------------------------------------------------------ */

/* Is any of these eight bytes zero? */
static uint64_t has_zero(uint64_t eight)
{
    return (eight - EIGHT(1)) & ~eight & EIGHT_HIGH;
}

/* Do the eight bytes at P stand for themselves, all of them ASCII? */
static bool is_plain(const unsigned char *p)
{
    uint64_t eight = eight_at(p);

    return ((eight & EIGHT_HIGH) | ((eight - EIGHT(0x20)) & EIGHT_HIGH) |
            has_zero(eight ^ EIGHT('"')) | has_zero(eight ^ EIGHT('\\')) |
            has_zero(eight ^ EIGHT(0x7f))) == 0;
}

/* Bytes from P on that stand for themselves: most of any text. */
static size_t plain_run(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *from = p;
    size_t n = 1;

    for (; p < end && n > 0; p += n) {
        while (end - p > 8 && is_plain(p))
            p += 8;
        if (*p >= 0x20 && *p < 0x7f) {
            if (*p == '"' || *p == '\\')
                break;
            n = 1;
            continue;
        }
        n = *p == '\0' ? 0 : utf8_len(p, end);
        if (n == 0 || utf8_unseen(p, n) != 0)
            break;
    }
    return (size_t)(p - from);
}

/* Writes the character at P, which does not; returns its bytes. */
static size_t escape(struct buf *b, const unsigned char *p,
                     const unsigned char *end)
{
    size_t n = utf8_len(p, end);

    if (n == 0)
        buf_str(b, "\xef\xbf\xbd");
    else if (*p == '"' || *p == '\\')
        buf_add(b, (const char[]){'\\', (char)*p}, 2);
    else if (*p == '\n')
        buf_str(b, "\\n");
    else
        buf_fmt(b, "\\u%04x", utf8_unseen(p, n));
    return n > 0 ? n : 1;
}

void json_write_chars(struct buf *b, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + len;

    while (p < end) {
        size_t n = plain_run(p, end);

        buf_add(b, p, n);
        p += n;
        if (p < end)
            p += escape(b, p, end);
    }
}

void json_write_text(struct buf *b, const char *text, size_t len)
{
    buf_add(b, "\"", 1);
    json_write_chars(b, text, len);
    buf_add(b, "\"", 1);
}

void json_write_string(struct buf *b, struct json_object *string)
{
    if (json_object_is_type(string, json_type_string))
        json_write_text(b, json_object_get_string(string),
                        (size_t)json_object_get_string_len(string));
    else
        buf_str(b, "\"\"");
}

/* ---- values ----------------------------------------------------------------- */

static void write_int(struct buf *b, struct json_object *v)
{
    if (json_object_get_int64(v) == INT64_MAX)
        buf_fmt(b, "%llu", (unsigned long long)json_object_get_uint64(v));
    else
        buf_int(b, json_object_get_int64(v));
}

/* As short as it can be without being another. */
static void write_double(struct buf *b, double d)
{
    char text[40];

    if (!isfinite(d)) {
        buf_str(b, "null");
        return;
    }
    (void)snprintf(text, sizeof(text), "%.15g", d);
    if (strtod(text, NULL) < d || strtod(text, NULL) > d)
        (void)snprintf(text, sizeof(text), "%.17g", d);
    buf_str(b, text);
}

static void write_array(struct buf *b, struct json_object *v)
{
    size_t i, n = json_object_array_length(v);

    for (i = 0; i < n; i++) {
        buf_str(b, i > 0 ? "," : "[");
        json_write_value(b, json_object_array_get_idx(v, i));
    }
    buf_str(b, n > 0 ? "]" : "[]");
}

static void write_object(struct buf *b, struct json_object *v)
{
    struct json_object_iterator it = json_object_iter_begin(v);
    struct json_object_iterator end = json_object_iter_end(v);
    const char *before = "{", *name;

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        name = json_object_iter_peek_name(&it);
        buf_str(b, before);
        json_write_text(b, name, strlen(name));
        buf_str(b, ":");
        json_write_value(b, json_object_iter_peek_value(&it));
        before = ",";
    }
    buf_str(b, *before == '{' ? "{}" : "}");
}

/* As deep as the tree, which its reader has bounded (JSON_DEPTH). */
void json_write_value(struct buf *b, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        buf_str(b, "null");
        break;
    case json_type_boolean:
        buf_str(b, json_object_get_boolean(value) ? "true" : "false");
        break;
    case json_type_int:
        write_int(b, value);
        break;
    case json_type_double:
        write_double(b, json_object_get_double(value));
        break;
    case json_type_string:
        json_write_string(b, value);
        break;
    case json_type_array:
        write_array(b, value);
        break;
    case json_type_object:
        write_object(b, value);
        break;
    }
}
