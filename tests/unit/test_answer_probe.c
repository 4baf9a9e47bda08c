/* Mirrors fcgi/upstream/answer_probe.c. */
#include "fcgi/upstream/answer_probe.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define ROLE "data: {\"choices\":[{\"delta\":{\"role\":\"a\"}}]"

static void begin(struct answer_probe *t)
{
    static const char type[] = "Content-Type: text/event-stream";
    struct upstream_head head;

    memset(t, 0, sizeof(*t));
    memset(&head, 0, sizeof(head));
    head.status = 200;
    head.content_length = -1;
    CU_ASSERT_TRUE(head_take(&head, type, strlen(type)));
    answer_probe_begin(t, &head, true);
}

static enum verdict_kind kind_of(const struct answer_probe *t)
{
    struct verdict v;

    answer_probe_judge(&v, t, true);
    return v.kind;
}

/* What stands there now is content and an error, to whoever looks again. */
static void forge(struct answer_probe *t, size_t len)
{
    static const char lie[] = "data: {\"error\":1}\n\n";
    char *bytes = t->body.data + t->body.start;
    size_t i;

    if (len == 0)
        return; /* there may be no bytes at all */
    memset(bytes, '\n', len);
    for (i = 0; i + strlen(lie) <= len; i += strlen(lie))
        memcpy(bytes + i, lie, strlen(lie));
}

/* Piece by piece, with all before a piece forged while it comes, but for the
 * event that it ends. */
static void no_piece_makes_what_was_before_it_be_read_again(void)
{
    static const char *const events[] = {
        ": a comment, longer than the lie that takes its place\n",
        ROLE "}\n\n",
        ROLE ",\"error\":null}\n\n",
        ROLE "}\n" ROLE "}\n" ROLE "}\r\n" ROLE "}\r" ROLE "}\n\n",
        "event: response.created\r\ndata: "
        "{\"type\":\"response.created\"}\r\n\r",
        "\n: a\r\n" ROLE ",\"error\":null}\r\r",
    };
    static const char last[] = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    struct answer_probe t;
    size_t i, k, n;

    begin(&t);
    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        size_t before = t.body.len;

        n = strlen(events[i]);
        for (k = 0; k < n; k++) {
            forge(&t, k + 1 < n ? t.body.len : before);
            answer_probe_body(&t, events[i] + k, 1);
            CU_ASSERT_FALSE(answer_probe_is_ripe(&t, false));
            memcpy(t.body.data + t.body.start + before, events[i], k + 1);
        }
        CU_ASSERT_EQUAL(t.preamble, t.body.len);
    }
    answer_probe_body(&t, last, strlen(last));
    CU_ASSERT_TRUE(answer_probe_is_ripe(&t, false));
    answer_probe_clear(&t);
}

/* After how many bytes is TEXT ripe, in pieces of N?  0: never. */
static size_t ripe_at(const char *text, size_t n, enum verdict_kind *kind)
{
    struct answer_probe t;
    size_t i, len = strlen(text), at = 0;

    begin(&t);
    for (i = 0; i < len && at == 0; i += n) {
        answer_probe_body(&t, text + i, n < len - i ? n : len - i);
        if (answer_probe_is_ripe(&t, false))
            at = t.body.len;
    }
    *kind = kind_of(&t);
    answer_probe_clear(&t);
    return at;
}

