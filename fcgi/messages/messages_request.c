/*
 * messages_request.c - how is a Messages request asked as chat completions?
 *
 * The rule for what stands in it, which the table below spells out:
 *
 *   1. What chat completions have a word for is sent in that word.
 *   2. What they have none for, and without which the answer would be another
 *      one than was asked for, is a 400.
 *   3. All else is left out, known to us or not: how it is billed, cached,
 *      stored and where it is computed (cache_control, service_tier, container
 *      reuse, context_management, inference_geo, diagnostics, ...).  A name
 *      that Anthropic makes up tomorrow would be refused by one upstream and
 *      mean something else to another.
 *
 * null is as if it was not there.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "fcgi/messages/chat_tools.h"
#include "fcgi/messages/chat_turns.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages_fault.h"
#include "fcgi/messages/token_guess.h"
#include "lib/base.h"
#include "lib/json_strict.h"

struct making {
    const struct messages_ask *ask;
    struct json_object *root;
    struct buf *out;
    struct messages_got *got;
    struct messages_fault *fault;
};

/* What a row does with the value of its field, which is not null. */
typedef bool field_fn(struct making *m, const char *name,
                      struct json_object *v);

static void write_name(struct making *m, const char *name)
{
    buf_str(m->out, ",\"");
    buf_str(m->out, name);
    buf_str(m->out, "\":");
}

/* ---- model, messages, max_tokens: without these it is no request ------------ */

static bool write_model(struct making *m)
{
    struct messages_got *got = m->got;
    size_t len;
    const char *name = json_read_text(m->root, "model", &len);

    if (name == NULL || len == 0 || len > MODEL_BYTES || strlen(name) != len)
        return messages_fault_set(m->fault, 400,
                                  "model: a string of 1 to %d bytes is needed.",
                                  MODEL_BYTES);
    memcpy(got->model, name, len + 1);
    if (m->ask->model != NULL)
        name = m->ask->model;
    buf_str(m->out, "{\"model\":");
    json_write_text(m->out, name, strlen(name));
    return true;
}

/* An answer that is cut shows it, so fewer than asked for is no other one. */
static bool write_max_tokens(struct making *m)
{
    struct json_object *v = json_read_member(m->root, "max_tokens");
    int64_t n = json_object_get_int64(v), most = m->ask->max_tokens;

    if (!json_object_is_type(v, json_type_int) || n < 1)
        return messages_fault_set(m->fault, 400,
                                  "max_tokens: a number from 1 on is needed.");
    m->got->max_tokens = most > 0 ? min_i64(n, most) : n;
    write_name(m, "max_tokens");
    buf_int(m->out, m->got->max_tokens);
    return true;
}

/* An answer that begins with the last message would begin anew instead. */
static bool write_messages(struct making *m)
{
    bool ends_open = false;

    write_name(m, "messages");
    if (!chat_turns_write(m->root, m->ask->reasoning_key, m->out, &ends_open,
                          m->fault))
        return false;
    if (!ends_open)
        return true;
    if (!m->ask->may_continue)
        return messages_fault_set(
            m->fault, 400,
            "messages: this upstream does not support assistant message "
            "prefill. The conversation must end with a user message.");
    buf_str(m->out, ",\"add_generation_prompt\":false,"
                    "\"continue_final_message\":true");
    return true;
}

/* ---- the others ------------------------------------------------------------- */

static bool put_share(struct making *m, const char *name, struct json_object *v)
{
    bool is_number = json_object_is_type(v, json_type_int) ||
                     json_object_is_type(v, json_type_double);
    double d = json_object_get_double(v);

    if (!is_number || !(d >= 0 && d <= 1))
        return messages_fault_set(m->fault, 400,
                                  "%s: a number from 0 to 1 is needed.", name);
    write_name(m, name);
    json_write_value(m->out, v);
    return true;
}

/* 0 is every token, and no upstream agrees with another on how to say so. */
static bool put_top_k(struct making *m, const char *name, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
        return messages_fault_set(m->fault, 400,
                                  "%s: a number from 0 on is needed.", name);
    if (json_object_get_int64(v) == 0)
        return true;
    write_name(m, name);
    json_write_value(m->out, v);
    return true;
}

static bool put_stops(struct making *m, const char *name, struct json_object *v)
{
    bool is_list = json_object_is_type(v, json_type_array);
    size_t i, n = is_list ? json_object_array_length(v) : 0;

    for (i = 0; i < n && is_list; i++)
        is_list = json_object_is_type(json_object_array_get_idx(v, i),
                                      json_type_string);
    if (!is_list)
        return messages_fault_set(m->fault, 400,
                                  "%s: a list of strings is needed.", name);
    if (n == 0)
        return true;
    m->got->has_stops = true;
    write_name(m, "stop");
    json_write_value(m->out, v);
    return true;
}

