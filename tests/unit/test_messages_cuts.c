/*
 * What a model answers arrives: random answers (chat_answer.c) as a whole, as a
 * stream, cut anywhere and with its calls mixed, that a client of ours puts
 * together (tests/fuzz/fold.h), and once more in the next request.
 */
#include "chat_answer.h"
#include "dice.h"
#include "fcgi/messages/event_data.h"
#include "fcgi/messages/messages_stream.h"
#include "lib/base.h"
#include "messages_lab.h"
#include "talk.h"
#include "tests/fuzz/fold.h"

#define ANSWERS 10000

/* A random answer, and all that is made of it. */
struct trial {
    struct chat_answer a;
    struct messages_told told;
    struct buf text, out;
    struct json_object *want, *have;
};

static void drop(struct trial *t)
{
    chat_answer_drop(&t->a);
    json_object_put(t->want);
    json_object_put(t->have);
    buf_free(&t->text);
    buf_free(&t->out);
}

static void make(struct trial *t, uint64_t seed)
{
    memset(t, 0, sizeof(*t));
    dice_seed(seed);
    t->told = (struct messages_told){.model = "m\"",
                                     .id = "1",
                                     .has_stops = dice_once_in(2),
                                     .shown = (enum messages_shown)dice_to(4),
                                     .tokens_in = 3};
    chat_answer_make(&t->a);
    t->want = chat_answer_message(&t->a, &t->told);
}

/* Without usage what was said is estimated, by its pieces or as a whole. */
static void forget_estimate(const struct trial *t)
{
    if (!t->a.has_usage && t->have != NULL)
        json_object_object_del(talk_get(t->have, "usage"), "output_tokens");
}

/* ---- whole ------------------------------------------------------------------ */

static void hear_whole(struct trial *t)
{
    chat_answer_write(&t->a, &t->text);
    buf_add(&t->text, "", 1);
    if (messages_answer(buf_head(&t->text), t->text.len - 1, &t->told,
                        &t->out) != 0)
        return;
    buf_add(&t->out, "", 1);
    t->have = json_strict_object(buf_head(&t->out), t->out.len - 1);
}

static bool whole_holds(struct trial *t)
{
    hear_whole(t);
    forget_estimate(t);
    return talk_is_same(t->want, t->have);
}

/* ---- stream ----------------------------------------------------------------- */

static enum chat_event hear(struct trial *t, struct messages_stream *s,
                            const struct event_data *e)
{
    return chat_stream_event(&s->chat, buf_head(&e->data), e->data.len,
                             &t->out);
}

/* Read in pieces of any length. */
static bool hear_pieces(struct trial *t, struct messages_stream *s)
{
    const char *p = buf_head(&t->text), *end = p + t->text.len, *stop;
    enum chat_event was = CHAT_PART;
    struct event_data e = {.bom = 0};

    while (p < end && was == CHAT_PART) {
        stop = p + min_i64(end - p, 1 + (int64_t)dice_to(400));
        while (was == CHAT_PART && event_data_next(&e, &p, stop))
            was = hear(t, s, &e);
    }
    if (was == CHAT_PART && event_data_last(&e))
        was = hear(t, s, &e);
    event_data_fini(&e);
    return was <= CHAT_DONE && chat_stream_end(&s->chat, &t->out);
}

static bool stream_holds(struct trial *t)
{
    struct messages_stream s;
    bool is_whole;

    chat_answer_stream(&t->a, &t->text);
    messages_stream_init(&s, &t->told);
    is_whole = hear_pieces(t, &s);
    chat_stream_fini(&s.chat);
    t->have = fold(buf_head(&t->out), t->out.len);
    forget_estimate(t);
    return is_whole && talk_is_same(t->want, t->have);
}

/* ---- once more -------------------------------------------------------------- */

static struct json_object *turn(const char *role, struct json_object *content)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "role", json_object_new_string(role));
    json_object_object_add(o, "content", content);
    return o;
}

/* The request in which a client tells MESSAGE again; the caller's. */
static struct json_object *next_request(struct json_object *message)
{
    struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();

    json_object_array_add(list, turn("user", json_object_new_string("hi")));
    json_object_array_add(
        list, turn("assistant", json_object_get(talk_get(message, "content"))));
    json_object_array_add(list, turn("user", json_object_new_string("go on")));
    json_object_object_add(root, "model", json_object_new_string("m"));
    json_object_object_add(root, "max_tokens", json_object_new_int(9));
    json_object_object_add(root, "messages", list);
    return root;
}

