/*
 * response_tools.c - which functions may the model call, and must it?
 *
 *   function          a function
 *   custom            a function with one parameter, `input`, a text; what its
 *                     format says stands in its description
 *   namespace         its tools, as SPACE__NAME
 *   tool_choice       "auto", "required", "none", or that function; of
 *                     allowed_tools only those are offered
 *
 * All others would run at OpenAI, or are known to its models alone.  Clients
 * list some of them always (Codex: web_search), and a model that is not told of
 * a tool answers without.  So among others they are left out.  It is a 400
 * where that would not be the answer that was asked for: nothing else is
 * offered, tool_choice names one, or it brings something of the client's own
 * that the answer is to be made of (its files, its server, its screen).
 *
 * No tools is no list: upstreams refuse an empty one, and a choice without.
 */
#include "fcgi/responses/response_tools.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/json_write.h"
#include "lib/base.h"

#define BETWEEN   "__" /* a namespace and a name */
#define TOOLS_MAX 1024 /* each is looked for among all; OpenAI takes 128 */

struct offering {
    struct json_object *allowed; /* those alone; NULL: all */
    struct buf *out, *names;
    struct messages_fault *fault;
    size_t i, n; /* where we are in the list; how many were offered */
};

/* ---- names ------------------------------------------------------------------ */

static void add_flat(struct buf *b, const char *space, const char *name)
{
    if (space[0] != '\0') {
        buf_str(b, space);
        buf_str(b, BETWEEN);
    }
    buf_str(b, name);
}

static void write_flat(struct buf *out, const char *space, const char *name)
{
    struct buf flat = {NULL, 0, 0, 0};

    add_flat(&flat, space, name);
    json_write_text(out, buf_head(&flat), flat.len);
    buf_free(&flat);
}

/* The text under KEY, up to a zero byte in it; "": none. */
static const char *text_of(struct json_object *o, const char *key)
{
    size_t len;
    const char *text = json_read_text(o, key, &len);

    return text != NULL ? text : "";
}

void response_tools_write_name(struct json_object *item, struct buf *out)
{
    if (json_read_is(item, "type", "local_shell_call"))
        buf_str(out, "\"local_shell\"");
    else
        write_flat(out, text_of(item, "namespace"), text_of(item, "name"));
}

/* Of each: c or f, the name that chat knows, the space, the name in it. */
static void note(struct buf *names, const struct response_tool *tool)
{
    buf_str(names, tool->is_custom ? "c" : "f");
    add_flat(names, tool->space, tool->name);
    buf_add(names, "", 1);
    buf_add(names, tool->space, strlen(tool->space) + 1);
    buf_add(names, tool->name, strlen(tool->name) + 1);
}

bool response_tools_find(const struct buf *names, const char *name, size_t len,
                         struct response_tool *tool)
{
    const char *p = names->len > 0 ? buf_head(names) : NULL;
    const char *end = p != NULL ? p + names->len : NULL;

    while (p < end) {
        const char *flat = p + 1, *space = flat + strlen(flat) + 1;
        const char *own = space + strlen(space) + 1;

        if (strlen(flat) == len && memcmp(flat, name, len) == 0) {
            *tool = (struct response_tool){own, space, *p == 'c'};
            return true;
        }
        p = own + strlen(own) + 1;
    }
    return false;
}

/* ---- a function ------------------------------------------------------------- */

static void write_member(struct buf *out, const char *name,
                         struct json_object *v)
{
    buf_str(out, ",\"");
    buf_str(out, name);
    buf_str(out, "\":");
    json_write_value(out, v);
}

static bool write_parameters(struct offering *o, struct json_object *tool)
{
    struct json_object *schema = json_read_member(tool, "parameters");

    if (schema != NULL && !json_object_is_type(schema, json_type_object))
        return messages_fault_set(
            o->fault, 400, "tools.%zu.parameters: an object is needed.", o->i);
    if (schema != NULL)
        write_member(o->out, "parameters", schema);
    else
        buf_str(o->out, ",\"parameters\":{\"type\":\"object\","
                        "\"properties\":{}}");
    if (json_object_get_boolean(json_read_member(tool, "strict")))
        buf_str(o->out, ",\"strict\":true");
    return true;
}

