/*
 * unfold.c - how does a whole answer look as the events of a stream?
 *
 *   chat.completion   a chunk with each message as `delta`, one with
 *   text_completion   `finish_reason` and usage, [DONE]
 *   response          unfold_response.c
 *   message           unfold_message.c
 *   {"error":...}     as it is
 *
 * Some upstreams ignore `stream`.  Their answer is good and paid for; what
 * was promised before it came is its form only.
 *
 * The reason comes after the words, as in any stream: there are clients that
 * stop reading at it.  Usage goes with it and not into a chunk of its own:
 * that one has no choices, which only who asked for it is prepared for.
 */
#include "fcgi/upstream/unfold.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/json_strict.h"
#include "state/limiter.h"

/* ---- JSON ------------------------------------------------------------------- */

/* An object, and nothing behind it; NULL: something else. */
static struct json_object *parse(const char *text, size_t len)
{
    struct json_object *root;
    struct buf copy = {NULL, 0, 0, 0};

    buf_add(&copy, text, len);
    buf_add(&copy, "", 1); /* for the parser */
    root = json_strict_object(buf_head(&copy), len);
    buf_free(&copy);
    return root;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

struct json_object *unfold_copy(struct json_object *o,
                                const char *const *left_out)
{
    struct json_object *copy = json_object_new_object();
    struct json_object_iterator it, end;

    CHECK(copy != NULL);
    if (!json_object_is_type(o, json_type_object))
        return copy;
    it = json_object_iter_begin(o);
    end = json_object_iter_end(o);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *name = json_object_iter_peek_name(&it);

        if (!is_one_of(name, left_out))
            json_object_object_add(
                copy, name, json_object_get(json_object_iter_peek_value(&it)));
    }
    return copy;
}

const char *unfold_text(struct json_object *o, const char *key)
{
    struct json_object *v;

    if (!json_object_is_type(o, json_type_object) ||
        !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_string))
        return NULL;
    return json_object_get_string(v);
}

struct json_object *unfold_list(struct json_object *o, const char *key)
{
    struct json_object *v;

    if (!json_object_is_type(o, json_type_object) ||
        !json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_array))
        return NULL;
    return v;
}

