/*
 * said.c - what does a chat answer say?
 *
 *   think-N    N words of thinking, then what the other words ask for
 *   pair-N     two calls at once, N times over: as long as fewer results are in
 *              the request than were asked for, whatever is said in between
 *   mirror     the request, as JSON: a test sees what arrived, and how
 *   stops      no further than to a word that the request's `stop` names, as
 *              vLLM ends and tells of it
 *
 * The mirror is the one answer that has something of the prompt in it.
 */
#include "said.h"

#include <json-c/json.h>
#include <string.h>

#include "answer.h"
#include "model.h"
#include "text.h"
#include "tool_call.h"

static const char *const thoughts[] = {"Let",   "me",   "think",
                                       "about", "that", "first."};
#define THOUGHTS ((int64_t)(sizeof(thoughts) / sizeof(thoughts[0])))

/* How many results of calls are in the request. */
static int64_t results_in(struct json_object *json)
{
    struct json_object *messages = json_object_object_get(json, "messages");
    int64_t count = 0;
    size_t i;

    if (!json_object_is_type(messages, json_type_array))
        return 0;
    for (i = 0; i < json_object_array_length(messages); i++) {
        struct json_object *role = json_object_object_get(
            json_object_array_get_idx(messages, i), "role");

        if (json_object_is_type(role, json_type_string) &&
            strcmp(json_object_get_string(role), "tool") == 0)
            count++;
    }
    return count;
}

/* Is WORD among STOP, an array of texts? */
static bool is_stop(struct json_object *stop, const char *word)
{
    size_t i;

    for (i = 0; i < json_object_array_length(stop); i++) {
        struct json_object *one = json_object_array_get_idx(stop, i);

        if (json_object_is_type(one, json_type_string) &&
            strcmp(json_object_get_string(one), word) == 0)
            return true;
    }
    return false;
}

static void plan_stop(struct answer *a, struct json_object *json)
{
    struct json_object *stop = json_object_object_get(json, "stop");
    int64_t i;

    if (!json_object_is_type(stop, json_type_array))
        return;
    for (i = 0; i < a->tokens - a->thoughts && a->stopped_by == NULL; i++) {
        if (is_stop(stop, answer_one_word(i))) {
            a->stopped_by = answer_one_word(i);
            a->is_cut_short = false;
            a->tokens = a->thoughts + i;
        }
    }
}

static void plan_calls(struct answer *a, int64_t n)
{
    a->calls_tool = true;
    a->calls = n;
    a->tokens = a->thoughts + n * TOOL_CALL_PIECES;
    a->is_cut_short = false;
}

void said_plan(struct answer *a, const struct behaviour *how,
               struct json_object *json)
{
    if (how->is_agent)
        agent_decide(&a->agent, json);
    if (agent_calls(&a->agent) > 0) {
        plan_calls(a, agent_calls(&a->agent));
    } else if (how->pair > 0 && results_in(json) < 2 * how->pair) {
        plan_calls(a, 2);
    } else if (how->is_mirror && !a->calls_tool) {
        a->mirror = json_object_to_json_string_ext(
            json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        a->tokens = a->thoughts + 1;
        a->is_cut_short = false;
    } else if (how->stops && !a->calls_tool) {
        plan_stop(a, json);
    }
}

static void thought(int64_t i, struct text *out)
{
    if (i > 0)
        text_str(out, " ");
    text_str(out, thoughts[i % THOUGHTS]);
}

void said_message(const struct answer *a, struct text *out)
{
    int64_t i;

    if (a->thoughts > 0) {
        text_str(out, "\"reasoning_content\":\"");
        for (i = 0; i < a->thoughts; i++)
            thought(i, out);
        text_str(out, "\",");
    }
    if (a->calls_tool) {
        text_str(out, "\"content\":null,");
        tool_call_message(a, out);
    } else {
        text_str(out, "\"content\":");
        answer_text(a, out);
    }
}

void said_piece(const struct answer *a, int64_t i, struct text *out)
{
    if (i < a->thoughts) {
        text_str(out, "\"reasoning_content\":\"");
        thought(i, out);
        text_str(out, "\"");
        return;
    }
    i -= a->thoughts;
    if (a->calls_tool) {
        tool_call_delta(a, i, out);
    } else if (a->mirror != NULL) {
        text_str(out, "\"content\":");
        answer_text(a, out);
    } else {
        text_str(out, "\"content\":\"");
        answer_word(i, out);
        text_str(out, "\"");
    }
}
