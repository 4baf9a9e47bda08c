/*
 * tool_call.c - which tool, and with what arguments?
 *
 * One that every test can declare: "weather", with a city and a number.
 */
#include "tool_call.h"

#include <inttypes.h>

#include "answer.h"
#include "text.h"

#define TOOL "weather"

/* Cut where a reader that parses each piece alone would fail. */
static const char *const pieces[TOOL_CALL_PIECES] = {
    "{\\\"city\\\":", "\\\"Oslo\\\",\\\"da", "ys\\\":3}"};

void tool_call_piece(int64_t i, struct text *out)
{
    text_str(out, pieces[i % TOOL_CALL_PIECES]);
}

void tool_call_arguments(struct text *out)
{
    int64_t i;

    for (i = 0; i < TOOL_CALL_PIECES; i++)
        tool_call_piece(i, out);
}

static void named(const struct answer *a, struct text *out)
{
    text_fmt(out,
             "\"id\":\"call-nimsim-%012" PRIu64
             "\",\"type\":\"function\",\"function\":{\"name\":\"" TOOL "\","
             "\"arguments\":\"",
             a->seq);
}

void tool_call_message(const struct answer *a, struct text *out)
{
    text_str(out, "\"tool_calls\":[{");
    named(a, out);
    tool_call_arguments(out);
    text_str(out, "\"}}]");
}

void tool_call_delta(const struct answer *a, int64_t i, struct text *out)
{
    text_str(out, "\"tool_calls\":[{\"index\":0,");
    if (i == 0)
        named(a, out);
    else
        text_str(out, "\"function\":{\"arguments\":\"");
    tool_call_piece(i, out);
    text_str(out, "\"}}]");
}

void tool_call_item(const struct answer *a, bool is_done, struct text *out)
{
    text_fmt(out,
             "{\"type\":\"function_call\",\"id\":\"fc-nimsim-%012" PRIu64
             "\",\"call_id\":\"call-nimsim-%012" PRIu64
             "\",\"status\":\"%s\",\"name\":\"" TOOL "\",\"arguments\":\"",
             a->seq, a->seq, is_done ? "completed" : "in_progress");
    if (is_done)
        tool_call_arguments(out);
    text_str(out, "\"}");
}