/* In chat's words, as an inverse of ours reads them; the caller's. */
static struct json_object *ask_again(struct json_object *message)
{
    struct messages_ask ask = {.reasoning_key = "reasoning_content"};
    struct json_object *root = next_request(message), *chat, *back = NULL;
    struct messages_fault fault;
    struct messages_got got;
    struct buf body = {NULL, 0, 0, 0}, out = body;

    dice_write(&body, root);
    buf_add(&body, "", 1);
    json_object_put(root);
    if (messages_request(buf_head(&body), body.len - 1, &ask, &out, &got,
                         &fault) == 0) {
        buf_add(&out, "", 1);
        chat = json_strict_object(buf_head(&out), out.len - 1);
        back = talk_back(chat);
        json_object_put(chat);
    }
    buf_free(&body);
    buf_free(&out);
    return back;
}

/* Is what BLOCKS have of TYPE, if they have any, WORDS? */
static bool says(struct json_object *blocks, const char *type,
                 const struct buf *words)
{
    size_t i;

    for (i = 0; i < talk_count(blocks); i++) {
        struct json_object *text = talk_get(talk_at(blocks, i), type);

        if (talk_is(talk_at(blocks, i), type))
            return (size_t)json_object_get_string_len(text) == words->len &&
                   memcmp(json_object_get_string(text), buf_head(words),
                          words->len) == 0;
    }
    return words->len == 0;
}

/* The calls stand behind all else, in their order. */
static bool calls(struct json_object *blocks, const struct chat_answer *a)
{
    size_t i = a->n, at = talk_count(blocks);

    while (i-- > 0) {
        if (a->calls[i].name.len == 0)
            continue;
        if (at-- == 0 || !talk_is(talk_at(blocks, at), "tool_use") ||
            !talk_is_same(talk_get(talk_at(blocks, at), "input"),
                          a->calls[i].input))
            return false;
    }
    return at == 0 || !talk_is(talk_at(blocks, at - 1), "tool_use");
}

static bool again_holds(struct trial *t)
{
    struct json_object *back, *turns, *blocks = NULL;
    struct buf thought, words;
    bool same;

    t->told.shown = SHOWN_ALL;
    hear_whole(t);
    back = ask_again(t->have);
    turns = talk_get(back, "messages");
    if (talk_count(turns) == 3)
        blocks = talk_get(talk_at(turns, 1), "content");
    chat_answer_parts(&t->a, &thought, &words);
    same = back != NULL && says(blocks, "thinking", &thought) &&
           says(blocks, "text", &words) && calls(blocks, &t->a);
    json_object_put(t->have);
    t->have = back;
    buf_free(&thought);
    buf_free(&words);
    return same;
}

/* ---- all of them ------------------------------------------------------------ */

static void try(bool (*holds)(struct trial *t))
{
    uint64_t seed;
    bool fine = true;

    for (seed = 1; seed <= ANSWERS && fine; seed++) {
        struct trial t;

        make(&t, seed);
        fine = holds(&t);
        if (!fine)
            printf("\n    seed %llu: %.*s\n    want %s\n    have %s\n",
                   (unsigned long long)seed, (int)t.text.len, buf_head(&t.text),
                   json_object_to_json_string(t.want),
                   json_object_to_json_string(t.have));
        drop(&t);
    }
    CU_ASSERT_TRUE(fine);
    CU_ASSERT_EQUAL(seed, ANSWERS + 1);
}

static void a_message_carries_all_of_an_answer(void)
{
    try(whole_holds);
}

static void a_stream_is_the_message_of_the_whole(void)
{
    try(stream_holds);
}

static void it_says_the_same_in_the_next_request(void)
{
    try(again_holds);
}

CU_ErrorCode test_messages_cuts_add(void)
{
    static const struct unit_test tests[] = {
        {"a message carries all of an answer",
         a_message_carries_all_of_an_answer},
        {"a stream is the message of the whole, wherever it is cut",
         a_stream_is_the_message_of_the_whole},
        {"it says the same in the next request",
         it_says_the_same_in_the_next_request},
        {NULL, NULL}};

    return unit_add("messages_cuts", tests);
}
