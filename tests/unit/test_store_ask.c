/* Mirrors fcgi/store/store_ask.c and store_words.c. */
#include "fcgi/store/store_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/store/store_words.h"
#include "lib/base.h"
#include "unit.h"

#define NOW (INT64_C(5000) * NS_PER_S)

static const struct store_said said = {
    .account = "acc",
    .name = "one",
    .run = "run",
    .now_ns = NOW,
    .rtt_ns = 1500000,
};

static struct shared_ask *ask_new(void)
{
    struct shared_ask *ask = calloc(1, sizeof(*ask));

    CU_ASSERT_PTR_NOT_NULL_FATAL(ask);
    ask->host = 0xabc;
    ask->epoch = 7;
    ask->vv = 9;
    ask->flags = SHARED_SYNC | SHARED_TELL;
    return ask;
}

/* The bytes of a call, read as turn.lua does: each number and text of it in words, a
 * bar behind each. */
struct bytes {
    const uint8_t *at, *end;
    char *out;
};

static uint64_t number(struct bytes *b, unsigned bytes)
{
    uint64_t n = 0;
    unsigned i;

    CU_ASSERT_FATAL((size_t)(b->end - b->at) >= bytes);
    for (i = 0; i < bytes; i++)
        n |= (uint64_t)*b->at++ << 8 * i;
    return n;
}

static void say_text(struct bytes *b, size_t len)
{
    CU_ASSERT_FATAL((size_t)(b->end - b->at) >= len);
    memcpy(b->out, b->at, len);
    b->at += len;
    b->out += len;
    *b->out++ = '|';
}

static uint64_t say_number(struct bytes *b, unsigned bytes)
{
    uint64_t n = number(b, bytes);

    b->out += sprintf(b->out, "%ju|", (uintmax_t)n);
    return n;
}

/* FORM: a digit is a number of so many bytes, t a text behind its length, T one behind
 * four bytes of it, c a letter. */
static void say(struct bytes *b, const char *form)
{
    for (; *form != '\0'; form++)
        if (*form == 't')
            say_text(b, number(b, 1));
        else if (*form == 'T')
            say_text(b, number(b, 4));
        else if (*form == 'c')
            say_text(b, 1);
        else
            (void)say_number(b, (unsigned)(*form - '0'));
}

static void say_all(struct bytes *b)
{
    uint64_t settles, scopes, puts, heads;

    say(b, "t");
    say_text(b, 16);
    say(b, "t881884");
    settles = say_number(b, 2);
    scopes = say_number(b, 1);
    puts = say_number(b, 1);
    for (; settles > 0; settles--)
        say(b, "ct841t");
    for (; scopes > 0; scopes--) {
        say(b, "t48884424");
        for (heads = say_number(b, 2); heads > 0; heads--)
            say(b, "1t2484488");
    }
    for (; puts > 0; puts--)
        say(b, "t8T8481");
}

/* All words, a bar behind each. */
static char *joined(const struct store_words *w)
{
    char *text = malloc(8192);
    struct bytes b = {NULL, NULL, text};
    size_t i, len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(w->n, 4);
    for (i = 0; i < w->n; i++) {
        b.at = (const uint8_t *)store_words_at(w, i, &len);
        b.end = b.at + len;
        if (i < 3)
            say_text(&b, len);
        else
            say_all(&b);
        CU_ASSERT_PTR_EQUAL(b.at, b.end);
    }
    *b.out = '\0';
    return text;
}

static void is(const struct shared_ask *ask, const char *want)
{
    struct store_words w = {.n = 0};
    char *text;

    store_ask_put(&w, ask, &said);
    text = joined(&w);
    if (strcmp(text, want) != 0)
        printf("\n    %s\n    %s\n", text, want);
    CU_ASSERT_STRING_EQUAL(text, want);
    free(text);
    store_words_free(&w);
}

#define HEAD                                                                   \
    "1|sluice:{acc}:meta|2|run|0000000000000abc|one|7|5000000000|5|1500|9|"    \
    "50000|"

static void nothing_is_asked(void)
{
    struct shared_ask *ask = ask_new();

    is(ask, HEAD "0|0|0|");
    free(ask);
}

/* Behind the run, the host, its name, two numbers. */
static int flags_of(const struct store_words *w)
{
    size_t len;
    const char *bytes = store_words_at(w, 3, &len);

    CU_ASSERT_FATAL(len > 1 + 3 + 16 + 1 + 3 + 8 + 8);
    return bytes[1 + 3 + 16 + 1 + 3 + 8 + 8];
}

