/*
 * sse.c - the answer's words as server-sent events.
 *
 *   chat         role            word word ...   finish [usage] [DONE]
 *   completion                   word word ...   finish [usage] [DONE]
 *   response     created .. part word word ...   done .. completed
 *
 * Events are made one by one as they are sent, so that a thousand open
 * streams hold a thousand short strings and not a thousand answers.  Words
 * are paced by the gap; what follows the last word goes with it.
 */
#include "sse.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "quote.h"
#include "said.h"
#include "text.h"
#include "tool_call.h"

/* sim/audio: as much as is 0.5 s of 128 kbit/s. */
#define SOUND_BYTES 8192

/* sim/silence-MS: after this many events. */
#define EVENTS_BEFORE_SILENCE 3

/* A response's call of a tool has no parts to begin and to end. */
static bool has_no_part(const struct sse *s)
{
    return s->answer.kind == ANSWER_RESPONSE && s->answer.calls_tool;
}

static int64_t head_count(const struct sse *s)
{
    static const int64_t heads[] = {
        [ANSWER_CHAT] = 1, [ANSWER_COMPLETION] = 0, [ANSWER_RESPONSE] = 4};

    return heads[s->answer.kind] - has_no_part(s);
}

static int64_t tail_count(const struct sse *s)
{
    if (s->answer.kind == ANSWER_RESPONSE)
        return 4 - has_no_part(s);
    return s->answer.has_usage && !s->answer.has_early_usage ? 3 : 2;
}

int64_t sse_due_ns(const struct sse *s)
{
    int64_t gap_ms = s->how.gap_ms == -1 ? 0 : s->how.gap_ms;
    int64_t head = head_count(s);
    int64_t gaps = s->next - head + (head > 0);
    int64_t last = s->answer.tokens - 1 + (head > 0);
    int64_t due_ms;

    if (gaps > last)
        gaps = last;
    due_ms = gaps > 0 ? gaps * gap_ms : 0;
    if (s->how.silence_ms != -1 && s->next >= EVENTS_BEFORE_SILENCE)
        due_ms += s->how.silence_ms;
    return due_ms * NS_PER_MS;
}

/* --- chat and completions --- */

static void chunk_begin(const struct sse *s, struct text *out)
{
    const struct answer *a = &s->answer;
    bool is_chat = a->kind == ANSWER_CHAT;

    text_fmt(out,
             "data: {\"id\":\"%s-nimsim-%012" PRIu64 "\",\"object\":\"%s\","
             "\"created\":%" PRId64 ",\"model\":",
             is_chat ? "chatcmpl" : "cmpl", a->seq,
             is_chat ? "chat.completion.chunk" : "text_completion", a->created);
    text_json(out, a->model);
    text_str(out, ",\"choices\":[");
}

/* With stream_options.include_usage every chunk has the field, as null. */
static void chunk_end(const struct sse *s, struct text *out)
{
    text_str(out, "]");
    if (s->answer.has_usage && !s->answer.has_bare_usage)
        text_str(out, ",\"usage\":null");
    text_str(out, "}\n\n");
}

static void chunk_usage(const struct sse *s, struct text *out)
{
    text_str(out, "],\"usage\":");
    answer_usage(&s->answer, out);
    text_str(out, "}\n\n");
}

static void chunk_choice(const struct sse *s, const char *delta, bool is_last,
                         struct text *out)
{
    chunk_begin(s, out);
    text_fmt(out, "{\"index\":0,%s,\"logprobs\":null,", delta);
    if (is_last)
        answer_finish(&s->answer, out);
    else
        text_str(out, "\"finish_reason\":null");
    text_str(out, "}");
    if (is_last && s->answer.has_usage && s->answer.has_early_usage)
        chunk_usage(s, out);
    else
        chunk_end(s, out);
}

static void chunk_word(const struct sse *s, int64_t i, struct text *out)
{
    struct text delta = {0};

    if (s->answer.kind == ANSWER_CHAT) {
        text_str(&delta, "\"delta\":{");
        said_piece(&s->answer, i, &delta);
        text_str(&delta, "}");
    } else {
        text_str(&delta, "\"text\":\"");
        answer_word(i, &delta);
        text_str(&delta, "\"");
    }
    chunk_choice(s, delta.data, false, out);
    text_free(&delta);
}

static void chunk_tail(const struct sse *s, int64_t i, struct text *out)
{
    bool is_chat = s->answer.kind == ANSWER_CHAT;

    if (i == 0) {
        chunk_choice(s, is_chat ? "\"delta\":{}" : "\"text\":\"\"", true, out);
    } else if (i == 1 && s->answer.has_usage && !s->answer.has_early_usage) {
        chunk_begin(s, out);
        chunk_usage(s, out);
    } else if (!s->how.lacks_done) {
        text_str(out, "data: [DONE]\n\n");
    }
}

/* --- responses --- */

