/*
 * talk_kept.c - what of a request has chat completions a word for?
 *
 * As in talk_turns.c each loss is named in README.md's words.
 */
#include "talk.h"

#include "lib/base.h"

/* Without a row of its own: `null` is as if it was not there. */
static void keep_numbers(struct json_object *to, struct json_object *root,
                         const struct messages_ask *ask)
{
    int64_t most = json_object_get_int64(talk_get(root, "max_tokens"));

    /* "no more than messages_ask allows" */
    if (ask->max_tokens > 0)
        most = min_i64(most, ask->max_tokens);
    json_object_object_add(to, "max_tokens", json_object_new_int64(most));
    talk_keep(to, "temperature", root, "temperature");
    talk_keep(to, "top_p", root, "top_p");
    /* Every token, which is what an upstream does that is told nothing. */
    if (json_object_get_int64(talk_get(root, "top_k")) > 0)
        talk_keep(to, "top_k", root, "top_k");
    if (talk_count(talk_get(root, "stop_sequences")) > 0)
        talk_keep(to, "stop_sequences", root, "stop_sequences");
    if (json_object_get_boolean(talk_get(root, "stream")))
        talk_keep(to, "stream", root, "stream");
}

/* ---- tools ------------------------------------------------------------------ */

static struct json_object *kept_tool(struct json_object *tool)
{
    struct json_object *o = json_object_new_object();

    talk_keep(o, "name", tool, "name");
    talk_keep(o, "description", tool, "description");
    talk_keep(o, "input_schema", tool, "input_schema");
    return o;
}

/* No tools are no list, and nothing to choose from. */
static void keep_tools(struct json_object *to, struct json_object *root)
{
    struct json_object *tools = talk_get(root, "tools"), *list, *o;
    struct json_object *choice = talk_get(root, "tool_choice");
    size_t i;

    if (talk_count(tools) == 0)
        return;
    list = json_object_new_array();
    for (i = 0; i < talk_count(tools); i++)
        json_object_array_add(list, kept_tool(talk_at(tools, i)));
    json_object_object_add(to, "tools", list);
    if (choice == NULL)
        return;
    o = json_object_new_object();
    talk_keep(o, "type", choice, "type");
    talk_keep(o, "name", choice, "name");
    json_object_object_add(to, "tool_choice", o);
    /* It is said where it is so. */
    if (json_object_get_boolean(talk_get(choice, "disable_parallel_tool_use")))
        talk_keep(to, "disable_parallel_tool_use", choice,
                  "disable_parallel_tool_use");
}

/* ---- thinking, the answer's form -------------------------------------------- */

static const char *kept_effort(struct json_object *root)
{
    struct json_object *effort =
        talk_get(talk_get(root, "output_config"), "effort");
    struct json_object *thinking = talk_get(root, "thinking");
    int64_t budget = json_object_get_int64(talk_get(thinking, "budget_tokens"));

    if (talk_is_word(effort, "low") || talk_is_word(effort, "medium"))
        return json_object_get_string(effort);
    if (effort != NULL)
        return "high"; /* there is nothing above it */
    if (!talk_is(thinking, "enabled"))
        return NULL;
    return budget < 4096 ? "low" : budget < 16384 ? "medium" : "high";
}

/* "in the ways that the upstream has: for enabled and disabled; by
 * output_config.effort or the budget" */
static void keep_thinking(struct json_object *to, struct json_object *root,
                          unsigned ways)
{
    struct json_object *thinking = talk_get(root, "thinking");
    const char *effort = kept_effort(root);

    if ((ways & THINKING_TEMPLATE) != 0 && !talk_is(thinking, "adaptive"))
        talk_keep(to, "thinking", thinking, "type");
    if ((ways & THINKING_EFFORT) != 0 && effort != NULL)
        json_object_object_add(to, "effort", json_object_new_string(effort));
}

/* ---- all of it -------------------------------------------------------------- */

/* "an answer that was begun: if the upstream can; else a 400" */
static bool may_be_asked(struct json_object *kept,
                         const struct messages_ask *ask)
{
    struct json_object *list = talk_get(kept, "messages");
    size_t n = talk_count(list);

    if (n == 0)
        return talk_get(kept, "system") != NULL;
    if (!talk_is_word(talk_get(talk_at(list, n - 1), "role"), "assistant"))
        return true;
    json_object_object_add(kept, "goes_on", json_object_new_boolean(1));
    return ask->may_continue;
}

struct json_object *talk_kept(struct json_object *root,
                              const struct messages_ask *ask, unsigned ways)
{
    struct json_object *to = json_object_new_object();

    if (ask->model != NULL) /* "the one that messages_ask names" */
        json_object_object_add(to, "model", json_object_new_string(ask->model));
    else
        talk_keep(to, "model", root, "model");
    keep_numbers(to, root, ask);
    keep_tools(to, root);
    keep_thinking(to, root, ways);
    talk_keep(to, "schema", talk_get(talk_get(root, "output_config"), "format"),
              "schema");
    /* "unless the caller sees to that" */
    if (talk_get(to, "stream") != NULL && !ask->usage_by_caller)
        json_object_object_add(to, "tells_usage", json_object_new_boolean(1));
    talk_keep_turns(to, root, ask);
    if (may_be_asked(to, ask))
        return to;
    json_object_put(to);
    return NULL;
}
