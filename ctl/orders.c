/*
 * orders.c - what does a worker do for an operator?
 *
 * set, reload, pause, resume, cancel; and status --json.  What ends more than
 * one thing: clear.c.
 *
 * Each prints one word or the new value, so that a script can see that it was done, and
 * nothing where it was refused: that goes to stderr, in the worker's words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "ctl/ctl.h"
#include "fcgi/config/setting_allowed.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"

/* What was done needs no more than its word. */
static void print_done(struct json_object *root, const void *arg)
{
    (void)root;
    puts(arg);
}

static void print_json(struct json_object *root, const void *arg)
{
    (void)arg;
    print_json_text(
        stdout, json_object_to_json_string_ext(
                    root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
    puts("");
}

/* Whole, as a worker tells it: for programs. */
int call_status_json(struct ctl *c)
{
    return call_and(c, "GET", "/api/status", NULL, print_json, NULL);
}

/* Patterns and models are an operator's words: cut of what a terminal obeys. */
static void print_aliases(struct json_object *aliases)
{
    if (!json_object_is_type(aliases, json_type_object))
        return;
    json_object_object_foreach(aliases, pattern, model)
    {
        print_text(stdout, pattern);
        print_line(stdout, " stands for ", json_object_get_string(model));
    }
}

/* Beside the status, so without a word where it cannot be had. */
void call_aliases(struct ctl *c)
{
    struct json_object *root;

    c->is_quiet = 1;
    if (call_get(c, "/api/status", &root) == EXIT_SUCCESS)
        print_aliases(call_at(root, "aliases"));
    c->is_quiet = 0;
    json_object_put(root);
}

/* As people write it, not as 0.10000000000000001. */
static struct json_object *number_of(double number)
{
    char text[64];

    snprintf(text, sizeof(text), "%.12g", number);
    return json_object_new_double_s(number, text);
}

struct json_object *call_value(const struct setting *row, const char *key,
                               const char *text)
{
    const char *hint = setting_text_number_hint(row);
    char must[SETTING_LABEL_MAX];
    double number;

    if (row->kind == SETTING_BOOL && strcmp(text, "true") == 0)
        return json_object_new_boolean(1);
    if (row->kind == SETTING_BOOL && strcmp(text, "false") == 0)
        return json_object_new_boolean(0);
    if (row->kind > SETTING_BOOL)
        return json_object_new_string(text);
    if (row->kind < SETTING_BOOL && setting_text_number(row, text, &number))
        return number_of(number);
    setting_allowed(must, sizeof(must), row);
    fputs("sluicectl: ", stderr);
    print_text(stderr, key);
    fputs(": ", stderr);
    print_text(stderr, text);
    fprintf(stderr, " is refused; %s%smust be %s\n", hint != NULL ? hint : "",
            hint != NULL ? "; " : "", must);
    return NULL;
}

/* KEY=VALUE into OBJECT.  Of a key that only the workers may know the value
 * is sent as a text: they say what is wrong. */
static int put_pair(struct json_object *object, const char *pair)
{
    const char *eq = strchr(pair, '=');
    const struct setting *row;
    struct json_object *value = NULL;
    char key[128];

    if (eq == NULL || eq == pair || (size_t)(eq - pair) >= sizeof(key)) {
        fprintf(stderr, "sluicectl: ");
        print_text(stderr, pair);
        fprintf(stderr, ": must be KEY=VALUE\n");
        return EXIT_USAGE;
    }
    snprintf(key, sizeof(key), "%.*s", (int)(eq - pair), pair);
    row = setting_find_dotted(key);
    if (eq[1] != '\0') {
        value = row != NULL ? call_value(row, key, eq + 1)
                            : json_object_new_string(eq + 1);
        if (value == NULL)
            return EXIT_FAILURE;
    }
    json_object_object_add(object, key, value);
    return EXIT_SUCCESS;
}

/* What holds now, as the workers answered, not what was asked for. */
static void print_settings(struct json_object *root, const void *arg)
{
    struct json_object *wanted = json_tokener_parse(arg);

    json_object_object_foreach(wanted, key, unused)
    {
        struct json_object *row = call_at(root, key);
        struct json_object *value = call_at(row, "value");

        (void)unused;
        print_text(stdout, key);
        fputs(" = ", stdout);
        print_json_text(stdout, json_object_to_json_string_ext(
                                    value, JSON_C_TO_STRING_PLAIN |
                                               JSON_C_TO_STRING_NOSLASHESCAPE));
        fputs(" (", stdout);
        print_text(stdout, json_object_get_string(call_at(row, "source")));
        puts(")");
    }
    json_object_put(wanted);
}

/* All of them in one call, which is all or nothing. */
int call_set(struct ctl *c, char *const *pairs, int n)
{
    struct json_object *object = json_object_new_object();
    const char *body;
    int i, rc = EXIT_SUCCESS;

    for (i = 0; i < n && rc == EXIT_SUCCESS; i++)
        rc = put_pair(object, pairs[i]);
    if (rc != EXIT_SUCCESS) {
        json_object_put(object);
        return rc;
    }
    body = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    rc = call_and(c, "PATCH", "/api/config", body, print_settings, body);
    json_object_put(object);
    return rc;
}

/* Warnings are no failure: the file is in force, but for what they name. */
static void print_reloaded(struct json_object *root, const void *arg)
{
    struct json_object *warnings = call_at(root, "warnings");
    size_t i, n = json_object_is_type(warnings, json_type_array)
                      ? json_object_array_length(warnings)
                      : 0;

    (void)arg;
    puts("reloaded");
    for (i = 0; i < n; i++)
        print_line(
            stdout, "warning: ",
            json_object_get_string(json_object_array_get_idx(warnings, i)));
}

/* All workers or none: the file is tried before it is in force. */
int call_reload(struct ctl *c)
{
    return call_and(c, "POST", "/api/reload", "{}", print_reloaded, NULL);
}

/* It outlives workers and a restart; so who pauses has to resume. */
int call_pause(struct ctl *c, int on)
{
    return call_and(c, "POST", on ? "/api/pause" : "/api/resume", "{}",
                    print_done, on ? "paused" : "resumed");
}

/* Ids are ours, but one may be typed by hand. */
void call_queue_path(char *out, size_t max, const char *id)
{
    char *escaped = curl_easy_escape(NULL, id, 0);

    snprintf(out, max, "/api/queue/%s", escaped != NULL ? escaped : "");
    curl_free(escaped);
}

int call_cancel(struct ctl *c, const char *id)
{
    char path[256];

    call_queue_path(path, sizeof(path), id);
    return call_and(c, "DELETE", path, NULL, print_done, "cancelled");
}
