/*
 * tool_call.c - which tools, and with what arguments?
 *
 * Those that every test can declare: "weather", with a city and a number, and,
 * where two are called at once, "clock", with a zone.  An agent's are of its own
 * choice (agent.c).
 */
#include "tool_call.h"

#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "text.h"

static const struct {
    const char *name, *arguments;
} calls[] = {
    {"weather", "{\"city\":\"Oslo\",\"days\":3}"},
    {"clock", "{\"zone\":\"Europe/Oslo\"}"},
};

static const char *name_of(const struct answer *a, int64_t call)
{
    return agent_calls(&a->agent) > 0 ? agent_tool(&a->agent)
                                      : calls[call].name;
}

static void arguments_of(const struct answer *a, int64_t call, struct text *out)
{
    if (agent_calls(&a->agent) > 0)
        agent_arguments(&a->agent, out);
    else
        text_str(out, calls[call].arguments);
}

/* Thirds: cut where a reader that parses each piece alone would fail. */
void tool_call_piece(const struct answer *a, int64_t i, struct text *out)
{
    size_t k = (size_t)(i % TOOL_CALL_PIECES), from;
    struct text all = {0}, coded = {0};

    arguments_of(a, i / TOOL_CALL_PIECES, &all);
    from = all.len * k / TOOL_CALL_PIECES;
    all.data[all.len * (k + 1) / TOOL_CALL_PIECES] = '\0';
    text_json(&coded, all.data + from);
    text_add(out, coded.data + 1, coded.len - 2); /* without its quotes */
    text_free(&coded);
    text_free(&all);
}

static void arguments(const struct answer *a, int64_t call, struct text *out)
{
    int64_t i;

    for (i = 0; i < TOOL_CALL_PIECES; i++)
        tool_call_piece(a, call * TOOL_CALL_PIECES + i, out);
}

void tool_call_arguments(const struct answer *a, struct text *out)
{
    arguments(a, 0, out);
}

/* The beginning of call CALL, up to its arguments. */
static void named(const struct answer *a, int64_t call, struct text *out)
{
    text_fmt(out, "\"id\":\"call-nimsim-%012" PRIu64, a->seq);
    if (call > 0)
        text_fmt(out, "-%" PRId64, call);
    text_fmt(out,
             "\",\"type\":\"function\",\"function\":{\"name\":\"%s\","
             "\"arguments\":\"",
             name_of(a, call));
}

void tool_call_message(const struct answer *a, struct text *out)
{
    int64_t call;

    text_str(out, "\"tool_calls\":[");
    for (call = 0; call < a->calls; call++) {
        text_str(out, call > 0 ? ",{" : "{");
        named(a, call, out);
        arguments(a, call, out);
        text_str(out, "\"}}");
    }
    text_str(out, "]");
}

void tool_call_delta(const struct answer *a, int64_t i, struct text *out)
{
    int64_t call = i / TOOL_CALL_PIECES;

    text_fmt(out, "\"tool_calls\":[{\"index\":%" PRId64 ",", call);
    if (i % TOOL_CALL_PIECES == 0)
        named(a, call, out);
    else
        text_str(out, "\"function\":{\"arguments\":\"");
    tool_call_piece(a, i, out);
    text_str(out, "\"}}]");
}

void tool_call_item(const struct answer *a, bool is_done, struct text *out)
{
    text_fmt(out,
             "{\"type\":\"function_call\",\"id\":\"fc-nimsim-%012" PRIu64
             "\",\"call_id\":\"call-nimsim-%012" PRIu64
             "\",\"status\":\"%s\",\"name\":\"%s\",\"arguments\":\"",
             a->seq, a->seq, is_done ? "completed" : "in_progress",
             name_of(a, 0));
    if (is_done)
        tool_call_arguments(a, out);
    text_str(out, "\"}");
}
