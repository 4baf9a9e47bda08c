/*
 * answer.c - the words, and the buffered bodies around them.
 *
 * Nothing of the prompt comes back (but from sim/mirror, and the file that an
 * agent was told to change), and its length only where tokens are counted: a test
 * may compare two answers byte by byte, and a log of answers holds nobody's data.
 */
#include "answer.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "said.h"
#include "text.h"
#include "tokens.h"
#include "tool_call.h"

#define DEFAULT_TOKENS 20

/* Twenty words, so that the default answer is one whole sentence. */
static const char *const words[] = {
    "This", "is",       "a",        "practice", "answer",  "from",   "nimsim,",
    "the",  "practice", "upstream", "of",       "Sluice:", "no",     "model",
    "ran",  "and",      "no",       "quota",    "was",     "spent.",
};
#define WORDS ((int64_t)(sizeof(words) / sizeof(words[0])))

int64_t answer_limit(struct json_object *json)
{
    static const char *const names[] = {"max_completion_tokens", "max_tokens",
                                        "max_output_tokens"};
    struct json_object *value;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_object_object_get_ex(json, names[i], &value) &&
            json_object_is_type(value, json_type_int) &&
            json_object_get_int64(value) >= 1)
            return json_object_get_int64(value);
    }
    return -1;
}

static bool wants_usage(struct json_object *json)
{
    struct json_object *options;
    struct json_object *value;

    return json_object_object_get_ex(json, "stream_options", &options) &&
           json_object_is_type(options, json_type_object) &&
           json_object_object_get_ex(options, "include_usage", &value) &&
           json_object_get_boolean(value);
}

/* How many words it takes to fill BYTES. */
static int64_t words_for(int64_t bytes)
{
    int64_t count = 0;
    int64_t len = 0;

    while (len < bytes) {
        len += (int64_t)strlen(words[count % WORDS]) + (count > 0);
        count++;
    }
    return count;
}

/* 50 to 150, as evenly as it goes (Knuth's multiplicative hash). */
static int64_t varied_percent(uint64_t seq)
{
    return 50 + (int64_t)((uint32_t)(seq * 2654435761U) % 101);
}

/* How many words, or pieces of calls; LIMIT: no more of them, -1: none. */
static void plan_words(struct answer *a, const struct behaviour *how,
                       int64_t limit)
{
    a->tokens = how->tokens == -1 ? DEFAULT_TOKENS : how->tokens;
    if (how->varies)
        a->tokens = a->tokens * varied_percent(a->seq) / 100;
    if (a->kind == ANSWER_CHAT && how->thoughts > 0)
        a->thoughts = how->thoughts;
    a->tokens += a->thoughts;
    a->calls_tool = how->calls_tool && a->kind != ANSWER_COMPLETION;
    if (a->calls_tool) {
        a->tokens = a->thoughts + TOOL_CALL_PIECES;
        a->calls = 1;
    } else if (how->big_kib != -1) {
        a->limit_bytes = how->big_kib * 1024;
        a->tokens = a->thoughts + words_for(a->limit_bytes);
    } else if (limit != -1 && limit < a->tokens) {
        a->tokens = limit;
        a->thoughts = a->thoughts < limit ? a->thoughts : limit;
        a->is_cut_short = true;
    }
}

void answer_init(struct answer *a, enum answer_kind kind,
                 const struct behaviour *how, struct json_object *json,
                 uint64_t seq)
{
    struct json_object *model = json_object_object_get(json, "model");

    *a = (struct answer){.kind = kind, .seq = seq, .limit_bytes = -1};
    a->created = (int64_t)time(NULL);
    a->model = json_object_get_string(model);
    a->lacks_usage = how->lacks_usage;
    a->has_usage = wants_usage(json) && !a->lacks_usage;
    a->has_bare_usage = how->has_bare_usage;
    a->has_early_usage = how->has_early_usage;
    a->prompt_tokens =
        how->counts_tokens ? tokens_of_prompt(json) : ANSWER_PROMPT_TOKENS;
    plan_words(a, how, answer_limit(json));
    if (kind == ANSWER_CHAT)
        said_plan(a, how, json);
}

const char *answer_one_word(int64_t i)
{
    return words[i % WORDS];
}

void answer_word(int64_t i, struct text *out)
{
    if (i > 0)
        text_str(out, " ");
    text_str(out, words[i % WORDS]);
}

void answer_text(const struct answer *a, struct text *out)
{
    size_t start;
    int64_t i;

    if (a->mirror != NULL) {
        text_json(out, a->mirror);
        return;
    }
    text_str(out, "\"");
    start = out->len;
    for (i = 0; i < a->tokens - a->thoughts; i++)
        answer_word(i, out);
    if (a->limit_bytes != -1 && out->len - start > (size_t)a->limit_bytes)
        out->len = start + (size_t)a->limit_bytes;
    text_str(out, "\"");
}