/* A grammar binds no model here, but it can read it. */
static void write_words(struct offering *o, struct json_object *tool,
                        bool is_custom)
{
    struct json_object *format = json_read_member(tool, "format");
    struct json_object *grammar = json_read_string(format, "definition");
    size_t len, n;
    const char *words = json_read_text(tool, "description", &len);
    const char *definition = json_read_text(format, "definition", &n);

    is_custom = is_custom && grammar != NULL;
    if (words == NULL && !is_custom)
        return;
    buf_str(o->out, ",\"description\":\"");
    if (len > 0)
        json_write_chars(o->out, words, len);
    if (is_custom) {
        buf_str(o->out, len > 0 ? "\\n\\n" : "");
        buf_str(o->out, "The input must fit this grammar:\\n");
        if (n > 0)
            json_write_chars(o->out, definition, n);
    }
    buf_str(o->out, "\"");
}

/* The schema of a tool that takes a text. */
static void write_input(struct offering *o)
{
    buf_str(o->out, ",\"parameters\":{\"type\":\"object\",\"properties\":{"
                    "\"" RESPONSE_TOOLS_INPUT "\":{\"type\":\"string\"}},"
                    "\"required\":[\"" RESPONSE_TOOLS_INPUT "\"],"
                    "\"additionalProperties\":false}");
}

static bool write_function(struct offering *o, struct json_object *tool,
                           const char *space)
{
    struct response_tool told = {text_of(tool, "name"), space,
                                 json_read_is(tool, "type", "custom")};

    if (told.name[0] == '\0')
        return messages_fault_set(o->fault, 400, "tools.%zu: a name is needed.",
                                  o->i);
    if (o->n == TOOLS_MAX)
        return messages_fault_set(o->fault, 400,
                                  "tools: there are more than %d.", TOOLS_MAX);
    if (told.is_custom || space[0] != '\0')
        note(o->names, &told);
    buf_str(o->out, o->n++ > 0 ? "," : ",\"tools\":[");
    buf_str(o->out, "{\"type\":\"function\",\"function\":{\"name\":");
    write_flat(o->out, space, told.name);
    write_words(o, tool, told.is_custom);
    if (told.is_custom)
        write_input(o);
    else if (!write_parameters(o, tool))
        return false;
    buf_str(o->out, "}}");
    return true;
}

/* ---- any tool --------------------------------------------------------------- */

static bool is_function(struct json_object *tool)
{
    return json_read_is(tool, "type", "function") ||
           json_read_is(tool, "type", "custom");
}

bool response_tools_is_offered(struct json_object *tool)
{
    return is_function(tool) || json_read_is(tool, "type", "namespace");
}

/* Is it made of something of the client's own? */
static bool is_clients(struct json_object *tool)
{
    static const char *const types[] = {
        "file_search", "mcp",          "code_interpreter",
        "computer",    "computer_use", "computer_use_preview"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(types); i++)
        if (json_read_is(tool, "type", types[i]))
            return true;
    return false;
}

/* A space is allowed by its own name, with all that is in it. */
static bool is_allowed(const struct offering *o, struct json_object *tool)
{
    size_t i, n = o->allowed == NULL ? 0 : json_object_array_length(o->allowed);

    for (i = 0; i < n; i++)
        if (json_read_is(json_object_array_get_idx(o->allowed, i), "name",
                         text_of(tool, "name")))
            return true;
    return o->allowed == NULL;
}

/* What else may stand in one, clients load later; a model would have to search
 * for it. */
static bool write_namespace(struct offering *o, struct json_object *space)
{
    struct json_object *tools = json_read_list(space, "tools");
    size_t i, n = tools == NULL ? 0 : json_object_array_length(tools);

    for (i = 0; i < n; i++) {
        struct json_object *tool = json_object_array_get_idx(tools, i);

        if (is_function(tool) &&
            !write_function(o, tool, text_of(space, "name")))
            return false;
    }
    return true;
}