static void response_begin(const struct sse *s, const char *type,
                           struct text *out)
{
    text_fmt(out,
             "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%" PRId64,
             type, type, s->next);
}

static void response_whole(const struct sse *s, const char *type,
                           const char *status, struct text *out)
{
    response_begin(s, type, out);
    text_str(out, ",\"response\":");
    answer_response_object(&s->answer, status, out);
    text_str(out, "}\n\n");
}

static void response_item(const struct sse *s, const char *type,
                          const char *status, struct text *out)
{
    response_begin(s, type, out);
    text_str(out, ",\"output_index\":0,\"item\":");
    answer_response_item(&s->answer, status, out);
    text_str(out, "}\n\n");
}

/* Where in the output an event about the text belongs. */
static void response_at(const struct sse *s, const char *type, struct text *out)
{
    response_begin(s, type, out);
    text_fmt(out,
             ",\"item_id\":\"msg-nimsim-%012" PRIu64
             "\",\"output_index\":0,\"content_index\":0",
             s->answer.seq);
}

static void response_part(const struct sse *s, const char *type, bool is_full,
                          struct text *out)
{
    response_at(s, type, out);
    text_str(out, ",\"part\":{\"type\":\"output_text\",\"text\":");
    if (is_full)
        answer_text(&s->answer, out);
    else
        text_str(out, "\"\"");
    text_str(out, ",\"annotations\":[]}}\n\n");
}

static void response_head(const struct sse *s, int64_t i, struct text *out)
{
    if (i == 0)
        response_whole(s, "response.created", "in_progress", out);
    else if (i == 1)
        response_whole(s, "response.in_progress", "in_progress", out);
    else if (i == 2)
        response_item(s, "response.output_item.added", "in_progress", out);
    else
        response_part(s, "response.content_part.added", false, out);
}

/* Where in the output an event about the arguments belongs, and its name. */
static void arguments_at(const struct sse *s, const char *type,
                         const char *field, struct text *out)
{
    response_begin(s, type, out);
    text_fmt(out,
             ",\"item_id\":\"fc-nimsim-%012" PRIu64
             "\",\"output_index\":0,\"%s\":\"",
             s->answer.seq, field);
}

static void arguments_word(const struct sse *s, int64_t i, struct text *out)
{
    arguments_at(s, "response.function_call_arguments.delta", "delta", out);
    tool_call_piece(&s->answer, i, out);
    text_str(out, "\"}\n\n");
}

static void arguments_done(const struct sse *s, struct text *out)
{
    arguments_at(s, "response.function_call_arguments.done", "arguments", out);
    tool_call_arguments(&s->answer, out);
    text_str(out, "\"}\n\n");
}

static void response_word(const struct sse *s, int64_t i, struct text *out)
{
    if (s->answer.calls_tool) {
        arguments_word(s, i, out);
        return;
    }
    response_at(s, "response.output_text.delta", out);
    text_str(out, ",\"delta\":\"");
    answer_word(i, out);
    text_str(out, "\"}\n\n");
}

static void response_tail(const struct sse *s, int64_t i, struct text *out)
{
    if (i > 0)
        i += has_no_part(s);
    if (i == 0 && s->answer.calls_tool) {
        arguments_done(s, out);
    } else if (i == 0) {
        response_at(s, "response.output_text.done", out);
        text_str(out, ",\"text\":");
        answer_text(&s->answer, out);
        text_str(out, "}\n\n");
    } else if (i == 1) {
        response_part(s, "response.content_part.done", true, out);
    } else if (i == 2) {
        response_item(s, "response.output_item.done", "completed", out);
    } else if (s->how.has_done) {
        text_str(out, "data: [DONE]\n\n");
    } else if (s->answer.is_cut_short) {
        response_whole(s, "response.incomplete", "incomplete", out);
    } else {
        response_whole(s, "response.completed", "completed", out);
    }
}

/* --- both --- */

static void event_write(const struct sse *s, struct text *out)
{
    bool is_response = s->answer.kind == ANSWER_RESPONSE;
    int64_t i = s->next - head_count(s);

    if (i < 0 && is_response)
        response_head(s, s->next, out);
    else if (i < 0)
        chunk_choice(s, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}",
                     false, out);
    else if (i < s->answer.tokens && is_response)
        response_word(s, i, out);
    else if (i < s->answer.tokens)
        chunk_word(s, i, out);
    else if (is_response)
        response_tail(s, i - s->answer.tokens, out);
    else
        chunk_tail(s, i - s->answer.tokens, out);
}

/*
 * sim/comments: the standard lets a comment stand anywhere, so even events
 * have it as a block of its own and odd ones inside their block.
 */
static void comments_write(const struct sse *s, struct text *out)
{
    text_fmt(out, ": %" PRId64 "\n%sid: %" PRId64 "\n", s->next,
             s->next % 2 == 0 ? "\n" : "", s->next);
}

