/*
 * responses_request.c - how is a Responses request asked as chat completions?
 *
 * The rule for what stands in it, which the table below spells out:
 *
 *   1. What chat completions have a word for is sent in that word.
 *   2. What they have none for, and without which the answer would be another
 *      one than was asked for, is a 400: above all what rests on something that
 *      a server has kept, for nothing is kept here.
 *   3. All else is left out, known to us or not: how it is billed, cached,
 *      stored and how much of it is shown (include, service_tier, store,
 *      truncation, prompt_cache_key, text.verbosity, ...).
 *
 * null is as if it was not there.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "fcgi/messages/json_read.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages_fault.h"
#include "fcgi/messages/token_guess.h"
#include "fcgi/responses/input_items.h"
#include "fcgi/responses/response_echo.h"
#include "fcgi/responses/response_tools.h"
#include "fcgi/responses/responses.h"
#include "lib/base.h"

struct making {
    const struct messages_ask *ask;
    struct json_object *root;
    struct buf *out;
    struct responses_got *got;
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

void responses_got_fini(struct responses_got *got)
{
    buf_free(&got->echo);
    buf_free(&got->tools);
}

/* ---- model and input: without these it is no request ------------------------ */

static bool write_model(struct making *m)
{
    size_t len;
    const char *name = json_read_text(m->root, "model", &len);

    if (name == NULL || len == 0 || len > MODEL_BYTES || strlen(name) != len)
        return messages_fault_set(m->fault, 400,
                                  "model: a string of 1 to %d bytes is needed.",
                                  MODEL_BYTES);
    memcpy(m->got->model, name, len + 1);
    if (m->ask->model != NULL)
        name = m->ask->model;
    buf_str(m->out, "{\"model\":");
    json_write_text(m->out, name, strlen(name));
    return true;
}

/* A text is that of the user; all else is in input_items.c. */
static bool write_input(struct making *m)
{
    write_name(m, "messages");
    return input_items_write(m->root, m->ask->reasoning_key, m->out, m->fault);
}

/* ---- numbers ---------------------------------------------------------------- */

static bool is_number(struct json_object *v, double most)
{
    double d = json_object_get_double(v);

    return (json_object_is_type(v, json_type_int) ||
            json_object_is_type(v, json_type_double)) &&
           d >= 0 && d <= most;
}

static bool put_number(struct making *m, const char *name,
                       struct json_object *v, int most)
{
    if (!is_number(v, most))
        return messages_fault_set(
            m->fault, 400, "%s: a number from 0 to %d is needed.", name, most);
    write_name(m, name);
    json_write_value(m->out, v);
    return true;
}

static bool put_temperature(struct making *m, const char *name,
                            struct json_object *v)
{
    return put_number(m, name, v, 2);
}

static bool put_share(struct making *m, const char *name, struct json_object *v)
{
    return put_number(m, name, v, 1);
}

/* An answer that is cut shows it, so fewer than asked for is no other one. */
static bool put_max_tokens(struct making *m, const char *name,
                           struct json_object *v)
{
    int64_t n = json_object_get_int64(v), most = m->ask->max_tokens;

    if (!json_object_is_type(v, json_type_int) || n < 1)
        return messages_fault_set(m->fault, 400,
                                  "%s: a number from 1 on is needed.", name);
    write_name(m, "max_tokens");
    buf_int(m->out, most > 0 ? min_i64(n, most) : n);
    return true;
}

/* ---- yes and no ------------------------------------------------------------- */

static bool check_yes_no(struct making *m, const char *name,
                         struct json_object *v)
{
    return json_object_is_type(v, json_type_boolean) ||
           messages_fault_set(m->fault, 400, "%s: true or false is needed.",
                              name);
}

/* Its usage is told at the end of all streams of this API. */
static bool put_stream(struct making *m, const char *name,
                       struct json_object *v)
{
    if (!check_yes_no(m, name, v))
        return false;
    if (json_object_get_boolean(v))
        buf_str(m->out, ",\"stream\":true");
    if (json_object_get_boolean(v) && !m->ask->usage_by_caller)
        buf_str(m->out, ",\"stream_options\":{\"include_usage\":true}");
    return true;
}

/* ---- thinking, the answer's form -------------------------------------------- */

/* A word that others made up is passed on, if it is one. */
static bool is_word(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if (text[i] < 'a' || text[i] > 'z')
            return false;
    return len > 0 && len < EFFORT_MAX;
}

/* It is said in the way that the upstream has, once that is known
 * (messages_thinking()). */
static bool put_reasoning(struct making *m, const char *name,
                          struct json_object *v)
{
    size_t len;
    const char *effort = json_read_text(v, "effort", &len);

