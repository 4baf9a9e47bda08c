/*
 * answer_end.c - why has an answer ended, and what did it take?
 *
 *   a call of a tool     tool_use, also where finish_reason is "stop", as some
 *                        servers have it
 *   length               max_tokens
 *   content_filter       refusal; a message with `refusal` is one, too
 *   stop                 stop_sequence, if the server says which (vLLM:
 *                        stop_reason, SGLang: matched_stop) and the client named
 *                        any; else end_turn
 *
 * Anthropic's input_tokens are those that no cache had.  What an upstream does
 * not tell is estimated: clients reckon with it how full the context is.
 */
#include "fcgi/messages/answer_end.h"

#include <json-c/json.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/token_guess.h"
#include "lib/base.h"

#define TOKENS_MAX (INT64_C(1) << 40) /* what no answer takes */
#define STOP_MAX   1024               /* of a sequence that is told */

void answer_end_fini(struct answer_end *e)
{
    buf_free(&e->stop);
}

/* ---- reading ---------------------------------------------------------------- */

static void read_stop(struct answer_end *e, struct json_object *choice)
{
    size_t len;
    const char *stop = json_read_text(choice, "stop_reason", &len);

    if (stop == NULL)
        stop = json_read_text(choice, "matched_stop", &len);
    if (stop == NULL || len == 0 || len > STOP_MAX)
        return;
    buf_take(&e->stop, e->stop.len);
    buf_add(&e->stop, stop, len);
}

static void read_reason(struct answer_end *e, struct json_object *choice)
{
    if (json_read_string(choice, "finish_reason") == NULL)
        return;
    e->has_reason = true;
    if (json_read_is(choice, "finish_reason", "length"))
        e->is_cut = true;
    else if (json_read_is(choice, "finish_reason", "content_filter"))
        e->is_refused = e->is_filtered = true;
    else if (json_read_is(choice, "finish_reason", "stop"))
        read_stop(e, choice);
}

/* -1: none, or none that can be believed. */
static int64_t count_of(struct json_object *usage, const char *key)
{
    struct json_object *v = json_read_member(usage, key);
    int64_t n = json_object_get_int64(v);

    return json_object_is_type(v, json_type_int) && n >= 0 && n <= TOKENS_MAX
               ? n
               : -1;
}

static void read_usage(struct answer_end *e, struct json_object *usage)
{
    int64_t prompt = count_of(usage, "prompt_tokens");
    int64_t completion = count_of(usage, "completion_tokens");
    int64_t cached = count_of(json_read_member(usage, "prompt_tokens_details"),
                              "cached_tokens");
    int64_t thought =
        count_of(json_read_member(usage, "completion_tokens_details"),
                 "reasoning_tokens");

    if (prompt < 0 || completion < 0)
        return;
    e->has_usage = true;
    e->prompt = prompt;
    e->completion = completion;
    e->cached = min_i64(max_i64(cached, 0), prompt);
    e->thought = min_i64(max_i64(thought, 0), completion);
}

void answer_end_read(struct answer_end *e, struct json_object *root,
                     struct json_object *choice)
{
    read_reason(e, choice);
    read_usage(e, json_read_member(root, "usage"));
}

/* ---- writing ---------------------------------------------------------------- */

void answer_end_write_reason(const struct answer_end *e,
                             const struct messages_told *told, struct buf *out)
{
    bool is_stopped = told->has_stops && e->stop.len > 0;
    const char *reason = "end_turn";

    if (e->is_refused)
        reason = "refusal";
    else if (e->is_cut)
        reason = "max_tokens";
    else if (e->has_calls)
        reason = "tool_use";
    else if (is_stopped)
        reason = "stop_sequence";
    buf_fmt(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", reason);
    if (*reason == 's')
        json_write_text(out, buf_head(&e->stop), e->stop.len);
    else
        buf_str(out, "null");
}

void answer_end_write_usage(const struct answer_end *e,
                            const struct messages_told *told, struct buf *out)
{
    int64_t in = e->has_usage ? e->prompt - e->cached : told->tokens_in;
    int64_t said = e->has_usage ? e->completion
                                : token_guess_scale(e->said_m, told->ratio_m);

    buf_str(out, "\"usage\":{\"input_tokens\":");
    buf_int(out, in);
    buf_str(out, ",\"cache_creation_input_tokens\":0,"
                 "\"cache_read_input_tokens\":");
    buf_int(out, e->cached);
    buf_str(out, ",\"output_tokens\":");
    buf_int(out, said);
    buf_str(out, "}");
}
