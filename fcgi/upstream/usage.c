/*
 * usage.c - how many tokens does an answer say that it took?
 *
 *   chat, completions,   "usage":{"prompt_tokens":8,"completion_tokens":5,...}
 *   embeddings, ranking
 *   Responses API,       "usage":{"input_tokens":8,"output_tokens":5,...}
 *   images, audio
 *
 * Whole answers and events alike; of several the last one counts, for some
 * servers tell it with each event.  Nothing is parsed but these objects: an
 * answer may be many megabytes, and inside of a text a quote has a backslash
 * before it, so that no text can look like one.  An object of more than
 * USAGE_BYTES tells nothing.
 */
#include "fcgi/upstream/usage.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/find.h"
#include "state/limiter.h"
#include "state/stats/outcomes.h"

#define KEY     "\"usage\""
#define KEY_LEN (sizeof(KEY) - 1)

void usage_init(struct usage *u)
{
    memset(u, 0, sizeof(*u));
    u->prompt = u->completion = -1;
}

void usage_fini(struct usage *u)
{
    buf_free(&u->kept);
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p))
        p++;
    return p;
}

/* The number that NAME, with its quotes, has in the object at P; -1: none, or
 * one that is no count. */
static int64_t number_of(const char *p, const char *end, const char *name)
{
    int64_t n = -1;

    p = find_text(p, end, name, strlen(name));
    if (p == NULL)
        return -1;
    p = skip_space(p + strlen(name), end);
    if (p == end || *p != ':')
        return -1;
    p = skip_space(p + 1, end);
    for (; p < end && isdigit((unsigned char)*p) && n <= LIMITER_TOKENS_MAX;
         p++)
        n = (n < 0 ? 0 : n * 10) + (*p - '0');
    return n <= LIMITER_TOKENS_MAX ? n : -1;
}

static void read_object(struct usage *u, const char *p, const char *end)
{
    int64_t in = number_of(p, end, "\"prompt_tokens\"");
    int64_t out = number_of(p, end, "\"completion_tokens\"");

    if (in < 0)
        in = number_of(p, end, "\"input_tokens\"");
    if (out < 0)
        out = number_of(p, end, "\"output_tokens\"");
    u->prompt = in >= 0 ? in : u->prompt;
    u->completion = out >= 0 ? out : u->completion;
}

/* The end of the object at P; NULL: it is not here yet. */
static const char *object_end(const char *p, const char *end)
{
    bool in_text = false, is_escaped = false;
    int depth = 0;

    for (; p < end; p++) {
        if (is_escaped)
            is_escaped = false;
        else if (*p == '\\')
            is_escaped = in_text;
        else if (*p == '"')
            in_text = !in_text;
        else if (!in_text && *p == '{')
            depth++;
        else if (!in_text && *p == '}' && --depth == 0)
            return p + 1;
    }
    return NULL;
}

/* Where a key, cut by END, may begin; END: nowhere. */
static const char *cut_key(const char *data, const char *end)
{
    const char *p = (size_t)(end - data) < KEY_LEN ? data : end - (KEY_LEN - 1);

    while (p != NULL && p < end && memcmp(p, KEY, (size_t)(end - p)) != 0)
        p++;
    return p;
}

/* The object that is the value of the key at KEY; NULL: it is none.  END: it
 * is not here yet. */
static const char *value_of(const char *key, const char *end)
{
    const char *p = skip_space(key + KEY_LEN, end);

    if (p < end && *p != ':')
        return NULL;
    p = p < end ? skip_space(p + 1, end) : end;
    return p == end || *p == '{' ? p : NULL;
}

/* Reads what is whole; returns how many bytes at the end are not. */
static size_t scan(struct usage *u, const char *data, size_t len)
{
    const char *end = data + len, *key, *value, *most, *stop;

    while ((key = FIND(data, end, KEY)) != NULL) {
        data = key + KEY_LEN;
        most = (size_t)(end - key) > USAGE_BYTES ? key + USAGE_BYTES : end;
        value = value_of(key, most);
        if (value == NULL)
            continue;
        stop = object_end(value, most);
        if (stop == NULL && most == end)
            return (size_t)(end - key);
        if (stop != NULL)
            read_object(u, value, stop);
    }
    return (size_t)(end - cut_key(data, end));
}

void usage_look(struct usage *u, const char *data, size_t len)
{
    size_t n = len, rest;

    if (u->kept.len > 0) {
        n = len < USAGE_BYTES ? len : USAGE_BYTES;
        buf_add(&u->kept, data, n);
        rest = scan(u, buf_head(&u->kept), u->kept.len);
        if (n == len && rest > 0) {
            buf_take(&u->kept, u->kept.len - rest);
            return;
        }
        buf_free(&u->kept);
        if (n == len)
            return;
    }
    if (len == 0)
        return;
    rest = scan(u, data, len); /* again what was added: it says the same */
    if (rest > 0)
        buf_add(&u->kept, data + len - rest, rest);
}