    if (effort == NULL)
        return true;
    if (!is_word(effort, len))
        return messages_fault_set(m->fault, 400, "%s.effort: a word is needed.",
                                  name);
    (void)snprintf(m->got->effort, sizeof(m->got->effort), "%s", effort);
    m->got->thinks = strcmp(effort, "none") == 0 ? THINKS_NOT : THINKS;
    return true;
}

/* Chat has the same members one level deeper. */
static bool put_schema(struct making *m, struct json_object *format)
{
    static const char *const keys[] = {"name", "description", "strict"};
    struct json_object *schema = json_read_member(format, "schema");
    size_t i;

    if (!json_object_is_type(schema, json_type_object) ||
        json_read_string(format, "name") == NULL)
        return messages_fault_set(
            m->fault, 400, "text.format: a name and a schema are needed.");
    buf_str(m->out, ",\"response_format\":{\"type\":\"json_schema\","
                    "\"json_schema\":{\"schema\":");
    json_write_value(m->out, schema);
    for (i = 0; i < ARRAY_LEN(keys); i++) {
        struct json_object *v = json_read_member(format, keys[i]);

        if (v == NULL)
            continue;
        write_name(m, keys[i]);
        json_write_value(m->out, v);
    }
    buf_str(m->out, "}}");
    return true;
}

static bool put_text(struct making *m, const char *name, struct json_object *v)
{
    struct json_object *format = json_read_member(v, "format");

    if (format == NULL || json_read_is(format, "type", "text"))
        return true;
    if (json_read_is(format, "type", "json_schema"))
        return put_schema(m, format);
    if (!json_read_is(format, "type", "json_object"))
        return messages_fault_set(m->fault, 400,
                                  "%s.format: text, json_object or json_schema "
                                  "is needed.",
                                  name);
    buf_str(m->out, ",\"response_format\":{\"type\":\"json_object\"}");
    return true;
}

/* ---- whose it is ------------------------------------------------------------ */

/* Ours to know, and none of the upstream's business. */
static bool put_user(struct making *m, const char *name, struct json_object *v)
{
    (void)name;
    if (json_object_is_type(v, json_type_string) && m->got->user[0] == '\0')
        (void)snprintf(m->got->user, sizeof(m->got->user), "%s",
                       json_object_get_string(v));
    return true;
}

/* ---- what cannot be had ----------------------------------------------------- */

/* The rest of the conversation would be at a server that has it. */
static bool refuse_kept(struct making *m, const char *name,
                        struct json_object *v)
{
    (void)v;
    return messages_fault_set(m->fault, 400,
                              "%s: nothing is stored for this upstream, which "
                              "speaks chat completions alone; send all of the "
                              "conversation as input.",
                              name);
}

/* So would be what the model is to do. */
static bool refuse_prompt(struct making *m, const char *name,
                          struct json_object *v)
{
    (void)v;
    return messages_fault_set(m->fault, 400,
                              "%s: nothing is stored for this upstream, which "
                              "speaks chat completions alone; send the text of "
                              "the prompt.",
                              name);
}

static bool refuse_background(struct making *m, const char *name,
                              struct json_object *v)
{
    if (!check_yes_no(m, name, v))
        return false;
    return !json_object_get_boolean(v) ||
           messages_fault_set(
               m->fault, 400,
               "%s: an answer that is fetched later must be "
               "stored, and nothing is stored for this upstream, "
               "which speaks chat completions alone.",
               name);
}

/* ---- all of it -------------------------------------------------------------- */

/* Written in this order, behind model, messages and tools. */
static const struct {
    const char *name;
    field_fn *put;
} rows[] = {
    {"previous_response_id", refuse_kept},
    {"conversation", refuse_kept},
    {"prompt", refuse_prompt},
    {"background", refuse_background},
    {"max_output_tokens", put_max_tokens},
    {"temperature", put_temperature},
    {"top_p", put_share},
    {"stream", put_stream},
    {"reasoning", put_reasoning},
    {"text", put_text},
    {"safety_identifier", put_user},
    {"user", put_user},
};

static bool write_rows(struct making *m)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_object *v = json_read_member(m->root, rows[i].name);

        if (v != NULL && !rows[i].put(m, rows[i].name, v))
            return false;
    }
    return true;
}

static bool write_all(struct making *m)
{
    if (!write_model(m) || !write_input(m) ||
        !response_tools_write(m->root, m->out, &m->got->tools, m->fault) ||
        !write_rows(m))
        return false;
    buf_str(m->out, "}");
    response_echo_write(m->root, &m->got->echo);
    return true;
}

int responses_request(const char *body, size_t len,
                      const struct messages_ask *ask, struct buf *out,
                      struct responses_got *got, struct messages_fault *fault)
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
