/*
 * json_fault.c - where is a text no JSON, and what should stand there?
 *
 * json-c says "unexpected character" to what is nearly always one of five: a
 * comma behind the last item, one that is missing, a key without quotes, single
 * quotes, a comment.  Each is told as what it is.
 */
#include "lib/json_fault.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

void json_fault_place(struct json_fault *f, const char *text, size_t len,
                      size_t at)
{
    size_t i;

    f->line = f->column = 1;
    for (i = 0; i < at && i < len; i++) {
        if (text[i] == '\n') {
            f->line++;
            f->column = 1;
        } else {
            f->column += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
    }
}

/* The character at AT as people see it. */
static void name_it(char out[16], const char *text, size_t len, size_t at)
{
    const unsigned char *p = (const unsigned char *)text + at;
    size_t n = at < len ? utf8_len(p, (const unsigned char *)text + len) : 0;

    if (at >= len)
        snprintf(out, 16, "the end");
    else if (n == 0 || *p < 0x20 || *p == 0x7f || utf8_unseen(p, n) != 0)
        snprintf(out, 16, "byte 0x%02x", *p);
    else
        snprintf(out, 16, "%s%.*s%s", *p == '\'' ? "\"" : "'", (int)n,
                 (const char *)p, *p == '\'' ? "\"" : "'");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The comma that is the last thing before AT; LEN: there is none. */
static size_t comma_before(const char *text, size_t len, size_t at)
{
    size_t i = at < len ? at : len;

    while (i > 0 && is_blank(text[i - 1]))
        i--;
    return i > 0 && text[i - 1] == ',' ? i - 1 : len;
}

/* Is all that was opened before AT closed again? */
static bool is_behind_end(const char *text, size_t at)
{
    size_t i, depth = 0;
    bool in_text = false;

    for (i = 0; i < at; i++) {
        if (in_text && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_text = !in_text;
        else if (!in_text && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!in_text && depth > 0 && (text[i] == '}' || text[i] == ']'))
            depth--;
    }
    return depth == 0 && memchr(text, '}', at) != NULL;
}

static const char *wanted(int code)
{
    switch (code) {
    case json_tokener_error_parse_object_key_name:
        return "a key in double quotes";
    case json_tokener_error_parse_object_key_sep:
        return "a colon behind the key";
    case json_tokener_error_parse_object_value_sep:
        return "a comma, or } at the end of the object";
    case json_tokener_error_parse_array:
        return "a comma, or ] at the end of the list";
    case json_tokener_error_parse_string:
    case json_tokener_error_parse_utf8_string:
        return "the closing quote of a text, or what a text may have in it";
    default:
        break;
    }
    return "a value (a text in double quotes, a number, true, false, null, [ "
           "or {)";
}

void json_fault_explain(struct json_fault *f, const char *text, size_t len,
                        size_t at, int code)
{
    size_t comma = comma_before(text, len, at);
    char is[16];

    if (at < len && (text[at] == '}' || text[at] == ']') && comma < len) {
        json_fault_place(f, text, len, comma);
        snprintf(f->what, sizeof(f->what),
                 "a comma too many: behind the last item, before %c, there is "
                 "none",
                 text[at]);
        return;
    }
    json_fault_place(f, text, len, at);
    name_it(is, text, len, at);
    if (code == json_tokener_error_depth)
        snprintf(f->what, sizeof(f->what), "nesting too deep");
    else if (at >= len || code == json_tokener_continue)
        snprintf(f->what, sizeof(f->what),
                 "it ends too early: a bracket or a quote is not closed");
    else if (is_behind_end(text, at))
        snprintf(f->what, sizeof(f->what),
                 "the object has ended here, and %s stands behind it", is);
    else if (text[at] == '\'')
        snprintf(f->what, sizeof(f->what),
                 "%s stands where only double quotes may", is);
    else if (text[at] == '/' || text[at] == '#')
        snprintf(f->what, sizeof(f->what),
                 "%s begins no comment here: a comment is a key that begins "
                 "with //",
                 is);
    else
        snprintf(f->what, sizeof(f->what), "there must be %s, and not %s",
                 wanted(code), is);
}
