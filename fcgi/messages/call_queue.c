/*
 * call_queue.c - whose turn is it, of calls whose pieces come in any order?
 *
 * What we tell is over before the next begins; the pieces of chat completions
 * say which call they belong to.  So the first call is told as
 * it comes, and the pieces of others wait until its input has come to its end,
 * at the latest until the answer has.
 *
 * A piece belongs to the call with its index.  Servers that give none, or the
 * same to all, are known by a new id.
 */
#include "fcgi/messages/call_queue.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/messages/call_input.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "lib/base.h"

#define NAME_MAX_BYTES 512 /* of a name or an id: what is behind is cut */

struct call {
    int64_t index;       /* the upstream's; -1: it gave none */
    struct buf id, name; /* empty: not told so far */
    struct buf held;     /* input that waits */
    struct call_input input;
    bool is_begun;
};

void call_queue_fini(struct call_queue *q)
{
    size_t i;

    for (i = 0; i < q->n; i++) {
        buf_free(&q->calls[i].id);
        buf_free(&q->calls[i].name);
        buf_free(&q->calls[i].held);
    }
    free(q->calls);
    *q = (struct call_queue){.calls = NULL};
}

/* ---- which call ------------------------------------------------------------- */

static struct call *add_call(struct call_queue *q, int64_t index)
{
    if (q->n == CHAT_CALLS_MAX)
        return NULL;
    if (q->calls == NULL || q->n == q->cap) {
        q->cap = q->cap > 0 ? 2 * q->cap : 4;
        q->calls = realloc(q->calls, q->cap * sizeof(*q->calls));
        CHECK(q->calls != NULL);
    }
    q->calls[q->n] = (struct call){.index = index};
    return &q->calls[q->n++];
}

static int64_t index_of(struct json_object *piece)
{
    struct json_object *v = json_read_member(piece, "index");

    return json_object_is_type(v, json_type_int)
               ? max_i64(json_object_get_int64(v), -1)
               : -1;
}

/* The last one with INDEX; without one, the last of all. */
static struct call *find_call(const struct call_queue *q, int64_t index)
{
    size_t i = q->n;

    while (i-- > 0)
        if (index < 0 || q->calls[i].index == index)
            return &q->calls[i];
    return NULL;
}

/* Is PIECE the beginning of another call than C, though all says it is C's? */
static bool is_another(const struct call *c, struct json_object *piece,
                       int64_t index)
{
    struct json_object *f = json_read_member(piece, "function");
    size_t id_len, name_len;
    const char *id = json_read_text(piece, "id", &id_len);
    const char *name = json_read_text(f, "name", &name_len);
    bool has_name = name != NULL && name_len > 0;
    bool has_id = id != NULL && id_len > 0;
    bool is_same =
        has_id && c->id.len > 0 &&
        c->id.len == (id_len < NAME_MAX_BYTES ? id_len : NAME_MAX_BYTES) &&
        memcmp(buf_head(&c->id), id, c->id.len) == 0;

    if (is_same || !has_name || c->name.len == 0)
        return false;
    return index < 0 || (has_id && call_input_is_whole(&c->input));
}

static struct call *call_of(struct call_queue *q, struct json_object *piece)
{
    int64_t index = index_of(piece);
    struct call *c = find_call(q, index);

    return c == NULL || is_another(c, piece, index) ? add_call(q, index) : c;
}

/* ---- what it says ----------------------------------------------------------- */

static void take_once(struct buf *b, struct json_object *o, const char *key)
{
    size_t len;
    const char *text = json_read_text(o, key, &len);

    if (b->len == 0 && text != NULL)
        buf_add(b, text, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
}

static void take_input(struct call *c, struct json_object *f)
{
    struct json_object *v = json_read_member(f, "arguments");
    struct buf text = {NULL, 0, 0, 0};

    if (json_object_is_type(v, json_type_string)) {
        call_input_take(&c->input, json_object_get_string(v),
                        (size_t)json_object_get_string_len(v), &c->held);
    } else if (json_object_is_type(v, json_type_object)) {
        json_write_value(&text, v);
        call_input_take(&c->input, buf_head(&text), text.len, &c->held);
        buf_free(&text);
    }
}

static bool take_piece(struct call_queue *q, struct json_object *piece)
{
    struct json_object *f = json_read_member(piece, "function");
    struct call *c = call_of(q, piece);
    size_t before;

    if (c == NULL)
        return false;
    take_once(&c->id, piece, "id");
    take_once(&c->name, f, "name");
    before = c->held.len;
    take_input(c, f);
    q->held += c->held.len - before;
    return q->held <= CHAT_HELD_MAX;
}

/* ---- telling ---------------------------------------------------------------- */

struct telling {
    const struct chat_teller *tell;
    void *to;
    struct buf *out;
};

static void tell_call(struct call_queue *q, struct call *c,
                      const struct telling *t)
{
    if (!c->is_begun)
        t->tell->call(t->to, t->out, &c->id, &c->name);
    c->is_begun = true;
    if (c->held.len == 0)
        return;
    t->tell->input(t->to, t->out, buf_head(&c->held), c->held.len);
    q->held -= c->held.len;
    buf_take(&c->held, c->held.len);
}

static void go_on(struct call_queue *q, const struct telling *t)
{
    while (q->turn < q->n && q->calls[q->turn].name.len > 0) {
        struct call *c = &q->calls[q->turn];

        tell_call(q, c, t);
        if (!call_input_is_whole(&c->input))
            return;
        t->tell->close(t->to, t->out, false);
        q->turn++;
    }
}

bool call_queue_take(struct call_queue *q, struct json_object *calls,
                     const struct chat_teller *tell, void *to, struct buf *out)
{
    const struct telling t = {tell, to, out};
    size_t i, n = calls == NULL ? 0 : json_object_array_length(calls);

    for (i = 0; i < n; i++) {
        if (!take_piece(q, json_object_array_get_idx(calls, i)))
            return false;
        go_on(q, &t);
    }
    return true;
}

bool call_queue_is_open(const struct call_queue *q)
{
    return q->turn < q->n && q->calls[q->turn].is_begun;
}

void call_queue_end(struct call_queue *q, const struct chat_teller *tell,
                    void *to, struct buf *out)
{
    const struct telling t = {tell, to, out};

    for (; q->turn < q->n; q->turn++) {
        struct call *c = &q->calls[q->turn];
        bool is_whole;

        if (c->name.len == 0) /* nobody could answer it */
            continue;
        is_whole = call_input_is_whole(&c->input);
        call_input_end(&c->input, &c->held);
        tell_call(q, c, &t);
        tell->close(to, out, !is_whole);
    }
}
