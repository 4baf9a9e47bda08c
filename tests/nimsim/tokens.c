/*
 * tokens.c - how many tokens does a request take?
 *
 * A tokenizer that anybody can follow with a pencil:
 *
 *   a word of ASCII letters and digits   one for each six of them begun
 *   any other character                  one, but white space is none
 *   a message                            four more
 *   the request                          three more
 *   a text that begins with "data:"      a picture: 85
 *
 * English has some 4.5 bytes a token so, Chinese three, code fewer.  What is
 * answered is one a word, as everywhere in nimsim.
 */
#include "tokens.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "answer.h"
#include "request.h"

#define WORD_LETTERS   6
#define MESSAGE_TOKENS 4
#define REQUEST_TOKENS 3
#define PICTURE_TOKENS 85

static int64_t of_text(const char *s)
{
    int64_t n = 0, letters = 0;

    if (strncmp(s, "data:", 5) == 0)
        return PICTURE_TOKENS;
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x80 && isalnum(c)) {
            n += letters++ % WORD_LETTERS == 0;
            continue;
        }
        letters = 0;
        n += !isspace(c) && (c & 0xc0) != 0x80; /* not inside of one */
    }
    return n;
}

/* All texts in VALUE, however deep; json-c has bounded that. */
static int64_t of_value(
    struct json_object *value) /* NOLINT(misc-no-recursion) */
{
    int64_t n = 0;
    size_t i;

    switch (json_object_get_type(value)) {
    case json_type_string:
        return of_text(json_object_get_string(value));
    case json_type_array:
        for (i = 0; i < json_object_array_length(value); i++)
            n += of_value(json_object_array_get_idx(value, i));
        return n;
    case json_type_object: {
        json_object_object_foreach(value, key, member)
        {
            n += of_value(member);
            n += strcmp(key, "role") == 0 ? MESSAGE_TOKENS : 0;
        }
        return n;
    }
    case json_type_int: /* of a list of tokens */
        return 1;
    default:
        return 0;
    }
}

int64_t tokens_of_prompt(struct json_object *json)
{
    static const char *const names[] = {"messages", "prompt",  "input",
                                        "system",   "tools",   "instructions",
                                        "query",    "passages"};
    struct json_object *value;
    int64_t n = REQUEST_TOKENS;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_object_object_get_ex(json, names[i], &value))
            n += of_value(value);
    }
    return n;
}

int64_t tokens_of(struct request *r)
{
    static const enum answer_kind kinds[] = {
        [ROUTE_CHAT] = ANSWER_CHAT,
        [ROUTE_COMPLETIONS] = ANSWER_COMPLETION,
        [ROUTE_RESPONSES] = ANSWER_RESPONSE,
    };
    struct answer a;

    if (r->is_refused || r->json == NULL)
        return 0;
    if (r->route == ROUTE_EMBEDDINGS || r->route == ROUTE_RANKING)
        return tokens_of_prompt(r->json);
    if (r->route != ROUTE_CHAT && r->route != ROUTE_COMPLETIONS &&
        r->route != ROUTE_RESPONSES)
        return 0;
    answer_init(&a, kinds[r->route], &r->how, r->json, r->seq);
    return tokens_of_prompt(r->json) + a.tokens;
}
