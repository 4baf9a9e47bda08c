/*
 * chat_answer_forms.c - how does a server send an answer?
 *
 * Servers differ in all that is rolled here: which members stand beside what is
 * said, where the usage is told, how calls are named, how lines end.
 */
#include <json-c/json.h>
#include <string.h>

#include "chat_answer.h"
#include "dice.h"
#include "lib/base.h"

static void add(struct json_object *o, const char *key, struct json_object *v)
{
    json_object_object_add(o, key, v);
}

static struct json_object *string(const char *text, size_t len)
{
    return json_object_new_string_len(len > 0 ? text : "", (int)len);
}

static struct json_object *string_of(const struct buf *b)
{
    return string(buf_head(b), b->len);
}

static struct json_object *usage_of(const struct chat_answer *a)
{
    struct json_object *o = json_object_new_object();
    struct json_object *details = json_object_new_object();

    add(o, "prompt_tokens", json_object_new_int64(a->prompt));
    add(o, "completion_tokens", json_object_new_int64(a->completion));
    add(o, "total_tokens", json_object_new_int64(a->prompt + a->completion));
    add(details, "cached_tokens", json_object_new_int64(a->cached));
    add(o, "prompt_tokens_details", details);
    return o;
}

/* Why it has ended, as members of CHOICE. */
static void add_reason(struct json_object *choice, const struct chat_answer *a)
{
    add(choice, "finish_reason",
        a->reason == NULL ? NULL : json_object_new_string(a->reason));
    if (a->stop_key != NULL)
        add(choice, a->stop_key, json_object_new_string(ANSWER_STOP));
}

/* An answer with one choice, or a chunk of one: what it holds under KEY. */
static struct json_object *root_of(struct json_object *choice, const char *key,
                                   struct json_object *v)
{
    struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();

    if (dice_once_in(3))
        add(root, "id", json_object_new_string("chatcmpl-1"));
    if (dice_once_in(2))
        add(choice, "index", json_object_new_int(0));
    add(choice, key, v);
    json_object_array_add(list, choice);
    add(root, "choices", list);
    if (dice_once_in(9))
        add(root, "usage", NULL);
    return root;
}

/* ---- the whole -------------------------------------------------------------- */

static struct json_object *call_of(const struct answer_call *c)
{
    struct json_object *o = json_object_new_object();
    struct json_object *f = json_object_new_object();
    bool is_plain = json_object_object_length(c->input) > 0 &&
                    json_object_object_get(c->input, "INVALID_JSON") == NULL;

    if (c->id.len > 0 || dice_once_in(2))
        add(o, "id", string_of(&c->id));
    add(o, "type", json_object_new_string("function"));
    if (c->name.len > 0 || dice_once_in(2))
        add(f, "name", string_of(&c->name));
    if (is_plain && dice_once_in(9)) /* as Ollama has them */
        add(f, "arguments", json_object_get(c->input));
    else
        add(f, "arguments", string_of(&c->arguments));
    add(o, "function", f);
    return o;
}

/* A string, or parts of one; nothing may be null. */
static struct json_object *content_of(const struct buf *words)
{
    struct json_object *list, *part;

    if (words->len == 0 && dice_once_in(2))
        return NULL;
    if (!dice_once_in(9))
        return string_of(words);
    list = json_object_new_array();
    part = json_object_new_object();
    add(part, "type", json_object_new_string("text"));
    add(part, "text", string_of(words));
    json_object_array_add(list, part);
    return list;
}

void chat_answer_write(const struct chat_answer *a, struct buf *out)
{
    struct json_object *message = json_object_new_object();
    struct json_object *choice = json_object_new_object(), *root, *calls;
    size_t i;

    add(message, "role", json_object_new_string("assistant"));
    add(message, "content", content_of(&a->words));
    if (a->thought_key != NULL)
        add(message, a->thought_key, string_of(&a->thought));
    if (a->refusal.len > 0 || dice_once_in(3))
        add(message, "refusal", content_of(&a->refusal));
    calls = json_object_new_array();
    for (i = 0; i < a->n; i++)
        json_object_array_add(calls, call_of(&a->calls[i]));
    add(message, "tool_calls", calls);
    add_reason(choice, a);
    root = root_of(choice, "message", message);
    if (a->has_usage)
        add(root, "usage", usage_of(a));
    dice_write(out, root);
    json_object_put(root);
}

/* ---- the stream ------------------------------------------------------------- */

struct sending {
    const struct chat_answer *a;
    struct buf *out;
    const char *eol;
};

/* An event whose data is ROOT, which is used up: a line's end within it begins
 * another line of data. */