void unfold_event(struct buf *out, const char *name, struct json_object *data)
{
    if (name != NULL) {
        buf_str(out, "event: ");
        buf_str(out, name);
        buf_str(out, "\n");
    }
    buf_str(out, "data: ");
    buf_str(out,
            json_object_to_json_string_ext(
                data, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_str(out, "\n\n");
    json_object_put(data);
}

/* ---- chat and completions ------------------------------------------------------- */

/* Calls of tools have a place in a stream, which is theirs in the list. */
static struct json_object *numbered(struct json_object *calls)
{
    static const char *const left_out[] = {"index", NULL};
    struct json_object *list = json_object_new_array();
    size_t i;

    for (i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *call =
            unfold_copy(json_object_array_get_idx(calls, i), left_out);

        json_object_object_add(call, "index",
                               json_object_new_int64((int64_t)i));
        json_object_array_add(list, call);
    }
    return list;
}

static struct json_object *delta_of(struct json_object *message)
{
    static const char *const left_out[] = {"tool_calls", NULL};
    struct json_object *delta = unfold_copy(message, left_out);
    struct json_object *calls = unfold_list(message, "tool_calls");

    if (calls != NULL && json_object_array_length(calls) > 0)
        json_object_object_add(delta, "tool_calls", numbered(calls));
    return delta;
}

/* All of a choice but why it ended. */
static struct json_object *first_part(struct json_object *choice)
{
    static const char *const left_out[] = {"message", "finish_reason", NULL};
    struct json_object *part = unfold_copy(choice, left_out), *message;

    if (json_object_object_get_ex(choice, "message", &message))
        json_object_object_add(part, "delta", delta_of(message));
    json_object_object_add(part, "finish_reason", NULL);
    return part;
}

/* And that. */
static struct json_object *last_part(struct json_object *choice)
{
    struct json_object *part = json_object_new_object(), *v = NULL;

    if (json_object_object_get_ex(choice, "index", &v))
        json_object_object_add(part, "index", json_object_get(v));
    if (json_object_object_get_ex(choice, "message", NULL))
        json_object_object_add(part, "delta", json_object_new_object());
    else
        json_object_object_add(part, "text", json_object_new_string(""));
    v = NULL;
    (void)json_object_object_get_ex(choice, "finish_reason", &v);
    json_object_object_add(part, "finish_reason", json_object_get(v));
    return part;
}

/* A chunk of ROOT with the parts that MAKE has of its choices. */
static struct json_object *chunk_of(
    struct json_object *root, const char *object,
    struct json_object *(*make)(struct json_object *choice))
{
    static const char *const left_out[] = {"object", "choices", "usage", NULL};
    struct json_object *chunk = unfold_copy(root, left_out);
    struct json_object *from = unfold_list(root, "choices");
    struct json_object *choices = json_object_new_array();
    size_t i;

    for (i = 0; i < json_object_array_length(from); i++)
        json_object_array_add(choices,
                              make(json_object_array_get_idx(from, i)));
    json_object_object_add(chunk, "object", json_object_new_string(object));
    json_object_object_add(chunk, "choices", choices);
    return chunk;
}

/* The kind of its chunks, if all of its choices are messages, or texts; NULL:
 * something else. */
static const char *chunk_kind(struct json_object *root)
{
    struct json_object *choices = unfold_list(root, "choices");
    size_t i, n = choices == NULL ? 0 : json_object_array_length(choices);
    size_t messages = 0, texts = 0;

    for (i = 0; i < n; i++) {
        struct json_object *choice = json_object_array_get_idx(choices, i), *v;

        if (!json_object_is_type(choice, json_type_object))
            return NULL;
        if (json_object_object_get_ex(choice, "message", &v))
            messages += json_object_is_type(v, json_type_object);
        else
            texts += unfold_text(choice, "text") != NULL;
    }
    if (n == 0 || (messages < n && texts < n))
        return NULL;
    return messages == n ? "chat.completion.chunk" : "text_completion";
}

static bool unfold_chunks(struct buf *out, struct json_object *root)
{
    const char *kind = chunk_kind(root);
    struct json_object *last, *usage;

    if (kind == NULL)
        return false;
    unfold_event(out, NULL, chunk_of(root, kind, first_part));
    last = chunk_of(root, kind, last_part);
    if (json_object_object_get_ex(root, "usage", &usage) && usage != NULL)
        json_object_object_add(last, "usage", json_object_get(usage));
    unfold_event(out, NULL, last);
    buf_str(out, "data: [DONE]\n\n");
    return true;
}

/* ---- any ------------------------------------------------------------------------- */

/* What the SDKs take for one, where it is not part of an answer. */
static bool is_error(struct json_object *root)
{
    const char *type = unfold_text(root, "type");
    struct json_object *error = NULL;

    if (type != NULL && strcmp(type, "error") == 0)
        return true;
    return json_object_object_get_ex(root, "error", &error) && error != NULL &&
           (!json_object_is_type(error, json_type_boolean) ||
            json_object_get_boolean(error));
}

static bool unfold_answer(struct buf *out, struct json_object *root,
                          enum sse_ends ends)
{
    switch (ends) {
    case ENDS_DONE:
        return unfold_chunks(out, root);
    case ENDS_RESPONSE:
        return unfold_response(out, root);
    case ENDS_MESSAGE:
        return unfold_message(out, root);
    case ENDS_ANYHOW:
        break;
    }
    return false;
}

enum unfolded unfold(struct buf *out, const char *text, size_t len,
                     enum sse_ends ends)
{
    struct json_object *root = len > 0 ? parse(text, len) : NULL;
    enum unfolded is = UNFOLD_NOT;

    if (root == NULL)
        return UNFOLD_NOT;
    if (unfold_answer(out, root, ends)) {
        is = UNFOLD_ANSWER;
    } else if (is_error(root)) {
        is = UNFOLD_ERROR;
        unfold_event(out, ends == ENDS_MESSAGE ? "error" : NULL,
                     json_object_get(root));
    }
    json_object_put(root);
    return is;
}
