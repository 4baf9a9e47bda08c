/*
 * dice.c - what else might somebody send?
 *
 * The words are those that a translation could trip over: what JSON escapes,
 * what begins or ends one of our marks, characters of each length.
 */
#include "dice.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "lib/base.h"
#include "lib/utf8.h"

static uint64_t state;

void dice_seed(uint64_t seed)
{
    state = seed * UINT64_C(0xd1342543de82ef95);
}

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014). */
size_t dice_to(size_t n)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ z >> 31) % n);
}

bool dice_once_in(size_t n)
{
    return dice_to(n) == 0;
}

/* ---- texts ------------------------------------------------------------------ */

static void put_word(struct buf *b)
{
    static const char *const words[] = {
        "a",
        " the",
        "Error:",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        " ",
        "\"",
        "\\",
        "\\n",
        "/",
        "<",
        "</",
        "<think>",
        "</think>",
        "k>",
        "<document>",
        "</document>",
        "<system-reminder>",
        "[image]",
        "[DONE]",
        "data: {}",
        "{}",
        "}",
        "null",
        "x-anthropic-billing-header:",
        "\x01",
        "\x1b[31m",
        "\x7f",
        "\xc2\x85",         /* a control character of two bytes */
        "\xc3\xa9",         /* two bytes */
        "\xe6\xbc\xa2",     /* three */
        "\xe2\x80\xa8",     /* a line's end for JavaScript */
        "\xe2\x80\xae",     /* turns the text around */
        "\xef\xbb\xbf",     /* a byte order mark */
        "\xef\xbf\xbd",     /* what stands for no character */
        "\xf0\x9f\x98\x80", /* four */
        "\xf4\x8f\xbf\xbf", /* the last one there is */
    };
    size_t i = dice_to(ARRAY_LEN(words) + 1);

    if (i < ARRAY_LEN(words))
        buf_str(b, words[i]);
    else
        buf_add(b, "", 1); /* a zero byte */
}

void dice_words(struct buf *b, size_t most)
{
    size_t n = dice_once_in(300) ? 200 * most : dice_to(most + 1);

    while (n-- > 0)
        put_word(b);
}

struct json_object *dice_text(size_t most)
{
    struct buf b = {NULL, 0, 0, 0};
    struct json_object *text;

    dice_words(&b, most);
    text =
        json_object_new_string_len(b.len > 0 ? buf_head(&b) : "", (int)b.len);
    buf_free(&b);
    return text;
}

struct json_object *dice_name(void)
{
    static const char *const odd[] = {"", "-", "_", "\xc3\xa9", "\"", "\\"};
    char name[32];

    (void)snprintf(name, sizeof(name), "n%zu%s", dice_to(1000),
                   odd[dice_to(ARRAY_LEN(odd))]);
    return json_object_new_string(name);
}

/* ---- values ----------------------------------------------------------------- */

static struct json_object *number(void)
{
    static const int64_t edges[] = {0, -1, INT64_MAX, INT64_MIN, 1 << 30};

    switch (dice_to(4)) {
    case 0:
        return json_object_new_int64(edges[dice_to(ARRAY_LEN(edges))]);
    case 1:
        return json_object_new_uint64(UINT64_MAX);
    case 2:
        return json_object_new_double((double)dice_to(1000) / 7 * 1e-9);
    default:
        return json_object_new_double((double)dice_to(1000) / 8);
    }
}

struct json_object *dice_object(int depth)
{
    struct json_object *o = json_object_new_object();
    size_t n = dice_to(4);

    while (n-- > 0) {
        struct json_object *name = dice_name();

        json_object_object_add(o, json_object_get_string(name),
                               dice_value(depth - 1));
        json_object_put(name);
    }
    return o;
}

static struct json_object *list(int depth)
{
    struct json_object *a = json_object_new_array();
    size_t n = dice_to(4);

    while (n-- > 0)
        json_object_array_add(a, dice_value(depth - 1));
    return a;
}

struct json_object *dice_value(int depth)
{
    switch (dice_to(depth > 0 ? 7 : 4)) {
    case 0:
        return NULL;
    case 1:
        return json_object_new_boolean(dice_once_in(2));
    case 2:
        return number();
    case 3:
        return dice_text(6);
    case 4:
        return list(depth);
    default:
        return dice_object(depth);
    }
}

/* ---- writing ---------------------------------------------------------------- */

static void blank(struct buf *b)
{
    static const char *const blanks[] = {" ", "\n", "\r\n\t", "  "};

    if (dice_once_in(20))
        buf_str(b, blanks[dice_to(ARRAY_LEN(blanks))]);
}

static unsigned code_of(const unsigned char *p, size_t n)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned code = p[0] & mask[n];
    size_t i;

    for (i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3fu);
    return code;
}

static void escape(struct buf *b, unsigned code)
{
    if (code >= 0x10000) { /* two halves */
        escape(b, 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    if (dice_once_in(2))
        buf_fmt(b, "\\u%04x", code);
    else
        buf_fmt(b, "\\u%04X", code);
}

static void put_char(struct buf *b, const unsigned char *p, size_t n)
{
    static const char from[] = "\"\\/\b\f\n\r\t", to[] = "\"\\/bfnrt";
    const char *at = *p == '\0' ? NULL : strchr(from, *p);
    bool must = *p < 0x20 || *p == '"' || *p == '\\';

    if (at != NULL && dice_once_in(2))
        buf_add(b, (const char[]){'\\', to[at - from]}, 2);
    else if (must || dice_once_in(30))
        escape(b, code_of(p, n));
    else
        buf_add(b, p, n);
}

static void put_string(struct buf *b, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;

    buf_str(b, "\"");
    while (p < end) {
        size_t n = utf8_len(p, end);

        CHECK(n > 0);
        put_char(b, p, n);
        p += n;
    }
    buf_str(b, "\"");
}

static void put_list(struct buf *b, struct json_object *v)
{
    size_t i, n = json_object_array_length(v);

    buf_str(b, "[");
    for (i = 0; i < n; i++) {
        buf_str(b, i > 0 ? "," : "");
        dice_write(b, json_object_array_get_idx(v, i));
    }
    buf_str(b, "]");
}

static void put_object(struct buf *b, struct json_object *v)
{
    const char *before = "{";

    json_object_object_foreach(v, key, value)
    {
        buf_str(b, before);
        blank(b);
        put_string(b, key, strlen(key));
        buf_str(b, ":");
        dice_write(b, value);
        before = ",";
    }
    buf_str(b, *before == '{' ? "{}" : "}");
}

void dice_write(struct buf *b, struct json_object *v)
{
    char text[40];

    blank(b);
    switch (json_object_get_type(v)) {
    case json_type_string:
        put_string(b, json_object_get_string(v),
                   (size_t)json_object_get_string_len(v));
        break;
    case json_type_array:
        put_list(b, v);
        break;
    case json_type_object:
        put_object(b, v);
        break;
    case json_type_double:
        (void)snprintf(text, sizeof(text), "%.17g", json_object_get_double(v));
        buf_str(b, text);
        if (strpbrk(text, ".e") == NULL && dice_once_in(2))
            buf_str(b, ".0");
        break;
    default: /* null, true, false, a whole number */
        buf_str(b, json_object_to_json_string(v));
    }
    blank(b);
}
