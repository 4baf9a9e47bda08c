/*
 * trial.c - how much of an answer must be seen before it can be judged?
 *
 *   an error                all of its body, up to WORDS_BYTES
 *   a 202, a redirect       the same: it is short, and a transfer that is
 *                           stopped half way costs its connection
 *   a 200 event stream      up to the first event that is an error or content
 *   anything else           its head
 *
 * Until then no byte of it has reached the client, and the request may go
 * again.
 */
#include "trial.h"

#include <string.h>
#include <time.h>

#include "opening.h"

void trial_begin(struct trial *t, struct upstream_head *head)
{
    trial_clear(t);
    t->heard = true;
    head_move(&t->head, head);
}

static const char *bytes_of(const struct trial *t)
{
    return t->body.len > 0 ? buf_head(&t->body) : "";
}

/* At most WORDS_BYTES are looked at. */
static size_t looked_at(const struct trial *t)
{
    return t->body.len < WORDS_BYTES ? t->body.len : WORDS_BYTES;
}

static bool is_stream(const struct trial *t)
{
    return t->head.status == 200 && head_is_events(&t->head);
}

static bool is_preamble(const struct trial *t)
{
    return is_stream(t) && t->opening == 0;
}

/*
 * Reads the events that are whole by now.  Each byte is looked at once, and
 * each event read once: a stranger decides how small the pieces are, and the
 * loop waits.
 */
static void read_events(struct trial *t, size_t from)
{
    const char *bytes = bytes_of(t);
    size_t end = from + sse_scan(&t->sse, bytes + from, looked_at(t) - from);
    struct words w;

    if (end == from)
        return;
    t->opening = opening_len(bytes, t->preamble, end);
    if (t->opening == 0 && words_in_stream(&w, bytes, t->preamble, end))
        t->opening = end;
    t->preamble = end;
}

void trial_body(struct trial *t, const char *data, size_t len)
{
    size_t from = looked_at(t);

    buf_add(&t->body, data, len);
    t->cut = t->body.len > WORDS_BYTES;
    if (is_preamble(t))
        read_events(t, from);
}

bool trial_is_ripe(const struct trial *t, bool ended)
{
    if (!t->heard)
        return false;
    if (ended || t->cut)
        return true;
    if (t->head.status >= 300 || t->head.status == 202)
        return false;
    return !is_preamble(t);
}

/* The last line may lack its end. */
static bool has_ended(const struct trial *t, enum sse_ends ends)
{
    struct sse s = t->sse;

    sse_end(&s);
    return ends == ENDS_ANYHOW || sse_has_ended(&s, ends);
}

bool trial_is_false_start(const struct trial *t, bool ended_well,
                          enum sse_ends ends)
{
    return is_preamble(t) && (!ended_well || !has_ended(t, ends));
}

void trial_judge(struct verdict *v, const struct trial *t, bool ended_well)
{
    struct verdict_input in = verdict_input(&t->head);

    in.body = bytes_of(t);
    in.len = looked_at(t);
    in.is_cut = t->cut || !ended_well;
    in.is_stream = is_stream(t);
    if (t->opening > 0)
        in.len = t->opening; /* an error after content is part of the answer */
    in.now_s = (int64_t)time(NULL);
    verdict_of(v, &in);
}

void trial_clear(struct trial *t)
{
    head_clear(&t->head);
    buf_free(&t->body);
    t->heard = t->cut = false;
    t->preamble = t->opening = 0;
    memset(&t->sse, 0, sizeof(t->sse));
}
