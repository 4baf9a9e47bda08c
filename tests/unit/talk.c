/*
 * talk.c - what might a client of the Messages API ask?
 *
 * The fields are rolled before the turns, so that fewer turns from the same
 * seed are the beginning of the same conversation.
 */
#include "talk.h"

#include <stdio.h>

#include "dice.h"
#include "lib/base.h"

static void add(struct json_object *o, const char *key, struct json_object *v)
{
    json_object_object_add(o, key, v);
}

static struct json_object *one_of(const char *const *words, size_t n)
{
    return json_object_new_string(words[dice_to(n)]);
}
#define ONE_OF(...)                                                            \
    one_of((const char *const[]){__VA_ARGS__},                                 \
           ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* An object of TYPE, with what does not count here and there. */
static struct json_object *typed(const char *type)
{
    struct json_object *o = json_object_new_object(), *cache;

    add(o, "type", json_object_new_string(type));
    if (dice_once_in(5)) {
        cache = json_object_new_object();
        add(cache, "type", json_object_new_string("ephemeral"));
        add(o, "cache_control", cache);
    }
    if (dice_once_in(20))
        add(o, "nobody_knows", dice_value(2));
    return o;
}

/* ---- blocks ----------------------------------------------------------------- */

static struct json_object *text(void)
{
    struct json_object *o = typed("text");

    add(o, "text", dice_text(8));
    return o;
}

static struct json_object *image(void)
{
    struct json_object *o = typed("image"), *source = typed("base64");
    char url[80];

    (void)snprintf(url, sizeof(url), "https://h/%zu?\"\\", dice_to(1000));
    if (dice_once_in(2)) {
        add(source, "type", json_object_new_string("url"));
        add(source, "url", json_object_new_string(url));
    } else {
        add(source, "media_type",
            ONE_OF("image/png", "image/jpeg", "image/svg+xml"));
        add(source, "data", ONE_OF("iVBORw0KGgo=", "QQ==", "/9j/4AAQ"));
    }
    add(o, "source", source);
    return o;
}

/* Up to three blocks of the kinds that MAKE. */
static struct json_object *blocks(struct json_object *(*const *make)(void),
                                  size_t kinds)
{
    struct json_object *list = json_object_new_array();
    size_t n = dice_to(4);

    while (n-- > 0)
        json_object_array_add(list, make[dice_to(kinds)]());
    return list;
}

/* A text, or a list of blocks. */
#define CONTENT(...)                                                           \
    (dice_once_in(3)                                                           \
         ? dice_text(8)                                                        \
         : blocks((struct json_object *(*const[])(void)){__VA_ARGS__},         \
                  ARRAY_LEN(                                                   \
                      ((struct json_object *(*const[])(void)){__VA_ARGS__}))))

static struct json_object *document(void)
{
    struct json_object *o = typed("document"), *source = typed("text");

    if (dice_once_in(2)) {
        add(source, "media_type", json_object_new_string("text/plain"));
        add(source, "data", dice_text(8));
    } else {
        add(source, "type", json_object_new_string("content"));
        add(source, "content", CONTENT(text, image));
    }
    add(o, "source", source);
    if (dice_once_in(2))
        add(o, "title", dice_text(2));
    if (dice_once_in(3))
        add(o, "context", dice_text(3));
    return o;
}

static struct json_object *search_result(void)
{
    struct json_object *o = typed("search_result");

    add(o, "source", dice_text(2));
    add(o, "title", dice_text(2));
    add(o, "content", CONTENT(text));
    return o;
}

static struct json_object *tool_reference(void)
{
    struct json_object *o = typed("tool_reference");

    add(o, "tool_name", dice_name());
    return o;
}

static struct json_object *tool_result(void)
{
    struct json_object *o = typed("tool_result");

    add(o, "tool_use_id", dice_name());
    if (!dice_once_in(6))
        add(o, "content",
            CONTENT(text, text, image, document, search_result,
                    tool_reference));
    if (dice_once_in(3))
        add(o, "is_error", json_object_new_boolean(dice_once_in(2)));
    return o;
}

static struct json_object *thinking(void)
{
    struct json_object *o = typed("thinking");

    add(o, "thinking", dice_text(8));
    add(o, "signature", dice_text(2));
    return o;
}

static struct json_object *redacted_thinking(void)
{
    struct json_object *o = typed("redacted_thinking");

    add(o, "data", dice_text(2));
    return o;
}

static struct json_object *tool_use(void)
{
    struct json_object *o = typed("tool_use");

    add(o, "id", dice_name());
    add(o, "name", dice_name());
    add(o, "input", dice_object(4));
    return o;
}

/* ---- turns ------------------------------------------------------------------ */

/* Turn I: they take turns, mostly. */
static struct json_object *turn(size_t i)
{
    struct json_object *o = json_object_new_object();
    size_t who = dice_once_in(6) ? dice_to(3) : i % 2;

    if (who == 0) {
        add(o, "role", json_object_new_string("user"));
        add(o, "content",
            CONTENT(text, text, text, image, document, search_result,
                    tool_result, tool_result, tool_result));
    } else if (who == 1) {
        add(o, "role", json_object_new_string("assistant"));
        add(o, "content",
            CONTENT(text, text, thinking, redacted_thinking, tool_use,
                    tool_use));
    } else {
        add(o, "role", json_object_new_string("system"));
        add(o, "content", CONTENT(text));
    }
    return o;
}

/* ---- fields ----------------------------------------------------------------- */

static void add_share(struct json_object *root, const char *key)
{
    if (dice_once_in(3))
        add(root, key,
            dice_once_in(9) ? NULL
                            : json_object_new_double((double)dice_to(11) / 10));
}

static struct json_object *stops(void)
{
    struct json_object *list = json_object_new_array();
    size_t n = dice_to(4);

    while (n-- > 0)
        json_object_array_add(list, dice_text(2));
    return list;
}

static struct json_object *tool(void)
{
    struct json_object *o = typed("custom");

    if (dice_once_in(2))
        json_object_object_del(o, "type");
    add(o, "name", dice_name());
    if (!dice_once_in(4))
        add(o, "description", dice_text(8));
    add(o, "input_schema", dice_object(4));
    if (dice_once_in(3))
        add(o, "strict", json_object_new_boolean(1));
    return o;
}

static void add_tools(struct json_object *root)
{
    static struct json_object *(*const make[])(void) = {tool};
    struct json_object *list = blocks(make, 1), *choice;
    static const char *const types[] = {"auto", "none", "any", "tool"};
    /* Without a tool none can be asked for. */
    size_t type = dice_to(json_object_array_length(list) > 0 ? 4 : 2);

    add(root, "tools", list);
    if (dice_once_in(3))
        return;
    choice = typed(types[type]);
    if (type == 3)
        add(choice, "name", dice_name());
    if (dice_once_in(2))
        add(choice, "disable_parallel_tool_use",
            json_object_new_boolean(dice_once_in(2)));
    add(root, "tool_choice", choice);
}

static void add_thinking(struct json_object *root)
{
    struct json_object *o = json_object_new_object();
    static const int budgets[] = {1024, 4096, 16384};

    add(o, "type", ONE_OF("enabled", "disabled", "adaptive"));
    if (dice_once_in(2))
        add(o, "budget_tokens", json_object_new_int(budgets[dice_to(3)]));
    add(root, "thinking", o);
}

static void add_output_config(struct json_object *root)
{
    struct json_object *o = json_object_new_object(), *format;

    if (dice_once_in(2))
        add(o, "effort", ONE_OF("low", "medium", "high", "xhigh", "max"));
    if (dice_once_in(2)) {
        format = typed("json_schema");
        add(format, "schema", dice_object(4));
        add(o, "format", format);
    }
    add(root, "output_config", o);
}

/* Claude Code's first block is its note for whoever sends the bill. */
static struct json_object *system_blocks(void)
{
    struct json_object *list = json_object_new_array(), *note;
    size_t n = dice_to(4);

    if (dice_once_in(3)) {
        note = typed("text");
        add(note, "text",
            json_object_new_string("x-anthropic-billing-header: cch=0a1b2;"));
        json_object_array_add(list, note);
    }
    while (n-- > 0)
        json_object_array_add(list, text());
    return list;
}

static void add_fields(struct json_object *root)
{
    struct json_object *metadata;

    add(root, "model", dice_name());
    add(root, "max_tokens", json_object_new_int64(1 + (int64_t)dice_to(9999)));
    add_share(root, "temperature");
    add_share(root, "top_p");
    if (dice_once_in(3))
        add(root, "top_k", json_object_new_int64((int64_t)dice_to(50)));
    if (dice_once_in(3))
        add(root, "stop_sequences", stops());
    if (dice_once_in(2))
        add(root, "stream", json_object_new_boolean(dice_once_in(2)));
    if (dice_once_in(2))
        add_tools(root);
    if (dice_once_in(3))
        add_thinking(root);
    if (dice_once_in(3))
        add_output_config(root);
    if (dice_once_in(4))
        add(root, "service_tier", json_object_new_string("auto"));
    if (dice_once_in(3)) {
        metadata = json_object_new_object();
        add(metadata, "user_id", dice_name());
        add(root, "metadata", metadata);
    }
    if (dice_once_in(2))
        add(root, "system", dice_once_in(2) ? dice_text(8) : system_blocks());
}

struct json_object *talk_make(size_t turns)
{
    struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();
    size_t i;

    add_fields(root);
    for (i = 0; i < turns; i++)
        json_object_array_add(list, turn(i));
    add(root, "messages", list);
    return root;
}

struct messages_ask talk_ask(void)
{
    static const char *const keys[] = {NULL, "reasoning_content", "reasoning"};

    return (struct messages_ask){
        .model = dice_once_in(2) ? NULL : "another",
        .reasoning_key = keys[dice_to(3)],
        .usage_by_caller = dice_once_in(2),
        .may_continue = dice_once_in(2),
        .max_tokens = dice_once_in(2) ? 0 : 1 + (int64_t)dice_to(5000),
    };
}