static void where_it_is_cut_makes_no_difference(void)
{
    static const struct {
        const char *text; /* ripe with its last byte, if at all */
        bool is_ripe;
        enum verdict_kind kind;
    } rows[] = {
        {ROLE "}\n\n" ROLE "}\n\n", false, VERDICT_ANSWER},
        {ROLE "}\n\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\n", true,
         VERDICT_ANSWER},
        {ROLE "}\r\n\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\r\r", true,
         VERDICT_ANSWER},
        {ROLE "}\n\ndata: {\"error\":{\"code\":503,\"message\":\"m\"}}\n\n",
         true, VERDICT_FAULT},
        {ROLE "}\r\r" ROLE ",\"error\":{\"code\":429,\"message\":\"m\"}}\r\r",
         true, VERDICT_BUSY},
        {ROLE "}\n\nevent: error\n" ROLE ",\"code\":500,\"message\":\"m\"}\n\n",
         true, VERDICT_FAULT},
        /* Only at the very beginning it is none of the line's. */
        {"\xef\xbb\xbf" ROLE ",\"error\":\"m\"}\n\n", true, VERDICT_FAULT},
        {ROLE "}\n\n\xef\xbb\xbf" ROLE ",\"error\":\"m\"}\n\n", false,
         VERDICT_ANSWER},
    };
    enum verdict_kind kind;
    size_t i, n;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].text);

        for (n = 1; n <= len; n++) {
            size_t at = ripe_at(rows[i].text, n, &kind);

            if (at != (rows[i].is_ripe ? len : 0) || kind != rows[i].kind)
                printf("\n    at %zu, kind %d, by %zu: %s\n", at, (int)kind, n,
                       rows[i].text);
            CU_ASSERT_EQUAL(at, rows[i].is_ripe ? len : 0);
            CU_ASSERT_EQUAL(kind, rows[i].kind);
        }
    }
}

static void what_is_over_before_it_said_anything_is_a_false_start(void)
{
    static const struct {
        const char *text;
        bool cut, clean, clean_wants_done; /* is it one? */
    } rows[] = {
        {"", true, false, true},
        {ROLE "}\n\n", true, false, true},
        {ROLE "}\n\ndata: {\"choices\":[{\"text\":\"a\"}]}", true, false, true},
        {ROLE "}\n\ndata: [DON", true, false, true},
        {ROLE "}\n\n: data: [DONE]\n\n", true, false, true},
        {ROLE "}\n\ndata: [DONE]", true, false, false}, /* for relay.c, too */
        {ROLE "}\r\rdata:[DONE]\r", true, false, false},
        {ROLE "}\n\ndata: [DONE]\n\n", false, false, false},
        {"data: {\"choices\":[{\"text\":\"a\"}]}\n\n", false, false, false},
        {"data: {\"type\":\"response.created\"}\n\n", true, false, true},
    };
    struct answer_probe t;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&t);
        answer_probe_body(&t, rows[i].text, strlen(rows[i].text));
        CU_ASSERT_EQUAL(answer_probe_is_false_start(&t, false, ENDS_DONE),
                        rows[i].cut);
        CU_ASSERT_EQUAL(answer_probe_is_false_start(&t, false, ENDS_ANYHOW),
                        rows[i].cut);
        CU_ASSERT_EQUAL(answer_probe_is_false_start(&t, true, ENDS_ANYHOW),
                        rows[i].clean);
        CU_ASSERT_EQUAL(answer_probe_is_false_start(&t, true, ENDS_DONE),
                        rows[i].clean_wants_done);
        answer_probe_clear(&t);
    }
}

/* Which has no [DONE]. */
static void a_response_has_an_end_of_its_own(void)
{
    static const char created[] = "data: {\"type\":\"response.created\"}\n\n";
    static const char done[] = "data: {\"type\":\"response.completed\"}\n\n";
    struct answer_probe t;

    begin(&t);
    answer_probe_body(&t, created, strlen(created));
    CU_ASSERT_TRUE(answer_probe_is_false_start(&t, true, ENDS_RESPONSE));
    CU_ASSERT_TRUE(answer_probe_is_false_start(&t, false, ENDS_RESPONSE));
    answer_probe_body(&t, done, strlen(done));
    CU_ASSERT_FALSE(answer_probe_is_false_start(&t, true, ENDS_RESPONSE));
    CU_ASSERT_FALSE(answer_probe_is_false_start(&t, false, ENDS_RESPONSE));
    answer_probe_clear(&t);
}

static void a_long_preamble_ends_the_trial(void)
{
    static const char event[] = ROLE "}\n\n";
    struct answer_probe t;

    begin(&t);
    while (t.body.len <= WORDS_BYTES) {
        CU_ASSERT_FALSE(answer_probe_is_ripe(&t, false));
        answer_probe_body(&t, event, strlen(event));
    }
    CU_ASSERT_TRUE(answer_probe_is_ripe(&t, false));
    CU_ASSERT_TRUE(t.preamble <= WORDS_BYTES);
    CU_ASSERT_EQUAL(kind_of(&t), VERDICT_ANSWER);
    answer_probe_clear(&t);
}

