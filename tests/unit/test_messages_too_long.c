/* Mirrors fcgi/messages/messages_too_long.c: what servers say of a request that
 * is too long, and what Anthropic's clients act on. */
#include <string.h>

#include "fcgi/messages/messages.h"
#include "lib/base.h"
#include "unit.h"

static void tells(const char *theirs, const char *ours)
{
    char told[MESSAGES_TOLD];

    CU_ASSERT_STRING_EQUAL(messages_error_words(400, theirs, told), ours);
}

#define BOTH(numbers)                                                          \
    "input length and `max_tokens` exceed context limit: " numbers             \
    ", decrease input length or `max_tokens` and try again"

static void both_together(void)
{
    static const char *const words[] = {
        "This model's maximum context length is 131072 tokens. However, you "
        "requested 140000 tokens (12000 in the messages, 128000 in the "
        "completion). Please reduce the length of the messages or completion.",
        "'max_tokens' or 'max_completion_tokens' is too large: 128000. This "
        "model's maximum context length is 131072 tokens and your request has "
        "12000 input tokens (128000 > 131072 - 12000).",
        "This model's maximum context length is 131072 tokens. However, you "
        "requested 128000 output tokens and your prompt contains 12000 input "
        "tokens, for a total of 140000 tokens. Please reduce the length of the "
        "input prompt or the number of requested output tokens.",
        "Requested token count exceeds the model's maximum context length of "
        "131072 tokens. You requested a total of 140000 tokens: 12000 tokens "
        "from the input messages and 128000 tokens for the completion.",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        tells(words[i], BOTH("12000 + 128000 > 131072"));
}

/* What was counted is no more than the answer left, so a client that believed
 * it would ask for a little less each time. */
static void a_count_that_was_broken_off(void)
{
    tells("This model's maximum context length is 131072 tokens. However, you "
          "requested 128000 output tokens and your prompt contains at least "
          "3073 input tokens, for a total of at least 131073 tokens.",
          BOTH("98304 + 128000 > 131072"));
    tells("This model's maximum context length is 131072 tokens. However, you "
          "requested 32768 output tokens and your prompt contains at least "
          "98305 input tokens, for a total of at least 131073 tokens.",
          "prompt is too long: 98305 tokens > 98304 maximum");
    tells("max_tokens=128000 cannot be greater than max_model_len="
          "max_total_tokens=65536. Please request fewer output tokens.",
          BOTH("49152 + 128000 > 65536"));
    tells("max_completion_tokens=131072 cannot be greater than "
          "max_model_len=128000",
          BOTH("96000 + 131072 > 128000"));
}

static void the_prompt_alone(void)
{
    static const char *const words[] = {
        "This model's maximum context length is 8192 tokens. However, your "
        "messages resulted in 9000 tokens. Please reduce the length.",
        "This model's maximum context length is 8192 tokens. However, your "
        "request has 9000 input tokens. Please reduce the length.",
        "This model's maximum context length is 8192 tokens. However, you "
        "requested 9000 tokens in the messages, Please reduce the length.",
        "This model's maximum context length is 8192 tokens. However, you "
        "requested 9100 tokens (9000 in the messages, 100 in the completion).",
        "The input (9000 tokens) is longer than the model's context length "
        "(8192 tokens).",
        "Input length (9000) exceeds model's maximum context length (8192).",
        "The decoder prompt (length 9000) is longer than the maximum model "
        "length of 8192. Make sure that `max_model_len` is no smaller.",
        "request (9000 tokens) exceeds the available context size (8192 "
        "tokens), try increasing it",
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        tells(words[i], "prompt is too long: 9000 tokens > 8192 maximum");
}

static void without_numbers_the_words_stay(void)
{
    tells("the request exceeds the available context size, try increasing it",
          "prompt is too long: the request exceeds the available context size, "
          "try increasing it");
    tells("maximum context length is 99999999999 tokens. However, your request "
          "has 9 input tokens",
          "prompt is too long: maximum context length is 99999999999 tokens. "
          "However, your request has 9 input tokens");
}

static void the_answer_alone(void)
{
    tells("max_tokens is too large: 128000. This model supports at most 16384 "
          "completion tokens, whereas you provided 128000.",
          "max_tokens: 128000 > 16384, which is the maximum allowed number of "
          "output tokens for this model");
}

static void all_else_is_as_it_was(void)
{
    char told[MESSAGES_TOLD], full[WORDS_MESSAGE];
    const char *limit = "maximum context length";

    tells("'temperature' must be between 0 and 2",
          "'temperature' must be between 0 and 2");
    tells("", "");
    CU_ASSERT_PTR_EQUAL(messages_error_words(500, limit, told), limit);
    CU_ASSERT_PTR_EQUAL(messages_error_words(429, limit, told), limit);
    CU_ASSERT_PTR_NOT_EQUAL(messages_error_words(413, limit, told), limit);

    memset(full, 'x', sizeof(full));
    memcpy(full, limit, strlen(limit));
    full[sizeof(full) - 1] = '\0';
    CU_ASSERT_EQUAL(strlen(messages_error_words(400, full, told)),
                    strlen("prompt is too long: ") + sizeof(full) - 1);
}

CU_ErrorCode test_messages_too_long_add(void)
{
    static const struct unit_test tests[] = {
        {"prompt and answer do not fit together", both_together},
        {"a count that was broken off is none", a_count_that_was_broken_off},
        {"the prompt alone does not fit", the_prompt_alone},
        {"without numbers the words stay", without_numbers_the_words_stay},
        {"an answer alone would be too long", the_answer_alone},
        {"all else is as it was", all_else_is_as_it_was},
        {NULL, NULL}};

    return unit_add("messages_too_long", tests);
}
