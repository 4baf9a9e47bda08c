/*
 * body.c - what does the body ask for?
 *
 * Model, stream and how long its answers may be are read, all else passes as it came, but for a
 * byte order mark, which no JSON text has.  Where a route needs them, what is
 * wrong with them is told.  A body is hostile: it may be a bomb of nested
 * arrays, or text that json-c would read and the upstream would not.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "fcgi/body_plain.h"
#include "fcgi/conversation.h"
#include "fcgi/fault.h"
#include "fcgi/multipart.h"
#include "fcgi/prompt_bytes.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "lib/json_strict.h"

/* One big parse at a time in a worker, whatever the number of threads. */
static pthread_mutex_t big_parse = PTHREAD_MUTEX_INITIALIZER;

/* Before json-c builds a tree of it: counts what a value may follow, outside
 * of strings, and finds the single quotes and comments that json-c may take,
 * in which more of it could hide. */
static void look_over(struct request *r)
{
    const char *start = buf_head(&r->body), *end = start + r->body.len, *p;
    bool inside = false;
    size_t n = 0;

    for (p = start; p < end; p++) {
        if (inside && *p == '\\')
            p++;
        else if (*p == '"')
            inside = !inside;
        else if (!inside)
            n += *p == ',' || *p == '[' || *p == '{';
        if (!inside && (*p == '\'' || *p == '/')) {
            fault_bad(&r->fault,
                      "The body is not JSON: it has a %c at byte %td.", *p,
                      p - start);
            return;
        }
    }
    if (n > JSON_VALUES_MAX)
        fault_set(&r->fault, ERROR_TOO_LARGE,
                  "The body holds more than %d JSON values.", JSON_VALUES_MAX);
}

static json_object *parse(struct request *r)
{
    json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    json_object *root;

    CHECK(tok != NULL);
    root = json_strict_parse(tok, buf_head(&r->body), r->body.len);
    switch (json_tokener_get_error(tok)) {
    case json_tokener_success:
        if (json_tokener_get_parse_end(tok) < r->body.len)
            fault_bad(&r->fault, "The body goes on after its JSON value.");
        break;
    case json_tokener_continue:
        fault_bad(&r->fault, "The body is not JSON: it ends too early.");
        break;
    case json_tokener_error_depth:
        fault_bad(&r->fault, "The body is JSON nested deeper than %d levels.",
                  JSON_DEPTH);
        break;
    default:
        fault_bad(&r->fault, "The body is not JSON: %s at byte %zu.",
                  json_tokener_error_desc(json_tokener_get_error(tok)),
                  json_tokener_get_parse_end(tok));
    }
    json_tokener_free(tok);
    return root;
}

/* ---- what it asks for --------------------------------------------------------- */

/* One that was stored at the upstream says which model it is for. */
static bool is_stored_prompt(const struct request *r, json_object *root)
{
    return r->route->ends == ENDS_RESPONSE &&
           json_object_object_get_ex(root, "prompt", NULL);
}

static void read_model(struct request *r, json_object *root)
{
    json_object *v;
    size_t len;

    if (!json_object_object_get_ex(root, "model", &v)) {
        if (is_stored_prompt(r, root))
            return;
        fault_bad(&r->fault, "\"model\" is missing.");
        return;
    }
    len = json_object_is_type(v, json_type_string)
              ? (size_t)json_object_get_string_len(v)
              : 0;
    if (len == 0)
        fault_bad(&r->fault, "\"model\" must be a string that is not empty.");
    else if (len > MODEL_BYTES)
        fault_bad(&r->fault, "\"model\" is longer than %d bytes.", MODEL_BYTES);
    else if (strlen(json_object_get_string(v)) != len)
        fault_bad(&r->fault, "\"model\" holds a zero character.");
    else
        request_name_model(r, json_object_get_string(v), len);
}

static bool is_word(json_object *v, const char *word)
{
    return json_object_is_type(v, json_type_string) &&
           strcasecmp(json_object_get_string(v), word) == 0;
}

/* 0, 1 and "true" are what some clients write, and what upstreams take. */
static void read_stream(struct request *r, json_object *root)
{
    json_object *v;
    int64_t n;

    if (!json_object_object_get_ex(root, "stream", &v) || v == NULL)
        return;
    n = json_object_get_int64(v);
    if (json_object_is_type(v, json_type_boolean) ||
        (json_object_is_type(v, json_type_int) && (n == 0 || n == 1)))
        r->stream = n == 1;
    else if (is_word(v, "true") || is_word(v, "false"))
        r->stream = is_word(v, "true");
    else
        fault_bad(&r->fault, "\"stream\" must be true or false.");
}

/* Of several the largest counts: which of them the upstream heeds is unknown. */
static void read_max_tokens(struct request *r, json_object *root)
{
    static const char *const names[] = {"max_tokens", "max_completion_tokens",
                                        "max_output_tokens"};
    json_object *v;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names); i++) {
        if (!json_object_object_get_ex(root, names[i], &v) || v == NULL)
            continue;
        if (json_object_is_type(v, json_type_int) ||
            json_object_is_type(v, json_type_double))
            r->max_tokens = max_i64(r->max_tokens, json_object_get_int64(v));
        else
            fault_bad(&r->fault, "\"%s\" must be a number.", names[i]);
    }
}

/* What is odd there is the upstream's to judge. */
static void read_answers(struct request *r, json_object *root)
{
    static const char *const names[] = {"n", "best_of"};
    json_object *v;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_object_get_ex(root, names[i], &v) &&
            json_object_is_type(v, json_type_int))
            r->answers = max_i64(r->answers, json_object_get_int64(v));
    r->answers = min_i64(r->answers, ANSWERS_MAX);
}

