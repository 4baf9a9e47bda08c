/*
 * report.c - what does somebody need to know who was not here?
 *
 * One text: versions, the machine, the settings, the status, what was, what is
 * counted, and what the log complains of.  No key, no prompt, no client's or
 * model's name, no host of one's own: disguise.c.  What cannot be had is said,
 * and the rest is written all the same: a report is wanted when something is
 * wrong.
 *
 * It asks as `sluicectl status` would, with the same token, and changes nothing; a
 * request of its own shows in the metrics as any look does.
 */
#include "ctl/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "ctl/ctl.h"
#include "ctl/disguise.h"
#include "fcgi/config/config.h"

/* Sections are found by four signs, in an editor and with grep. */
static void head(FILE *to, const char *what)
{
    fprintf(to, "\n==== %s ====\n\n", what);
}

/* ---- who must not be in it --------------------------------------------------- */

/* LIST may be missing; an element without KEY teaches nothing. */
static void learn_list(struct disguise *d, struct json_object *list,
                       const char *key, enum disguised kind)
{
    size_t i, n = json_object_is_type(list, json_type_array)
                      ? json_object_array_length(list)
                      : 0;

    for (i = 0; i < n; i++)
        (void)disguise_name(d, kind,
                            json_object_get_string(call_at(
                                json_object_array_get_idx(list, i), key)));
}

/* The settings of our own environment: of a Sluice elsewhere they are others, and
 * its workers never tell theirs. */
static void learn_settings(struct disguise *d, const struct config *cfg)
{
    size_t i;

    disguise_secret(d, cfg->admin_token);
    disguise_secret(d, cfg->read_token);
    for (i = 0; i < cfg->n_upstreams; i++) {
        disguise_secret(d, cfg->upstreams[i].api_key);
        disguise_secret(d, cfg->upstreams[i].proxy);
        (void)disguise_name(d, NAME_UPSTREAM, cfg->upstreams[i].name);
    }
}

/* Before a line is written: names are known by then wherever they turn up. */
static void learn(struct ctl *c, struct disguise *d, struct json_object *status)
{
    struct json_object *queue, *keys;
    char token[WHERE_TOKEN_MAX];

    learn_settings(d, c->cfg);
    if (where_token(c, token))
        disguise_secret(d, token);
    explicit_bzero(token, sizeof(token));
    learn_list(d, call_at(status, "limits"), "upstream", NAME_UPSTREAM);
    learn_list(d, call_at(status, "models"), "name", NAME_MODEL);
    learn_list(d, call_at(status, "clients"), "name", NAME_CLIENT);
    learn_list(d, call_at(status, "recent"), "client", NAME_CLIENT);
    learn_list(d, call_at(status, "recent"), "model", NAME_MODEL);
    if (call_get(c, "/api/queue", &queue) == EXIT_SUCCESS) {
        learn_list(d, call_at(queue, "waiting"), "client", NAME_CLIENT);
        learn_list(d, call_at(queue, "waiting"), "model", NAME_MODEL);
        learn_list(d, call_at(queue, "running"), "client", NAME_CLIENT);
        learn_list(d, call_at(queue, "running"), "model", NAME_MODEL);
    }
    json_object_put(queue);
    if (call_get(c, "/api/keys", &keys) == EXIT_SUCCESS)
        learn_list(d, call_at(keys, "keys"), "name", NAME_CLIENT);
    json_object_put(keys);
}

/* ---- settings -------------------------------------------------------------------- */

/* "upstreams.NAME.requests" without the name. */
static void put_key(struct disguise *d, FILE *to, const char *key)
{
    const char *last = strrchr(key, '.');
    char name[128];

    if (strncmp(key, "upstreams.", 10) != 0 || last <= key + 10) {
        fputs(key, to);
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(last - key - 10), key + 10);
    fprintf(to, "upstreams.%s%s", disguise_name(d, NAME_UPSTREAM, name), last);
}

/* The providers' own hosts tell nothing of who asks. */
static bool is_public(const char *url)
{
    static const char *const hosts[] = {
        "https://integrate.api.nvidia.com",
        "https://api.openai.com",
        "https://api.anthropic.com",
        "https://api.groq.com",
        "https://openrouter.ai",
        "https://open.bigmodel.cn",
        "https://generativelanguage.googleapis.com",
        "https://api.perplexity.ai",
        "http://127.0.0.1"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t n = strlen(hosts[i]);

        if (strncmp(url, hosts[i], n) == 0 && strchr("/:", url[n]) != NULL)
            return true;
    }
    return false;
}

