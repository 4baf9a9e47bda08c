/*
 * fuzz_trial.c - how much of an answer must be seen before it can be judged?
 *
 * Input: a line with the status, header fields, a blank line, the body; 0xff
 * cuts it between two pieces.
 *
 * An answer that is ripe stays ripe with what comes, every one is ripe at its
 * end, what is judged can be told, and wherever it is cut it means the same.
 */
#include "fuzz.h"

#include "fcgi/reply.h"
#include "fcgi/upstream/answer_probe.h"
#include "fcgi/upstream/verdict.h"

static void judge(const struct answer_probe *t, bool ended)
{
    struct buf json = {NULL, 0, 0, 0};
    struct verdict v;

    answer_probe_judge(&v, t, ended);
    CHECK((unsigned)v.kind < VERDICT_KINDS);
    if (v.kind >= VERDICT_RATE) {
        reply_their_error(&json, &v.words, v.status);
        CHECK(json.len > 0 && buf_is_utf8(buf_head(&json), json.len));
        CHECK(memchr(buf_head(&json), '\n', json.len) == NULL);
        CHECK(v.status >= 400 && v.status < 600);
    }
    buf_free(&json);
}

static void read_head(struct input *in, struct upstream_head *head)
{
    size_t len;
    char *line = take_line(in, &len);

    memset(head, 0, sizeof(*head));
    head->content_length = -1;
    head->status = line != NULL ? atoi(line) : 200;
    if (head->status < 200 || head->status > 599)
        head->status = 200;
    free(line);
    while ((line = take_line(in, &len)) != NULL && len > 0) {
        (void)head_take(head, line, len);
        free(line);
    }
    free(line);
}

/* T came in pieces, HEAD is its own again. */
static void compare(const struct answer_probe *t, struct upstream_head *head)
{
    struct verdict v, w;
    struct answer_probe whole;

    memset(&whole, 0, sizeof(whole));
    answer_probe_begin(&whole, head, true);
    if (t->body.len > 0)
        answer_probe_body(&whole, buf_head(&t->body), t->body.len);
    answer_probe_judge(&v, t, true);
    answer_probe_judge(&w, &whole, true);
    CHECK(v.kind == w.kind && v.status == w.status);
    CHECK(answer_probe_is_ripe(t, false) ==
          answer_probe_is_ripe(&whole, false));
    CHECK(answer_probe_is_false_start(t, true, ENDS_DONE) ==
          answer_probe_is_false_start(&whole, true, ENDS_DONE));
    answer_probe_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct upstream_head head;
    struct answer_probe t;
    bool ripe;

    memset(&t, 0, sizeof(t));
    read_head(&in, &head);
    answer_probe_begin(&t, &head, true);
    CHECK(head.n == 0);
    ripe = answer_probe_is_ripe(&t, false);
    while (in.left > 0 && t.body.len <= 2 * WORDS_BYTES) {
        const uint8_t *cut = memchr(in.at, 0xff, in.left);
        size_t n = cut != NULL ? (size_t)(cut - in.at) : in.left;

        answer_probe_body(&t, (const char *)in.at, n);
        in.at += n + (cut != NULL);
        in.left -= n + (cut != NULL);
        CHECK(!ripe || answer_probe_is_ripe(&t, false));
        ripe = answer_probe_is_ripe(&t, false);
        if (ripe)
            judge(&t, false);
    }
    CHECK(answer_probe_is_ripe(&t, true));
    judge(&t, true);
    in = (struct input){data, size};
    read_head(&in, &head);
    compare(&t, &head);
    answer_probe_clear(&t);
    return 0;
}
