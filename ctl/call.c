/*
 * call.c - how is a worker asked?
 *
 * Over HTTP, as the dashboard does it: what is refused is refused in the same
 * words, and the log tells of both.  Which one is asked, and with which token:
 * where.c.
 *
 * What always holds: the token is in no argument of a process, in no error and in
 * no log; it goes to the address that was meant and nowhere else; a call ends within
 * 30 s, one that is told aside within 2.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "ctl/ctl.h"
#include "fcgi/config/config.h"

#define ANSWER_MAX (2 << 20)
#define CALL_S     30L
#define ASIDE_S    2L /* for what is told beside the rest */

struct answer {
    char *text;
    size_t len;
    long status;
};

/* ---- one call ------------------------------------------------------------------ */

/* libcurl's way to say "no more": fewer bytes than it gave.  The bound is far
 * above what a snapshot of a full state weighs (a quarter of it), and keeps a
 * stranger at that address from filling our memory. */
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

/* Without a token the call goes all the same: to look from this machine none is
 * needed, and where one is, the worker's own words say so best. */
static struct curl_slist *headers_for(struct ctl *c)
{
    char token[WHERE_TOKEN_MAX], line[WHERE_TOKEN_MAX + 32];
    struct curl_slist *list =
        curl_slist_append(NULL, "Content-Type: application/json");

    if (where_token(c, token)) {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        list = curl_slist_append(list, line);
        explicit_bzero(line, sizeof(line));
    }
    explicit_bzero(token, sizeof(token));
    return list;
}

/* What is the same for every call.  The token is wiped from the list when it was
 * sent: libcurl copies a header into its request, not into memory that stays. */
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
    char whole[WHERE_URL_MAX * 2];
    int found;
    CURL *curl;
    CURLcode rc;

    memset(a, 0, sizeof(*a));
    if (ctl_config(c) == NULL)
        return EXIT_CONFIG;
    found = where_find(c);
    if (found != EXIT_SUCCESS)
        return found;
    if (c->at.url[0] == '\0') {
        if (!c->is_quiet)
            fprintf(stderr,
                    "sluicectl: %s does not say where it listens: it does not "
                    "run, or --url says where\n",
                    c->at.dir);
        return EXIT_FAILURE;
    }
    snprintf(whole, sizeof(whole), "%s%s", c->at.url, path);
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
                c->at.url, curl_easy_strerror(rc));
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

/* A refusal in the words of the worker that refused.  What is not JSON is not from
 * one of ours: a proxy, or another program on that port. */
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
                "sluicectl: the admin token is SLUICE_ADMIN_TOKEN's, the one "
                "in the file that --token-file names, or, of a Sluice on this "
                "machine, the one in %s/admin.token\n",
                c->at.data[0] != '\0' ? c->at.data : c->cfg->data_dir);
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

/* The answer outlives the call: its root is counted once more. */
static void keep_root(struct json_object *root, const void *arg)
{
    struct json_object **out = *(struct json_object * *const *)arg;

    *out = json_object_get(root);
}

/* What is told aside (is_quiet) may be missing; what was asked for says why it
 * is. */
int call_get(struct ctl *c, const char *path, struct json_object **out)
{
    *out = NULL;
    return call_and(c, "GET", path, NULL, keep_root, &out);
}

/* Whatever its type is: /metrics is text, and a page that says "no" is none. */
char *call_text(struct ctl *c, const char *path)
{
    struct answer a;

    if (call(c, "GET", path, NULL, &a) != EXIT_SUCCESS)
        return NULL;
    if (a.status == 200)
        return a.text;
    free(a.text);
    return NULL;
}

/* For a page that must not be written over: nothing goes to stderr, and it takes
 * two seconds at most.  An order is never repeated here: whether one came through
 * that was not answered is seen on the page. */
int call_order(struct ctl *c, const char *method, const char *path, char *why,
               size_t max)
{
    const char *body = strcmp(method, "POST") == 0 ? "{}" : NULL;
    int quiet = c->is_quiet, rc;
    struct json_object *root = NULL;
    struct answer a;

    c->is_quiet = 1;
    rc = call(c, method, path, body, &a);
    c->is_quiet = quiet;
    if (rc != EXIT_SUCCESS) {
        snprintf(why, max, "nobody answers at %s", c->at.url);
        return rc;
    }
    why[0] = '\0';
    if (a.status != 200) {
        const char *text;

        rc = EXIT_FAILURE;
        root = json_tokener_parse(a.text != NULL ? a.text : "");
        text =
            json_object_get_string(call_at(call_at(root, "error"), "message"));
        snprintf(why, max, "%s%s", text != NULL ? text : "it was refused",
                 a.status == 401 ? " (the admin token: --token-file)" : "");
    }
    json_object_put(root);
    free(a.text);
    return rc;
}
