/* tree.c - replies as hiredis makes them, without a store. */
#include "tree.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"

static redisReply *new_reply(int type)
{
    redisReply *r = calloc(1, sizeof(*r));

    CHECK(r != NULL);
    r->type = type;
    return r;
}

static redisReply *new_text(int type, const char *text, size_t len)
{
    redisReply *r = new_reply(type);

    r->str = strndup(text, len);
    CHECK(r->str != NULL);
    r->len = len;
    return r;
}

static redisReply *read_one(const char **p);

static redisReply *read_list(const char **p)
{
    redisReply *r = new_reply(REDIS_REPLY_ARRAY);

    r->element = calloc(2048, sizeof(redisReply *));
    CHECK(r->element != NULL);
    for (*p += 1 + strspn(*p + 1, " "); **p != ']'; *p += strspn(*p, " ")) {
        CHECK(**p != '\0' && r->elements < 2048);
        r->element[r->elements++] = read_one(p);
    }
    (*p)++;
    return r;
}

static redisReply *read_quoted(const char **p)
{
    const char *text = *p + 1, *end = strchr(text, '\'');

    CHECK(end != NULL);
    *p = end + 1;
    return new_text(REDIS_REPLY_STRING, text, (size_t)(end - text));
}

static bool is_number(const char *text, size_t len)
{
    return isdigit((unsigned char)text[0]) || (text[0] == '-' && len > 1);
}

static redisReply *read_one(const char **p)
{
    size_t len = strcspn(*p, " ]");
    const char *text = *p;
    redisReply *r;

    if (*text == '[')
        return read_list(p);
    if (*text == '\'')
        return read_quoted(p);
    *p += len;
    if (*text == '~')
        return new_reply(REDIS_REPLY_NIL);
    if (*text == '!')
        return new_text(REDIS_REPLY_ERROR, text + 1, len - 1);
    if (!is_number(text, len))
        return new_text(REDIS_REPLY_STRING, text, len);
    r = new_reply(REDIS_REPLY_INTEGER);
    r->integer = strtoll(text, NULL, 10);
    return r;
}

redisReply *tree(const char *text)
{
    redisReply *r = read_one(&text);

    CHECK(*text == '\0');
    return r;
}
