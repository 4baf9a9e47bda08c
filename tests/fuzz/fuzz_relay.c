/*
 * fuzz_relay.c - what does the client see of an answer?
 *
 * Input: a line of letters (s: a stream was asked for, c: our head went out
 * before, h: HEAD), the upstream's head, a blank line, the body.  In it 0xff
 * cuts between two pieces, 0xfe is a sign of life, 0xfd breaks the answer off.
 *
 * The upstream's bytes are never changed, left out or put in another order;
 * but for a byte order mark behind our own head, for the rest of an event
 * behind the last choice's end, and for all behind an error; a comment of ours only stands between events;
 * our error is always an event of its own; tokens are counted as if it had come
 * in one piece.
 */
#include <strings.h>

#include "stage.h"

struct talk {
    struct stage st;
    struct buf given;  /* the upstream's body so far */
    struct buf theirs; /* of it, what was passed on */
    size_t head_len;   /* of the CGI head; 0: not seen yet */
};

/* What relay.c has just said is the upstream's, but for a head, and for the
 * blank line that ends our comments. */
static void hear_theirs(struct talk *t, bool in_comments)
{
    struct stage *st = &t->st;
    size_t n = stage_hear(st);

    if (in_comments && !st->x.relay.in_comments) {
        CHECK(n > 0 && buf_head(&st->said)[st->said.len - n] == '\n');
        n--;
    }

    if (st->said.len > 0 && t->head_len == 0) {
        t->head_len = stage_head_len(st);
        n = st->said.len - t->head_len;
    }
    if (n > 0)
        buf_add(&t->theirs, buf_head(&st->said) + st->said.len - n, n);
}

/* Of what was given, the byte order mark that is not passed on. */
static size_t mark_len(const struct talk *t)
{
    const struct relay *r = &t->st.x.relay;

    return r->mode == RELAY_STREAM && r->committed && r->has_begun &&
                   t->given.len >= 3 &&
                   memcmp(buf_head(&t->given), "\xef\xbb\xbf", 3) == 0
               ? 3
               : 0;
}

static void check_prefix(const struct talk *t)
{
    const struct relay *r = &t->st.x.relay;
    size_t mark = mark_len(t);

    CHECK(t->theirs.len + mark <= t->given.len);
    CHECK(t->theirs.len == 0 ||
          memcmp(buf_head(&t->theirs), buf_head(&t->given) + mark,
                 t->theirs.len) == 0);
    if (strcmp(t->st.x.req->method, "HEAD") == 0) {
        CHECK(t->theirs.len == 0);
        return;
    }
    if (r->mode == RELAY_STREAM) {
        CHECK(t->theirs.len + r->held.len + mark == t->given.len ||
              (r->sse.has_error && r->held.len == 0));
        CHECK(r->held.len <= EVENT_MAX);
    }
    if (r->mode == RELAY_HOLD)
        CHECK(t->theirs.len + r->held.len == t->given.len &&
              r->held.len <= HOLD_MAX);
    if (r->mode == RELAY_PASS)
        CHECK(t->theirs.len == t->given.len);
}

static void piece(struct talk *t, const uint8_t *data, size_t len)
{
    char *copy = fuzz_copy(data, len);
    bool in_comments = t->st.x.relay.in_comments;

    buf_add(&t->given, data, len);
    relay_body(&t->st.x, copy, len);
    hear_theirs(t, in_comments);
    check_prefix(t);
    free(copy);
}

/* In a stream a sign of life is a comment before the first event. */
static void beat(struct talk *t)
{
    struct sse sse = {.len = 0};
    bool as_events, head_sent = t->st.x.relay.head_sent;
    size_t n;

    relay_beat(&t->st.x, "here");
    n = stage_hear(&t->st);
    if (n == 0)
        return;
    CHECK(head_sent);
    as_events = t->st.x.relay.mode == RELAY_STREAM || t->st.x.relay.as_events;
    CHECK(memcmp(buf_head(&t->st.said) + t->st.said.len - n,
                 as_events ? ": here\n" : "\n", n) == 0);
    if (t->theirs.len > 0)
        (void)sse_scan(&sse, buf_head(&t->theirs), t->theirs.len);
    CHECK(!as_events || (sse_is_between(&sse) && sse.events == 0));
    CHECK(as_events || t->theirs.len == 0 || t->st.x.relay.committed);
}

/* The data of the last event of TEXT, as a client's parser has it. */
static void last_data(struct buf *last, const char *text, size_t len)
{
    struct buf data = {NULL, 0, 0, 0};
    size_t at = 0, n;

    for (; at < len; at += n) {
        for (n = 0;
             at + n < len && text[at + n] != '\r' && text[at + n] != '\n';)
            n++;
        if (at + n == len)
            break;
        if (n == 0 && data.len > 0) {
            buf_free(last);
            *last = data;
            data = (struct buf){NULL, 0, 0, 0};
        } else if (n > 5 && memcmp(text + at, "data:", 5) == 0) {
            buf_add(&data, text + at + 5, n - 5);
        }
        if (text[at + n] == '\r' && at + n + 1 < len &&
            text[at + n + 1] == '\n')
            n++;
        n++;
    }
    buf_free(&data);
}

/* BEGIN is that of its data: what the upstream called an error may have more
 * before it than we would write. */
