/* Mirrors fcgi/relay.c, relay_end.c and passed_headers.c. */
#include "fcgi/relay.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/exchange.h"
#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "relay_stage.h"
#include "unit.h"

static void give(struct stage *st, const char *text)
{
    relay_body(&st->x, text, strlen(text));
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

#define HI                                                                     \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
#define STOP                                                                   \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"         \
    "\"stop\"}]}"
#define ERROR      "data: {\"error\":{\"message\":\"m\",\"code\":429}}"
#define DONE       "data: [DONE]\n\n"
#define TEXT_ERROR "event: error\ndata: out of memory\n\n"

/* GIVEN on PATH: does it end well, and what is the last that was said?  NULL:
 * it does not. */
static void ends_as(const char *path, const char *given, const char *last)
{
    struct stage st;
    const char *said;
    bool ended;

    stage_open(&st, path, "text/event-stream");
    relay_head(&st.x, &st.head, SNIFF_EVENTS);
    give(&st, given);
    ended = relay_finish(&st.x);
    said = stage_hear(&st);
    if (ended != (last != NULL) || (last != NULL && !ends_with(said, last)))
        printf("\n    %d: %s\n", ended, said);
    CU_ASSERT_EQUAL(ended, last != NULL);
    CU_ASSERT_TRUE(last == NULL || ends_with(said, last));
    stage_close(&st);
}

static void a_stream_ends_as_it_says(void)
{
    static const char chat[] = "/v1/chat/completions";

    ends_as(chat, HI, NULL);
    ends_as(chat, HI DONE, HI DONE);
    ends_as(chat, HI STOP "\n\n", HI STOP "\n\n" DONE);
    ends_as(chat, HI STOP "\n", HI STOP "\n\n\n" DONE);
    ends_as(chat, HI STOP, HI STOP "\n\n" DONE);
    ends_as(chat, HI STOP "\n\ndata: {\"usa", HI STOP "\n\n" DONE);
    ends_as(chat, HI STOP "\n\ndata: {\"usage\":{}}",
            HI STOP "\n\ndata: {\"usage\":{}}\n\n" DONE);
    ends_as(chat, HI "data: {\"choices\":[{\"finish_reason\":\"st", NULL);
    ends_as(chat, HI ERROR "\n\n", HI ERROR "\n\n");
    ends_as(chat, HI ERROR, HI ERROR "\n\n");
    ends_as(chat, HI ERROR "\n\n" DONE,
            HI ERROR "\n\n"); /* nothing behind it */
    ends_as("/v1/responses", HI DONE, HI DONE);
    ends_as("/v1/responses", HI STOP "\n\n", NULL);
    ends_as("/v1/messages", "data: {\"type\":\"ping\"}\n\n", NULL);
    ends_as("/v1/messages", "data: {\"type\":\"message_stop\"}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n");
    ends_as("/v1/messages", TEXT_ERROR, TEXT_ERROR);
    ends_as("/v1/responses", HI TEXT_ERROR, HI TEXT_ERROR);
}

/* Two choices, and the reason of one. */
static void each_choice_needs_its_reason(void)
{
    static const char chat[] = "/v1/chat/completions";
#define CHOICE(n, reason)                                                      \
    "data: "                                                                   \
    "{\"choices\":[{\"delta\":{\"a\":{\"index\":5}},\"finish_reason\":" reason \
    ",\"index\":" #n "}]}\n\n"

    ends_as(chat, CHOICE(0, "null") CHOICE(1, "null") CHOICE(1, "\"stop\""),
            NULL);
    ends_as(chat,
            CHOICE(0, "null") CHOICE(1, "\"length\"") CHOICE(0, "\"stop\""),
            "\"index\":0}]}\n\n" DONE);
    ends_as(chat, CHOICE(0, "\"\""), NULL);
    ends_as(chat, CHOICE(63, "\"stop\""), NULL); /* too many to be told */
    ends_as(chat, CHOICE(99999999999999999999, "\"stop\""), NULL);
    ends_as(chat,
            "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"finish_reason"
            "\\\":\\\"stop\\\"\",\"finish_reason\":\"stop\"}}]}\n\n",
            NULL);
    ends_as(chat, "data: {\"x\":[{\"finish_reason\":\"stop\"}]}\n\n", NULL);
#undef CHOICE
}

static void over(const char *path, const char *given, int64_t most_ms)
{
    struct stage st;
    int64_t now;

    stage_open(&st, path, "text/event-stream");
    relay_head(&st.x, &st.head, SNIFF_EVENTS);
    now = loop_now(st.s.loop);
    give(&st, given);
    CU_ASSERT_EQUAL(st.x.due.at[DUE_OVER] == NEVER, most_ms < 0);
    CU_ASSERT_TRUE(most_ms < 0 ||
                   st.x.due.at[DUE_OVER] <= now + most_ms * NS_PER_MS);
    stage_close(&st);
}

static void its_connection_is_not_waited_for(void)
{
    over("/v1/chat/completions", HI, -1);
    over("/v1/chat/completions", HI DONE, 999);
    over("/v1/chat/completions", HI ERROR "\n\n", 999);
    over("/v1/chat/completions", HI STOP "\n\n", 20000);
    over("/v1/chat/completions",
         HI STOP "\n\n"
                 "data: {\"choices\":[{\"index\":1}]}\n\n",
         -1);
    over("/v1/responses", "data: {\"type\":\"response.completed\"}\n\n", 999);
    over("/v1/responses", HI STOP "\n\n", -1);
    over("/v1/files", HI ERROR "\n\n", -1);
}

static void a_comment_passes_at_once(void)
{
    struct stage st;

    stage_open(&st, "/v1/chat/completions", "text/event-stream");
    relay_head(&st.x, &st.head, SNIFF_EVENTS);
    give(&st, ": still here\n");
    CU_ASSERT_TRUE(ends_with(stage_hear(&st), "\r\n\r\n: still here\n"));
    give(&st, "data: {}\n: within\n");
    CU_ASSERT_TRUE(ends_with(stage_hear(&st), "\r\n\r\n: still here\n"));
    stage_close(&st);
}

/* In whichever pieces. */
static void no_mark_of_the_byte_order_stands_behind_our_comments(void)
{
    static const char given[] = "\xef\xbb\xbf" HI;
    size_t n;

    for (n = 1; n <= strlen(given); n++) {
        struct stage st;
        size_t i;

        stage_open(&st, "/v1/chat/completions", "text/event-stream");
        relay_commit(&st.x);
        relay_beat(&st.x, "here");
        relay_head(&st.x, &st.head, SNIFF_EVENTS);
        for (i = 0; i < strlen(given); i += n)
            relay_body(&st.x, given + i,
                       n < strlen(given) - i ? n : strlen(given) - i);
        CU_ASSERT_TRUE(ends_with(stage_hear(&st), ": here\n\n" HI));
        stage_close(&st);
    }
}

/* The client of a head of 64 KB is full before the first event. */
static void what_is_given_is_taken_from_whoever_is_full(void)
{
    struct stage st;

    stage_open(&st, "/v1/chat/completions", "text/event-stream");
    relay_head(&st.x, &st.head, SNIFF_EVENTS);
    st.x.client.above = true;
    CU_ASSERT_TRUE(relay_is_full(&st.x));
    give(&st, HI);
    CU_ASSERT_TRUE(ends_with(stage_hear(&st), HI));
    stage_close(&st);
}

static void sound_and_compressed_bytes_pass_at_once(void)
{
    static const struct {
        const char *type;
        enum sniffed kind;
        const char *path;
        bool passes;
    } rows[] = {
        {"audio/mpeg", SNIFF_UNKNOWN, "/v1/audio/speech", true},
        {"text/plain", SNIFF_OTHER, "/v1/chat/completions", true},
        {"text/event-stream", SNIFF_CODED, "/v1/chat/completions", true},
        {"application/json", SNIFF_CODED, "/v1/chat/completions", true},
        {"application/x-ndjson", SNIFF_JSON, "/v1/chat/completions", true},
        {"application/json", SNIFF_JSON, "/v1/chat/completions", false},
        {"text/plain", SNIFF_JSON, "/v1/chat/completions", false},
        {"application/problem+json; a=b", SNIFF_UNKNOWN, "/v1/files", false},
        {"APPLICATION/JSON", SNIFF_JSON, "/v1/files", false},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stage st;

        stage_open(&st, rows[i].path, rows[i].type);
        relay_head(&st.x, &st.head, rows[i].kind);
        give(&st, "[x");
        if (ends_with(stage_hear(&st), "\r\n\r\n[x") != rows[i].passes)
            printf("\n    %s, %d\n", rows[i].type, (int)rows[i].kind);
        CU_ASSERT_EQUAL(ends_with(stage_hear(&st), "\r\n\r\n[x"),
                        rows[i].passes);
        stage_close(&st);
    }
}

/* Of a long one its client has the beginning, but not a word of its end. */
static void json_that_is_cut_never_ends_well(void)
{
    static const char piece[] = "\"0123456789\",";
    struct stage st;
    size_t n;
    int i;

    for (i = 0; i < 2; i++) {
        stage_open(&st, "/v1/embeddings", "application/json");
        relay_head(&st.x, &st.head, SNIFF_JSON);
        give(&st, "[");
        for (n = 0; n <= 2 * HOLD_MAX; n += strlen(piece))
            give(&st, piece);
        give(&st, i == 0 ? "1" : "1]");
        CU_ASSERT_EQUAL(relay_finish(&st.x), i == 1);
        stage_close(&st);
    }
}

/* ---- secrets ---------------------------------------------------------------- */

#define KEY "nvapi-0123456789abcdef"

/* An error that is longer than what is held of an answer or of an event: MORE
 * of it comes, with the key in its END. */
static void quotes_a_key(const char *type, enum sniffed kind, const char *begin,
                         size_t more, const char *end)
{
    static char key[] = KEY;
    struct stage st;
    const char *said;
    size_t n;

    stage_open(&st, "/v1/chat/completions", type);
    st.cfg.admin_token = key;
    relay_head(&st.x, &st.head, kind);
    give(&st, begin);
    for (n = 0; n <= more; n += 10)
        give(&st, "0123456789");
    give(&st, end);
    (void)relay_finish(&st.x);
    said = stage_hear(&st);
    CU_ASSERT_PTR_NULL(strstr(said, KEY));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "**********"));
    stage_close(&st);
}

