/*
 * messages_too_long.c - how does Anthropic say that a request is too long?
 *
 * Servers that speak chat completions have words of their own for it each.
 * Clients of Anthropic's act on Anthropic's: Claude Code asks again for an
 * answer that fits, or makes its conversation shorter; others it only shows.
 *
 * What counts are numbers, each behind words that are all in the message: how
 * much fits (limit), how much was sent (input), how long an answer was asked
 * for (asked).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fcgi/messages/messages.h"
#include "lib/base.h"

static const struct form {
    const char *limit, *input, *asked; /* NULL: it is not said */
    bool at_least; /* it counted no further than that, or not at all */
} forms[] = {
    /* vLLM, through the years; OpenAI's with the first */
    {"maximum context length is ", "tokens (", " in the messages, ", false},
    {"maximum context length is ", "your prompt contains ",
     "However, you requested ", false},
    {"maximum context length is ", "contains at least ",
     "However, you requested ", true},
    {"maximum context length is ", "your request has ",
     "is too large: ", false},
    {"maximum context length is ", "your request has ", NULL, false},
    {"maximum context length is ", "messages resulted in ", NULL, false},
    {"maximum context length is ", "However, you requested ", NULL, false},
    {"maximum context length (", "Input length (", NULL, false},
    {"maximum model length of ", "prompt (length ", NULL, false},
    {"max_total_tokens=", NULL, "max_tokens=", true},
    {"max_total_tokens=", NULL, "max_completion_tokens=", true},
    {"max_model_len=", NULL, "max_tokens=", true},
    {"max_model_len=", NULL, "max_completion_tokens=", true},
    /* SGLang */
    {"maximum context length of ", " tokens: ", " input messages and ", false},
    {"model's context length (", "input (", NULL, false},
    /* llama.cpp */
    {"available context size (", "request (", NULL, false},
    /* OpenAI: of the answer alone */
    {"supports at most ", NULL, "is too large: ", false},
};

/* The same without numbers. */
static const char *const bare[] = {
    "maximum context length",
    "available context size",
    "context_length_exceeded",
};

/* Of at most nine digits, behind PHRASE; 0: there is none. */
static int64_t number_behind(const char *words, const char *phrase)
{
    const char *p = strstr(words, phrase);
    int64_t n = 0;
    int digits;

    if (p == NULL)
        return 0;
    p += strlen(phrase);
    for (digits = 0; *p >= '0' && *p <= '9'; p++) {
        if (++digits > 9)
            return 0;
        n = n * 10 + (*p - '0');
    }
    return n;
}

struct numbers {
    int64_t limit, input, asked; /* 0: not said */
};

static bool is_said(const char *words, const char *phrase, int64_t *n)
{
    *n = phrase == NULL ? 0 : number_behind(words, phrase);
    return phrase == NULL || *n > 0;
}

static const struct form *find_form(const char *words, struct numbers *n)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(forms); i++)
        if (is_said(words, forms[i].limit, &n->limit) &&
            is_said(words, forms[i].input, &n->input) &&
            is_said(words, forms[i].asked, &n->asked))
            return &forms[i];
    return NULL;
}

/*
 * Who stopped counting where the two together were too long has counted up to
 * what the answer left.  A client that took this for all would make its answer
 * shorter by a little, again and again: so the input is said to take three
 * quarters, unless the answer asked for leaves that much anyway.
 */
static void count_on(struct numbers *n)
{
    int64_t quarter = n->limit / 4;

    if (n->asked > quarter)
        n->input = max_i64(n->input, n->limit - quarter);
    else
        n->limit = n->input - 1; /* the prompt it is */
}

static void say(const struct numbers *n, char told[MESSAGES_TOLD])
{
    if (n->input == 0)
        (void)snprintf(told, MESSAGES_TOLD,
                       "max_tokens: %" PRId64 " > %" PRId64
                       ", which is the maximum allowed number of output tokens "
                       "for this model",
                       n->asked, n->limit);
    else if (n->asked == 0 || n->input >= n->limit)
        (void)snprintf(told, MESSAGES_TOLD,
                       "prompt is too long: %" PRId64 " tokens > %" PRId64
                       " maximum",
                       n->input, n->limit);
    else
        (void)snprintf(told, MESSAGES_TOLD,
                       "input length and `max_tokens` exceed context limit: "
                       "%" PRId64 " + %" PRId64 " > %" PRId64
                       ", decrease input length or `max_tokens` and try again",
                       n->input, n->asked, n->limit);
}

const char *messages_error_words(int status, const char *words,
                                 char told[MESSAGES_TOLD])
{
    const struct form *form;
    struct numbers n;
    size_t i;

    if (status != 400 && status != 413 && status != 422)
        return words;
    form = find_form(words, &n);
    if (form != NULL) {
        if (form->at_least)
            count_on(&n);
        say(&n, told);
        return told;
    }
    for (i = 0; i < ARRAY_LEN(bare); i++)
        if (strstr(words, bare[i]) != NULL) {
            (void)snprintf(told, MESSAGES_TOLD, "prompt is too long: %s",
                           words);
            return told;
        }
    return words;
}
