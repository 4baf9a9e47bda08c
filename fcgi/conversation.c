/*
 * conversation.c - how did this conversation begin?
 *
 * An upstream that had the last turn may remember its prompt, and only the end
 * of a conversation is new with each turn.  So what tells it from others is its
 * beginning: what the system is told, and all up to the first words of the
 * user.
 *
 *   chat        messages up to the first of the user
 *   Messages    system, and the same
 *   Responses   instructions, and input: a text, or up to the first of the user
 *
 * Of these the words count, and neither white space nor punctuation; nor
 * `cache_control`, which clients move from turn to turn.  Who continues what an
 * upstream keeps (previous_response_id) says nothing of how it began.
 */
#include "fcgi/conversation.h"

#include <string.h>

#include "fcgi/fingerprint.h"
#include "lib/json_walk.h"

#define WORD_BYTES (64 * 1024)  /* of one string: the rest is a picture */
#define TOLD_BYTES (256 * 1024) /* of all of them */
#define WORDS_MAX  20000        /* strings, numbers */
#define ITEMS_MAX  64           /* messages before the user's first */
#define DEPTH_MAX  8            /* as deep as it is looked for cache_control */

/* What is hashed, and what of it is left. */
struct told {
    uint64_t hash;
    size_t bytes, words; /* so many more may come */
    bool any;
};

/* ---- words ----------------------------------------------------------------- */

static void tell_word(struct told *t, const char *at, size_t len)
{
    uint64_t whole = len;

    len = len < WORD_BYTES ? len : WORD_BYTES;
    len = len < t->bytes ? len : t->bytes;
    if (t->words == 0)
        return;
    t->words--;
    t->bytes -= len;
    t->any = true;
    t->hash = fingerprint_mix(whole, t->hash, at, len);
}

/* All words of VALUE, one behind the other, whatever it is. */
static void tell_value(struct told *t, struct json_span value)
{
    struct json_walk stack[DEPTH_MAX];
    struct json_item item;
    size_t depth = 0;

    if (!json_walk_into(&stack[0], value)) {
        tell_word(t, value.at, value.len);
        return;
    }
    for (;;) {
        struct json_walk *w = &stack[depth];

        if (t->words == 0 || !json_walk_next(w, &item)) {
            if (depth == 0)
                return;
            depth--;
            continue;
        }
        if (json_walk_says(item.key, "cache_control"))
            continue;
        if (w->is_object)
            tell_word(t, item.key.at, item.key.len);
        if (depth + 1 < DEPTH_MAX &&
            json_walk_into(&stack[depth + 1], item.value))
            depth++;
        else
            tell_word(t, item.value.at, item.value.len);
    }
}

/* ---- messages -------------------------------------------------------------- */

static bool is_users(struct json_span message)
{
    struct json_walk w;
    struct json_item item;

    if (!json_walk_into(&w, message) || !w.is_object)
        return false;
    while (json_walk_next(&w, &item))
        if (json_walk_says(item.key, "role") && item.value.len > 2 &&
            *item.value.at == '"')
            return json_walk_says(
                (struct json_span){item.value.at + 1, item.value.len - 2},
                "user");
    return false;
}

/* Those of LIST up to the first of the user; or all of a text. */
static void tell_messages(struct told *t, struct json_span list)
{
    struct json_walk w;
    struct json_item item;
    size_t n;

    if (!json_walk_into(&w, list) || w.is_object) {
        tell_value(t, list);
        return;
    }
    for (n = 0; n < ITEMS_MAX && json_walk_next(&w, &item); n++) {
        tell_value(t, item.value);
        if (is_users(item.value))
            return;
    }
}

/* ---- a body ---------------------------------------------------------------- */

/* What the members of a body are called, by its shape. */
struct shape {
    const char *system, *messages, *continues; /* NULL: it has none */
};

static const struct shape *shape_of(enum sse_ends ends)
{
    static const struct shape chat = {NULL, "messages", NULL};
    static const struct shape message = {"system", "messages", NULL};
    static const struct shape response = {"instructions", "input",
                                          "previous_response_id"};

    switch (ends) {
    case ENDS_DONE:
        return &chat;
    case ENDS_MESSAGE:
        return &message;
    case ENDS_RESPONSE:
        return &response;
    case ENDS_ANYHOW:
        break;
    }
    return NULL;
}

static bool is_null(struct json_span value)
{
    return value.len == 4 && memcmp(value.at, "null", 4) == 0;
}

/* The members of BODY by SHAPE; false: it continues something, or is no object
 * with messages. */
static bool find(const struct shape *shape, struct json_span body,
                 struct json_span *system, struct json_span *messages)
{
    struct json_walk w;
    struct json_item item;

    if (!json_walk_into(&w, body) || !w.is_object)
        return false;
    while (json_walk_next(&w, &item)) {
        if (shape->continues != NULL && !is_null(item.value) &&
            json_walk_says(item.key, shape->continues))
            return false;
        if (shape->system != NULL && json_walk_says(item.key, shape->system))
            *system = item.value;
        else if (json_walk_says(item.key, shape->messages))
            *messages = item.value;
    }
    return messages->at != NULL;
}

uint64_t conversation_of(enum sse_ends ends, const char *body, size_t len)
{
    struct json_span system = {NULL, 0}, messages = {NULL, 0};
    struct told t = {.bytes = TOLD_BYTES, .words = WORDS_MAX};
    const struct shape *shape = shape_of(ends);

    if (shape == NULL ||
        !find(shape, (struct json_span){body, len}, &system, &messages))
        return 0;
    if (system.at != NULL)
        tell_value(&t, system);
    tell_word(&t, "", 0); /* what is said to it is not what it says */
    t.any = false;
    tell_messages(&t, messages);
    if (!t.any)
        return 0;
    return t.hash != 0 ? t.hash : 1;
}

uint64_t conversation_key(uint64_t began, uint64_t key, const char *client,
                          const char *model)
{
    uint64_t words[2] = {began, fingerprint_of(key, model, NULL, 0)};

    return fingerprint_of(key, client, words, sizeof(words));
}