/* After how many events an error comes in place of the rest; -1: never. */
static int64_t error_at(const struct sse *s)
{
    if (s->how.fault == FAULT_STREAM_EXHAUSTED ||
        s->how.fault == FAULT_STREAM_OVERLOADED ||
        s->how.fault == FAULT_EVENT_OVERLOADED)
        return 0;
    if (s->how.failed_events != -1)
        return s->how.failed_events;
    return s->how.told_events != -1 ? s->how.told_events : s->how.error_events;
}

/* As each API has been seen to tell of an overload. */
static void overload_tell(const struct sse *s, struct text *out)
{
    if (s->how.fault == FAULT_EVENT_OVERLOADED)
        text_str(out, "event: error\ndata: {\"type\":\"error\",\"error\":{"
                      "\"type\":\"overloaded_error\",\"message\":"
                      "\"Overloaded\"}}\n\n");
    else if (s->answer.kind == ANSWER_RESPONSE)
        text_str(out, "event: error\ndata: {\"type\":\"error\","
                      "\"sequence_number\":0,\"code\":"
                      "\"server_is_overloaded\",\"message\":\"Our servers are "
                      "currently overloaded. Please try again later.\","
                      "\"param\":null}\n\n");
    else
        text_str(out, "data: {\"error\":{\"message\":\"Our servers are "
                      "currently overloaded. Please try again later.\","
                      "\"type\":\"service_unavailable_error\",\"code\":"
                      "\"server_is_overloaded\"}}\n\n");
}

/* As the Responses API tells of errors.  False: not asked for. */
static bool error_tell(const struct sse *s, struct text *out)
{
    if (s->how.fault == FAULT_STREAM_OVERLOADED ||
        s->how.fault == FAULT_EVENT_OVERLOADED)
        overload_tell(s, out);
    else if (s->how.failed_events != -1)
        response_whole(s, "response.failed", "failed", out);
    else if (s->how.told_events != -1)
        text_fmt(out,
                 "event: error\ndata: {\"type\":\"error\",\"sequence_number\""
                 ":%" PRId64 ",\"code\":\"practice_error\",\"message\":"
                 "\"nimsim was asked for an error event\",\"param\":null}\n\n",
                 s->next);
    else
        return false;
    return true;
}

static void error_write(const struct sse *s, struct text *out)
{
    int64_t code = s->how.error_code;

    text_str(out, "data: ");
    if (s->how.fault == FAULT_STREAM_EXHAUSTED || code == 503)
        text_str(out, FAULT_EXHAUSTED_BODY);
    else
        text_fmt(out,
                 "{\"error\":{\"message\":\"nimsim was asked for error %" PRId64
                 " in its stream\",\"type\":\"practice_error\","
                 "\"code\":%" PRId64 "}}",
                 code, code);
    text_str(out, "\n\n");
}

/* The error, then the end. */
static bool error_next(struct sse *s, struct text *out)
{
    int64_t i = s->next - error_at(s);
    size_t from = out->len;

    if (i > 1)
        return false;
    if (error_tell(s, out)) /* their last event */
        s->next++;
    else if (i == 0)
        error_write(s, out);
    else if (!s->how.lacks_done)
        text_str(out, "data: [DONE]\n\n");
    if (i == 0)
        quote_into(out, from, &s->how, s->key);
    s->next++;
    return true;
}

static bool sound_next(struct sse *s, struct text *out)
{
    char sound[SOUND_BYTES];

    if (s->next >= s->answer.tokens)
        return false;
    memset(sound, 0xaa, sizeof(sound));
    sound[0] = (char)0xff; /* a frame of MPEG audio */
    sound[1] = (char)0xfb;
    text_add(out, sound, sizeof(sound));
    s->next++;
    return true;
}

/* sim/crlf: the text has no other line ends than those of its events. */
static void put_crlf(struct text *out, size_t from)
{
    struct text coded = {0};
    size_t i;

    for (i = 0; i < out->len; i++) {
        if (i >= from && out->data[i] == '\n')
            text_str(&coded, "\r");
        text_add(&coded, out->data + i, 1);
    }
    text_free(out);
    *out = coded;
}

static bool next(struct sse *s, struct text *out)
{
    if (s->how.has_bom && s->next == 0)
        text_str(out, "\xef\xbb\xbf");
    if (error_at(s) != -1 && s->next >= error_at(s))
        return error_next(s, out);
    if (s->next >= head_count(s) + s->answer.tokens + tail_count(s))
        return false;
    if (s->how.comments)
        comments_write(s, out);
    event_write(s, out);
    s->next++;
    return true;
}

bool sse_next(struct sse *s, struct text *out)
{
    size_t from = out->len;

    if (s->how.is_audio)
        return sound_next(s, out);
    if (!next(s, out))
        return false;
    if (s->how.has_crlf)
        put_crlf(out, from);
    return true;
}
