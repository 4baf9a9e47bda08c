/*
 * chat_answer.c - what might a model answer, and what would that be as a
 * message?
 */
#include "chat_answer.h"

#include <stdio.h>
#include <string.h>

#include "dice.h"
#include "fcgi/messages/message_form.h"
#include "lib/base.h"
#include "lib/json_strict.h"
#include "talk.h"

/* ---- making ----------------------------------------------------------------- */

/* Arguments that are no object, or not quite, and what is made of them. */
static const struct {
    const char *arguments, *input;
} odd[] = {
    {"", "{}"},
    {"null", "{}"},
    {" {\"a\":\"\n\"} ", "{\"a\":\"\\n\"}"},
    {"[1]", "{\"INVALID_JSON\":\"[1]\"}"},
    {"\"x\"", "{\"INVALID_JSON\":\"\\\"x\\\"\"}"},
    {"{\"a\":1}{\"a\":1}", "{\"a\":1}"},
    {"nullify", "{\"INVALID_JSON\":\"nullify\"}"},
};

static void put_name(struct buf *b)
{
    struct json_object *name = dice_name();

    buf_str(b, json_object_get_string(name));
    json_object_put(name);
}

static void make_call(struct answer_call *c)
{
    size_t i = dice_to(3 * ARRAY_LEN(odd));

    if (!dice_once_in(8))
        put_name(&c->id);
    if (!dice_once_in(20)) /* else it is none */
        put_name(&c->name);
    if (i < ARRAY_LEN(odd)) {
        buf_str(&c->arguments, odd[i].arguments);
        c->input = json_strict_object(odd[i].input, strlen(odd[i].input));
    } else {
        c->input = dice_object(4);
        dice_write(&c->arguments, c->input);
    }
}

/* Thinking by itself, in tags, in tags that do not end, or none. */
static void make_words(struct chat_answer *a)
{
    static const char *const keys[] = {NULL, NULL, "reasoning_content",
                                       "reasoning"};

    a->thought_key = keys[dice_to(4)];
    if (a->thought_key != NULL)
        dice_words(&a->thought, 12);
    else if (dice_once_in(2))
        buf_str(&a->words, dice_once_in(2) ? "<think>" : "\n <think>a");
    dice_words(&a->words, 20);
    if (a->thought_key == NULL && dice_once_in(2)) {
        buf_str(&a->words, "</think>\n\n");
        dice_words(&a->words, 20);
    }
    if (dice_once_in(10))
        dice_words(&a->refusal, 3);
}

void chat_answer_make(struct chat_answer *a)
{
    static const char *const reasons[] = {
        "stop", "stop", "length", "tool_calls", "content_filter", NULL};
    static const char *const keys[] = {NULL, "stop_reason", "matched_stop"};
    size_t i;

    memset(a, 0, sizeof(*a));
    make_words(a);
    a->n = dice_once_in(2) ? 0 : dice_to(ANSWER_CALLS + 1);
    for (i = 0; i < a->n; i++)
        make_call(&a->calls[i]);
    a->reason = reasons[dice_to(ARRAY_LEN(reasons))];
    a->stop_key = keys[dice_to(ARRAY_LEN(keys))];
    a->has_usage = dice_once_in(2);
    a->prompt = (int64_t)dice_to(1000);
    a->cached = (int64_t)dice_to((size_t)a->prompt + 1);
    a->completion = (int64_t)dice_to(1000);
}

void chat_answer_drop(struct chat_answer *a)
{
    size_t i;

    buf_free(&a->thought);
    buf_free(&a->words);
    buf_free(&a->refusal);
    for (i = 0; i < a->n; i++) {
        buf_free(&a->calls[i].id);
        buf_free(&a->calls[i].name);
        buf_free(&a->calls[i].arguments);
        json_object_put(a->calls[i].input);
    }
}

/* ---- the message ------------------------------------------------------------ */

static size_t blanks_at(const struct buf *b)
{
    size_t i = 0;

    while (i < b->len && strchr(" \n\r\t", buf_head(b)[i]) != NULL &&
           buf_head(b)[i] != '\0')
        i++;
    return i;
}

void chat_answer_parts(const struct chat_answer *a, struct buf *thought,
                       struct buf *words)
{
    const char *end;
    bool thinks = a->thought.len > 0;
    size_t blanks;

