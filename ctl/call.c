/*
 * call.c - what does a worker do for an operator?
 *
 * Over HTTP, as the dashboard does it: what is refused is refused in the same
 * words, and the log tells of both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "ctl/ctl.h"
#include "fcgi/config/config.h"
#include "fcgi/config/json_file.h"
#include "fcgi/config/setting_allowed.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"

#define URL_MAX    512
#define TOKEN_MAX  4096
#define ANSWER_MAX (2 << 20)
#define CALL_S     30L
#define ASIDE_S    2L /* for what is told beside the rest */

struct answer {
    char *text;
    size_t len;
    long status;
};

/* ---- where to, and with what ------------------------------------------------- */

/* The first line of a file of ours; false: it cannot be read. */
static int first_line(char *out, size_t max, const char *dir, const char *name)
{
    struct json_file file;
    char path[4200];

    snprintf(path, sizeof(path), "%s%s%s", dir, name[0] != '\0' ? "/" : "",
             name);
    if (json_file_read(&file, path, max) != NULL || file.text == NULL)
        return 0;
    snprintf(out, max, "%.*s", (int)strcspn(file.text, "\r\n"), file.text);
    explicit_bzero(file.text, file.len);
    json_file_free(&file);
    return out[0] != '\0';
}

static void find_url(struct ctl *c, char out[URL_MAX])
{
    const char *dir = c->state_dir != NULL ? c->state_dir : c->cfg->state_dir;

    if (c->url != NULL)
        snprintf(out, URL_MAX, "%.*s", URL_MAX - 1, c->url);
    else if (!first_line(out, URL_MAX, dir, "listen"))
        snprintf(out, URL_MAX, "http://127.0.0.1:8080");
    while (out[0] != '\0' && out[strlen(out) - 1] == '/')
        out[strlen(out) - 1] = '\0';
}

/* As the workers find it, or where "make run" keeps its data; none is worth a
 * try where only reading is meant. */
static int find_token(const struct ctl *c, char out[TOKEN_MAX])
{
    const char *dir = c->state_dir != NULL ? c->state_dir : c->cfg->state_dir;

    out[0] = '\0';
    if (c->cfg->admin_token != NULL)
        return snprintf(out, TOKEN_MAX, "%s", c->cfg->admin_token) > 0;
    if (c->cfg->admin_token_file != NULL)
        return first_line(out, TOKEN_MAX, c->cfg->admin_token_file, "");
    return first_line(out, TOKEN_MAX, dir, "admin.token") ||
           first_line(out, TOKEN_MAX, c->cfg->data_dir, "admin.token");
}

/* ---- one call ------------------------------------------------------------------ */

static size_t on_bytes(char *data, size_t size, size_t n, void *arg)
{
    struct answer *a = arg;
    char *more;

    (void)size;
    if (n > ANSWER_MAX - a->len ||
        (more = realloc(a->text, a->len + n + 1)) == NULL)
        return 0;
    a->text = more;
    memcpy(a->text + a->len, data, n);
    a->len += n;
    a->text[a->len] = '\0';
    return n;
}

static struct curl_slist *headers_for(const struct ctl *c)
{
    char token[TOKEN_MAX], line[TOKEN_MAX + 32];
    struct curl_slist *list =
        curl_slist_append(NULL, "Content-Type: application/json");

    if (find_token(c, token)) {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        list = curl_slist_append(list, line);
        explicit_bzero(line, sizeof(line));
    }
    explicit_bzero(token, sizeof(token));
    return list;
}

static CURLcode perform(CURL *curl, struct ctl *c, const char *method,
                        const char *body)
{
    struct curl_slist *headers = headers_for(c), *h;
    CURLcode rc;

    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* The token is for the worker alone: no proxy of the environment, no
     * other place that an answer names, no password of a .netrc. */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, c->is_quiet ? ASIDE_S : CALL_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    rc = curl_easy_perform(curl);
    for (h = headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
    return rc;
}

/* EXIT_SUCCESS: there is an answer, whatever it says. */
static int call(struct ctl *c, const char *method, const char *path,
                const char *body, struct answer *a)
{
    char url[URL_MAX], whole[URL_MAX * 2];
    CURL *curl;
    CURLcode rc;

    memset(a, 0, sizeof(*a));
    if (ctl_config(c) == NULL)
        return EXIT_CONFIG;
    find_url(c, url);
    snprintf(whole, sizeof(whole), "%s%s", url, path);
    curl = curl_easy_init();
    if (curl == NULL) {
        fprintf(stderr, "sluicectl: %s\n", strerror(ENOMEM));
        return EXIT_FAILURE;
    }
    curl_easy_setopt(curl, CURLOPT_URL, whole);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    rc = perform(curl, c, method, body);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_cleanup(curl);
    if (rc == CURLE_OK)
        return EXIT_SUCCESS;
    if (!c->is_quiet)
        fprintf(stderr, "sluicectl: %s: %s; --url says where Sluice listens\n",
                url, curl_easy_strerror(rc));
    free(a->text);
    return EXIT_FAILURE;
}

/* ---- what was answered --------------------------------------------------------- */

struct json_object *call_at(struct json_object *o, const char *key)
{
    struct json_object *value = NULL;

    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, key, &value);
    return value;
}

