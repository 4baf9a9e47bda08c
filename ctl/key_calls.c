/*
 * key_calls.c - sluicectl key make, list, set, revoke: who has a key?
 *
 * Through a worker, as call.c.  A new key is alone on the first line of the
 * output, and all else is said on stderr, so that a script can take it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "ctl/ctl.h"
#include "fcgi/config/client_fields.h"
#include "fcgi/config/key_order.h"
#include "fcgi/config/settings.h"

#define PATH_MAX_BYTES 320 /* a name of 63 bytes, each escaped, and room */

/* As people say it: "30d", or nothing for ever. */
static const struct setting expires = {.key = "expires",
                                       .kind = SETTING_SECONDS,
                                       .min = 1000,
                                       .max = KEY_EXPIRES_MAX * 1000};

/* ---- words on the way in ------------------------------------------------------ */

/* Seconds of TEXT, or null for never; -1: it is none, which was said. */
static int put_expires(struct json_object *body, const char *text)
{
    struct json_object *value;

    if (*text == '\0' || strcmp(text, "never") == 0) {
        json_object_object_add(body, "expires_in_s", NULL);
        return EXIT_SUCCESS;
    }
    value = call_value(&expires, expires.key, text);
    if (value == NULL)
        return EXIT_FAILURE;
    json_object_object_add(
        body, "expires_in_s",
        json_object_new_int64((int64_t)json_object_get_double(value)));
    json_object_put(value);
    return EXIT_SUCCESS;
}

/* A whole number as such: 20, not 20.0. */
static struct json_object *value_of(const struct setting *row, const char *key,
                                    const char *text)
{
    struct json_object *value = call_value(row, key, text);
    double number = json_object_get_double(value);

    if (value == NULL || row->kind != SETTING_COUNT ||
        number != (double)(int64_t)number)
        return value;
    json_object_put(value);
    return json_object_new_int64((int64_t)number);
}

/* FIELD=VALUE into BODY.  Of a field that nobody knows the workers say so. */
static int put_pair(struct json_object *body, const char *pair)
{
    const char *eq = strchr(pair, '=');
    const struct setting *row;
    struct json_object *value;
    char key[64];

    if (eq == NULL || eq == pair || (size_t)(eq - pair) >= sizeof(key)) {
        fputs("sluicectl: ", stderr);
        print_text(stderr, pair);
        fputs(": must be FIELD=VALUE\n", stderr);
        return EXIT_USAGE;
    }
    snprintf(key, sizeof(key), "%.*s", (int)(eq - pair), pair);
    if (strcmp(key, expires.key) == 0)
        return put_expires(body, eq + 1);
    row = client_fields_row(key);
    value = row != NULL ? value_of(row, key, eq + 1)
                        : json_object_new_string(eq + 1);
    if (value == NULL)
        return EXIT_FAILURE;
    json_object_object_add(body, key, value);
    return EXIT_SUCCESS;
}

/* The first one that is wrong ends it: nothing is asked of a worker then. */
static int put_pairs(struct json_object *body, char **pairs, int n)
{
    int i, rc = EXIT_SUCCESS;

    for (i = 0; i < n && rc == EXIT_SUCCESS; i++)
        rc = put_pair(body, pairs[i]);
    return rc;
}

/* A name may have blanks and signs, and each byte of it three in a path. */
static void path_of(char out[PATH_MAX_BYTES], const char *name)
{
    char *escaped = curl_easy_escape(NULL, name, 0);

    snprintf(out, PATH_MAX_BYTES, "/api/keys/%.300s",
             escaped != NULL ? escaped : "");
    curl_free(escaped);
}

/* ---- and on the way out --------------------------------------------------------- */

/* Both are borrowed from KEY, and fine with a member that is missing. */
static const char *text_at(struct json_object *key, const char *member)
{
    return json_object_get_string(call_at(key, member));
}

static int64_t number_at(struct json_object *key, const char *member)
{
    return json_object_get_int64(call_at(key, member));
}

/* "2026-11-29 19:40", here and now's time zone; "-": never, or nobody knows. */
static const char *moment(char out[32], struct json_object *key,
                          const char *member)
{
    time_t at = (time_t)number_at(key, member);
    struct tm tm;

    if (call_at(key, member) == NULL || localtime_r(&at, &tm) == NULL ||
        strftime(out, 32, "%Y-%m-%d %H:%M", &tm) == 0)
        snprintf(out, 32, "-");
    return out;
}

