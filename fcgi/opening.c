/*
 * opening.c - has an event stream begun to answer?
 *
 * Until it has, an upstream can still say that it is full, and the request can
 * go again without the client's knowledge.  Model servers send a first chunk
 * with nothing but a role, the Responses API some events of state.
 */
#include "opening.h"

#include <json-c/json.h>
#include <string.h>

#include "../state/limiter.h"
#include "limits.h"

/* Fields of a delta that a person or a program would miss. */
static const char *const answers[] = {
    "content",    "reasoning_content", "reasoning", "refusal",
    "tool_calls", "function_call",     "audio",
};

/* Not null, and no empty text or list. */
static bool says_something(json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        return false;
    case json_type_string:
        return json_object_get_string_len(v) > 0;
    case json_type_array:
        return json_object_array_length(v) > 0;
    default:
        return true;
    }
}

static bool choice_has_content(json_object *choice)
{
    json_object *v, *delta;
    size_t i;

    if (json_object_object_get_ex(choice, "text", &v) && says_something(v))
        return true;
    if (json_object_object_get_ex(choice, "finish_reason", &v) &&
        says_something(v))
        return true;
    if (!json_object_object_get_ex(choice, "delta", &delta))
        return false;
    for (i = 0; i < ARRAY_LEN(answers); i++)
        if (json_object_object_get_ex(delta, answers[i], &v) &&
            says_something(v))
            return true;
    return false;
}

/* Of the Responses API: what comes before the first piece of output. */
static bool is_state(json_object *root)
{
    static const char *const states[] = {"response.created", "response.queued",
                                         "response.in_progress"};
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

size_t opening_len(const char *bytes, size_t len)
{
    const char *end = bytes + len, *p = bytes, *nl;
    bool answers_it = false;

    for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
        size_t n = (size_t)(nl - p);

        if (n > 0 && p[n - 1] == '\r')
            n--;
        if (n == 0 && answers_it)
            return (size_t)(nl + 1 - bytes);
        answers_it = answers_it || line_has_content(p, n);
    }
    return 0;
}
