/*
 * What must be true of all that fcgi/messages/ says, whoever reads it.
 */
#ifndef SLUICE_SOUND_H
#define SLUICE_SOUND_H

#include "fuzz.h"

#include "fcgi/messages/messages.h"
#include "fold.h"

/* No text becomes much longer in other words: a character that is escaped, and
 * once more within a text, is seven bytes; a piece of a stream is an event. */
#define SOUND_GROWTH 32

/* All of OUT, which came of LEN bytes, is one JSON object; the caller's. */
static inline struct json_object *sound_json(struct buf *out, size_t len)
{
    struct json_object *root;

    CHECK(buf_is_utf8(buf_head(out), out->len));
    CHECK(out->len <= SOUND_GROWTH * len + 4096);
    buf_add(out, "", 1);
    root = json_strict_object(buf_head(out), out->len - 1);
    CHECK(root != NULL);
    return root;
}

static inline bool sound_line(const char *words)
{
    return words[0] != '\0' && buf_is_utf8(words, strlen(words)) &&
           !fuzz_has_control(words);
}

static inline bool sound_text(struct json_object *o, const char *key)
{
    return json_object_is_type(fold_get(o, key), json_type_string) &&
           json_object_get_string_len(fold_get(o, key)) > 0;
}

static inline void sound_block(struct json_object *b)
{
    if (fold_is(b, "text")) {
        CHECK(sound_text(b, "text"));
    } else if (fold_is(b, "thinking")) {
        CHECK(fold_text(b, "thinking") != NULL && sound_text(b, "signature"));
    } else {
        CHECK(fold_is(b, "tool_use"));
        CHECK(sound_text(b, "id") && sound_text(b, "name"));
        CHECK(fold_get(b, "input") != NULL);
    }
}

static inline void sound_usage(struct json_object *usage)
{
    static const char *const keys[] = {"input_tokens", "output_tokens",
                                       "cache_read_input_tokens",
                                       "cache_creation_input_tokens"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(keys); i++)
        CHECK(json_object_is_type(fold_get(usage, keys[i]), json_type_int) &&
              json_object_get_int64(fold_get(usage, keys[i])) >= 0);
}

/* A message as SDKs insist on it. */
static inline void sound_message(struct json_object *m)
{
    static const char *const reasons[] = {"end_turn", "max_tokens", "tool_use",
                                          "refusal", "stop_sequence"};
    struct json_object *content = fold_get(m, "content");
    size_t i, known = 0;

    CHECK(fold_is(m, "message"));
    for (i = 0; i < ARRAY_LEN(reasons); i++)
        known += strcmp(fold_text(m, "stop_reason"), reasons[i]) == 0;
    CHECK(known == 1);
    sound_usage(fold_get(m, "usage"));
    for (i = 0; i < json_object_array_length(content); i++)
        sound_block(json_object_array_get_idx(content, i));
}

/* What a request may have said, by a byte. */
static inline struct messages_told sound_told(uint8_t how)
{
    struct messages_told told = {.model = "m\"",
                                 .id = "1",
                                 .has_stops = how & 4,
                                 .shown = (enum messages_shown)(how % 4),
                                 .tokens_in = 3};

    return told;
}

#endif