static bool put_stream(struct making *m, const char *name,
                       struct json_object *v)
{
    if (!json_object_is_type(v, json_type_boolean))
        return messages_fault_set(m->fault, 400, "%s: true or false is needed.",
                                  name);
    m->got->stream = json_object_get_boolean(v);
    if (m->got->stream)
        buf_str(m->out, ",\"stream\":true");
    if (m->got->stream && !m->ask->usage_by_caller)
        buf_str(m->out, ",\"stream_options\":{\"include_usage\":true}");
    return true;
}

/* Claude Code says a JSON text of device, account and session: who works there is
 * the device. */
static void take_user(struct messages_got *got, const char *id, size_t len)
{
    struct json_object *all = *id == '{' ? json_strict_object(id, len) : NULL;
    size_t n;
    const char *device = json_read_text(all, "device_id", &n);

    (void)snprintf(got->user, sizeof(got->user), "%s",
                   device != NULL && *device != '\0' ? device : id);
    json_object_put(all);
}

/* Ours to know, and none of the upstream's business. */
static bool put_metadata(struct making *m, const char *name,
                         struct json_object *v)
{
    size_t len;
    const char *id = json_read_text(v, "user_id", &len);

    (void)name;
    if (id != NULL)
        take_user(m->got, id, len);
    return true;
}

/* ---- thinking --------------------------------------------------------------- */

/*
 * Whether to think is said in the way that the upstream has, once that is known
 * (messages_thinking()): any type but these two (`adaptive`) leaves it to the
 * model, as it does here.  The budget has no word, but max_tokens bounds both
 * sides' thinking.
 */
static bool put_thinking(struct making *m, const char *name,
                         struct json_object *v)
{
    bool is_off = json_read_is(v, "type", "disabled");

    if (json_read_string(v, "type") == NULL)
        return messages_fault_set(m->fault, 400, "%s.type is missing.", name);
    if (is_off)
        m->got->shown = SHOWN_NOT;
    else
        m->got->shown =
            json_read_is(v, "display", "omitted") ? SHOWN_SIGN : SHOWN_ALL;
    if (is_off || json_read_is(v, "type", "enabled"))
        m->got->thinks = is_off ? THINKS_NOT : THINKS;
    return true;
}

/* What was said, or what a budget of thinking comes to; NULL: nothing. */
static const char *effort_of(struct making *m)
{
    struct json_object *thinking = json_read_member(m->root, "thinking");
    struct json_object *config = json_read_member(m->root, "output_config");
    int64_t budget =
        json_object_get_int64(json_read_member(thinking, "budget_tokens"));

    if (json_read_is(config, "effort", "low"))
        return "low";
    if (json_read_is(config, "effort", "medium"))
        return "medium";
    if (json_read_string(config, "effort") != NULL)
        return "high"; /* and what is above it */
    if (m->got->thinks != THINKS)
        return NULL;
    return budget < 4096 ? "low" : budget < 16384 ? "medium" : "high";
}

/* The two names are what templates look for; one that knows neither reads
 * neither. */
void messages_thinking(enum messages_thinks thinks, const char *effort,
                       unsigned ways, struct buf *out)
{
    const char *word = thinks == THINKS ? "true" : "false";

    if ((ways & THINKING_TEMPLATE) != 0 && thinks != THINKS_UNSAID)
        buf_fmt(out,
                ",\"chat_template_kwargs\":{\"thinking\":%s,"
                "\"enable_thinking\":%s}",
                word, word);
    if ((ways & THINKING_EFFORT) != 0 && effort != NULL)
        buf_fmt(out, ",\"reasoning_effort\":\"%s\"", effort);
}

/* ---- the answer's form ------------------------------------------------------ */

static bool put_format(struct making *m, const char *name,
                       struct json_object *v)
{
    struct json_object *schema = json_read_member(v, "schema");

    if (!json_read_is(v, "type", "json_schema") ||
        !json_object_is_type(schema, json_type_object))
        return messages_fault_set(
            m->fault, 400, "%s: json_schema and a schema are needed.", name);
    write_name(m, "response_format");
    buf_str(m->out, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                    "\"answer\",\"strict\":true,\"schema\":");
    json_write_value(m->out, schema);
    buf_str(m->out, "}}");
    return true;
}