static void check_last_event(const struct talk *t, const char *begin)
{
    struct buf last = {NULL, 0, 0, 0};

    last_data(&last, buf_head(&t->st.said) + t->head_len,
              t->st.said.len - t->head_len);
    CHECK(last.len >= strlen(begin) &&
          memcmp(buf_head(&last), begin, strlen(begin)) == 0);
    buf_free(&last);
}

static void fail(struct talk *t)
{
    struct reply_error words = {502, ERROR_UPSTREAM_TRUNCATED, 1000, -1,
                                "gone"};
    struct buf json = {NULL, 0, 0, 0};
    struct relay_error e = {502,   &json,           1000,           -1,    NULL,
                            false, "it went wrong", "server_error", "code"};
    struct relay *r = &t->st.x.relay;
    bool had_head = r->head_sent, told;

    reply_error_json(&json, &words);
    told = relay_error(&t->st.x, &e);
    buf_free(&json);
    (void)stage_hear(&t->st);
    if (!had_head) {
        CHECK(told && t->theirs.len == 0);
        t->head_len = stage_head_len(&t->st);
        CHECK(strncmp(buf_head(&t->st.said), "Status: 502 ", 12) == 0);
    } else if (r->mode == RELAY_STREAM || r->as_events) {
        CHECK(!told); /* it stays without its end */
        check_last_event(t, " {\"error\":{\"object\":\"error\",\"message\":"
                            "\"it went wrong\",");
    } else {
        CHECK(told == (r->committed && r->mode != RELAY_PASS));
    }
}

/* However it was cut, it tells of as many tokens. */
static void check_usage(const struct talk *t)
{
    const struct usage *have = &t->st.x.relay.usage;
    struct usage whole;

    usage_init(&whole);
    if (t->given.len > 0)
        usage_look(&whole, buf_head(&t->given), t->given.len);
    CHECK(have->prompt == whole.prompt);
    CHECK(have->completion == whole.completion);
    CHECK(have->kept.len <= USAGE_BYTES);
    usage_fini(&whole);
}

/* What was left of theirs, and behind it at most the end of an event, [DONE]
 * and a comment; without it the same. */
static void check_rest(const struct talk *t, const char *said, size_t n)
{
    static const char *const ours[] = {"\n\n", "data: [DONE]\n\n", ": sluice"};
    size_t at = t->theirs.len + mark_len(t), left = t->given.len - at, i;

    if (left == 0 || (t->st.x.relay.sse.has_error && n == 0) ||
        (n >= left && memcmp(said, buf_head(&t->given) + at, left) == 0))
        return;
    CHECK(t->st.x.relay.mode == RELAY_STREAM);
    for (i = 0; i < 3; i++)
        if (strncmp(said, ours[i], strlen(ours[i])) == 0)
            return;
    CHECK(n == 0);
}

static void finish(struct talk *t)
{
    bool head_only = strcmp(t->st.x.req->method, "HEAD") == 0;
    struct relay *r = &t->st.x.relay;
    enum relay_mode mode = r->mode;
    size_t n;

    if (!relay_finish(&t->st.x)) {
        CHECK(mode != RELAY_PASS || r->is_checked);
        fail(t);
        return;
    }
    n = stage_hear(&t->st);
    if (t->head_len == 0) {
        t->head_len = stage_head_len(&t->st);
        n = t->st.said.len - t->head_len;
    }
    if (mode == RELAY_EXPLAIN) {
        check_last_event(t, r->told_error ? " {" : " [DONE]");
        return;
    }
    if (!r->is_coded && !r->sse.has_error)
        check_usage(t);
    if (head_only) {
        CHECK(n == 0);
        return;
    }
    check_rest(t, buf_head(&t->st.said) + t->st.said.len - n, n);
    if (!r->committed && mode != RELAY_STREAM)
        CHECK(t->theirs.len + n == t->given.len);
}

static void talk(struct talk *t, struct input *in)
{
    while (in->left > 0) {
        size_t n = 0;

        while (n < in->left && in->at[n] < 0xfd)
            n++;
        if (n > 0)
            piece(t, in->at, n);
        in->at += n;
        in->left -= n;
        switch (take_byte(in)) {
        case 0xfe:
            beat(t);
            break;
        case 0xfd:
            fail(t);
            return;
        }
    }
    finish(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct talk t = {.head_len = 0};
    struct input in = {data, size};
    char *how;
    size_t len;

    how = take_line(&in, &len);
    if (how == NULL)
        return 0;
    stage_open(&t.st, strchr(how, 's') != NULL, strchr(how, 'h') != NULL);
    if (strchr(how, 'c') != NULL && strchr(how, 'h') == NULL) {
        relay_commit(&t.st.x);
        (void)stage_hear(&t.st);
        t.head_len = stage_head_len(&t.st);
        beat(&t);
    }
    if (stage_read_head(&t.st, &in)) {
        relay_head(&t.st.x, &t.st.head,
                   head_is_events(&t.st.head)
                       ? SNIFF_EVENTS
                       : sniff((const char *)in.at, in.left));
        (void)stage_hear(&t.st);
        if (t.st.said.len > 0 && t.head_len == 0)
            t.head_len = stage_head_len(&t.st);
        talk(&t, &in);
    }
    stage_close(&t.st);
    buf_free(&t.given);
    buf_free(&t.theirs);
    free(how);
    return 0;
}
