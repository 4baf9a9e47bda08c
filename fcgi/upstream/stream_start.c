/*
 * stream_start.c - has an event stream begun to answer?
 *
 * Until it has, an upstream can still say that it is full, and the request can
 * go again without the client's knowledge.  Model servers send a first chunk
 * with nothing but a role, the Responses API some events of state.
 */
#include "fcgi/upstream/stream_start.h"

#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/json_strict.h"
#include "state/limiter.h"

/* Not null, and no empty text, list or object. */
static bool says_something(json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        return false;
    case json_type_string:
        return json_object_get_string_len(v) > 0;
    case json_type_array:
        return json_object_array_length(v) > 0;
    case json_type_object:
        return json_object_object_length(v) > 0;
    default:
        return true;
    }
}

/* Whatever says something but a role: text, reasoning under any of its names,
 * calls of tools, a refusal. */
static bool delta_has_content(json_object *delta)
{
    struct json_object_iterator it, end;

    if (!json_object_is_type(delta, json_type_object))
        return says_something(delta);
    it = json_object_iter_begin(delta);
    end = json_object_iter_end(delta);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (strcmp(json_object_iter_peek_name(&it), "role") != 0 &&
            says_something(json_object_iter_peek_value(&it)))
            return true;
    return false;
}

static bool choice_has_content(json_object *choice)
{
    json_object *v;

    if (json_object_object_get_ex(choice, "text", &v) && says_something(v))
        return true;
    if (json_object_object_get_ex(choice, "finish_reason", &v) &&
        says_something(v))
        return true;
    return json_object_object_get_ex(choice, "delta", &v) &&
           delta_has_content(v);
}

/* Of the Responses API and Anthropic's: what comes before the first piece of
 * output. */
static bool is_state(json_object *root)
{
    static const char *const states[] = {"response.created", "response.queued",
                                         "response.in_progress",
                                         "message_start", "ping"};
    json_object *type;
    size_t i;

    if (!json_object_object_get_ex(root, "type", &type) ||
        !json_object_is_type(type, json_type_string))
        return false;
    for (i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(json_object_get_string(type), states[i]) == 0)
            return true;
    return false;
}

static bool event_has_content(json_object *root)
{
    json_object *choices;
    size_t i;

    if (!json_object_is_type(root, json_type_object))
        return true;
    if (!json_object_object_get_ex(root, "choices", &choices) ||
        !json_object_is_type(choices, json_type_array))
        return !is_state(root);
    for (i = 0; i < json_object_array_length(choices); i++)
        if (choice_has_content(json_object_array_get_idx(choices, i)))
            return true;
    /* Without choices it is a report of tokens or the like. */
    return json_object_array_length(choices) == 0;
}

/* A "data:" line of LEN bytes without its end. */
static bool line_has_content(const char *line, size_t len)
{
    json_tokener *tok;
    json_object *root;
    bool answers_it;

    if (len < 5 || memcmp(line, "data:", 5) != 0)
        return false; /* a comment, a name, an id */
    tok = json_tokener_new_ex(JSON_DEPTH);
    CHECK(tok != NULL);
    root = json_tokener_parse_ex(tok, line + 5, (int)(len - 5));
    answers_it = event_has_content(root);
    json_object_put(root);
    json_tokener_free(tok);
    return answers_it;
}

/* The length of the line at P without its end; -1: that is not here yet. */
static ptrdiff_t line_len(const char *p, const char *end)
{
    const char *at = p;

    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at < end ? at - p : -1;
}

size_t stream_start_len(const char *bytes, size_t from, size_t len)
{
    const char *end = bytes + len, *p = bytes + from;
    bool answers_it = false;
    ptrdiff_t n;

    if (from == 0 && len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3; /* a byte order mark is none of the first line */
    while ((n = line_len(p, end)) >= 0) {
        answers_it = answers_it || line_has_content(p, (size_t)n);
        p += n;
        p += p[0] == '\r' && end - p > 1 && p[1] == '\n' ? 2 : 1;
        if (n == 0 && answers_it)
            return (size_t)(p - bytes);
    }
    return 0;
}