static void another_server_does_not_take_back(void)
{
    struct shared_ask *ask = ask_new();
    struct store_said other = said;
    struct store_words w = {.n = 0};

    ask->run = 5; /* answered last; this one is 6 */
    other.run_number = 6;
    store_ask_put(&w, ask, &other);
    CU_ASSERT_EQUAL(flags_of(&w), SHARED_TELL);
    store_words_reset(&w);
    other.run_number = 5;
    store_ask_put(&w, ask, &other);
    CU_ASSERT_EQUAL(flags_of(&w), SHARED_TELL | SHARED_SYNC);
    store_words_free(&w);
    free(ask);
}

static void settles_are_told(void)
{
    struct shared_ask *ask = ask_new();

    ask->n_settles = 5;
    ask->settles[0] = (struct shared_settle){.id = 1,
                                             .what = SHARED_SENT,
                                             .at_ns = NOW - 1999,
                                             .tokens = 12,
                                             .cls = 1,
                                             .client = "a b"};
    ask->settles[1] = (struct shared_settle){
        .id = UINT64_MAX, .what = SHARED_BACK, .at_ns = 1};
    /* Later than the call itself: of now. */
    ask->settles[2] = (struct shared_settle){
        .id = 3, .what = SHARED_SENT, .at_ns = NOW + 5000};
    ask->settles[4] = (struct shared_settle){
        .id = 5, .what = SHARED_SENT, .at_ns = NOW - 90000 * NS_PER_S};
    ask->settles[3] = (struct shared_settle){
        .id = 4, .what = SHARED_USED, .cls = 2, .client = "c"};
    is(ask, HEAD "5|0|0|s|1|1|12|1|a b|b|18446744073709551615|0|0|0||"
                 "s|3|0|0|0||f|4|0|0|2|c|s|5|86400000000|0|0||");
    free(ask);
}

static void scopes_have_their_heads(void)
{
    struct shared_ask *ask = ask_new();

    ask->n_scopes = 2;
    ask->n_heads = 1;
    ask->scopes[0] = (struct shared_scope){.name = "nim",
                                           .limit = 40,
                                           .span_ns = 60500000001,
                                           .tokens = 100,
                                           .gap_ns = 1,
                                           .in_flight = 4,
                                           .flying = 3,
                                           .ahead = 2,
                                           .unused = 1};
    ask->scopes[1] = ask->scopes[0];
    ask->scopes[1].heads = 1;
    ask->heads[0] = (struct shared_head){.cls = 2,
                                         .share = 5,
                                         .waiting = 6,
                                         .since_ns = NOW - 3 * NS_PER_MS,
                                         .tokens = 7,
                                         .quota_requests = 8,
                                         .quota_span_ns = 60 * NS_PER_S,
                                         .quota_tokens = 9,
                                         .client = "x"};
    is(ask, HEAD "0|2|0|nim|40|60500001|100|1|4|3|2|1|0|"
                 "nim|40|60500001|100|1|4|3|2|1|1|"
                 "2|x|5|6|3000|7|8|60000000|9|");
    free(ask);
}

static void a_blob_is_of_any_bytes(void)
{
    static const uint8_t blob[] = {'a', '\r', '\n', '*'};
    struct shared_ask *ask = ask_new();

    ask->n_puts = 1;
    ask->puts[0] = (struct shared_put){.name = "r:nim",
                                       .base = 3,
                                       .hold_ns = 2 * NS_PER_MS,
                                       .gap_ns = 1000,
                                       .cap = 20,
                                       .probe = 1,
                                       .len = sizeof(blob),
                                       .blob = blob};
    is(ask, HEAD "0|0|1|r:nim|3|a\r\n*|2000|20|1|1|");
    free(ask);
}

static void words_become_a_command(void)
{
    struct store_words w = {.n = 0};
    struct buf out = {NULL, 0, 0, 0};
    int round;

    for (round = 0; round < 2; round++) {
        store_words_reset(&w);
        store_words_str(&w, "GET");
        store_words_add(&w, "a\0b", 3);
        store_words_str(&w, "");
        store_words_int(&w, -5);
        buf_take(&out, out.len);
        store_words_put(&w, &out);
        CU_ASSERT_EQUAL_FATAL(out.len, 36);
        CU_ASSERT_EQUAL(memcmp(buf_head(&out),
                               "*4\r\n$3\r\nGET\r\n$3\r\na\0b\r\n$0\r\n\r\n"
                               "$2\r\n-5\r\n",
                               36),
                        0);
    }
    buf_free(&out);
    store_words_free(&w);
}

static const struct unit_test tests[] = {
    {"a call without a wish says who calls", nothing_is_asked},
    {"another server takes back nothing that is not named",
     another_server_does_not_take_back},
    {"what became of leases is told, as ages", settles_are_told},
    {"each scope has its heads behind it", scopes_have_their_heads},
    {"a value's bytes go as they are", a_blob_is_of_any_bytes},
    {"words become a command, again and again", words_become_a_command},
    {NULL, NULL},
};

CU_ErrorCode test_store_ask_add(void)
{
    return unit_add("store_ask", tests);
}
