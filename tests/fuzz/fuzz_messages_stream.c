/*
 * fuzz_messages_stream.c - can a client always put together what we stream?
 *
 * Input: a byte (what the request said), and a stream of events, in which 0xff
 * cuts.
 *
 * A client of ours (fold.h) reads it to its end or to an error, the same
 * wherever it was cut.  An end has a reason, or [DONE]; nothing stands behind an
 * end or an error, whatever is said to it; and no more waits than may.
 */
#include "sound.h"

#include "fcgi/messages/event_data.h"
#include "fcgi/messages/message_form.h"
#include "fcgi/messages/messages_stream.h"

struct hearing {
    struct messages_told told;
    struct messages_stream s;
    struct event_data e;
    enum chat_event was;
    bool may_end; /* it has said why, or [DONE] */
    struct buf out;
};

/* Does the event in E say that the answer is complete?  Read anew. */
static bool says_end(const struct event_data *e)
{
    const char *text = buf_head(&e->data);
    size_t len = message_form_trim(&text, e->data.len);
    char *copy = fuzz_copy(text, len);
    struct json_object *root = json_strict_object(copy, len);
    struct json_object *choices = NULL, *reason = NULL;
    bool is_done = len >= 6 && memcmp(copy, "[DONE]", 6) == 0, is_end = false;

    if (root != NULL && json_object_object_get_ex(root, "choices", &choices) &&
        json_object_is_type(choices, json_type_array) &&
        json_object_array_length(choices) > 0 &&
        json_object_is_type(json_object_array_get_idx(choices, 0),
                            json_type_object))
        is_end =
            json_object_object_get_ex(json_object_array_get_idx(choices, 0),
                                      "finish_reason", &reason) &&
            json_object_is_type(reason, json_type_string);
    json_object_put(root);
    free(copy);
    return is_done || is_end;
}

static void check_bounds(const struct hearing *h)
{
    CHECK(h->e.data.len <= CHAT_EVENT_MAX);
    CHECK(h->was >= CHAT_ERROR || h->s.chat.calls.held <= CHAT_HELD_MAX);
    CHECK(h->was >= CHAT_ERROR || h->s.chat.late.len <= CHAT_HELD_MAX);
    CHECK(h->s.chat.calls.n <= CHAT_CALLS_MAX);
}

static void hear_one(struct hearing *h)
{
    h->may_end = h->may_end || says_end(&h->e);
    h->was = chat_stream_event(&h->s.chat, buf_head(&h->e.data), h->e.data.len,
                               &h->out);
    check_bounds(h);
}

static void hear(struct hearing *h, const char *p, const char *end)
{
    while (h->was == CHAT_PART && event_data_next(&h->e, &p, end))
        hear_one(h);
}

/* Whatever comes now, nothing is said. */
static void speak_after(struct hearing *h)
{
    static const char more[] =
        "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":"
        "\"stop\"}]}";
    size_t len = h->out.len;

    (void)chat_stream_event(&h->s.chat, more, sizeof(more) - 1, &h->out);
    chat_stream_head(&h->s.chat, &h->out);
    CHECK(!chat_stream_end(&h->s.chat, &h->out));
    chat_stream_fail(&h->s.chat, 500, "words", &h->out);
    CHECK(h->out.len == len);
}

/* At once, or cut at each 0xff, which is no part of it. */
static bool hear_all(struct hearing *h, const char *text, size_t len, bool cut)
{
    const char *end = text + len, *p, *stop;
    struct buf all = {NULL, 0, 0, 0};
    bool is_whole;

    messages_stream_init(&h->s, &h->told);
    for (p = text; p < end; p = stop + 1) {
        stop = memchr(p, 0xff, (size_t)(end - p));
        stop = stop == NULL ? end : stop;
        if (cut)
            hear(h, p, stop);
        else
            buf_add(&all, p, (size_t)(stop - p));
        if (stop == end)
            break;
    }
    if (all.len > 0)
        hear(h, buf_head(&all), buf_head(&all) + all.len);
    if (h->was == CHAT_PART && event_data_last(&h->e))
        hear_one(h);
    if (h->was >= CHAT_ERROR)
        chat_stream_fail(&h->s.chat, 500, "words", &h->out);
    is_whole = chat_stream_end(&h->s.chat, &h->out);
    speak_after(h);
    chat_stream_fini(&h->s.chat);
    event_data_fini(&h->e);
    buf_free(&all);
    return is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct hearing once = {.told = sound_told(take_byte(&in))}, cut = once;
    char *text = fuzz_copy(in.at, in.left);
    bool is_whole = hear_all(&once, text, in.left, false);
    struct json_object *m = fold(buf_head(&once.out), once.out.len);

    CHECK(is_whole == (m != NULL));
    CHECK(!is_whole || once.may_end);
    CHECK(once.out.len <= SOUND_GROWTH * in.left + 4096);
    if (m != NULL)
        sound_message(m);
    CHECK(hear_all(&cut, text, in.left, true) == is_whole);
    CHECK(once.out.len == cut.out.len);
    CHECK(memcmp(buf_head(&once.out), buf_head(&cut.out), cut.out.len) == 0);
    json_object_put(m);
    buf_free(&once.out);
    buf_free(&cut.out);
    free(text);
    return 0;
}
