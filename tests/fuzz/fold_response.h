/*
 * The response that a stream of the Responses API is, as a client puts it
 * together; and that it is told in the order which clients insist on.
 */
#ifndef SLUICE_FOLD_RESPONSE_H
#define SLUICE_FOLD_RESPONSE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "lib/json_strict.h"

struct fold_response {
    struct json_object *items; /* that are done */
    struct json_object *last;  /* the response of the last event */
    struct buf said;           /* deltas of the open item */
    int64_t number, open;      /* of the next event; 1: an item is open */
    bool has_part, has_end, has_failed;
};

static inline struct json_object *folded(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;

    CHECK(json_object_object_get_ex(o, key, &v));
    return v;
}

static inline const char *folded_text(struct json_object *o, const char *key)
{
    CHECK(json_object_is_type(folded(o, key), json_type_string));
    return json_object_get_string(folded(o, key));
}

static inline bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* What deltas have said is what stands under KEY. */
static inline void folded_is_said(struct fold_response *f,
                                  struct json_object *o, const char *key)
{
    struct json_object *v = folded(o, key);
    size_t len = (size_t)json_object_get_string_len(v);

    CHECK(len == f->said.len);
    CHECK(len == 0 ||
          memcmp(json_object_get_string(v), buf_head(&f->said), len) == 0);
}

static inline const char *folded_key(const char *type)
{
    if (strstr(type, "arguments") != NULL)
        return "arguments";
    if (strstr(type, "custom_tool_call_input") != NULL)
        return "input";
    return strstr(type, "refusal") != NULL ? "refusal" : "text";
}

static inline void fold_item(struct fold_response *f, const char *type,
                             struct json_object *e)
{
    struct json_object *item = folded(e, "item");
    bool is_added = ends_in(type, ".added");

    CHECK(*folded_text(item, "id") && *folded_text(item, "type"));
    CHECK(f->open == !is_added && !f->has_part);
    CHECK((strcmp(folded_text(item, "status"), "in_progress") == 0) ==
          is_added);
    f->open = is_added;
    if (f->said.len > 0)
        buf_take(&f->said, f->said.len);
    if (!is_added)
        json_object_array_add(f->items, json_object_get(item));
}

static inline void fold_said(struct fold_response *f, const char *type,
                             struct json_object *e)
{
    struct json_object *delta;

    CHECK(f->open == 1 && *folded_text(e, "item_id"));
    CHECK(json_object_get_int64(folded(e, "output_index")) ==
          (int64_t)json_object_array_length(f->items));
    if (strstr(type, "_part.") != NULL) {
        CHECK(f->has_part == ends_in(type, ".done"));
        f->has_part = !f->has_part;
    } else if (ends_in(type, ".delta")) {
        delta = folded(e, "delta");
        CHECK(json_object_get_string_len(delta) > 0);
        buf_add(&f->said, json_object_get_string(delta),
                (size_t)json_object_get_string_len(delta));
    } else {
        CHECK(ends_in(type, ".done"));
        folded_is_said(f, e, folded_key(type));
    }
}

static inline void fold_end_response(struct fold_response *f, const char *type,
                                     struct json_object *e)
{
    struct json_object *r = folded(e, "response");

    CHECK(strcmp(folded_text(r, "object"), "response") == 0);
    CHECK(strcmp(folded_text(r, "status"), strchr(type, '.') + 1) == 0 ||
          strcmp(type, "response.created") == 0);
    json_object_put(f->last);
    f->last = json_object_get(r);
    if (strcmp(type, "response.failed") == 0) {
        f->has_failed = true;
        return;
    }
    if (strcmp(type, "response.created") == 0 ||
        strcmp(type, "response.in_progress") == 0) {
        CHECK(f->number <= 2 && json_object_array_length(f->items) == 0);
        return;
    }
    f->has_end = true;
    CHECK(f->open == 0 && json_object_equal(folded(r, "output"), f->items));
}

static inline void fold_response_event(struct fold_response *f,
                                       struct json_object *e)
{
    const char *type = folded_text(e, "type");

    CHECK(!f->has_end);
    CHECK(json_object_get_int64(folded(e, "sequence_number")) == f->number);
    f->number++;
    if (strcmp(type, "error") == 0) {
        CHECK(f->has_failed && folded_text(e, "message") != NULL);
        f->has_end = true;
        return;
    }
    CHECK(!f->has_failed);
    if (strstr(type, "output_item.") != NULL)
        fold_item(f, type, e);
    else if (strchr(type, '.') == strrchr(type, '.'))
        fold_end_response(f, type, e);
    else
        fold_said(f, type, e);
}

/* Of LEN bytes at TEXT, which end with an event.  The caller's; NULL: it has
 * failed. */
static inline struct json_object *fold_response(const char *text, size_t len)
{
    struct fold_response f = {.items = json_object_new_array()};
    const char *p = text, *end = text + len, *stop, *data;

    for (; p < end; p = stop + 2) {
        struct json_object *e;

        stop = memmem(p, (size_t)(end - p), "\n\n", 2);
        CHECK(stop != NULL && memcmp(p, "event: ", 7) == 0);
        data = memmem(p, (size_t)(stop - p), "\ndata: ", 7);
        CHECK(data != NULL);
        e = json_strict_object(data + 7, (size_t)(stop - data - 7));
        CHECK(e != NULL);
        CHECK(strncmp(p + 7, folded_text(e, "type"), (size_t)(data - p - 7)) ==
              0);
        fold_response_event(&f, e);
        json_object_put(e);
    }
    CHECK(f.has_end);
    json_object_put(f.items);
    buf_free(&f.said);
    if (f.has_failed) {
        json_object_put(f.last);
        return NULL;
    }
    return f.last;
}

#endif
