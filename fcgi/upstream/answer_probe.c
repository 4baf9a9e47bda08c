/*
 * answer_probe.c - how much of an answer must be seen before it can be judged?
 *
 *   an error                all of its body, up to WORDS_BYTES
 *   a 202, a redirect       the same: it is short, and a transfer that is
 *                           stopped half way costs its connection
 *   a 200 that is JSON and  the same: a gateway may tell of somebody else's
 *   begins with an error    error so
 *   a 200 event stream      up to the first event that is an error or content
 *   a 200 that is JSON, or  its first bytes that are not white space: a stream
 *   should be JSON or       may not be called one, JSON may come to who asked
 *   events                  for a stream, and an empty one is no answer
 *   anything else, and      its head
 *   what has a coding
 *
 * Until then no byte of it has reached the client, and the request may go
 * again.
 */
#include "fcgi/upstream/answer_probe.h"

#include <string.h>
#include <time.h>

#include "fcgi/upstream/stream_start.h"

void answer_probe_begin(struct answer_probe *t, struct upstream_head *head,
                        bool awaited)
{
    answer_probe_clear(t);
    t->heard = true;
    head_move(&t->head, head);
    t->is_awaited = awaited;
    t->is_read = t->head.status == 200 &&
                 (awaited || head_is_events(&t->head) ||
                  (head_is_json(&t->head) && !head_is_encoded(&t->head)));
}

static const char *bytes_of(const struct answer_probe *t)
{
    return t->body.len > 0 ? buf_head(&t->body) : "";
}

/* At most WORDS_BYTES are looked at. */
static size_t looked_at(const struct answer_probe *t)
{
    return t->body.len < WORDS_BYTES ? t->body.len : WORDS_BYTES;
}

static bool is_stream(const struct answer_probe *t)
{
    return t->kind == SNIFF_EVENTS ||
           (t->is_read && t->kind == SNIFF_UNKNOWN && head_is_events(&t->head));
}

static bool is_preamble(const struct answer_probe *t)
{
    return is_stream(t) && t->opening == 0;
}

/* Is what came so far the beginning of {"error", or more than that? */
static bool may_be_error(const struct answer_probe *t)
{
    static const char word[] = "\"error\"";
    const char *p = bytes_of(t) + t->blank, *end = bytes_of(t) + looked_at(t);
    size_t n;

    if (!t->is_awaited || t->kind != SNIFF_JSON || p == end || *p != '{')
        return false;
    for (p++; p < end && strchr(" \t\r\n", *p) != NULL && *p != '\0';)
        p++;
    n = (size_t)(end - p) < sizeof(word) - 1 ? (size_t)(end - p)
                                             : sizeof(word) - 1;
    return memcmp(p, word, n) == 0;
}

/*
 * Reads the events that are whole by now.  Each byte is looked at once, and
 * each event read once: a stranger decides how small the pieces are, and the
 * loop waits.
 */
static void read_events(struct answer_probe *t, size_t from)
{
    const char *bytes = bytes_of(t);
    size_t end = from + sse_scan(&t->sse, bytes + from, looked_at(t) - from);
    struct upstream_error_words w;

    if (end == from)
        return;
    t->opening = stream_start_len(bytes, t->preamble, end);
    if (t->opening == 0 &&
        upstream_error_in_stream(&w, bytes, t->preamble, end))
        t->opening = end;
    t->preamble = end;
}

/* What calls itself an event stream may begin with a line that is none of the
 * standard's fields. */
static enum sniffed kind_of(struct answer_probe *t)
{
    const char *bytes = bytes_of(t);
    enum sniffed kind;

    while (t->blank < looked_at(t) &&
           strchr(" \t\r\n", bytes[t->blank]) != NULL &&
           bytes[t->blank] != '\0')
        t->blank++;
    kind = sniff(bytes + t->blank, looked_at(t) - t->blank);
    if (head_is_encoded(&t->head))
        return looked_at(t) > 0 ? SNIFF_CODED : SNIFF_UNKNOWN;
    if (kind == SNIFF_OTHER && head_is_events(&t->head))
        return SNIFF_EVENTS;
    return kind;
}

void answer_probe_body(struct answer_probe *t, const char *data, size_t len)
{
    size_t from = looked_at(t);

    buf_add(&t->body, data, len);
    t->cut = t->body.len > WORDS_BYTES;
    if (t->is_read && t->kind == SNIFF_UNKNOWN) {
        t->kind = kind_of(t);
        from = 0; /* none of it was read as events */
    }
    if (t->kind == SNIFF_EVENTS && t->opening == 0)
        read_events(t, from);
}

bool answer_probe_is_ripe(const struct answer_probe *t, bool ended)
{
    if (!t->heard)
        return false;
    if (ended || t->cut)
        return true;
    if (t->head.status >= 300 || t->head.status == 202)
        return false;
    if (t->is_read && t->kind == SNIFF_UNKNOWN)
        return false;
    return !is_preamble(t) && !may_be_error(t);
}

bool answer_probe_is_blank(const struct answer_probe *t)
{
    return t->is_read && t->kind == SNIFF_UNKNOWN && t->blank == looked_at(t);
}

/* The last line may lack its end. */
static bool has_ended(const struct answer_probe *t, enum sse_ends ends)
{
    struct sse s = t->sse;

    sse_end(&s);
    return ends == ENDS_ANYHOW || sse_has_ended(&s, ends);
}

bool answer_probe_is_false_start(const struct answer_probe *t, bool ended_well,
                                 enum sse_ends ends)
{
    if (!is_stream(t))
        return t->is_awaited && answer_probe_is_blank(t);
    return t->opening == 0 && (!ended_well || !has_ended(t, ends));
}

/* The content coding of what came, named or not; NULL: none. */
static const char *coding_of(const struct answer_probe *t)
{
    if (head_is_encoded(&t->head))
        return upstream_header(&t->head, "content-encoding");
    return sniff_coding(bytes_of(t), looked_at(t));
}

void answer_probe_judge(struct verdict *v, const struct answer_probe *t,
                        bool ended_well)
{
    struct verdict_input in = verdict_input(&t->head);

    in.body = bytes_of(t);
    in.len = looked_at(t);
    in.is_cut = t->cut || !ended_well;
    in.is_stream = is_stream(t);
    in.is_json = may_be_error(t);
    if (t->opening > 0)
        in.len = t->opening; /* an error after content is part of the answer */
    in.coding = coding_of(t);
    in.now_s = (int64_t)time(NULL);
    verdict_of(v, &in);
}

void answer_probe_clear(struct answer_probe *t)
{
    head_clear(&t->head);
    buf_free(&t->body);
    t->heard = t->cut = t->is_awaited = t->is_read = false;
    t->kind = SNIFF_UNKNOWN;
    t->blank = 0;
    t->preamble = t->opening = 0;
    memset(&t->sse, 0, sizeof(t->sse));
}
