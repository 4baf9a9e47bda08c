/*
 * custom_input.c - with which text was a custom tool called?
 *
 *   {"input":"..."}       that, as it comes: what stands in a text there may
 *                         stand in one of ours, but for half an escape
 *   another object        its `input`, if it has one; else all of it, once it is
 *                         known
 *   no object             that (call_input.c has wrapped it): some models write
 *                         the text itself
 *   {}, nothing           no text
 */
#include "fcgi/responses/custom_input.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/call_input.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/responses/response_tools.h"

enum place {
    PLACE_BEFORE = 0, /* all so far may be the beginning of that form */
    PLACE_TEXT = 1,
    PLACE_AFTER = 2, /* of the text */
    PLACE_OTHER = 3, /* another form */
};

#define BEGINNING "{\"" RESPONSE_TOOLS_INPUT "\":\""

void custom_input_fini(struct custom_input *c)
{
    buf_free(&c->json);
}

/* ---- before the text -------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* White space may stand between any two of its marks, but in no name. */
static bool may_be_space(size_t n)
{
    return n <= 1 || n >= sizeof(BEGINNING) - 3;
}

static void take_before(struct custom_input *c, char byte)
{
    if (byte == BEGINNING[c->n])
        c->n++;
    else if (!is_space(byte) || !may_be_space(c->n))
        c->at = PLACE_OTHER;
    if (c->n == sizeof(BEGINNING) - 1)
        c->at = PLACE_TEXT;
}

/* ---- escapes ---------------------------------------------------------------- */

/* The number of \uXXXX at P; -1: it is none. */
static int unit_of(const char *p)
{
    int i, n = 0;

    if (p[0] != '\\' || p[1] != 'u')
        return -1;
    for (i = 2; i < 6; i++) {
        const char *digits = "0123456789abcdef";
        const char *d = p[i] == '\0' ? NULL : strchr(digits, p[i] | 0x20);

        if (d == NULL)
            return -1;
        n = n * 16 + (int)(d - digits);
    }
    return n;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* What waits is whole, or never will be; what is no escape becomes U+FFFD. */
static void give_held(struct custom_input *c, struct buf *out)
{
    int unit;

    c->held[c->len] = '\0';
    unit = c->len >= 6 ? unit_of(c->held) : -1;
    if (c->len == 2 ? strchr("\"\\/bfnrt", c->held[1]) != NULL
                    : unit >= 0 && !is_low(unit) &&
                          (!is_high(unit) ||
                           (c->len == 12 && is_low(unit_of(c->held + 6)))))
        buf_add(out, c->held, c->len);
    else
        json_write_chars(out, "\xff", 1);
    c->len = 0;
}

/* How long must it be, as far as can be told? */
static size_t wanted(const struct custom_input *c)
{
    if (c->len < 2)
        return 2;
    if (c->held[1] != 'u')
        return 2;
    return c->len >= 6 && is_high(unit_of(c->held)) ? 12 : 6;
}

/* ---- the text --------------------------------------------------------------- */

/* The bytes of TEXT up to an escape or its end go on at once. */
static size_t take_plain(struct custom_input *c, const char *text, size_t len,
                         struct buf *out)
{
    size_t n = 0;

    while (n < len && text[n] != '"' && text[n] != '\\')
        n++;
    json_write_chars(out, text, n);
    if (n < len && text[n] == '"')
        c->at = PLACE_AFTER;
    return n;
}

/* True: BYTE is a part of what waits. */
static bool take_escaped(struct custom_input *c, char byte, struct buf *out)
{
    bool begins_next = c->len == 7;

    /* Behind half of a pair there is no other half. */
    if ((c->len == 6 && byte != '\\') || (begins_next && byte != 'u')) {
        c->len = 6;
        give_held(c, out);
        if (begins_next)
            c->held[c->len++] = '\\';
        return false;
    }
    c->held[c->len++] = byte;
    c->held[c->len] = '\0';
    if (c->len == wanted(c))
        give_held(c, out);
    return true;
}

static void take_text(struct custom_input *c, const char *text, size_t len,
                      struct buf *out)
{
    size_t i = 0;

    while (i < len && c->at == PLACE_TEXT) {
        if (c->len > 0) {
            i += take_escaped(c, text[i], out);
        } else if (text[i] == '\\') {
            c->held[c->len++] = text[i++];
        } else {
            i += take_plain(c, text + i, len - i, out);
        }
    }
}

/* ---- all of it -------------------------------------------------------------- */

void custom_input_take(struct custom_input *c, const char *json, size_t len,
                       struct buf *out)
{
    size_t i = 0;

    if (c->at == PLACE_BEFORE || c->at == PLACE_OTHER)
        buf_add(&c->json, json, len);
    while (i < len && c->at == PLACE_BEFORE)
        take_before(c, json[i++]);
    if (c->at == PLACE_TEXT)
        take_text(c, json + i, len - i, out);
}

/* What stands in ROOT, the JSON of LEN bytes at *TEXT. */
static size_t find_text(struct json_object *root, const char **text, size_t len)
{
    size_t n;
    const char *input = json_read_text(root, RESPONSE_TOOLS_INPUT, &n);

    if (input == NULL)
        input = json_read_text(root, CALL_INPUT_WRONG, &n);
    if (input == NULL && root != NULL && json_object_object_length(root) == 0)
        return 0;
    if (input == NULL)
        return len;
    *text = input;
    return n;
}

void custom_input_end(struct custom_input *c, struct buf *out)
{
    struct json_object *root = NULL;
    size_t len = c->json.len;
    const char *text;

    if (c->at == PLACE_TEXT || c->at == PLACE_AFTER || len == 0)
        return; /* half an escape is nothing */
    buf_add(&c->json, "", 1);
    text = buf_head(&c->json);
    (void)json_read_object(text, len, &root);
    len = find_text(root, &text, len);
    json_write_chars(out, text, len);
    json_object_put(root);
}