    *thought = *words = (struct buf){NULL, 0, 0, 0};
    buf_add(words, buf_head(&a->words), a->words.len);
    blanks = blanks_at(words);
    if (a->thought.len > 0) {
        buf_add(thought, buf_head(&a->thought), a->thought.len);
    } else if (words->len >= blanks + 7 &&
               memcmp(buf_head(words) + blanks, "<think>", 7) == 0) {
        thinks = true;
        buf_take(words, blanks + 7);
        end = memmem(buf_head(words), words->len, "</think>", 8);
        buf_add(thought, buf_head(words),
                end == NULL ? words->len : (size_t)(end - buf_head(words)));
        buf_take(words, end == NULL ? words->len : thought->len + 8);
    }
    /* It ends thinking that nobody has ended. */
    buf_add(words, buf_head(&a->refusal), a->refusal.len);
    if (!thinks)
        return; /* nothing is parted */
    buf_take(thought, blanks_at(thought));
    buf_take(words, blanks_at(words));
}

static struct json_object *string_of(const struct buf *b)
{
    return json_object_new_string_len(b->len > 0 ? buf_head(b) : "",
                                      (int)b->len);
}

static struct json_object *block(struct json_object *list, const char *type)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "type", json_object_new_string(type));
    json_object_array_add(list, o);
    return o;
}

static void add_call(struct json_object *list, const struct answer_call *c,
                     const char *id)
{
    char ours[64];
    struct json_object *o;

    if (c->name.len == 0)
        return;
    (void)snprintf(ours, sizeof(ours), "toolu_%s_%zu", id,
                   talk_count(list) + 1);
    o = block(list, "tool_use");
    json_object_object_add(o, "id",
                           c->id.len > 0 ? string_of(&c->id)
                                         : json_object_new_string(ours));
    json_object_object_add(o, "name", string_of(&c->name));
    json_object_object_add(o, "input", json_object_get(c->input));
}

static struct json_object *content_of(const struct chat_answer *a,
                                      const struct messages_told *told)
{
    struct json_object *list = json_object_new_array(), *o;
    struct buf thought, words;
    size_t i;

    chat_answer_parts(a, &thought, &words);
    if (thought.len > 0 && told->shown >= SHOWN_SIGN) {
        o = block(list, "thinking");
        if (told->shown == SHOWN_SIGN) /* that it thinks, not what */
            buf_free(&thought);
        json_object_object_add(o, "thinking", string_of(&thought));
        json_object_object_add(o, "signature",
                               json_object_new_string(MESSAGE_FORM_SIGNATURE));
    }
    if (words.len > 0)
        json_object_object_add(block(list, "text"), "text", string_of(&words));
    for (i = 0; i < a->n; i++)
        add_call(list, &a->calls[i], told->id);
    buf_free(&thought);
    buf_free(&words);
    return list;
}

static bool has_call(const struct chat_answer *a)
{
    size_t i;

    for (i = 0; i < a->n; i++)
        if (a->calls[i].name.len > 0)
            return true;
    return false;
}

static const char *reason_of(const struct chat_answer *a,
                             const struct messages_told *told)
{
    const char *reason = a->reason == NULL ? "" : a->reason;

    if (a->refusal.len > 0 || strcmp(reason, "content_filter") == 0)
        return "refusal";
    if (strcmp(reason, "length") == 0)
        return "max_tokens";
    if (has_call(a))
        return "tool_use";
    return strcmp(reason, "stop") == 0 && a->stop_key != NULL && told->has_stops
               ? "stop_sequence"
               : "end_turn";
}

static struct json_object *usage_of(const struct chat_answer *a,
                                    const struct messages_told *told)
{
    struct json_object *o = json_object_new_object();
    int64_t in = a->has_usage ? a->prompt - a->cached : told->tokens_in;

    json_object_object_add(o, "input_tokens", json_object_new_int64(in));
    json_object_object_add(o, "cache_creation_input_tokens",
                           json_object_new_int64(0));
    json_object_object_add(o, "cache_read_input_tokens",
                           json_object_new_int64(a->has_usage ? a->cached : 0));
    if (a->has_usage) /* else it is estimated, and anything will do */
        json_object_object_add(o, "output_tokens",
                               json_object_new_int64(a->completion));
    return o;
}

struct json_object *chat_answer_message(const struct chat_answer *a,
                                        const struct messages_told *told)
{
    struct json_object *o = json_object_new_object();
    const char *reason = reason_of(a, told);
    char id[64];

    (void)snprintf(id, sizeof(id), "msg_%s", told->id);
    json_object_object_add(o, "id", json_object_new_string(id));
    json_object_object_add(o, "type", json_object_new_string("message"));
    json_object_object_add(o, "role", json_object_new_string("assistant"));
    json_object_object_add(o, "model", json_object_new_string(told->model));
    json_object_object_add(o, "content", content_of(a, told));
    json_object_object_add(o, "stop_reason", json_object_new_string(reason));
    json_object_object_add(o, "stop_sequence",
                           strcmp(reason, "stop_sequence") == 0
                               ? json_object_new_string(ANSWER_STOP)
                               : NULL);
    json_object_object_add(o, "usage", usage_of(a, told));
    return o;
}
