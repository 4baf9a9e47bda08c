/*
 * chat_answer.c - what does a whole chat completion say?
 *
 * Thinking first, then words, then calls.  Of several choices the first is the
 * answer: both APIs that we tell it in ask for one.
 */
#include "fcgi/messages/chat_answer.h"

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/messages/call_input.h"
#include "fcgi/messages/chat_stream.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/message_form.h"

/* False: it has not come to its end by itself. */
static bool put_input(struct json_object *f, struct buf *input)
{
    struct json_object *arguments = json_read_member(f, "arguments");
    size_t len;
    const char *text = json_read_text(f, "arguments", &len);
    struct call_input c = {.at = 0};
    struct buf all = {NULL, 0, 0, 0};

    if (json_object_is_type(arguments, json_type_object)) {
        json_write_value(input, arguments);
        return true;
    }
    call_input_take(&c, text, len, &all);
    buf_free(&all);
    call_input_write(text, len, input);
    return call_input_is_whole(&c);
}

/* A call without a name is none that anybody could answer. */
static void put_call(struct chat_stream *s, struct json_object *call,
                     struct buf *out)
{
    struct json_object *f = json_read_member(call, "function");
    struct buf id = {NULL, 0, 0, 0}, name = id, input = id;
    size_t len;
    const char *text = json_read_text(f, "name", &len);
    bool is_whole;

    if (text == NULL || len == 0)
        return;
    buf_add(&name, text, len);
    text = json_read_text(call, "id", &len);
    buf_add(&id, text, len);
    is_whole = put_input(f, &input);
    chat_stream_calls.call(s, out, &id, &name);
    chat_stream_calls.input(s, out, buf_head(&input), input.len);
    chat_stream_calls.close(s, out, !is_whole);
    buf_free(&id);
    buf_free(&name);
    buf_free(&input);
}

static size_t calls_in(struct json_object *message)
{
    struct json_object *calls = json_read_list(message, "tool_calls");

    return calls == NULL ? 0 : json_object_array_length(calls);
}

static void put_all(struct chat_stream *s, struct json_object *message,
                    struct buf *out)
{
    struct json_object *calls = json_read_list(message, "tool_calls");
    size_t i, n = calls_in(message);

    chat_stream_head(s, out);
    chat_stream_said(s, message, out);
    for (i = 0; i < n; i++)
        put_call(s, json_object_array_get_idx(calls, i), out);
    chat_stream_finish(s, out);
}

bool chat_answer_tell(const char *body, size_t len,
                      const struct chat_teller *tell, void *to, struct buf *out)
{
    struct json_object *root, *choice, *message;
    struct chat_stream s;
    bool is_one;

    (void)json_read_object(body, len, &root);
    choice = message_form_choice(root);
    message = json_read_member(choice, "message");
    /* Of more calls than that none is left out in silence, as in a stream. */
    is_one = json_object_is_type(message, json_type_object) &&
             calls_in(message) <= CHAT_CALLS_MAX;
    chat_stream_init(&s, tell, to);
    if (is_one) {
        answer_end_read(&s.end, root, choice);
        put_all(&s, message, out);
    }
    chat_stream_fini(&s);
    json_object_put(root);
    return is_one;
}
