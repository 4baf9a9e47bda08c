/* Mirrors fcgi/upstream/usage.c. */
#include "fcgi/upstream/usage.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "state/policy/vocabulary.h"
#include "unit.h"

static const struct answer {
    const char *text;
    int64_t prompt, completion;
} answers[] = {
    {"", -1, -1},
    {"{\"id\":\"x\"}", -1, -1},
    {"{\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":5,"
     "\"total_tokens\":13}}",
     8, 5},
    {"{\n  \"usage\" : {\r\n\t\"prompt_tokens\" : 8,\n "
     "\"completion_tokens\" :\n5\n}\n}",
     8, 5},
    {"{\"data\":[],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}", 7, -1},
    {"{\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":null}}", 0, -1},
    {"{\"usage\":{\"prompt_tokens\":\"8\",\"completion_tokens\":-5}}", -1, -1},
    {"{\"usage\":{\"prompt_tokens\":8,\"prompt_tokens_details\":"
     "{\"a\":{\"b\":\"}\\\"}\"}},\"completion_tokens\":5}}",
     8, 5},
    /* the Responses API */
    {"{\"output\":[],\"usage\":{\"input_tokens\":8,\"input_tokens_details\":"
     "{\"cached_tokens\":1},\"output_tokens\":5,\"output_tokens_details\":"
     "{\"reasoning_tokens\":2},\"total_tokens\":13},\"user\":null}",
     8, 5},
    {"event: response.created\n"
     "data: {\"response\":{\"usage\":null}}\n\n"
     "event: response.completed\n"
     "data: {\"response\":{\"usage\":{\"input_tokens\":8,"
     "\"output_tokens\":5}}}\n\n",
     8, 5},
    /* what is no count: 2^40 is the most */
    {"{\"usage\":{\"prompt_tokens\":1099511627776,"
     "\"completion_tokens\":1099511627777}}",
     INT64_C(1099511627776), -1},
    {"{\"usage\":{\"prompt_tokens\":9999999999999,\"completion_tokens\":5}}",
     -1, 5},
    {"{\"usage\":{\"prompt_tokens\":10995116277750,\"completion_tokens\":"
     "99999999999999999999999999}}",
     -1, -1},
    /* the last one counts, as far as it tells */
    {"data: {\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":1}}\n\n"
     "data: {\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":2}}\n\n"
     "data: {\"usage\":null}\n\ndata: [DONE]\n\n",
     8, 2},
    {"{\"usage\":{\"input_tokens\":8,\"output_tokens\":1}}"
     "{\"usage\":{\"output_tokens\":9}}",
     8, 9},
    /* what only looks like it */
    {"{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":3}\"}", -1, -1},
    {"{\"tools\":[{\"input_tokens\":3}],\"metadata\":{\"output_tokens\":4}}",
     -1, -1},
    {"{\"a\":\"usage\",\"b\":{\"prompt_tokens\":3}}", -1, -1},
    {"{\"usage\":[{\"prompt_tokens\":3}]}", -1, -1},
    {"{\"usage\":{\"prompt_tokens\":3", -1, -1},
    {"\"usage\"\"usage\":{\"prompt_tokens\":3}", 3, -1},
    {"\"usage\":{\"usage\":{\"prompt_tokens\":3}}", 3, -1},
};

#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static void is_as_told(const struct answer *a, struct usage *u)
{
    CU_ASSERT_EQUAL(u->prompt, a->prompt);
    CU_ASSERT_EQUAL(u->completion, a->completion);
    CU_ASSERT_TRUE(u->kept.len <= USAGE_BYTES);
    if (u->prompt != a->prompt || u->completion != a->completion)
        printf("\n    %lld, %lld: %s", (long long)u->prompt,
               (long long)u->completion, a->text);
    usage_fini(u);
}

/* AT and AGAIN cut it into three. */
static void look(const struct answer *a, size_t at, size_t again)
{
    struct usage u;

    usage_init(&u);
    usage_look(&u, a->text, at);
    usage_look(&u, a->text + at, again - at);
    usage_look(&u, a->text + again, strlen(a->text) - again);
    is_as_told(a, &u);
}

static void wherever_an_answer_is_cut(void)
{
    size_t i, at, again, len;

    for (i = 0; i < ANSWERS; i++) {
        len = strlen(answers[i].text);
        for (at = 0; at <= len; at++)
            for (again = at; again <= len; again++)
                look(&answers[i], at, again);
    }
}

static void byte_by_byte(void)
{
    struct usage u;
    size_t i, at;

    for (i = 0; i < ANSWERS; i++) {
        usage_init(&u);
        for (at = 0; at < strlen(answers[i].text); at++)
            usage_look(&u, answers[i].text + at, 1);
        is_as_told(&answers[i], &u);
    }
}

/* What has no end is not kept for ever, and what comes after it counts. */
static void a_report_that_is_too_long_is_left(void)
{
    static const char begin[] = "{\"usage\":{\"a\":\"";
    static const char end[] = "{\"usage\":{\"prompt_tokens\":3}}";
    static char text[5 * USAGE_BYTES];
    size_t piece, at;

    memset(text, 'x', sizeof(text));
    memcpy(text, begin, strlen(begin));
    memcpy(text + sizeof(text) - strlen(end), end, strlen(end));
    for (piece = 1; piece < sizeof(text); piece += 37) {
        struct usage u;

        usage_init(&u);
        for (at = 0; at < sizeof(text); at += piece) {
            usage_look(&u, text + at,
                       piece < sizeof(text) - at ? piece : sizeof(text) - at);
            CU_ASSERT_TRUE(u.kept.len <= USAGE_BYTES);
        }
        CU_ASSERT_EQUAL(u.prompt, 3);
        usage_fini(&u);
    }
}

/* One of SIZE bytes, all told: is it read? */
static bool is_read(size_t size, size_t piece)
{
    static const char end[] = "\",\"prompt_tokens\":3}";
    static char text[USAGE_BYTES + 2] = "\"usage\":{\"a\":\"";
    size_t at, begin = strlen("\"usage\":{\"a\":\"");
    struct usage u;
    bool read;

    memset(text + begin, 'x', size - begin);
    memcpy(text + size - strlen(end), end, strlen(end));
    usage_init(&u);
    for (at = 0; at < size; at += piece)
        usage_look(&u, text + at, piece < size - at ? piece : size - at);
    read = u.prompt == 3;
    usage_fini(&u);
    return read;
}

static void a_report_of_4_kb_is_read(void)
{
    size_t piece;

    for (piece = 1; piece < 2 * USAGE_BYTES; piece += 37) {
        CU_ASSERT_TRUE(is_read(USAGE_BYTES, piece));
        CU_ASSERT_FALSE(is_read(USAGE_BYTES + 1, piece));
    }
}

static const struct unit_test tests[] = {
    {"what an answer tells, wherever it is cut", wherever_an_answer_is_cut},
    {"and byte by byte", byte_by_byte},
    {"a report of 4 KB is read", a_report_of_4_kb_is_read},
    {"a report that is too long is left", a_report_that_is_too_long_is_left},
    {NULL, NULL},
};

CU_ErrorCode test_usage_add(void)
{
    return unit_add("usage", tests);
}