/* One line a key, the name last: it may be long. */
static void print_row(FILE *to, struct json_object *key)
{
    char made[32], ends[32];
    bool over = json_object_get_boolean(call_at(key, "expired"));

    fprintf(to,
            "%-8.8s %-8.8s %-16s %-16s %-8.8s %6" PRId64 " %7" PRId64
            " %10" PRId64 " %13" PRId64 " %6" PRId64 " ",
            text_at(key, "id"), text_at(key, "source"),
            moment(made, key, "made_at"),
            over ? "over" : moment(ends, key, "expires_at"),
            text_at(key, "priority"), number_at(key, "weight"),
            number_at(key, "requests_per_min"),
            number_at(key, "tokens_per_min"), number_at(key, "tokens_per_day"),
            number_at(key, "queue_max"));
    print_text(to, text_at(key, "name"));
    fputc('\n', to);
}

/* Widths as of the rows below it. */
static void print_head(FILE *to)
{
    fprintf(to, "%-8s %-8s %-16s %-16s %-8s %6s %7s %10s %13s %6s %s\n", "ID",
            "SOURCE", "MADE", "EXPIRES", "PRIORITY", "WEIGHT", "PER_MIN",
            "TOKENS_MIN", "TOKENS_DAY", "QUEUE", "NAME");
}

static void print_all(struct json_object *root, const void *arg)
{
    struct json_object *keys = call_at(root, "keys");
    size_t i, n = json_object_is_type(keys, json_type_array)
                      ? json_object_array_length(keys)
                      : 0;

    (void)arg;
    print_head(stdout);
    for (i = 0; i < n; i++)
        print_row(stdout, json_object_array_get_idx(keys, i));
}

static void print_one(struct json_object *root, const void *arg)
{
    (void)arg;
    print_head(stdout);
    print_row(stdout, root);
}

static void print_new(struct json_object *root, const void *arg)
{
    (void)arg;
    print_text(stdout, text_at(root, "key"));
    putchar('\n');
    print_head(stderr);
    print_row(stderr, root);
    fputs("The key is for the client, and is shown this once: only its hash is "
          "kept.\n",
          stderr);
}

static void print_revoked(struct json_object *root, const void *arg)
{
    (void)root;
    (void)arg;
    puts("revoked");
}

/* ---- the commands ------------------------------------------------------------------ */

static int send_body(struct ctl *c, const char *method, const char *path,
                     struct json_object *body,
                     void (*print)(struct json_object *root, const void *arg))
{
    return call_and(
        c, method, path,
        json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN), print,
        NULL);
}

static int make(struct ctl *c, char **args, int n)
{
    struct json_object *body = json_object_new_object();
    int rc;

    json_object_object_add(body, "name", json_object_new_string(args[0]));
    rc = put_pairs(body, args + 1, n - 1);
    if (rc == EXIT_SUCCESS)
        rc = send_body(c, "POST", "/api/keys", body, print_new);
    json_object_put(body);
    return rc;
}

static int set(struct ctl *c, char **args, int n)
{
    struct json_object *body = json_object_new_object();
    char path[PATH_MAX_BYTES];
    int rc = put_pairs(body, args + 1, n - 1);

    path_of(path, args[0]);
    if (rc == EXIT_SUCCESS)
        rc = send_body(c, "PATCH", path, body, print_one);
    json_object_put(body);
    return rc;
}

int keys_run(struct ctl *c, char **args, int n)
{
    char path[PATH_MAX_BYTES];

    if (strcmp(args[0], "list") == 0 && n == 1)
        return call_and(c, "GET", "/api/keys", NULL, print_all, NULL);
    if (strcmp(args[0], "make") == 0 && n >= 2)
        return make(c, args + 1, n - 1);
    if (strcmp(args[0], "set") == 0 && n >= 3)
        return set(c, args + 1, n - 1);
    if (strcmp(args[0], "revoke") != 0 || n != 2)
        return EXIT_USAGE;
    path_of(path, args[1]);
    return call_and(c, "DELETE", path, NULL, print_revoked, NULL);
}
