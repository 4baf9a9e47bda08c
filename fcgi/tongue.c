/*
 * tongue.c - which APIs are translated, and by which functions?
 *
 *   as_chat.c, translate.c --> a struct tongue --> messages/, responses/
 *
 */
#include "fcgi/tongue.h"

#include <stdlib.h>

#include "fcgi/messages/messages_stream.h"
#include "fcgi/responses/responses_stream.h"
#include "lib/base.h"

static struct messages_ask ask_of(const struct asking *how)
{
    return (struct messages_ask){.usage_by_caller = true,
                                 .reasoning_key = how->reasoning_field,
                                 .may_continue = how->may_continue,
                                 .max_tokens = how->max_tokens};
}

void tongue_forget(struct tongue_got *got)
{
    if (got == NULL)
        return;
    if (got->by->forget != NULL)
        got->by->forget(got);
    free(got);
}

/* ---- Anthropic's Messages --------------------------------------------------- */

static int messages_ask(const char *body, size_t len, const struct asking *how,
                        struct buf *chat, struct tongue_got *got,
                        struct messages_fault *fault)
{
    const struct messages_ask ask = ask_of(how);
    struct messages_got *m = &got->is.messages;
    int rc = messages_request(body, len, &ask, chat, m, fault);

    got->user = m->user;
    got->thinks = m->thinks;
    got->effort = m->effort;
    got->model = m->model;
    got->tokens = m->tokens;
    return rc;
}

static int messages_counted(const char *body, size_t len,
                            struct tongue_got *got,
                            struct messages_fault *fault)
{
    struct messages_got *m = &got->is.messages;
    int rc = messages_count(body, len, m, fault);

    got->model = m->model;
    got->tokens = m->tokens;
    return rc;
}

/* The texts in it live as long as the request. */
static struct messages_told messages_of(const struct tongue_told *told)
{
    const struct messages_got *m = &told->got->is.messages;

    return (struct messages_told){
        .model = m->model,
        .id = told->id,
        .has_stops = m->has_stops,
        .shown = m->shown,
        .tokens_in = messages_tokens(&m->tokens, told->ratio_m),
        .ratio_m = told->ratio_m,
    };
}

static int messages_whole(const char *body, size_t len,
                          const struct tongue_told *told, struct buf *out)
{
    const struct messages_told m = messages_of(told);

    return messages_answer(body, len, &m, out);
}

static struct chat_stream *messages_begin(const struct tongue_told *told)
{
    const struct messages_told m = messages_of(told);
    struct messages_stream *s = malloc(sizeof(*s));

    CHECK(s != NULL);
    messages_stream_init(s, &m);
    return &s->chat;
}

static void messages_end(struct chat_stream *s)
{
    chat_stream_fini(s);
    free(s); /* it is the first of all that is there */
}

const struct tongue tongue_messages = {
    .protocol = "messages",
    .ends = ENDS_MESSAGE,
    .ask = messages_ask,
    .count = messages_counted,
    .answer = messages_whole,
    .begin = messages_begin,
    .end = messages_end,
    .ping = messages_stream_ping,
};

/* ---- OpenAI's Responses ----------------------------------------------------- */

static int responses_ask(const char *body, size_t len, const struct asking *how,
                         struct buf *chat, struct tongue_got *got,
                         struct messages_fault *fault)
{
    const struct messages_ask ask = ask_of(how);
    struct responses_got *r = &got->is.responses;
    int rc = responses_request(body, len, &ask, chat, r, fault);

    got->user = r->user;
    got->thinks = r->thinks;
    got->effort = r->effort[0] != '\0' ? r->effort : NULL;
    got->model = r->model;
    got->tokens = r->tokens;
    return rc;
}

static void responses_forget(struct tongue_got *got)
{
    responses_got_fini(&got->is.responses);
}

static struct responses_told responses_of(const struct tongue_told *told)
{
    return (struct responses_told){
        .id = told->id,
        .now_s = told->now_s,
        .got = &told->got->is.responses,
        .tokens_in = messages_tokens(&told->got->tokens, told->ratio_m),
        .ratio_m = told->ratio_m,
    };
}

static int responses_whole(const char *body, size_t len,
                           const struct tongue_told *told, struct buf *out)
{
    const struct responses_told r = responses_of(told);

    return responses_answer(body, len, &r, out);
}

/* The stream is the first member of what is made here: responses_end() and
 * responses_events() find the rest by it. */
static struct chat_stream *responses_begin(const struct tongue_told *told)
{
    const struct responses_told r = responses_of(told);
    struct responses_stream *s = malloc(sizeof(*s));

    CHECK(s != NULL);
    responses_stream_init(s, &r);
    return &s->chat;
}

static void responses_end(struct chat_stream *s)
{
    struct responses_stream *r = (struct responses_stream *)s;

    responses_stream_fini(r);
    free(r);
}

static uint32_t responses_events(const struct chat_stream *s)
{
    return ((const struct responses_stream *)s)->items.number;
}

const struct tongue tongue_responses = {
    .protocol = "responses",
    .ends = ENDS_RESPONSE,
    .ask = responses_ask,
    .forget = responses_forget,
    .answer = responses_whole,
    .begin = responses_begin,
    .end = responses_end,
    .events = responses_events,
};
