/*
 * fuzz_messages_answer.c - is what we make of a whole answer always a message?
 *
 * Input: a byte (what the request said), and a body.
 *
 * A message whose parts all clients know, with an object for each call's input,
 * or nothing is written; and what a client then tells again is understood.
 */
#include "sound.h"

static void check_inputs(struct json_object *content)
{
    size_t i;

    for (i = 0; i < json_object_array_length(content); i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        CHECK(!fold_is(b, "tool_use") ||
              json_object_is_type(fold_get(b, "input"), json_type_object));
    }
}

/* In the next request it stands as it was told. */
static void tell_again(struct json_object *message)
{
    struct messages_ask ask = {.reasoning_key = "reasoning_content"};
    struct buf body = {NULL, 0, 0, 0}, out = body;
    struct messages_got got;
    struct messages_fault fault;

    buf_fmt(&body,
            "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":"
            "\"assistant\",\"content\":%s},{\"role\":\"user\",\"content\":\"a"
            "\"}]}%c",
            json_object_to_json_string(fold_get(message, "content")), '\0');
    CHECK(messages_request(buf_head(&body), body.len - 1, &ask, &out, &got,
                           &fault) == 0);
    json_object_put(sound_json(&out, body.len));
    buf_free(&body);
    buf_free(&out);
}

static void try_answer(const char *text, size_t len, uint8_t how)
{
    struct messages_told told = sound_told(how);
    struct buf out = {NULL, 0, 0, 0};

    if (messages_answer(text, len, &told, &out) == 0) {
        struct json_object *root = sound_json(&out, len);

        sound_message(root);
        check_inputs(fold_get(root, "content"));
        tell_again(root);
        json_object_put(root);
    } else {
        CHECK(out.len == 0);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t how = take_byte(&in);
    char *text = fuzz_copy(in.at, in.left);

    try_answer(text, in.left, how);
    free(text);
    return 0;
}