static void no_length_of_an_error_lets_a_key_through(void)
{
    quotes_a_key("text/event-stream", SNIFF_EVENTS,
                 HI "data: {\"error\":{\"message\":\"", EVENT_MAX,
                 KEY "\"}}\n\n");
    quotes_a_key("text/event-stream", SNIFF_EVENTS,
                 HI "data: {\"error\":{\"message\":\"", EVENT_MAX,
                 KEY "\"}}\n\n" DONE);
    quotes_a_key("application/json", SNIFF_JSON,
                 "{\"error\":{\"message\":\"" KEY, HOLD_MAX, "\"}}");
}

/* ---- heads ------------------------------------------------------------------ */

static void takes(struct stage *st, const char *line)
{
    CU_ASSERT_TRUE(head_take(&st->head, line, strlen(line)));
}

static size_t times(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strcasestr(text, word)) != NULL; text++)
        n++;
    return n;
}

static void no_header_comes_twice(void)
{
    struct buf json = {NULL, 0, 0, 0};
    struct relay_error e = {.status = 404,
                            .json = &json,
                            .retry_ms = -1,
                            .message = "",
                            .type = "",
                            .code = ""};
    struct stage st;
    const char *said;

    stage_open(&st, "/v1/chat/completions", "text/plain");
    takes(&st, "Content-Encoding: gzip");
    takes(&st, "Content-Language: en");
    takes(&st, "X-Should-Retry: true");
    takes(&st, "X-Ratelimit-Remaining-Requests: 7");
    buf_str(&json, "{\"error\":{}}");
    e.head = &st.head;
    st.x.attempt.sends = 1;
    st.x.place.news.limit = 40;
    CU_ASSERT_TRUE(relay_error(&st.x, &e));
    said = stage_hear(&st);
    CU_ASSERT_EQUAL(times(said, "content-encoding"), 0);
    CU_ASSERT_EQUAL(times(said, "content-language"), 0);
    CU_ASSERT_EQUAL(times(said, "content-type"), 1);
    CU_ASSERT_EQUAL(times(said, "content-type: application/json"), 1);
    CU_ASSERT_EQUAL(times(said, "x-should-retry"), 1);
    CU_ASSERT_EQUAL(times(said, "x-should-retry: false"), 1);
    CU_ASSERT_EQUAL(times(said, "x-ratelimit-remaining-requests"), 1);
    buf_free(&json);
    stage_close(&st);
}

