/*
 * chat_stream.c - what do the events of a chat stream say?
 *
 * Words as they come, those in tags as thoughts (think_tags.c), calls in their
 * turn (call_queue.c); the end last of all, for an upstream may tell what the
 * answer took behind its finish_reason.  In which words all that is told says
 * a struct chat_teller.
 *
 * An answer is complete if the upstream has said why it ended, or [DONE].  With
 * neither it was cut, which a client must not take for an answer.
 */
#include "fcgi/messages/chat_stream.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/message_form.h"

#define CHAT_BAD_GATEWAY 502

void chat_stream_init(struct chat_stream *s, const struct chat_teller *tell,
                      void *to)
{
    memset(s, 0, sizeof(*s));
    s->tell = tell;
    s->to = to;
}

void chat_stream_fini(struct chat_stream *s)
{
    answer_end_fini(&s->end);
    call_queue_fini(&s->calls);
    buf_free(&s->late);
    buf_free(&s->text);
}

void chat_stream_head(struct chat_stream *s, struct buf *out)
{
    if (s->has_head || s->is_over)
        return;
    s->has_head = true;
    s->tell->head(s->to, out);
}

/* ---- what is said ----------------------------------------------------------- */

struct hearing {
    struct chat_stream *s;
    struct buf *out;
};

static void say(void *arg, bool thinking, const char *text, size_t len)
{
    struct hearing *h = arg;
    struct chat_stream *s = h->s;

    text_tokens_add(&s->said, text, len);
    (thinking ? s->tell->thought : s->tell->words)(s->to, h->out, text, len);
}

/* From here on tags are words. */
static void end_tags(struct hearing *h)
{
    think_tags_off(&h->s->tags, say, h);
}

/* A call that is under way cannot be left: words wait for its end, and for that
 * of all calls. */
static bool must_wait(const struct chat_stream *s)
{
    return call_queue_is_open(&s->calls) || s->late.len > 0;
}

static void hear_words(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;

    if (must_wait(h->s))
        buf_add(&h->s->late, text, len);
    else
        think_tags_take(&h->s->tags, text, len, say, h);
}

static void hear_refusal(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;
    struct chat_stream *s = h->s;

    s->end.is_refused = true;
    if (must_wait(s)) {
        buf_add(&s->late, text, len);
        return;
    }
    end_tags(h);
    text_tokens_add(&s->said, text, len);
    s->tell->refusal(s->to, h->out, text, len);
}

/* No model thinks within a call; if it did, nothing would be lost. */
static void hear_thought(void *arg, const char *text, size_t len)
{
    struct hearing *h = arg;

    if (call_queue_is_open(&h->s->calls))
        return;
    end_tags(h);
    say(h, true, text, len);
}

void chat_stream_said(struct chat_stream *s, struct json_object *message,
                      struct buf *out)
{
    struct hearing h = {s, out};

    message_form_thoughts(message, hear_thought, &h);
    message_form_texts(message, "content", hear_words, &h);
    message_form_texts(message, "refusal", hear_refusal, &h);
}

/* ---- calls ------------------------------------------------------------------ */

/* A call is told through the stream, which reckons with it. */
static void tell_call(void *to, struct buf *out, const struct buf *id,
                      const struct buf *name)
{
    struct chat_stream *s = to;
    struct hearing h = {s, out};

    end_tags(&h);
    s->end.has_calls = true;
    s->tell->call(s->to, out, id, name);
}

static void tell_input(void *to, struct buf *out, const char *json, size_t len)
{
    struct chat_stream *s = to;

    text_tokens_add(&s->said, json, len);
    s->tell->input(s->to, out, json, len);
}

/* Where the answer has come to its end, so have its calls. */
static void tell_close(void *to, struct buf *out, bool is_cut)
{
    struct chat_stream *s = to;

    s->tell->close(s->to, out, is_cut && s->end.is_cut);
}

const struct chat_teller chat_stream_calls = {
    .call = tell_call, .input = tell_input, .close = tell_close};

/* ---- an event --------------------------------------------------------------- */

static bool hear_delta(struct chat_stream *s, struct json_object *delta,
                       struct buf *out)
{
    chat_stream_said(s, delta, out);
    return call_queue_take(&s->calls, json_read_list(delta, "tool_calls"),
                           &chat_stream_calls, s, out) &&
           s->late.len <= CHAT_HELD_MAX &&
           (s->tell->is_full == NULL || !s->tell->is_full(s->to));
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

static enum chat_event hear(struct chat_stream *s, struct json_object *root,
                            struct buf *out)
{
    struct json_object *choice = message_form_choice(root);

    if (is_error(root))
        return CHAT_ERROR;
    choice = is_first(choice) ? choice : NULL;
    chat_stream_head(s, out);
    answer_end_read(&s->end, root, choice);
    return hear_delta(s, delta_of(choice), out) ? CHAT_PART : CHAT_BROKEN;
}

enum chat_event chat_stream_event(struct chat_stream *s, const char *data,
                                  size_t len, struct buf *out)
{
    struct json_object *root;
    enum chat_event was;

    len = message_form_trim(&data, len);
    if (len == 0 || s->is_over || s->has_done)
        return s->has_done ? CHAT_DONE : CHAT_PART;
    if (len >= 6 && memcmp(data, "[DONE]", 6) == 0) {
        s->has_done = true;
        return CHAT_DONE;
    }
    buf_take(&s->text, s->text.len);
    buf_add(&s->text, data, len);
    buf_add(&s->text, "", 1); /* for the parser */
    if (json_read_object(buf_head(&s->text), len, &root) != JSON_READ_OK)
        return CHAT_BROKEN;
    was = hear(s, root, out);
    json_object_put(root);
    return was;
}

/* ---- the end ---------------------------------------------------------------- */

void chat_stream_finish(struct chat_stream *s, struct buf *out)
{
    struct hearing h = {s, out};

    call_queue_end(&s->calls, &chat_stream_calls, s, out);
    think_tags_take(&s->tags, buf_head(&s->late), s->late.len, say, &h);
    think_tags_end(&s->tags, say, &h);
    s->end.said_m = text_tokens_m(&s->said);
    s->tell->end(s->to, out, &s->end);
}

bool chat_stream_end(struct chat_stream *s, struct buf *out)
{
    if (s->is_over)
        return false;
    if (!s->has_done && !s->end.has_reason) {
        chat_stream_fail(s, CHAT_BAD_GATEWAY,
                         "The upstream's answer ended too early.", out);
        return false;
    }
    chat_stream_head(s, out);
    chat_stream_finish(s, out);
    s->is_over = true;
    return true;
}

void chat_stream_fail(struct chat_stream *s, int status, const char *words,
                      struct buf *out)
{
    if (s->is_over)
        return;
    s->is_over = true;
    s->tell->fail(s->to, out, status, words);
}
