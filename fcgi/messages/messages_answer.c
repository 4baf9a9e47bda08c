/*
 * messages_answer.c - how does a whole chat completion look as a message?
 *
 * Thinking first, then words, then calls.  Of several choices the first is the
 * answer: a Messages request asks for one.
 */
#include <json-c/json.h>

#include "fcgi/messages/answer_blocks.h"
#include "fcgi/messages/answer_end.h"
#include "fcgi/messages/call_input.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/message_form.h"
#include "fcgi/messages/messages.h"

struct answering {
    struct answer_blocks blocks;
    struct answer_end end;
    struct buf *out;
};

static void put_thought(void *arg, const char *text, size_t len)
{
    struct answering *a = arg;

    answer_blocks_thought(&a->blocks, a->out, text, len);
}

static void put_words(void *arg, const char *text, size_t len)
{
    struct answering *a = arg;

    answer_blocks_words(&a->blocks, a->out, text, len);
}

static void put_refusal(void *arg, const char *text, size_t len)
{
    struct answering *a = arg;

    a->end.is_refused = true;
    answer_blocks_words(&a->blocks, a->out, text, len);
}

/* A call without a name is none that anybody could answer. */
static void put_call(struct answering *a, struct json_object *call)
{
    struct json_object *f = json_read_member(call, "function");
    struct buf id = {NULL, 0, 0, 0}, name = id, input = id;
    struct json_object *arguments = json_read_member(f, "arguments");
    size_t len;
    const char *text = json_read_text(f, "name", &len);

    if (text == NULL || len == 0)
        return;
    buf_add(&name, text, len);
    text = json_read_text(call, "id", &len);
    buf_add(&id, text, len);
    text = json_read_text(f, "arguments", &len);
    if (json_object_is_type(arguments, json_type_object))
        json_write_value(&input, arguments);
    else
        call_input_write(text, len, &input);
    answer_blocks_call(&a->blocks, a->out, &id, &name);
    answer_blocks_input(&a->blocks, a->out, buf_head(&input), input.len);
    answer_blocks_close(&a->blocks, a->out);
    a->end.has_calls = true;
    buf_free(&id);
    buf_free(&name);
    buf_free(&input);
}

static void put_content(struct answering *a, struct json_object *message)
{
    struct json_object *calls = json_read_list(message, "tool_calls");
    size_t i, n = calls == NULL ? 0 : json_object_array_length(calls);

    message_form_thoughts(message, put_thought, a);
    message_form_texts(message, "content", put_words, a);
    message_form_texts(message, "refusal", put_refusal, a);
    for (i = 0; i < n && i < CHAT_CALLS_MAX; i++)
        put_call(a, json_object_array_get_idx(calls, i));
    answer_blocks_end(&a->blocks, a->out);
}

static void put_message(struct answering *a, const struct messages_told *told,
                        struct json_object *root, struct json_object *choice)
{
    message_form_head(told, a->out);
    buf_str(a->out, ",\"content\":[");
    put_content(a, json_read_member(choice, "message"));
    buf_str(a->out, "],");
    answer_end_read(&a->end, root, choice);
    a->end.said_m = a->blocks.said_m;
    answer_end_write_reason(&a->end, told, a->out);
    buf_str(a->out, ",");
    answer_end_write_usage(&a->end, told, a->out);
    buf_str(a->out, "}");
}

int messages_answer(const char *body, size_t len,
                    const struct messages_told *told, struct buf *out)
{
    struct answering a = {.blocks = {.told = told}, .out = out};
    struct json_object *root, *choice, *message;

    (void)json_read_object(body, len, &root);
    choice = message_form_choice(root);
    message = json_read_member(choice, "message");
    if (json_object_is_type(message, json_type_object))
        put_message(&a, told, root, choice);
    else
        message = NULL;
    answer_end_fini(&a.end);
    json_object_put(root);
    return message != NULL ? 0 : -1;
}