void answer_finish(const struct answer *a, struct text *out)
{
    const char *reason = a->is_cut_short ? "length" : "stop";

    text_fmt(out, "\"finish_reason\":\"%s\"",
             a->calls_tool ? "tool_calls" : reason);
    if (a->stopped_by != NULL)
        text_fmt(out, ",\"stop_reason\":\"%s\"", a->stopped_by);
}

void answer_usage(const struct answer *a, struct text *out)
{
    bool is_response = a->kind == ANSWER_RESPONSE;

    text_fmt(out, "{\"%s\":%" PRId64 ",",
             is_response ? "input_tokens" : "prompt_tokens", a->prompt_tokens);
    if (is_response)
        text_str(out, "\"input_tokens_details\":{\"cached_tokens\":0},");
    text_fmt(out, "\"%s\":%" PRId64 ",",
             is_response ? "output_tokens" : "completion_tokens", a->tokens);
    if (is_response)
        text_str(out, "\"output_tokens_details\":{\"reasoning_tokens\":0},");
    text_fmt(out, "\"total_tokens\":%" PRId64 "}",
             a->prompt_tokens + a->tokens);
}

static void choice_write(const struct answer *a, struct text *out)
{
    if (a->kind == ANSWER_CHAT) {
        text_str(out, "\"message\":{\"role\":\"assistant\",");
        said_message(a, out);
        text_str(out, "}");
    } else {
        text_str(out, "\"text\":");
        answer_text(a, out);
    }
    text_str(out, ",\"logprobs\":null,");
    answer_finish(a, out);
}

static void completion_body(const struct answer *a, struct text *out)
{
    bool is_chat = a->kind == ANSWER_CHAT;

    text_fmt(out,
             "{\"id\":\"%s-nimsim-%012" PRIu64 "\",\"object\":\"%s\","
             "\"created\":%" PRId64 ",\"model\":",
             is_chat ? "chatcmpl" : "cmpl", a->seq,
             is_chat ? "chat.completion" : "text_completion", a->created);
    text_json(out, a->model);
    text_str(out, ",\"choices\":[{\"index\":0,");
    choice_write(a, out);
    text_str(out, "}]");
    if (!a->lacks_usage) {
        text_str(out, ",\"usage\":");
        answer_usage(a, out);
    }
    text_str(out, "}");
}

void answer_response_item(const struct answer *a, const char *status,
                          struct text *out)
{
    if (a->calls_tool) {
        tool_call_item(a, strcmp(status, "completed") == 0, out);
        return;
    }
    text_fmt(out,
             "{\"type\":\"message\",\"id\":\"msg-nimsim-%012" PRIu64
             "\",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[",
             a->seq, status);
    if (strcmp(status, "completed") == 0) {
        text_str(out, "{\"type\":\"output_text\",\"text\":");
        answer_text(a, out);
        text_str(out, ",\"annotations\":[]}");
    }
    text_str(out, "]}");
}

void answer_response_object(const struct answer *a, const char *status,
                            struct text *out)
{
    bool is_short = strcmp(status, "incomplete") == 0;
    bool is_done = is_short || strcmp(status, "completed") == 0;

    text_fmt(out,
             "{\"id\":\"resp-nimsim-%012" PRIu64
             "\",\"object\":\"response\",\"created_at\":%" PRId64
             ",\"status\":\"%s\",\"error\":%s,\"incomplete_details\":%s,"
             "\"instructions\":null,\"metadata\":{},"
             "\"parallel_tool_calls\":false,\"tool_choice\":\"none\","
             "\"tools\":[],\"model\":",
             a->seq, a->created, status,
             strcmp(status, "failed") == 0
                 ? "{\"code\":\"server_error\",\"message\":\"nimsim was asked "
                   "to fail\"}"
                 : "null",
             is_short ? "{\"reason\":\"max_output_tokens\"}" : "null");
    text_json(out, a->model);
    text_str(out, ",\"output\":[");
    if (is_done)
        answer_response_item(a, "completed", out);
    text_str(out, "],\"usage\":");
    if (is_done && !a->lacks_usage)
        answer_usage(a, out);
    else
        text_str(out, "null");
    text_str(out, "}");
}

void answer_body(const struct answer *a, struct text *out)
{
    switch (a->kind) {
    case ANSWER_CHAT:
    case ANSWER_COMPLETION:
        completion_body(a, out);
        return;
    case ANSWER_RESPONSE:
        answer_response_object(a, a->is_cut_short ? "incomplete" : "completed",
                               out);
        return;
    }
}
