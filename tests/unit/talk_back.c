/*
 * talk_back.c - what does a chat request say, in Messages' words?
 *
 * What is understood is taken out of it; what is left then is added under its
 * own name, and is equal to nothing.
 */
#include "talk.h"

#include "lib/json_strict.h"

/* FROM's KEY, which is taken out of it; NULL: there is none. */
static struct json_object *take(struct json_object *from, const char *key)
{
    struct json_object *v = json_object_get(talk_get(from, key));

    if (from != NULL)
        json_object_object_del(from, key);
    return v;
}

static void move(struct json_object *to, const char *to_key,
                 struct json_object *from, const char *key)
{
    struct json_object *v = take(from, key);

    if (v != NULL)
        json_object_object_add(to, to_key, v);
}

/* What is left of FROM, which is used up. */
static void leave(struct json_object *to, struct json_object *from)
{
    json_object_object_foreach(from, key, v)
    {
        json_object_object_add(to, key, json_object_get(v));
    }
    json_object_put(from);
}

/* ---- parts ------------------------------------------------------------------ */

static struct json_object *typed(const char *type)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "type", json_object_new_string(type));
    return o;
}

/* http..., or data:TYPE;base64,DATA */
static struct json_object *image_of(struct json_object *url)
{
    const char *text = json_object_get_string(url);
    const char *comma = strstr(text, ";base64,");
    struct json_object *o = typed("image");

    if (strncmp(text, "data:", 5) != 0 || comma == NULL) {
        json_object_object_add(o, "url", json_object_get(url));
        return o;
    }
    json_object_object_add(
        o, "media_type",
        json_object_new_string_len(text + 5, (int)(comma - text) - 5));
    json_object_object_add(o, "data", json_object_new_string(comma + 8));
    return o;
}

static struct json_object *part_of(struct json_object *part)
{
    struct json_object *o;

    if (talk_is(part, "image_url"))
        return image_of(talk_get(talk_get(part, "image_url"), "url"));
    o = json_object_new_object();
    leave(o, json_object_get(part));
    return o;
}

/* Adds what the CONTENT of a message says. */
static void add_content(struct json_object *list, struct json_object *content)
{
    size_t i;

    if (json_object_is_type(content, json_type_string) &&
        json_object_get_string_len(content) > 0) {
        struct json_object *o = typed("text");

        json_object_object_add(o, "text", json_object_get(content));
        json_object_array_add(list, o);
    }
    for (i = 0; i < talk_count(content); i++)
        json_object_array_add(list, part_of(talk_at(content, i)));
}

/* ---- messages --------------------------------------------------------------- */

static void add_call(struct json_object *list, struct json_object *call)
{
    struct json_object *o = typed("tool_use");
    struct json_object *f = talk_get(call, "function");
    struct json_object *text = talk_get(f, "arguments");

    talk_keep(o, "id", call, "id");
    talk_keep(o, "name", f, "name");
    json_object_object_add(
        o, "input",
        json_strict_object(json_object_get_string(text),
                           (size_t)json_object_get_string_len(text)));
    json_object_array_add(list, o);
}

static void add_thought(struct json_object *list, struct json_object *m)
{
    struct json_object *o = typed("thinking");

    move(o, "thinking", m, "reasoning_content");
    move(o, "thinking", m, "reasoning");
    if (talk_get(o, "thinking") != NULL)
        json_object_array_add(list, o);
    else
        json_object_put(o);
}

static void add_assistant(struct json_object *list, struct json_object *m)
{
    struct json_object *content = take(m, "content");
    struct json_object *calls = take(m, "tool_calls");
    size_t i;

    add_thought(list, m);
    add_content(list, content);
    for (i = 0; i < talk_count(calls); i++)
        add_call(list, talk_at(calls, i));
    json_object_put(content);
    json_object_put(calls);
}

static void add_result(struct json_object *list, struct json_object *m)
{
    struct json_object *o = typed("tool_result");

    move(o, "tool_use_id", m, "tool_call_id");
    move(o, "content", m, "content");
    json_object_array_add(list, o);
}

static void add_user(struct json_object *list, struct json_object *m)
{
    struct json_object *content = take(m, "content");

    add_content(list, content);
    json_object_put(content);
}

/* Does M belong to the turn before it?  Results do to one another, and what the
 * user says behind them. */
static bool goes_with(struct json_object *before, const char *role)
{
    return talk_is_word(before, "tool") && strcmp(role, "assistant") != 0;
}

/* The turns; what is left of a message stands in its turn. */
static struct json_object *turns_of(struct json_object *messages, size_t i)
{
    struct json_object *list = json_object_new_array(), *turn = NULL;
    struct json_object *before = NULL;

    for (; i < talk_count(messages); i++) {
        struct json_object *m = talk_at(messages, i), *role = take(m, "role");
        const char *is = json_object_get_string(role);
        bool his = strcmp(is, "assistant") == 0,
             theirs = strcmp(is, "tool") == 0;

        if (!goes_with(before, is)) {
            turn = json_object_new_object();
            json_object_object_add(turn, "role",
                                   json_object_new_string(his ? is : "user"));
            json_object_object_add(turn, "content", json_object_new_array());
            json_object_array_add(list, turn);
        }
        (his      ? add_assistant
         : theirs ? add_result
                  : add_user)(talk_get(turn, "content"), m);
        leave(turn, json_object_get(m));
        json_object_put(before);
        before = role;
    }
    json_object_put(before);
    return list;
}