static bool write_tool(struct offering *o, struct json_object *tool)
{
    char word[FAULT_WORD];

    if (!is_allowed(o, tool))
        return true;
    if (json_read_is(tool, "type", "namespace"))
        return write_namespace(o, tool);
    if (is_function(tool))
        return write_function(o, tool, "");
    return (!is_clients(tool) && json_read_string(tool, "type") != NULL) ||
           messages_fault_set(o->fault, 400,
                              "tools.%zu: \"%s\" is a tool of OpenAI's own. "
                              "This upstream, which speaks chat completions "
                              "alone, has only functions and custom tools.",
                              o->i, messages_fault_type(tool, word));
}

/* ---- which must be called --------------------------------------------------- */

/* A word, or what stands for one. */
static const char *mode_of(struct json_object *root)
{
    static const char *const words[] = {"auto", "required", "none"};
    struct json_object *choice = json_read_member(root, "tool_choice");
    bool is_some = json_read_is(choice, "type", "allowed_tools");
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        if (json_read_is(is_some ? choice : root,
                         is_some ? "mode" : "tool_choice", words[i]))
            return words[i];
    return choice == NULL ? "auto" : NULL;
}

static bool write_choice(struct json_object *root, struct buf *out,
                         struct messages_fault *fault)
{
    struct json_object *choice = json_read_member(root, "tool_choice");
    const char *mode = mode_of(root);

    if (mode != NULL) {
        if (choice != NULL)
            buf_fmt(out, ",\"tool_choice\":\"%s\"", mode);
        return true;
    }
    if (!is_function(choice) || text_of(choice, "name")[0] == '\0')
        return messages_fault_set(
            fault, 400,
            "tool_choice: \"auto\", \"required\", \"none\", allowed_tools, or "
            "a function or custom tool by its name is needed; this upstream "
            "has no others.");
    buf_str(out, ",\"tool_choice\":{\"type\":\"function\",\"function\":{"
                 "\"name\":");
    write_flat(out, text_of(choice, "namespace"), text_of(choice, "name"));
    buf_str(out, "}}");
    return true;
}

/* Of a list of N tools none was offered. */
static bool check_none(struct json_object *root, size_t n,
                       struct messages_fault *fault)
{
    const char *mode = mode_of(root);

    if (mode != NULL &&
        (strcmp(mode, "none") == 0 || (n == 0 && strcmp(mode, "auto") == 0)))
        return true;
    return messages_fault_set(fault, 400,
                              n > 0 ? "tools: this upstream, which speaks chat "
                                      "completions alone, has none of these."
                                    : "tool_choice: there are no tools.");
}

bool response_tools_write(struct json_object *root, struct buf *out,
                          struct buf *names, struct messages_fault *fault)
{
    struct json_object *tools = json_read_member(root, "tools");
    struct json_object *choice = json_read_member(root, "tool_choice");
    struct json_object *parallel =
        json_read_member(root, "parallel_tool_calls");
    bool is_list = json_object_is_type(tools, json_type_array);
    size_t n = is_list ? json_object_array_length(tools) : 0;
    struct offering o = {.out = out, .names = names, .fault = fault};

    if (tools != NULL && !is_list)
        return messages_fault_set(fault, 400, "tools: a list is needed.");
    if (json_read_is(choice, "type", "allowed_tools"))
        o.allowed = json_read_list(choice, "tools");
    if (n > TOOLS_MAX ||
        (o.allowed != NULL && json_object_array_length(o.allowed) > TOOLS_MAX))
        return messages_fault_set(fault, 400, "tools: there are more than %d.",
                                  TOOLS_MAX);
    for (; o.i < n; o.i++)
        if (!write_tool(&o, json_object_array_get_idx(tools, o.i)))
            return false;
    if (o.n == 0)
        return check_none(root, n, fault);
    buf_str(out, "]");
    if (!write_choice(root, out, fault))
        return false;
    if (json_object_is_type(parallel, json_type_boolean) &&
        !json_object_get_boolean(parallel))
        buf_str(out, ",\"parallel_tool_calls\":false");
    return true;
}
