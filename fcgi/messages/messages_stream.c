/*
 * messages_stream.c - what do the events of a chat stream mean to a client of
 * the Messages API?
 *
 *   message_start          before anything; its tokens are estimated
 *   content_block_*        as the words come (answer_blocks.c), calls in their
 *                          turn (call_queue.c)
 *   message_delta          at the end: an upstream may tell what the answer
 *                          took behind its finish_reason
 *   message_stop
 *
 * An answer is complete if the upstream has said why it ended, or [DONE].  With
 * neither it was cut, which a client must not take for an answer.
 */
#include "fcgi/messages/messages_stream.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/message_form.h"

#define MESSAGES_BAD_GATEWAY 502

void messages_stream_init(struct messages_stream *s,
                          const struct messages_told *told)
{
    memset(s, 0, sizeof(*s));
    s->told = *told;
    s->blocks.told = &s->told;
    s->blocks.is_stream = true;
}

void messages_stream_fini(struct messages_stream *s)
{
    answer_end_fini(&s->end);
    call_queue_fini(&s->calls);
    buf_free(&s->late);
    buf_free(&s->text);
}

void messages_stream_head(struct messages_stream *s, struct buf *out)
{
    static const struct answer_end nothing = {.has_usage = false};

    if (s->has_head || s->is_over)
        return;
    s->has_head = true;
    buf_str(out, "event: message_start\ndata: {\"type\":\"message_start\","
                 "\"message\":");
    message_form_head(&s->told, out);
    buf_str(out, ",\"content\":[],\"stop_reason\":null,"
                 "\"stop_sequence\":null,");
    answer_end_write_usage(&nothing, &s->told, out);
    buf_str(out, "}}\n\n");
}

/* ---- an event --------------------------------------------------------------- */

struct hearing {
    struct messages_stream *s;
    struct buf *out;
};

/* A call that is under way cannot be left: words wait for its end, and for that
 * of all calls. */
static void hear_words(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;
    struct messages_stream *s = h->s;

    if (call_queue_is_open(&s->calls) || s->late.len > 0)
        buf_add(&s->late, text, len);
    else
        answer_blocks_words(&s->blocks, h->out, text, len);
}

static void hear_refusal(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;

    h->s->end.is_refused = true;
    hear_words(arg, text, len);
}

/* No model thinks within a call; if it did, nothing would be lost. */
static void hear_thought(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;

    if (!call_queue_is_open(&h->s->calls))
        answer_blocks_thought(&h->s->blocks, h->out, text, len);
}

static bool hear_delta(struct messages_stream *s, struct json_object *delta,
                       struct buf *out)
{
    struct hearing h = {s, out};
    struct json_object *calls = json_read_list(delta, "tool_calls");

    message_form_thoughts(delta, hear_thought, &h);
    message_form_texts(delta, "content", hear_words, &h);
    message_form_texts(delta, "refusal", hear_refusal, &h);
    return call_queue_take(&s->calls, calls, &s->blocks, out) &&
           s->late.len <= CHAT_HELD_MAX;
}

/* As the SDKs see it: nothing, false and zero are no error. */
static bool is_error(struct json_object *root)
{
    struct json_object *error = json_read_member(root, "error");

    return json_read_is(root, "object", "error") ||
           (error != NULL && (!json_object_is_type(error, json_type_boolean) ||
                              json_object_get_boolean(error)));
}

/* A server that does not know streams says all of it at once. */
static struct json_object *delta_of(struct json_object *choice)
{
    struct json_object *delta = json_read_member(choice, "delta");

    return delta != NULL ? delta : json_read_member(choice, "message");
}

/* Of several choices the first is the answer. */
static bool is_first(struct json_object *choice)
{
    return json_object_get_int64(json_read_member(choice, "index")) == 0;
}

static enum messages_event hear(struct messages_stream *s,
                                struct json_object *root, struct buf *out)
{
    struct json_object *choice = message_form_choice(root);

    if (is_error(root))
        return MESSAGES_ERROR;
    choice = is_first(choice) ? choice : NULL;
    messages_stream_head(s, out);
    answer_end_read(&s->end, root, choice);
    return hear_delta(s, delta_of(choice), out) ? MESSAGES_PART
                                                : MESSAGES_BROKEN;
}

enum messages_event messages_stream_event(struct messages_stream *s,
                                          const char *data, size_t len,
                                          struct buf *out)
{
    struct json_object *root;
    enum messages_event was;

    len = message_form_trim(&data, len);
    if (len == 0 || s->is_over || s->has_done)
        return s->has_done ? MESSAGES_DONE : MESSAGES_PART;
    if (len >= 6 && memcmp(data, "[DONE]", 6) == 0) {
        s->has_done = true;
        return MESSAGES_DONE;
    }
    buf_take(&s->text, s->text.len);
    buf_add(&s->text, data, len);
    buf_add(&s->text, "", 1); /* for the parser */
    if (json_read_object(buf_head(&s->text), len, &root) != JSON_READ_OK)
        return MESSAGES_BROKEN;
    was = hear(s, root, out);
    json_object_put(root);
    return was;
}

/* ---- the end ---------------------------------------------------------------- */

static void tell_end(struct messages_stream *s, struct buf *out)
{
    s->end.said_m = s->blocks.said_m;
    buf_str(out, "event: message_delta\ndata: {\"type\":\"message_delta\","
                 "\"delta\":{");
    answer_end_write_reason(&s->end, &s->told, out);
    buf_str(out, "},");
    answer_end_write_usage(&s->end, &s->told, out);
    buf_str(out, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}"
                 "\n\n");
}

bool messages_stream_end(struct messages_stream *s, struct buf *out)
{
    if (s->is_over)
        return false;
    if (!s->has_done && !s->end.has_reason) {
        messages_stream_fail(s, MESSAGES_BAD_GATEWAY,
                             "The upstream's answer ended too early.", out);
        return false;
    }
    messages_stream_head(s, out);
    call_queue_end(&s->calls, &s->blocks, out);
    answer_blocks_words(&s->blocks, out, buf_head(&s->late), s->late.len);
    answer_blocks_end(&s->blocks, out);
    s->end.has_calls = call_queue_has_told(&s->calls);
    tell_end(s, out);
    s->is_over = true;
    return true;
}

void messages_stream_fail(struct messages_stream *s, int status,
                          const char *words, struct buf *out)
{
    if (s->is_over)
        return;
    s->is_over = true;
    buf_str(out, "event: error\ndata: ");
    messages_error(status, words, out);
    buf_str(out, "\n\n");
}

void messages_stream_ping(struct buf *out)
{
    buf_str(out, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}