static void begin_as(struct answer_probe *t, int status, const char *line,
                     bool awaited)
{
    struct upstream_head head;

    memset(t, 0, sizeof(*t));
    memset(&head, 0, sizeof(head));
    head.status = status;
    head.content_length = -1;
    CU_ASSERT_TRUE(head_take(&head, line, strlen(line)));
    answer_probe_begin(t, &head, awaited);
}

/* Whatever its type says: at the first byte that tells. */
static void the_first_bytes_say_what_a_200_is(void)
{
    static const struct {
        const char *line, *text;
        bool awaited, is_ripe, is_false_start;
    } rows[] = {
        {"Content-Type: audio/mpeg", "", false, true, false},
        {"Content-Type: application/json", "", true, false, true},
        {"Content-Type: application/json", "\n \r\n", true, false, true},
        {"Content-Type: application/json", "\n", false, false, false},
        {"Content-Type: application/json", "\n{", false, true, false},
        {"Content-Type: application/json", "\n{", true, false, false},
        {"Content-Type: application/json", "{\n \"er", true, false, false},
        {"Content-Type: application/json", "{\"error\":1}", true, false, false},
        {"Content-Type: application/json", "{\"err0\":1}", true, true, false},
        {"Content-Type: application/json", "[", true, true, false},
        {"Content-Type: text/plain", "dat", true, false, false},
        {"Content-Type: text/plain", ROLE "}\n\n", true, false, true},
        {"Content-Type: text/plain", "data: {\"a\":1}\n\n", true, true, false},
        {"Content-Type: text/event-stream", "\x1f\x8b", true, true, false},
        {"Content-Encoding: gzip", "\n", true, true, false},
        {"Content-Encoding: gzip", "", true, false, true},
    };
    struct answer_probe t;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin_as(&t, 200, rows[i].line, rows[i].awaited);
        if (rows[i].text[0] != '\0')
            answer_probe_body(&t, rows[i].text, strlen(rows[i].text));
        if (answer_probe_is_ripe(&t, false) != rows[i].is_ripe)
            printf("\n    %s: %s\n", rows[i].line, rows[i].text);
        CU_ASSERT_EQUAL(answer_probe_is_ripe(&t, false), rows[i].is_ripe);
        CU_ASSERT_EQUAL(answer_probe_is_false_start(&t, true, ENDS_DONE),
                        rows[i].is_false_start);
        answer_probe_clear(&t);
    }
}

/* As text it would be an unknown model, with that word in it no free worker. */
static void compressed_bytes_say_nothing_of_an_error(void)
{
    static const char *const lines[] = {"Content-Encoding: gzip",
                                        "Content-Type: text/plain"};
    static const char body[] = "\x1f\x8b\x08 ResourceExhausted";
    struct answer_probe t;
    struct verdict v;
    size_t i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        begin_as(&t, 404, lines[i], true);
        answer_probe_body(&t, body, strlen(body));
        answer_probe_judge(&v, &t, true);
        CU_ASSERT_EQUAL(v.kind, VERDICT_CLIENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(v.words.message, "compressed (gzip)"));
        CU_ASSERT_TRUE(verdict_can_pass(&v));
        answer_probe_clear(&t);
        begin_as(&t, 503, lines[i], true);
        answer_probe_body(&t, body, strlen(body));
        CU_ASSERT_EQUAL(kind_of(&t), VERDICT_FAULT);
        answer_probe_clear(&t);
    }
}

static const struct unit_test tests[] = {
    {"the first bytes say what a 200 is", the_first_bytes_say_what_a_200_is},
    {"compressed bytes say nothing of an error",
     compressed_bytes_say_nothing_of_an_error},
    {"no piece makes what was before it be read again",
     no_piece_makes_what_was_before_it_be_read_again},
    {"where it is cut makes no difference",
     where_it_is_cut_makes_no_difference},
    {"what is over before it said anything is a false start",
     what_is_over_before_it_said_anything_is_a_false_start},
    {"a response has an end of its own", a_response_has_an_end_of_its_own},
    {"a long preamble ends the trial", a_long_preamble_ends_the_trial},
    {NULL, NULL},
};

CU_ErrorCode test_answer_probe_add(void)
{
    return unit_add("trial", tests);
}