static bool put_output_config(struct making *m, const char *name,
                              struct json_object *v)
{
    struct json_object *format = json_read_member(v, "format");

    (void)name;
    return format == NULL || put_format(m, "output_config.format", format);
}

/* Its older name. */
static bool put_output_format(struct making *m, const char *name,
                              struct json_object *v)
{
    struct json_object *config = json_read_member(m->root, "output_config");

    return json_read_member(config, "format") != NULL || put_format(m, name, v);
}

/* ---- what cannot be had ----------------------------------------------------- */

/* Skills are instructions and code; a container's name alone is not. */
static bool refuse_skills(struct making *m, const char *name,
                          struct json_object *v)
{
    struct json_object *skills = json_read_list(v, "skills");

    return skills == NULL || json_object_array_length(skills) == 0 ||
           messages_fault_set(m->fault, 400, "%s: this upstream has no skills.",
                              name);
}

static bool refuse_servers(struct making *m, const char *name,
                           struct json_object *v)
{
    return (json_object_is_type(v, json_type_array) &&
            json_object_array_length(v) == 0) ||
           messages_fault_set(m->fault, 400,
                              "%s: this upstream calls no MCP servers.", name);
}

/* A conversation that we were to keep: the next request would have only what
 * is new of it. */
static bool refuse_thread(struct making *m, const char *name,
                          struct json_object *v)
{
    (void)v;
    m->fault->is_thread = m->fault->status == 0;
    return messages_fault_set(
        m->fault, 400,
        "%s: this upstream keeps no conversations. Send the whole of it.",
        name);
}

/* The answer would be words, and not a summary to go on with. */
static bool refuse_compaction(struct making *m, const char *name,
                              struct json_object *v)
{
    (void)v;
    return messages_fault_set(
        m->fault, 400, "%s: this upstream sums no conversation up.", name);
}

/* ---- all of it -------------------------------------------------------------- */

/* Written in this order, behind model and messages. */
static const struct {
    const char *name;
    field_fn *put;
} rows[] = {
    {"temperature", put_share},
    {"top_p", put_share},
    {"top_k", put_top_k},
    {"stop_sequences", put_stops},
    {"stream", put_stream},
    {"metadata", put_metadata},
    {"thinking", put_thinking},
    {"output_config", put_output_config},
    {"output_format", put_output_format},
    {"container", refuse_skills},
    {"mcp_servers", refuse_servers},
    {"thread", refuse_thread},
    {"compaction", refuse_compaction},
};

static bool write_all(struct making *m)
{
    size_t i;

    if (!write_model(m) || !write_messages(m) || !write_max_tokens(m) ||
        !chat_tools_write(m->root, m->out, m->fault))
        return false;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_object *v = json_read_member(m->root, rows[i].name);

        if (v != NULL && !rows[i].put(m, rows[i].name, v))
            return false;
    }
    m->got->effort = effort_of(m);
    buf_str(m->out, "}");
    return true;
}

int messages_request(const char *body, size_t len,
                     const struct messages_ask *ask, struct buf *out,
                     struct messages_got *got, struct messages_fault *fault)
{
    struct making m = {.ask = ask, .out = out, .got = got, .fault = fault};
    enum json_read is = json_read_object(body, len, &m.root);
    size_t start = out->len;
    bool fine = is == JSON_READ_OK;

    memset(got, 0, sizeof(*got));
    memset(fault, 0, sizeof(*fault));
    fine = fine ? write_all(&m) : messages_fault_read(fault, is);
    if (fine)
        token_guess_request(m.root, &got->tokens);
    else
        out->len = start;
    json_object_put(m.root);
    return fine ? 0 : -1;
}

int messages_count(const char *body, size_t len, struct messages_got *got,
                   struct messages_fault *fault)
{
    struct json_object *root, *model;
    enum json_read is = json_read_object(body, len, &root);
    struct json_object *list = json_read_list(root, "messages");

    memset(fault, 0, sizeof(*fault));
    memset(got, 0, sizeof(*got));
    model = json_read_string(root, "model");
    if (model != NULL)
        (void)snprintf(got->model, sizeof(got->model), "%s",
                       json_object_get_string(model));
    if (is != JSON_READ_OK)
        messages_fault_read(fault, is);
    else if (list == NULL || json_object_array_length(list) == 0)
        messages_fault_set(fault, 400,
                           "messages: at least one message is needed.");
    else
        token_guess_request(root, &got->tokens);
    json_object_put(root);
    return fault->status == 0 ? 0 : -1;
}