static void only_chunked_frames(void)
{
    static const struct {
        const char *line;
        bool chunked;
    } rows[] = {{"Transfer-Encoding: chunked", true},
                {"Transfer-Encoding: gzip, Chunked ", true},
                {"Transfer-Encoding: identity", false},
                {"Transfer-Encoding: gzip", false}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stage st;

        stage_open(&st, "/v1/files", "application/json");
        takes(&st, rows[i].line);
        CU_ASSERT_EQUAL(st.head.chunked, rows[i].chunked);
        stage_close(&st);
    }
}

static const struct unit_test tests[] = {
    {"a stream ends as it says", a_stream_ends_as_it_says},
    {"each choice needs its reason", each_choice_needs_its_reason},
    {"its connection is not waited for", its_connection_is_not_waited_for},
    {"a comment passes at once", a_comment_passes_at_once},
    {"no mark of the byte order stands behind our comments",
     no_mark_of_the_byte_order_stands_behind_our_comments},
    {"what is given is taken, from whoever is full",
     what_is_given_is_taken_from_whoever_is_full},
    {"sound and compressed bytes pass at once",
     sound_and_compressed_bytes_pass_at_once},
    {"JSON that is cut never ends well", json_that_is_cut_never_ends_well},
    {"no length of an error lets a key through",
     no_length_of_an_error_lets_a_key_through},
    {"no header comes twice", no_header_comes_twice},
    {"only chunked frames a body", only_chunked_frames},
    {NULL, NULL},
};

CU_ErrorCode test_relay_add(void)
{
    return unit_add("relay", tests);
}