/* Whose work it is, as one API or the other says it; what is odd there is the
 * upstream's to judge. */
static void read_user(struct request *r, json_object *root)
{
    static const char *const names[] = {"user", "safety_identifier"};
    json_object *v, *metadata;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names) && r->user[0] == '\0'; i++)
        if (json_object_object_get_ex(root, names[i], &v) &&
            json_object_is_type(v, json_type_string))
            (void)snprintf(r->user, sizeof(r->user), "%s",
                           json_object_get_string(v));
    if (r->user[0] == '\0' &&
        json_object_object_get_ex(root, "metadata", &metadata) &&
        json_object_object_get_ex(metadata, "user_id", &v) &&
        json_object_is_type(v, json_type_string))
        (void)snprintf(r->user, sizeof(r->user), "%s",
                       json_object_get_string(v));
}

/* What an upstream was asked to keep only that one knows. */
static void read_bonds(struct request *r, json_object *root)
{
    static const char *const names[] = {"previous_response_id", "conversation"};
    json_object *v;
    size_t i;

    if (r->route->ends != ENDS_RESPONSE)
        return;
    r->is_bound = is_stored_prompt(r, root);
    for (i = 0; i < ARRAY_LEN(names); i++)
        r->is_bound |=
            json_object_object_get_ex(root, names[i], &v) && v != NULL;
}

static void read_tree(struct request *r, json_object *root)
{
    read_model(r, root);
    read_stream(r, root);
    read_max_tokens(r, root);
    read_answers(r, root);
    read_user(r, root);
    read_bonds(r, root);
}

/* By json-c, which reads all that is JSON, and knows what is wrong.  True: it is
 * an object, and nothing is. */
static bool read_by_tree(struct request *r)
{
    bool big = r->body.len > JSON_BIG, is_object;
    json_object *root = NULL;

    look_over(r);
    if (r->fault.status != 0)
        return false;
    if (big)
        pthread_mutex_lock(&big_parse);
    *buf_room(&r->body, 1) = '\0'; /* json_strict_parse() wants it */
    if (buf_is_utf8(buf_head(&r->body), r->body.len))
        root = parse(r);
    else
        fault_bad(&r->fault, "The body is not valid UTF-8.");
    is_object = json_object_is_type(root, json_type_object);
    if (!is_object && r->route->needs_json)
        fault_bad(&r->fault,
                  "The body must be a JSON object."); /* null is none, too */
    is_object = is_object && r->fault.status == 0;
    if (is_object)
        read_tree(r, root);
    json_object_put(root);
    if (big) {
        malloc_trim(0); /* the tree was some times the body's size */
        pthread_mutex_unlock(&big_parse);
    }
    return is_object;
}

static void read_json(struct request *r)
{
    bool is_object = body_plain_read(r) || read_by_tree(r);

    buf_fit(&r->body);
    if (is_object && r->route->is_inference)
        r->began =
            conversation_of(r->route->ends, buf_head(&r->body), r->body.len);
}

static void read_form(struct request *r)
{
    const char *type = asked_header(&r->headers, "content-type"), *value;
    const char *body = buf_head(&r->body);
    size_t n;

    if (type != NULL &&
        multipart_field(type, body, r->body.len, "model", &value, &n) &&
        n > 0 && n <= MODEL_BYTES && memchr(value, '\0', n) == NULL &&
        buf_is_utf8(value, n))
        request_name_model(r, value, n);
    if (type != NULL &&
        multipart_field(type, body, r->body.len, "stream", &value, &n))
        r->stream = (n == 4 && strncasecmp(value, "true", 4) == 0) ||
                    (n == 1 && *value == '1');
}

/* PowerShell writes it before what it sends. */
static void drop_bom(struct request *r)
{
    if (r->body.len >= 3 && memcmp(buf_head(&r->body), "\xef\xbb\xbf", 3) == 0)
        buf_take(&r->body, 3);
}

/* Where a route is only passed on, nothing of a body is ours to judge: what
 * cannot be used is as if it were not there. */
static void peek(struct request *r)
{
    read_json(r);
    memset(&r->fault, 0, sizeof(r->fault));
}

void request_parse_body(struct request *r)
{
    if (r->content_length >= 0 && (int64_t)r->body.len != r->content_length)
        fault_bad(&r->fault,
                  "The body is %zu bytes long but Content-Length says %" PRId64
                  ".",
                  r->body.len, r->content_length);
    if (r->fault.status != 0 || r->route == NULL || !r->route->proxied)
        return;
    if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0) {
        buf_free(&r->body); /* it means nothing and goes nowhere */
        return;
    }
    if (r->is_json || r->route->needs_json)
        drop_bom(r);
    if (r->route->needs_json && r->has_type && !r->is_json)
        fault_bad(&r->fault, "Content-Type must be application/json here.");
    else if (r->route->needs_json && r->body.len == 0)
        fault_bad(&r->fault, "The body is empty: a JSON object is needed.");
    if (r->fault.status != 0 || r->body.len == 0)
        return;
    if (r->route->needs_json)
        read_json(r);
    else if (r->is_json)
        peek(r);
    else
        read_form(r);
    if (r->route->is_inference) /* else no model reads it */
        r->prompt_bytes =
            r->is_json || r->route->needs_json
                ? prompt_bytes(buf_head(&r->body), r->body.len)
                : (uint64_t)min_i64((int64_t)r->body.len, PROMPT_FILE_BYTES);
}