static void move_messages(struct json_object *to, struct json_object *chat)
{
    struct json_object *messages = take(chat, "messages");
    struct json_object *first = talk_at(messages, 0);
    bool has_system = talk_is_word(talk_get(first, "role"), "system");

    if (has_system)
        talk_keep(to, "system", first, "content");
    json_object_object_add(to, "messages", turns_of(messages, has_system));
    json_object_put(messages);
}

/* ---- tools ------------------------------------------------------------------ */

static void move_tools(struct json_object *to, struct json_object *chat)
{
    struct json_object *tools = take(chat, "tools");
    struct json_object *list = json_object_new_array();
    size_t i;

    for (i = 0; i < talk_count(tools); i++) {
        struct json_object *o = json_object_new_object();
        struct json_object *f = take(talk_at(tools, i), "function");

        move(o, "name", f, "name");
        move(o, "description", f, "description");
        move(o, "input_schema", f, "parameters");
        leave(o, f);
        json_object_array_add(list, o);
    }
    if (tools != NULL)
        json_object_object_add(to, "tools", list);
    else
        json_object_put(list);
    json_object_put(tools);
}

static void move_choice(struct json_object *to, struct json_object *chat)
{
    static const struct {
        const char *ours, *theirs;
    } words[] = {{"auto", "auto"}, {"any", "required"}, {"none", "none"}};
    struct json_object *choice = take(chat, "tool_choice"), *o = NULL;
    struct json_object *one = talk_get(choice, "function");
    struct json_object *parallel = take(chat, "parallel_tool_calls");
    size_t i;

    for (i = 0; i < 3; i++)
        if (talk_is_word(choice, words[i].theirs))
            o = typed(words[i].ours);
    if (one != NULL) {
        o = typed("tool");
        talk_keep(o, "name", one, "name");
    }
    if (o != NULL)
        json_object_object_add(to, "tool_choice", o);
    if (parallel != NULL)
        json_object_object_add(
            to, "disable_parallel_tool_use",
            json_object_new_boolean(!json_object_get_boolean(parallel)));
    json_object_put(choice);
    json_object_put(parallel);
}

/* ---- the others ------------------------------------------------------------- */

static bool is_on(struct json_object *o, const char *key)
{
    struct json_object *v = talk_get(o, key);

    return v != NULL && json_object_get_boolean(v);
}

/* Both names of the template's must say the same. */
static void move_thinking(struct json_object *to, struct json_object *chat)
{
    struct json_object *kwargs = take(chat, "chat_template_kwargs");
    bool on = is_on(kwargs, "thinking");

    if (kwargs != NULL && on == is_on(kwargs, "enable_thinking"))
        json_object_object_add(
            to, "thinking",
            json_object_new_string(on ? "enabled" : "disabled"));
    json_object_put(kwargs);
    move(to, "effort", chat, "reasoning_effort");
}

static void move_flags(struct json_object *to, struct json_object *chat)
{
    struct json_object *options = take(chat, "stream_options");
    struct json_object *form = take(chat, "response_format");
    struct json_object *prompt = take(chat, "add_generation_prompt");

    move(to, "stream", chat, "stream");
    if (is_on(options, "include_usage"))
        json_object_object_add(to, "tells_usage", json_object_new_boolean(1));
    if (talk_is(form, "json_schema"))
        talk_keep(to, "schema", talk_get(form, "json_schema"), "schema");
    if (prompt != NULL && !json_object_get_boolean(prompt))
        move(to, "goes_on", chat, "continue_final_message");
    json_object_put(options);
    json_object_put(form);
    json_object_put(prompt);
}

struct json_object *talk_back(struct json_object *chat)
{
    static const char *const same[] = {"model", "max_tokens", "temperature",
                                       "top_p", "top_k"};
    struct json_object *to = json_object_new_object();
    size_t i;

    chat = json_object_get(chat);
    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        move(to, same[i], chat, same[i]);
    move(to, "stop_sequences", chat, "stop");
    move_messages(to, chat);
    move_tools(to, chat);
    move_choice(to, chat);
    move_thinking(to, chat);
    move_flags(to, chat);
    leave(to, chat);
    return to;
}

/* ---- comparing -------------------------------------------------------------- */

static bool is_number(struct json_object *v)
{
    return json_object_is_type(v, json_type_int) ||
           json_object_is_type(v, json_type_double);
}

static bool is_same_object(struct json_object *a, struct json_object *b)
{
    json_object_object_foreach(a, key, v)
    {
        struct json_object *other = NULL;

        if (!json_object_object_get_ex(b, key, &other) ||
            !talk_is_same(v, other))
            return false;
    }
    return json_object_object_length(a) == json_object_object_length(b);
}

bool talk_is_same(struct json_object *a, struct json_object *b)
{
    size_t i;

    if (is_number(a) && is_number(b) &&
        json_object_get_type(a) != json_object_get_type(b))
        return !(json_object_get_double(a) < json_object_get_double(b)) &&
               !(json_object_get_double(a) > json_object_get_double(b));
    if (json_object_get_type(a) != json_object_get_type(b))
        return false;
    if (json_object_is_type(a, json_type_object))
        return is_same_object(a, b);
    if (!json_object_is_type(a, json_type_array))
        return json_object_equal(a, b);
    for (i = 0; i < talk_count(a); i++)
        if (!talk_is_same(talk_at(a, i), talk_at(b, i)))
            return false;
    return talk_count(a) == talk_count(b);
}