static void send_root(struct sending *s, struct json_object *root)
{
    struct buf text = {NULL, 0, 0, 0};
    size_t i;

    if (dice_once_in(20))
        buf_fmt(s->out, ": a comment%s%s", s->eol, s->eol);
    dice_write(&text, root);
    buf_str(s->out, dice_once_in(9) ? "data:" : "data: ");
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            buf_fmt(s->out, "%sdata: ", s->eol);
        else if (text.data[i] != '\r')
            buf_add(s->out, text.data + i, 1);
    }
    buf_fmt(s->out, "%s%s", s->eol, s->eol);
    buf_free(&text);
    json_object_put(root);
}

static void send_delta(struct sending *s, struct json_object *delta)
{
    struct json_object *choice = json_object_new_object();

    if (dice_once_in(9))
        add(choice, "finish_reason", NULL);
    send_root(s, root_of(choice, "delta", delta));
}

/* The next piece of TEXT, of which *AT bytes are gone: whole characters. */
static struct json_object *next_piece(const struct buf *text, size_t *at)
{
    const char *all = buf_head(text);
    size_t n = 1 + dice_to(dice_once_in(3) ? 3 : 200), left = text->len - *at;
    size_t from = *at;

    n = n < left ? n : left;
    while (n < left && ((unsigned char)all[from + n] & 0xc0) == 0x80)
        n++;
    *at += n;
    return string(all + from, n);
}

static void send_text(struct sending *s, const char *key,
                      const struct buf *text)
{
    size_t at = 0;

    while (at < text->len) {
        struct json_object *delta = json_object_new_object();

        add(delta, key, next_piece(text, &at));
        if (strcmp(key, "content") != 0 && dice_once_in(2))
            add(delta, "content", dice_once_in(2) ? NULL : string("", 0));
        send_delta(s, delta);
    }
}

/* A piece of call I; with its names, if it is the first. */
static void send_call(struct sending *s, size_t i, bool is_first, size_t *at)
{
    const struct answer_call *c = &s->a->calls[i];
    struct json_object *piece = json_object_new_object();
    struct json_object *f = json_object_new_object();
    struct json_object *delta = json_object_new_object();
    struct json_object *list = json_object_new_array();

    add(piece, "index", json_object_new_int64((int64_t)i));
    if (is_first) {
        add(piece, "id", c->id.len > 0 ? string_of(&c->id) : NULL);
        add(piece, "type", json_object_new_string("function"));
        add(f, "name", string_of(&c->name));
    }
    if (is_first && dice_once_in(2))
        add(f, "arguments", string("", 0));
    else if (*at < c->arguments.len)
        add(f, "arguments", next_piece(&c->arguments, at));
    add(piece, "function", f);
    json_object_array_add(list, piece);
    add(delta, "tool_calls", list);
    send_delta(s, delta);
}

/* They begin in their order; from then on any may go on. */
static void send_calls(struct sending *s)
{
    size_t at[ANSWER_CALLS] = {0}, begun = 0, i, done = 0;
    bool mixed = dice_once_in(2);

    while (done < s->a->n) {
        if (begun == done || (mixed && begun < s->a->n && dice_once_in(4))) {
            send_call(s, begun, true, &at[begun]);
            begun++;
        }
        i = mixed ? dice_to(begun) : done;
        if (at[i] < s->a->calls[i].arguments.len)
            send_call(s, i, false, &at[i]);
        while (done < begun && at[done] == s->a->calls[done].arguments.len)
            done++;
    }
}

static void send_end(struct sending *s)
{
    struct json_object *choice = json_object_new_object(), *root;
    bool apart = dice_once_in(2); /* usage in a chunk of its own */

    add_reason(choice, s->a);
    root = root_of(choice, "delta", json_object_new_object());
    if (s->a->has_usage && !apart)
        add(root, "usage", usage_of(s->a));
    send_root(s, root);
    if (s->a->has_usage && apart) {
        root = json_object_new_object();
        add(root, "choices", json_object_new_array());
        add(root, "usage", usage_of(s->a));
        send_root(s, root);
    }
    if (s->a->reason == NULL || dice_once_in(2))
        buf_fmt(s->out, "data: [DONE]%s%s", s->eol, s->eol);
}

void chat_answer_stream(const struct chat_answer *a, struct buf *out)
{
    static const char *const eols[] = {"\n", "\n", "\r\n", "\r"};
    struct sending s = {a, out, eols[dice_to(ARRAY_LEN(eols))]};
    struct json_object *role = json_object_new_object();

    add(role, "role", json_object_new_string("assistant"));
    add(role, "content", dice_once_in(2) ? NULL : string("", 0));
    send_delta(&s, role);
    if (a->thought_key != NULL)
        send_text(&s, a->thought_key, &a->thought);
    send_text(&s, "content", &a->words);
    send_text(&s, "refusal", &a->refusal);
    send_calls(&s);
    send_end(&s);
    if (dice_once_in(4)) /* a server that forgets its last line's end */
        out->len -= strlen(s.eol);
}
