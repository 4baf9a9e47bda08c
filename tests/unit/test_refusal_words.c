/* Mirrors fcgi/upstream/refusal_words.c. */
#include "fcgi/upstream/refusal_words.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

struct row {
    const char *message;
    bool is_so;
};

static void judge(const struct row *rows, size_t n,
                  bool (*is)(const struct upstream_error_words *w))
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct upstream_error_words w = {.shape = WORDS_OPENAI};

        (void)snprintf(w.message, sizeof(w.message), "%s", rows[i].message);
        if (is(&w) != rows[i].is_so)
            printf("\n    %s\n", rows[i].message);
        CU_ASSERT_EQUAL(is(&w), rows[i].is_so);
    }
}

static void a_request_is_larger_than_its_limit(void)
{
    static const struct row rows[] = {
        {"Request too large for model `m` on tokens per minute (TPM): Limit "
         "6000, Requested 14810, please reduce your message size.",
         true},
        {"Limit 7000, Used 0, Requested ~12903", true},
        {"Limit: 10,000, Requested: 14,810. Visit https://...", true},
        {"limit=6000 requested=6001", true},
        {"Limit 6000, Requested 6000", false},
        {"Rate limit reached: Limit 6000, Used 5500, Requested 900.", false},
        {"Limit 0, Used 0, Requested 1", true},
        {"Limit 99999999999999999999999, Requested 5", false},
        {"Limit 5, Requested 99999999999999999999999", true},
        {"Limit 6000", false},
        {"Requested 14810", false},
        {"Limit six, Requested 14810", false},
        {"Limit -1, Requested 5", false},
        {"Limit , Requested ", false},
        {"Limit6000, Requested7000", false},
        {"", false},
    };

    judge(rows, sizeof(rows) / sizeof(rows[0]), refusal_words_of_size);
}

static void a_limit_of_nothing_lets_nothing_pass(void)
{
    static const struct row rows[] = {
        {"* Quota exceeded for metric: requests, limit: 0 Please retry in 30s.",
         true},
        {"limit: 15, model: a; limit: 0, model: b", true},
        {"limit: 0", true},
        {"limit: 15", false},
        {"limit: 0.5", false},
        {"limit: 05", false},
        {"Rate limit: 0 requests remaining", false},
        {"limit: 0 left of 40", false},
        {"unlimited: 0", false},
        {"limit", false},
    };

    judge(rows, sizeof(rows) / sizeof(rows[0]), refusal_words_of_size);
}

static void one_request_is_too_dear(void)
{
    static const struct row rows[] = {
        {"This request requires more credits, or fewer max_tokens. You "
         "requested up to 4096 tokens, but can only afford 100.",
         true},
        {"Insufficient credits", false},
        {"Say: This request requires more credits", false},
    };

    judge(rows, sizeof(rows) / sizeof(rows[0]), refusal_words_of_price);
}

static void there_is_too_much_to_do(void)
{
    static const struct row rows[] = {
        {"Overloaded", true},
        {"Service temporarily overloaded", true},
        {"That model is currently OVERLOADED with other requests.", true},
        {"Service Unavailable", false},
        /* as a prompt may say, which is quoted later */
        {"The request could not be processed, and here it is again as it was "
         "sent to us: 'overloaded'",
         false},
    };
    struct upstream_error_words w = {.type = "overloaded_error"};

    judge(rows, sizeof(rows) / sizeof(rows[0]), refusal_words_of_load);
    CU_ASSERT_TRUE(refusal_words_of_load(&w));
    w.type[0] = '\0';
    CU_ASSERT_FALSE(refusal_words_of_load(&w));
    strcpy(w.code, "server_is_overloaded");
    CU_ASSERT_TRUE(refusal_words_of_load(&w));
}

/* The words of it are also said of what passes. */
static void who_is_to_pay_is_told_by_a_code(void)
{
    struct upstream_error_words w = {
        .message = "You exceeded your current quota: insufficient_quota"};

    CU_ASSERT_FALSE(refusal_words_of_billing(&w));
    strcpy(w.code, "insufficient_quota");
    CU_ASSERT_TRUE(refusal_words_of_billing(&w));
    strcpy(w.code, "INSUFFICIENT QUOTA");
    CU_ASSERT_FALSE(refusal_words_of_billing(&w));
    strcpy(w.type, "billing_error");
    CU_ASSERT_TRUE(refusal_words_of_billing(&w));
}

static void how_many_at_once_is_read(void)
{
    static const struct {
        const char *message;
        uint32_t n;
    } rows[] = {
        {"ResourceExhausted: Worker local total request limit reached (16/16)",
         16},
        {"ResourceExhausted: Worker local total request limit reached (267/32)",
         32},
        {"limit reached (16/16)", 0},
        {"the limit reached (16/16", 0},
        {"the limit reached (/16)", 0},
        {"the limit reached (16/0)", 0},
        {"the limit reached (1/10001)", 0},
        {"the limit reached (99999999999999999999/4)", 0},
        {"", 0},
    };
    struct upstream_error_words w;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&w, 0, sizeof(w));
        snprintf(w.message, sizeof(w.message), "%s", rows[i].message);
        CU_ASSERT_EQUAL(refusal_words_at_once(&w), rows[i].n);
    }
}

static const struct unit_test tests[] = {
    {"a request is larger than its limit", a_request_is_larger_than_its_limit},
    {"a limit of nothing lets nothing pass",
     a_limit_of_nothing_lets_nothing_pass},
    {"one request is too dear", one_request_is_too_dear},
    {"there is too much to do", there_is_too_much_to_do},
    {"who is to pay is told by a code", who_is_to_pay_is_told_by_a_code},
    {"how many at once is read", how_many_at_once_is_read},
    {NULL, NULL},
};

CU_ErrorCode test_refusal_words_add(void)
{
    return unit_add("refusal_words", tests);
}
