/*
 * fuzz_usage.c - what asks for a report of tokens, and is the report hidden alone?
 *
 * Input: a byte (where a stream is cut), a body in JSON or an event stream.
 *
 * A body that is changed is JSON, asks for the report, says all else that it said,
 * and is the same bytes again when the change is taken back.  What is hidden of a
 * stream does not depend on where it is cut.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/prompt_bytes.h"
#include "fcgi/upstream/sse.h"
#include "fcgi/usage_ask.h"
#include "fcgi/usage_hide.h"
#include "lib/buf.h"
#include "lib/json_strict.h"

static struct json_object *parse(const char *text, size_t len)
{
    char *copy = fuzz_copy((const uint8_t *)text, len);
    struct json_object *root = json_strict_object(copy, len);

    free(copy);
    return root;
}

static void check_asked(struct json_object *was, struct json_object *is)
{
    struct json_object *options = NULL, *wish = NULL;

    CHECK(is != NULL);
    CHECK(json_object_object_get_ex(is, "stream_options", &options));
    CHECK(json_object_object_get_ex(options, "include_usage", &wish));
    CHECK(json_object_is_type(wish, json_type_boolean) &&
          json_object_get_boolean(wish));
    json_object_object_del(was, "stream_options");
    json_object_object_del(is, "stream_options");
    /* As texts: json-c reads NaN, which is not equal to itself. */
    CHECK(strcmp(json_object_to_json_string(was),
                 json_object_to_json_string(is)) == 0);
}

static void ask(const char *text, size_t len)
{
    struct json_object *was = parse(text, len), *is;
    struct buf body = {NULL, 0, 0, 0};
    struct usage_ask a;

    CHECK(prompt_bytes(text, len) <= len);
    if (was != NULL && usage_ask_find(&a, text, len)) {
        buf_add(&body, text, len);
        usage_ask_put(&a, &body);
        is = parse(buf_head(&body), body.len);
        check_asked(was, is);
        json_object_put(is);
        usage_ask_take(&a, &body);
        CHECK(body.len == len && memcmp(buf_head(&body), text, len) == 0);
        buf_free(&body);
    }
    json_object_put(was);
}

/* As relay.c does it: whole events, as they become whole.  False: there was an
 * error, and what stands behind it is read no more, not even half a line end. */
static bool hide(struct buf *out, const char *text, size_t len, size_t cut)
{
    struct usage_hide h = {.is_on = true};
    struct buf held = {NULL, 0, 0, 0};
    struct sse s = {.len = 0};
    size_t at, n, whole;

    for (at = 0; at < len && !s.has_error; at += n) {
        n = at == 0 && cut > 0 && cut < len ? cut : len - at;
        whole = sse_scan(&s, text + at, n);
        buf_add(&held, text + at, whole);
        if (held.len > 0 && whole > 0) {
            held.len = usage_hide(&h, held.data + held.start, held.len);
            if (held.len > 0)
                buf_add(out, buf_head(&held), held.len);
            buf_free(&held);
        }
        buf_add(&held, text + at + whole, n - whole);
    }
    buf_free(&held);
    return !s.has_error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t cut = take_byte(&in);
    struct buf whole = {NULL, 0, 0, 0}, parts = {NULL, 0, 0, 0};
    char *text = fuzz_copy(in.at, in.left);

    ask(text, in.left);
    if (hide(&whole, text, in.left, 0) && hide(&parts, text, in.left, cut)) {
        CHECK(whole.len <= in.left && whole.len == parts.len);
        CHECK(whole.len == 0 ||
              memcmp(buf_head(&whole), buf_head(&parts), whole.len) == 0);
    }
    buf_free(&whole);
    buf_free(&parts);
    free(text);
    return 0;
}
