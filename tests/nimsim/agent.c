/*
 * agent.c - which tool does an agent call next?
 *
 *   user       ... the file /tmp/notes.txt ...
 *   assistant  calls: read it, and read it once more
 *   tool       ...                              the client's answers
 *   assistant  call: put NEW in the place of OLD
 *   tool       ...
 *   assistant  words
 *
 * Nothing is remembered: all of that stands in each request.  The client does
 * what is said here, on somebody's machine, so it is little: one file, which
 * the user himself has named by its whole path, a plain name that ends in
 * ".txt", and one word of it.
 */
#include "agent.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "text.h"

#define OLD "grey"
#define NEW "green"

#define ENDING ".txt"

/* Two at once, since clients differ in what they make of that. */
#define READS 2

/* What clients call their tools, and the argument of the first that tells them
 * apart; %s is the path, which needs no escaping. */
static const struct agent_tools {
    const char *read, *key, *read_with;
    const char *edit, *edit_with;
} known[] = {
    /* Claude Code */
    {"Read", "file_path", "{\"file_path\":\"%s\"}", "Edit",
     "{\"file_path\":\"%s\",\"old_string\":\"" OLD "\",\"new_string\":\"" NEW
     "\"}"},
    /* Continue */
    {"Read", "filepath", "{\"filepath\":\"%s\"}", "Edit",
     "{\"file_path\":\"%s\",\"old_string\":\"" OLD "\",\"new_string\":\"" NEW
     "\"}"},
    /* opencode */
    {"read", "filePath", "{\"filePath\":\"%s\"}", "edit",
     "{\"filePath\":\"%s\",\"oldString\":\"" OLD "\",\"newString\":\"" NEW
     "\"}"},
    /* Cline */
    {"read_files", "files", "{\"files\":[{\"path\":\"%s\"}]}", "editor",
     "{\"path\":\"%s\",\"old_text\":\"" OLD "\",\"new_text\":\"" NEW "\"}"},
    /* Codex */
    {"exec_command", "cmd", "{\"cmd\":\"cat %s\"}", "exec_command",
     "{\"cmd\":\"sed -i s/" OLD "/" NEW "/ %s\"}"},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

/* --- the file --- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' ||
           c == '_';
}

/* Is the word of LEN bytes the path of a file that may be changed? */
static bool is_path(const char *word, size_t len)
{
    size_t ending = strlen(ENDING);
    size_t i;

    if (len <= ending || len > AGENT_PATH_MAX || word[0] != '/' ||
        strncmp(word + len - ending, ENDING, ending) != 0)
        return false;
    for (i = 0; i < len; i++) {
        if (!is_plain(word[i]) || strncmp(word + i, "/..", 3) == 0)
            return false;
    }
    return true;
}

/* Behind what Claude Code says in the user's place, if SAID begins with that. */
static const char *skip_reminder(const char *said)
{
    static const char open[] = "<system-reminder>";
    const char *end;

    if (strncmp(said, open, strlen(open)) != 0)
        return said;
    end = strstr(said, "</system-reminder>");
    return end == NULL ? said + strlen(said) : end;
}

/* The last such word of what a user says.  False: he names none. */
static bool find_path(struct agent *a, const char *said)
{
    static const char blanks[] = " \t\r\n\"'`>";
    bool found = false;
    size_t len;

    for (; *said != '\0'; said += len) {
        said += strspn(said, blanks);
        said = skip_reminder(said);
        said += *said == '<';
        len = strcspn(said, "< \t\r\n\"'`>");
        if (!is_path(said, len))
            continue;
        memcpy(a->path, said, len);
        a->path[len] = '\0';
        found = true;
    }
    return found;
}

/* --- the conversation --- */

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;

    if (json_object_is_type(from, json_type_object))
        (void)json_object_object_get_ex(from, name, &value);
    return value;
}

static size_t length_of(struct json_object *list)
{
    return json_object_is_type(list, json_type_array)
               ? json_object_array_length(list)
               : 0;
}

static bool has_text(struct json_object *from, const char *name,
                     const char *text)
{
    struct json_object *value = member(from, name);

    return json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), text) == 0;
}

/* CONTENT is a text, or a list of parts that have one each. */
static bool names_file(struct agent *a, struct json_object *content)
{
    size_t i, n = length_of(content);
    bool found = false;

    if (json_object_is_type(content, json_type_string))
        return find_path(a, json_object_get_string(content));
    for (i = 0; i < n; i++) {
        struct json_object *text =
            member(json_object_array_get_idx(content, i), "text");

        if (json_object_is_type(text, json_type_string) &&
            find_path(a, json_object_get_string(text)))
            found = true;
    }
    return found;
}

/* How often tools were called, and answered, since a file was named; -1: none
 * ever was. */
static int turns_since(struct agent *a, struct json_object *messages)
{
    size_t i, n = length_of(messages);
    bool has_called = false;
    int turns = -1;

    for (i = 0; i < n; i++) {
        struct json_object *m = json_object_array_get_idx(messages, i);

        if (has_text(m, "role", "user") && names_file(a, member(m, "content")))
            turns = 0;
        if (has_text(m, "role", "tool"))
            turns += turns >= 0 && has_called;
        has_called = length_of(member(m, "tool_calls")) > 0;
    }
    return turns;
}

/* --- the tools --- */

/* The function NAME's parameters; NULL: it is not offered. */
static struct json_object *offered(struct json_object *tools, const char *name)
{
    size_t i, n = length_of(tools);

    for (i = 0; i < n; i++) {
        struct json_object *f =
            member(json_object_array_get_idx(tools, i), "function");

        if (has_text(f, "name", name))
            return member(f, "parameters");
    }
    return NULL;
}

static const struct agent_tools *find_tools(struct json_object *tools)
{
    size_t i;

    for (i = 0; i < KNOWN; i++) {
        struct json_object *with = offered(tools, known[i].read);

        if (member(member(with, "properties"), known[i].key) != NULL &&
            offered(tools, known[i].edit) != NULL)
            return &known[i];
    }
    return NULL;
}

void agent_decide(struct agent *a, struct json_object *json)
{
    int turns;

    *a = (struct agent){.tools = find_tools(member(json, "tools"))};
    turns = turns_since(a, member(json, "messages"));
    if (a->tools == NULL || turns < 0 || turns > 1)
        a->step = AGENT_SPEAK;
    else
        a->step = turns == 0 ? AGENT_READ : AGENT_EDIT;
}

/* --- what is said --- */

int64_t agent_calls(const struct agent *a)
{
    static const int64_t calls[] = {
        [AGENT_SPEAK] = 0, [AGENT_READ] = READS, [AGENT_EDIT] = 1};

    return calls[a->step];
}

const char *agent_tool(const struct agent *a)
{
    return a->step == AGENT_READ ? a->tools->read : a->tools->edit;
}

void agent_arguments(const struct agent *a, struct text *out)
{
    const char *with =
        a->step == AGENT_READ ? a->tools->read_with : a->tools->edit_with;
    const char *hole = strstr(with, "%s");

    text_add(out, with, (size_t)(hole - with));
    text_str(out, a->path);
    text_str(out, hole + 2);
}