static void print_line(FILE *to, const char *before, const char *text)
{
    fputs(before, to);
    print_text(to, text);
    fputc('\n', to);
}

static void explain(const struct ctl *c, const struct answer *a,
                    struct json_object *root)
{
    struct json_object *message = call_at(call_at(root, "error"), "message");

    if (message != NULL)
        print_line(stderr, "sluicectl: ", json_object_get_string(message));
    else
        fprintf(stderr, "sluicectl: the answer was %ld and no JSON of ours\n",
                a->status);
    if (a->status == 401)
        fprintf(stderr,
                "sluicectl: the admin token is SLUICE_ADMIN_TOKEN's, or the "
                "one in %s/admin.token\n",
                c->cfg->data_dir);
}

int call_and(struct ctl *c, const char *method, const char *path,
             const char *body,
             void (*print)(struct json_object *root, const void *arg),
             const void *arg)
{
    struct json_object *root;
    struct answer a;
    int rc = call(c, method, path, body, &a);

    if (rc != EXIT_SUCCESS)
        return rc;
    root = json_tokener_parse(a.text != NULL ? a.text : "");
    if ((a.status == 200 || a.status == 201) && root != NULL) {
        print(root, arg);
    } else {
        if (!c->is_quiet)
            explain(c, &a, root);
        rc = EXIT_FAILURE;
    }
    json_object_put(root);
    if (a.text != NULL)
        explicit_bzero(a.text, a.len); /* it may hold a client's new key */
    free(a.text);
    return rc;
}

/* ---- the commands ---------------------------------------------------------------- */

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

int call_status_json(struct ctl *c)
{
    return call_and(c, "GET", "/api/status", NULL, print_json, NULL);
}

static void print_aliases(struct json_object *root, const void *arg)
{
    struct json_object *aliases = call_at(root, "aliases");

    (void)arg;
    if (!json_object_is_type(aliases, json_type_object))
        return;
    json_object_object_foreach(aliases, pattern, model)
    {
        print_text(stdout, pattern);
        print_line(stdout, " stands for ", json_object_get_string(model));
    }
}

void call_aliases(struct ctl *c)
{
    char url[URL_MAX];

    /* Of a state that was named it must be a worker of that one. */
    if (c->url == NULL && c->state_dir != NULL &&
        !first_line(url, URL_MAX, c->state_dir, "listen"))
        return;
    c->is_quiet = 1;
    (void)call_and(c, "GET", "/api/status", NULL, print_aliases, NULL);
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

int call_reload(struct ctl *c)
{
    return call_and(c, "POST", "/api/reload", "{}", print_reloaded, NULL);
}

int call_pause(struct ctl *c, int on)
{
    return call_and(c, "POST", on ? "/api/pause" : "/api/resume", "{}",
                    print_done, on ? "paused" : "resumed");
}

int call_cancel(struct ctl *c, const char *id)
{
    char path[256];
    char *escaped = curl_easy_escape(NULL, id, 0);

    snprintf(path, sizeof(path), "/api/queue/%.200s",
             escaped != NULL ? escaped : "");
    curl_free(escaped);
    return call_and(c, "DELETE", path, NULL, print_done, "cancelled");
}

int call_clear(struct ctl *c, const char *upstream, const char *model)
{
    struct json_object *object = json_object_new_object();
    int rc;

    if (upstream != NULL)
        json_object_object_add(object, "upstream",
                               json_object_new_string(upstream));
    if (model != NULL)
        json_object_object_add(object, "model", json_object_new_string(model));
    rc =
        call_and(c, "POST", "/api/retreat/clear",
                 json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
                 print_done, "cleared");
    json_object_put(object);
    return rc;
}