/* Numbers and words of ours; of all else whether it was set. */
static void put_value(FILE *to, struct json_object *row)
{
    struct json_object *value = call_at(row, "value");
    const char *type = json_object_get_string(call_at(row, "type"));
    const char *text = json_object_get_string(value);
    bool is_told = type != NULL && strcmp(type, "text") != 0 &&
                   strcmp(type, "list") != 0 && strcmp(type, "map") != 0 &&
                   strcmp(type, "path") != 0;

    if (text == NULL)
        fputs("none", to);
    else if (is_told ||
             json_object_equal(value, call_at(row, "default")) == 1 ||
             (json_object_is_type(value, json_type_string) && is_public(text)))
        fputs(text, to);
    else if (json_object_is_type(value, json_type_array))
        fprintf(to, "(%zu entries)", json_object_array_length(value));
    else if (json_object_is_type(value, json_type_object))
        fprintf(to, "(%d entries)", json_object_object_length(value));
    else
        fprintf(to, "(%zu characters)", strlen(text));
}

/* As the workers have them, not as a file has them: a live change is where many
 * faults begin. */
static void put_settings(struct ctl *c, struct disguise *d, FILE *to)
{
    struct json_object *root;

    head(to, "settings");
    if (call_get(c, "/api/config", &root) != EXIT_SUCCESS) {
        fputs("no worker tells them\n", to);
        return;
    }
    json_object_object_foreach(root, key, row)
    {
        const char *source = json_object_get_string(call_at(row, "source"));

        put_key(d, to, key);
        fputs(" = ", to);
        put_value(to, row);
        if (source != NULL && strcmp(source, "default") != 0)
            fprintf(to, " (%s)", source);
        fputc('\n', to);
    }
    json_object_put(root);
}

/* ---- what was --------------------------------------------------------------------- */

/* Of a column of numbers the sum, or of heights and times the highest. */
static double folded(const char *key, struct json_object *column)
{
    bool is_height =
        strstr(key, "_p50") != NULL || strstr(key, "_p95") != NULL ||
        strncmp(key, "window_", 7) == 0 || strcmp(key, "waiting") == 0 ||
        strcmp(key, "in_flight") == 0;
    size_t i, n = json_object_array_length(column);
    double sum = 0;

    for (i = 0; i < n; i++) {
        double value =
            json_object_get_double(json_object_array_get_idx(column, i));

        if (!is_height)
            sum += value;
        else if (value > sum)
            sum = value;
    }
    return sum;
}

/* Sixty steps, whatever the range is: the highest of them is near enough, and a
 * sum is the same in any. */
static void put_range(struct ctl *c, FILE *to, const char *label, int seconds)
{
    struct json_object *root;
    char path[80];

    snprintf(path, sizeof(path), "/api/history?from=-%d&points=60", seconds);
    if (call_get(c, path, &root) != EXIT_SUCCESS) {
        fprintf(to, "%s: no worker tells it\n", label);
        return;
    }
    fprintf(to, "%s:", label);
    json_object_object_foreach(root, key, column)
    {
        double sum;

        if (!json_object_is_type(column, json_type_array) ||
            strcmp(key, "t") == 0)
            continue;
        sum = folded(key, column);
        if (sum > 0)
            fprintf(to, " %s %.6g", key, sum);
    }
    fputc('\n', to);
    json_object_put(root);
}

/* From what is now to what is usual: which of the two changed is half an answer. */
static void put_history(struct ctl *c, FILE *to)
{
    head(to, "history: sums, and the highest of heights and times");
    put_range(c, to, "last 10 minutes", 600);
    put_range(c, to, "last hour", 3600);
    put_range(c, to, "last day", 86400);
    put_range(c, to, "last 30 days", 30 * 86400);
}

/* ---- what is ------------------------------------------------------------------------ */

/* Without a worker what the state file says: sums alone, no names. */
static void put_state(struct ctl *c, FILE *to)
{
    struct limiter_view v;
    char why[512];

    if (look_try(c, &v, why, sizeof(why)) != EXIT_SUCCESS) {
        fputs("and the state cannot be read: ", to);
        disguise_line(to, why);
        fputc('\n', to);
        return;
    }
    fprintf(
        to,
        "from the state file: up %lld s, %u workers, %u limits, %u requests, "
        "%s\n",
        (long long)(v.uptime_ns / NS_PER_S), v.n_workers, v.n_scopes, v.n_rows,
        v.paused_ns >= 0 ? "paused" : "not paused");
    view_free(&v);
}

