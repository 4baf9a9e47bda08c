/*
 * The message that a stream of the Messages API is, as a client puts it
 * together; and that it is told in the order which clients insist on.
 */
#ifndef SLUICE_FOLD_H
#define SLUICE_FOLD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "lib/json_strict.h"

struct fold {
    struct json_object *message; /* of message_start; content grows in it */
    int64_t open;                /* index of the open block; -1: none */
    struct buf input;            /* of that, if it is a call */
    bool has_delta, has_stop;    /* message_delta, message_stop */
    bool has_error;
};

static inline struct json_object *fold_get(struct json_object *o,
                                           const char *key)
{
    struct json_object *v = NULL;

    CHECK(json_object_object_get_ex(o, key, &v));
    return v;
}

static inline const char *fold_text(struct json_object *o, const char *key)
{
    CHECK(json_object_is_type(fold_get(o, key), json_type_string));
    return json_object_get_string(fold_get(o, key));
}

static inline bool fold_is(struct json_object *o, const char *type)
{
    return strcmp(fold_text(o, "type"), type) == 0;
}

static inline struct json_object *fold_content(struct fold *f)
{
    return fold_get(f->message, "content");
}

static inline void fold_begin_block(struct fold *f, struct json_object *e)
{
    struct json_object *block = fold_get(e, "content_block");
    int64_t n = (int64_t)json_object_array_length(fold_content(f));

    CHECK(f->open == -1 && json_object_get_int64(fold_get(e, "index")) == n);
    f->open = n;
    json_object_array_add(fold_content(f), json_object_get(block));
}

/* Adds the text under DELTA's KEY to that of the open block. */
static inline void fold_add(struct fold *f, struct json_object *delta,
                            const char *key)
{
    struct json_object *block =
        json_object_array_get_idx(fold_content(f), (size_t)f->open);
    struct json_object *more = fold_get(delta, key);
    struct json_object *old = fold_get(block, key);
    struct buf b = {NULL, 0, 0, 0};

    buf_add(&b, json_object_get_string(old),
            (size_t)json_object_get_string_len(old));
    buf_add(&b, json_object_get_string(more),
            (size_t)json_object_get_string_len(more));
    json_object_object_add(
        block, key,
        json_object_new_string_len(b.len > 0 ? buf_head(&b) : "", (int)b.len));
    buf_free(&b);
}

static inline void fold_delta(struct fold *f, struct json_object *e)
{
    struct json_object *delta = fold_get(e, "delta");

    CHECK(f->open >= 0);
    CHECK(json_object_get_int64(fold_get(e, "index")) == f->open);
    if (fold_is(delta, "text_delta")) {
        fold_add(f, delta, "text");
    } else if (fold_is(delta, "thinking_delta")) {
        fold_add(f, delta, "thinking");
    } else if (fold_is(delta, "signature_delta")) {
        fold_add(f, delta, "signature");
    } else {
        CHECK(fold_is(delta, "input_json_delta"));
        buf_str(&f->input, fold_text(delta, "partial_json"));
    }
}

/* Input that is no JSON, which only a model can have done, stays a text. */
static inline void fold_end_block(struct fold *f, struct json_object *e)
{
    struct json_object *block, *input;

    CHECK(f->open >= 0);
    CHECK(json_object_get_int64(fold_get(e, "index")) == f->open);
    block = json_object_array_get_idx(fold_content(f), (size_t)f->open);
    CHECK(!fold_is(block, "thinking") || *fold_text(block, "signature"));
    f->open = -1;
    if (f->input.len == 0)
        return;
    CHECK(fold_is(block, "tool_use"));
    buf_add(&f->input, "", 1);
    input = json_strict_object(buf_head(&f->input), f->input.len - 1);
    json_object_object_add(
        block, "input",
        input != NULL ? input : json_object_new_string(buf_head(&f->input)));
    buf_take(&f->input, f->input.len);
}

static inline void fold_end(struct fold *f, struct json_object *e)
{
    struct json_object *delta = fold_get(e, "delta");

    CHECK(f->open == -1 && !f->has_delta);
    f->has_delta = true;
    json_object_object_add(f->message, "stop_reason",
                           json_object_get(fold_get(delta, "stop_reason")));
    json_object_object_add(f->message, "stop_sequence",
                           json_object_get(fold_get(delta, "stop_sequence")));
    json_object_object_add(f->message, "usage",
                           json_object_get(fold_get(e, "usage")));
}

static inline void fold_event(struct fold *f, struct json_object *e)
{
    CHECK(!f->has_stop && !f->has_error);
    if (fold_is(e, "error")) {
        CHECK(*fold_text(fold_get(e, "error"), "type"));
        CHECK(fold_text(fold_get(e, "error"), "message") != NULL);
        f->has_error = true;
    } else if (fold_is(e, "message_start")) {
        CHECK(f->message == NULL);
        f->message = json_object_get(fold_get(e, "message"));
    } else if (fold_is(e, "content_block_start")) {
        fold_begin_block(f, e);
    } else if (fold_is(e, "content_block_delta")) {
        fold_delta(f, e);
    } else if (fold_is(e, "content_block_stop")) {
        fold_end_block(f, e);
    } else if (fold_is(e, "message_delta")) {
        fold_end(f, e);
    } else {
        CHECK(fold_is(e, "message_stop") && f->has_delta);
        f->has_stop = true;
    }
}

/* Reads all events in BYTES, LEN of them.  The message, if it came to its end,
 * is the caller's; NULL: it did not.  What no client could read ends it all. */
static inline struct json_object *fold(const char *bytes, size_t len)
{
    struct fold f = {.open = -1};
    const char *p = bytes, *end = bytes + len;

    while (p < end) {
        const char *data = memchr(p, '\n', (size_t)(end - p));
        const char *stop =
            data == NULL ? NULL : memmem(data, (size_t)(end - data), "\n\n", 2);
        struct buf text = {NULL, 0, 0, 0};
        struct json_object *e;

        CHECK(stop != NULL && strncmp(p, "event: ", 7) == 0);
        CHECK(strncmp(data, "\ndata: {", 8) == 0);
        buf_add(&text, data + 7, (size_t)(stop - data) - 7);
        CHECK(memchr(buf_head(&text), '\n', text.len) == NULL);
        buf_add(&text, "", 1);
        e = json_strict_object(buf_head(&text), text.len - 1);
        CHECK(e != NULL);
        CHECK(strncmp(p + 7, fold_text(e, "type"), (size_t)(data - p) - 7) ==
              0);
        fold_event(&f, e);
        json_object_put(e);
        buf_free(&text);
        p = stop + 2;
    }
    buf_free(&f.input);
    if (f.has_stop)
        return f.message;
    json_object_put(f.message);
    return NULL;
}

#endif
