/*
 * fuzz_body.c - a request's body, read as JSON.
 *
 * Input: a byte that chooses route, type and Content-Length, then the body.
 */
#include "fuzz.h"

#include <json-c/json.h>
#include <strings.h>

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/request.h"
#include "fcgi/route.h"

static const char *const requests[][2] = {
    {"REQUEST_METHOD=POST", "REQUEST_URI=/v1/chat/completions"},
    {"REQUEST_METHOD=POST", "REQUEST_URI=/v1/embeddings"},
    {"REQUEST_METHOD=POST", "REQUEST_URI=/v1/something/else"},
    {"REQUEST_METHOD=GET", "REQUEST_URI=/v1/something/else"},
};

static struct request *request(unsigned choice)
{
    static const char *const types[] = {
        "CONTENT_TYPE=application/json", "CONTENT_TYPE=text/plain",
        "CONTENT_TYPE=application/vnd.x+JSON; charset=utf-8", NULL};
    const char *const *line = requests[choice & 3];
    const char *type = types[choice >> 2 & 3];
    char *envp[4] = {fuzz_copy(line[0], strlen(line[0])),
                     fuzz_copy(line[1], strlen(line[1])), NULL, NULL};
    struct request *r;
    int i;

    if (type != NULL)
        envp[2] = fuzz_copy(type, strlen(type));
    r = request_new(envp, 1);
    gate_route(&routes_all, r);
    CHECK(r->route != NULL && r->fault.status == 0);
    for (i = 0; i < 4; i++)
        free(envp[i]);
    return r;
}

/* Of JSON, a byte order mark is left out. */
static size_t mark_len(const struct request *r, const char *text, size_t len)
{
    return r->is_json && len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3
                                                                          : 0;
}

/* The words are as good as the value to whoever asks for a stream. */
static bool is_stream(json_object *v)
{
    if (!json_object_is_type(v, json_type_string))
        return json_object_get_boolean(v);
    return strcasecmp(json_object_get_string(v), "true") == 0;
}

/* No fault was found: is it what another, lenient reader sees? */
static void check_as_read(const struct request *r, const char *text, size_t len)
{
    json_object *root, *v;

    root = json_tokener_parse(text);
    CHECK(json_object_is_type(root, json_type_object));
    CHECK(buf_is_utf8(text, len) && strlen(text) == len);
    CHECK(json_object_object_get_ex(root, "model", &v));
    CHECK(strcmp(json_object_get_string(v), request_model(r)) == 0);
    if (json_object_object_get_ex(root, "stream", &v) && v != NULL)
        CHECK((json_object_is_type(v, json_type_boolean) ||
               json_object_is_type(v, json_type_int) ||
               json_object_is_type(v, json_type_string)) &&
              r->stream == is_stream(v));
    else
        CHECK(!r->stream);
    json_object_put(root);
}

static void check(const struct request *r, const char *text, size_t len)
{
    bool is_post = strcmp(r->method, "POST") == 0;
    size_t mark = mark_len(r, text, len);

    CHECK((r->fault.status != 0) == (r->fault.code != ERROR_NONE));
    CHECK(r->fault.status == 0 || r->fault.status == 400 ||
          r->fault.status == 413);
    CHECK(!fuzz_has_control(r->fault.message));
    CHECK(memchr(r->model, '\0', sizeof(r->model)) != NULL);
    CHECK(buf_is_utf8(r->model, strlen(r->model)));
    /* What is only passed on is refused for nothing in it. */
    CHECK(r->fault.status == 0 || r->route->needs_json ||
          (int64_t)len != r->content_length);
    if (r->fault.status != 0)
        return;
    if (!is_post) {
        CHECK(r->body.len == 0);
        return;
    }
    CHECK(r->body.len == len - mark &&
          (len == mark ||
           memcmp(buf_head(&r->body), text + mark, len - mark) == 0));
    CHECK(r->body.start + r->body.len <= r->body.cap);
    if (!r->route->needs_json)
        return;
    CHECK(r->model[0] != '\0');
    check_as_read(r, text + mark, len - mark);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned choice = take_byte(&in);
    int64_t said = -1;
    struct request *r;
    char *text;

    if (choice >> 4 == 0) /* control characters: a length that is wrong */
        said = (int64_t)in.left + 1;
    else if (choice >> 4 != 2)
        said = (int64_t)in.left;
    r = request(choice);
    text = fuzz_copy(in.at, in.left);
    buf_add(&r->body, text, in.left);
    buf_fit(&r->body);
    r->content_length = said;
    request_parse_body(r);
    if (choice >> 4 == 0)
        CHECK(r->fault.status == 400);
    check(r, text, in.left);
    request_free(r);
    free(text);
    return 0;
}