/* A member at a time: models, clients and requests each begin a line, so that two
 * reports can be compared with diff. */
static void put_status(struct ctl *c, struct disguise *d, FILE *to,
                       struct json_object *status)
{
    head(to, "status");
    if (status != NULL) {
        json_object_object_foreach(status, key, value)
        {
            fprintf(to, "%s: ", key);
            if (strcmp(key, "aliases") == 0)
                fprintf(to, "(%d entries)", json_object_object_length(value));
            else if (json_object_is_type(value, json_type_string))
                fputs(strcmp(key, "version") == 0
                          ? json_object_get_string(value)
                          : "(a text)",
                      to);
            else
                disguise_json(d, to, key, value, 1);
            fputc('\n', to);
        }
        return;
    }
    fputs("no worker answers\n", to);
    put_state(c, to);
}

/* What the worker that answers has counted for all of them. */
static void put_metrics(struct ctl *c, struct disguise *d, FILE *to)
{
    char *text = call_text(c, "/metrics");

    head(to, "metrics that are not zero");
    if (text != NULL)
        disguise_metrics(d, to, text);
    else
        fputs("no worker tells them\n", to);
    free(text);
}

/* Where conf/run lets lighttpd and the workers write; a service's is in the
 * journal, which is not ours to read. */
static void put_log(struct ctl *c, struct disguise *d, FILE *to)
{
    char path[RUN_PATH_MAX + 16];

    head(to, "log");
    snprintf(path, sizeof(path), "%s/lighttpd.log", c->at.dir);
    report_log(d, to, c->cfg->log_path != NULL ? c->cfg->log_path : path);
}

/* ---- the whole ------------------------------------------------------------------------ */

/* The first thing that somebody reads is what this may be used for. */
static void put_begin(FILE *to)
{
    char when[40];
    time_t now = time(NULL);
    struct tm tm;

    (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC",
                   gmtime_r(&now, &tm));
    fprintf(to,
            "Sluice report, %s\n\nNames are client-1, model-1 and so on; keys, "
            "prompts, and texts that are not\nSluice's own words are left out. "
            " Look through it before you hand it on.\n",
            when);
}

/* Into memory first: what is on the disk or in a pipe cannot be searched any
 * more.  Every part is tried, whatever became of the one before it. */
static char *write_report(struct ctl *c)
{
    struct disguise *d = disguise_new();
    struct json_object *status;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    CHECK(to != NULL);
    c->is_quiet = 1;
    (void)call_get(c, "/api/status", &status);
    learn(c, d, status);
    put_begin(to);
    head(to, "versions");
    report_versions(to);
    head(to, "machine");
    report_machine(to, c->at.dir);
    put_settings(c, d, to);
    put_status(c, d, to, status);
    put_history(c, to);
    put_metrics(c, d, to);
    put_log(c, d, to);
    json_object_put(status);
    fclose(to);
    disguise_last(d, text);
    disguise_free(d);
    return text;
}

/* A new file, for nobody else: what is in it is for whom it is handed to. */
static int store(const char *path, const char *text)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *f = fd != -1 ? fdopen(fd, "w") : NULL;

    if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF) {
        fputs("sluicectl: ", stderr);
        print_text(stderr, path);
        fprintf(stderr, ": %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    fputs("written to ", stdout);
    print_text(stdout, path);
    puts(": look through it before you hand it on");
    return EXIT_SUCCESS;
}

/* Never over another file: the name of the moment, or one that is new. */
int report_run(struct ctl *c, const char *path)
{
    char name[64], *text;
    time_t now = time(NULL);
    struct tm tm;
    int rc = ctl_config(c) != NULL ? where_find(c) : EXIT_CONFIG;

    if (rc != EXIT_SUCCESS)
        return rc;
    (void)strftime(name, sizeof(name), "sluice-report-%Y%m%d-%H%M%S.txt",
                   gmtime_r(&now, &tm));
    text = write_report(c);
    if (path != NULL && strcmp(path, "-") == 0)
        fputs(text, stdout);
    else
        rc = store(path != NULL ? path : name, text);
    free(text);
    return rc;
}
