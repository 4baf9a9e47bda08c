/*
 * request.c - what was asked, and is it well-formed?
 *
 *   accept.c --> request_new()         parameters: method, path, headers
 *            --> request_parse_body()  JSON: model, stream, max_tokens
 *
 * Runs in acceptor threads.  Everything here is hostile until checked: names
 * may occur twice (two spellings of one header become one parameter name),
 * values may hold control characters, a body may be a bomb of nested arrays.
 */
#include "request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "route.h"
#include "strict.h"

/* Headers that may matter to the upstream; all others stay here. */
static const struct {
    const char *param, *header;
} forwarded[] = {
    {"CONTENT_TYPE", "Content-Type"},
    {"HTTP_ACCEPT", "Accept"},
    {"HTTP_USER_AGENT", "User-Agent"},
    {"HTTP_IDEMPOTENCY_KEY", "Idempotency-Key"},
    {"HTTP_OPENAI_BETA", "OpenAI-Beta"},
    {"HTTP_OPENAI_ORGANIZATION", "OpenAI-Organization"},
    {"HTTP_OPENAI_PROJECT", "OpenAI-Project"},
    {"HTTP_NVCF_POLL_SECONDS", "NVCF-POLL-SECONDS"},
    {"HTTP_NVCF_INPUT_ASSET_REFERENCES", "NVCF-INPUT-ASSET-REFERENCES"},
    {"HTTP_NVCF_FUNCTION_ASSET_IDS", "NVCF-FUNCTION-ASSET-IDS"},
};

static_assert(ARRAY_LEN(forwarded) <= FORWARD_MAX, "room for all");

/*
 * A tree costs about 64 bytes a value.  A million values is more than any
 * token array that a 25 MB body can sensibly hold, and 64 MB at the worst.
 */
#define JSON_VALUES_MAX 1000000

/* One big parse at a time in a worker, whatever the number of acceptors. */
static pthread_mutex_t big_parse = PTHREAD_MUTEX_INITIALIZER;

void fault_set(struct fault *f, int status, const char *code, const char *fmt,
               ...)
{
    va_list ap;

    if (f->status != 0)
        return; /* the first one is the one to tell */
    f->status = status;
    f->code = code;
    va_start(ap, fmt);
    vsnprintf(f->message, sizeof(f->message), fmt, ap);
    va_end(ap);
}

static void bad(struct request *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void bad(struct request *r, const char *fmt, ...)
{
    char text[sizeof(r->fault.message)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fault_set(&r->fault, 400, "sluice_bad_request", "%s", text);
}

static char *copy(const char *text)
{
    char *p = strdup(text);

    CHECK(p != NULL);
    return p;
}

/* ---- parameters -------------------------------------------------------- */

static const char *param(char *const *envp, const char *name)
{
    size_t n = strlen(name);

    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
            return *envp + n + 1;
    return NULL;
}

/* HTTP_X_FOO -> "x-foo", for people. */
static void header_name(const char *name, size_t n, char *out, size_t max)
{
    size_t i, o = 0;

    if (n > 5 && strncmp(name, "HTTP_", 5) == 0)
        i = 5;
    else
        i = 0;
    for (; i < n && o + 1 < max; i++, o++) {
        unsigned char c = (unsigned char)name[i];

        out[o] = '?';
        if (c == '_')
            out[o] = '-';
        else if (isalnum(c))
            out[o] = (char)tolower(c);
    }
    out[o] = '\0';
}

static bool is_repeated(char *const *envp, char *const *at, size_t name_len)
{
    for (; envp < at; envp++)
        if (strncmp(*envp, *at, name_len + 1) == 0) /* with the '=' */
            return true;
    return false;
}

static bool has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

/* Bounds, duplicates and control characters of all of them. */
static void check_params(struct request *r, char *const *envp)
{
    size_t bytes = 0;
    char *const *at;
    char name[64];

    for (at = envp; *at != NULL; at++) {
        const char *eq = strchr(*at, '=');
        size_t n = eq != NULL ? (size_t)(eq - *at) : strlen(*at);

        bytes += strlen(*at);
        if (at - envp >= PARAMS_MAX || bytes > PARAMS_BYTES) {
            bad(r, "The request has too many headers (at most %d, %zu bytes).",
                PARAMS_MAX, PARAMS_BYTES);
            return;
        }
        header_name(*at, n, name, sizeof(name));
        if (eq != NULL && is_repeated(envp, at, n))
            bad(r, "The header %s is there twice, or in two spellings.", name);
        if (has_control(*at))
            bad(r, "The header %s holds a control character.", name);
    }
}

int64_t request_content_length(char *const *envp)
{
    const char *text = param(envp, "CONTENT_LENGTH");
    char *end;
    long long n;

    if (text == NULL || *text == '\0')
        return -1;
    if (!isdigit((unsigned char)*text) || strlen(text) > 15)
        return -2;
    n = strtoll(text, &end, 10);
    return *end == '\0' ? n : -2;
}

/* ---- the path ------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX of FROM up to '?' into TO, which is as long.  False: not a
 * valid encoding, or a control character. */
static bool decode_path(const char *from, char *to)
{
    for (; *from != '\0' && *from != '?'; from++) {
        int c = (unsigned char)*from;

        if (c == '%') {
            int hi = hex_digit(from[1]);
            int lo = hi < 0 ? -1 : hex_digit(from[2]);

            if (lo < 0)
                return false;
            c = hi * 16 + lo;
            from += 2;
        }
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '#')
            return false;
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

/* "..", "." or an empty segment would mean something else upstream. */
static bool has_odd_segment(const char *path)
{
    const char *p = path;

    while (*p == '/') {
        size_t n = strcspn(p + 1, "/");

        if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
            return true;
        if (n == 0 && p[1] == '/')
            return true;
        p += n + 1;
    }
    return *p != '\0';
}

static void read_target(struct request *r, char *const *envp)
{
    const char *uri = param(envp, "REQUEST_URI");
    const char *p;

    if (uri == NULL || *uri != '/' || strlen(uri) >= PATH_BYTES) {
        bad(r, "The path is missing or longer than %d bytes.", PATH_BYTES);
        uri = "/";
    }
    for (p = uri; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '#')
            bad(r, "The path holds a character that must be encoded.");
    r->target = copy(uri);
    r->path = copy(uri);
    if (!decode_path(uri, r->path) || has_odd_segment(r->path)) {
        bad(r, "The path is not a plain one: no \"..\", \"//\", backslash or "
               "control character.");
        r->path[0] = '/';
        r->path[1] = '\0'; /* fits: a target begins with a slash */
    }
}

/* ---- headers of ours ----------------------------------------------------- */

static void read_client(struct request *r, char *const *envp)
{
    const char *name = param(envp, "HTTP_X_SLUICE_CLIENT");
    size_t i;

    if (name == NULL || *name == '\0')
        name = r->remote_addr != NULL ? r->remote_addr : "unknown";
    for (i = 0; i + 1 < sizeof(r->client) && name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];

        r->client[i] = isalnum(c) || strchr("._:@+-/", c) ? (char)c : '_';
    }
}

static void read_priority(struct request *r, char *const *envp)
{
    static const char *const names[] = {"high", "normal", "low"};
    const char *text = param(envp, "HTTP_X_SLUICE_PRIORITY");
    uint32_t i;

    r->cls = CLASS_NORMAL;
    if (text == NULL || *text == '\0')
        return;
    for (i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            r->cls = (enum limiter_class)i;
            return;
        }
    }
    bad(r, "X-Sluice-Priority must be high, normal or low.");
}

/* Seconds, maybe with a fraction, as milliseconds; -1: not such a number. */
static int64_t seconds_ms(const char *text)
{
    char *end;
    double s;

    if (!isdigit((unsigned char)*text) || strlen(text) > 15)
        return -1;
    errno = 0;
    s = strtod(text, &end);
    if (*end != '\0' || errno != 0 || !(s >= 0 && s <= 1e9))
        return -1;
    return (int64_t)(s * 1000);
}

static void read_deadline(struct request *r, char *const *envp)
{
    const char *text = param(envp, "HTTP_X_SLUICE_DEADLINE");

    r->deadline_ms = -1;
    if (text == NULL || *text == '\0')
        return;
    r->deadline_ms = seconds_ms(text);
    if (r->deadline_ms < 0)
        bad(r, "X-Sluice-Deadline must be a number of seconds.");
}

/*
 * How long the caller's SDK waits for a first byte: openai-node says so in
 * X-Stainless-Timeout, openai-python in X-Stainless-Read-Timeout.  Node's
 * fetch gives up after 300 s whatever the SDK was told (undici's
 * headersTimeout), so 290 s is the most that is of use there.
 */
static void read_client_timeout(struct request *r, char *const *envp)
{
    const char *text = param(envp, "HTTP_X_STAINLESS_READ_TIMEOUT");
    const char *runtime = param(envp, "HTTP_X_STAINLESS_RUNTIME");

    if (text == NULL)
        text = param(envp, "HTTP_X_STAINLESS_TIMEOUT");
    r->client_timeout_ms = text != NULL ? seconds_ms(text) : -1;
    if (r->client_timeout_ms == 0)
        r->client_timeout_ms = -1; /* no limit, in both SDKs */
    if (runtime != NULL && strcasecmp(runtime, "node") == 0 &&
        (r->client_timeout_ms < 0 || r->client_timeout_ms > 290000))
        r->client_timeout_ms = 290000;
}

/* How often the SDK has asked this before; only a number counts. */
static void read_retry_count(struct request *r, const char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;

    if (n > 0 && n <= 9 && strspn(text, "0123456789") == n)
        r->retry_count = (uint32_t)strtoul(text, NULL, 10);
}

static void read_forwarded(struct request *r, char *const *envp)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(forwarded); i++) {
        const char *value = param(envp, forwarded[i].param);

        if (value == NULL || *value == '\0')
            continue;
        r->forward[r->n_forward].name = forwarded[i].header;
        r->forward[r->n_forward++].value = copy(value);
    }
}

static char *copy_param(char *const *envp, const char *name)
{
    const char *value = param(envp, name);

    return value != NULL && *value != '\0' ? copy(value) : NULL;
}

/* Random, so that ids of different workers and days never meet. */
static void make_id(char out[LIMITER_ID_MAX])
{
    uint64_t bits[2] = {0, 0};

    CHECK(getrandom(bits, sizeof(bits), 0) == sizeof(bits));
    snprintf(out, LIMITER_ID_MAX, "req_%016" PRIx64 "%08" PRIx64, bits[0],
             bits[1] >> 32);
}

struct request *request_new(char *const *envp, int64_t now)
{
    struct request *r = calloc(1, sizeof(*r));
    const char *type;

    CHECK(r != NULL);
    r->fd = -1;
    r->arrived_ns = now;
    r->max_tokens = -1;
    make_id(r->id);
    check_params(r, envp);
    r->method = copy_param(envp, "REQUEST_METHOD");
    if (r->method == NULL)
        r->method = copy("");
    r->remote_addr = copy_param(envp, "REMOTE_ADDR");
    r->host = copy_param(envp, "HTTP_HOST");
    r->origin = copy_param(envp, "HTTP_ORIGIN");
    r->authorization = copy_param(envp, "HTTP_AUTHORIZATION");
    type = param(envp, "CONTENT_TYPE");
    r->has_type = type != NULL && *type != '\0';
    r->is_json = r->has_type && strcasestr(type, "json") != NULL;
    read_target(r, envp);
    read_client(r, envp);
    read_priority(r, envp);
    read_deadline(r, envp);
    read_client_timeout(r, envp);
    read_retry_count(r, param(envp, "HTTP_X_STAINLESS_RETRY_COUNT"));
    read_forwarded(r, envp);
    return r;
}

void request_free(struct request *r)
{
    size_t i;

    if (r == NULL)
        return;
    if (r->authorization != NULL)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    free(r->method);
    free(r->target);
    free(r->path);
    free(r->host);
    free(r->origin);
    free(r->remote_addr);
    for (i = 0; i < r->n_forward; i++)
        free(r->forward[i].value);
    buf_free(&r->body);
    free(r);
}

/* ---- the body -------------------------------------------------------------- */

/* Before json-c builds a tree of it: counts what a value may follow, outside
 * of strings, and finds the single quotes and comments that json-c may take,
 * in which more of it could hide. */
static void look_over(struct request *r)
{
    const char *start = buf_head(&r->body), *end = start + r->body.len, *p;
    bool inside = false;
    size_t n = 0;

    for (p = start; p < end; p++) {
        if (inside && *p == '\\')
            p++;
        else if (*p == '"')
            inside = !inside;
        else if (!inside)
            n += *p == ',' || *p == '[' || *p == '{';
        if (!inside && (*p == '\'' || *p == '/')) {
            bad(r, "The body is not JSON: it has a %c at byte %td.", *p,
                p - start);
            return;
        }
    }
    if (n > JSON_VALUES_MAX)
        fault_set(&r->fault, 413, "sluice_too_large",
                  "The body holds more than %d JSON values.", JSON_VALUES_MAX);
}

static json_object *parse(struct request *r)
{
    json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    json_object *root;

    CHECK(tok != NULL);
    root = strict_parse(tok, buf_head(&r->body), r->body.len);
    switch (json_tokener_get_error(tok)) {
    case json_tokener_success:
        if (json_tokener_get_parse_end(tok) < r->body.len)
            bad(r, "The body goes on after its JSON value.");
        break;
    case json_tokener_continue:
        bad(r, "The body is not JSON: it ends too early.");
        break;
    case json_tokener_error_depth:
        bad(r, "The body is JSON nested deeper than %d levels.", JSON_DEPTH);
        break;
    default:
        bad(r, "The body is not JSON: %s at byte %zu.",
            json_tokener_error_desc(json_tokener_get_error(tok)),
            json_tokener_get_parse_end(tok));
    }
    json_tokener_free(tok);
    return root;
}

/* On routes we know nothing of, a model is taken where there is one. */
static void read_model(struct request *r, json_object *root)
{
    json_object *v;

    if (!json_object_object_get_ex(root, "model", &v)) {
        if (r->route->needs_json)
            bad(r, "\"model\" is missing.");
        return;
    }
    if (!r->route->needs_json && !json_object_is_type(v, json_type_string))
        return;
    if (!json_object_is_type(v, json_type_string) ||
        json_object_get_string_len(v) == 0)
        bad(r, "\"model\" must be a string that is not empty.");
    else if ((size_t)json_object_get_string_len(v) >= sizeof(r->model))
        bad(r, "\"model\" is longer than %zu bytes.", sizeof(r->model) - 1);
    else
        memcpy(r->model, json_object_get_string(v),
               (size_t)json_object_get_string_len(v));
    if (strlen(r->model) != (size_t)json_object_get_string_len(v))
        bad(r, "\"model\" holds a zero character.");
}

static void read_stream(struct request *r, json_object *root)
{
    json_object *v;

    if (!json_object_object_get_ex(root, "stream", &v) || v == NULL)
        return;
    if (!json_object_is_type(v, json_type_boolean))
        bad(r, "\"stream\" must be true or false.");
    r->stream = json_object_get_boolean(v);
}

static void read_max_tokens(struct request *r, json_object *root)
{
    static const char *const names[] = {"max_tokens", "max_completion_tokens",
                                        "max_output_tokens"};
    json_object *v;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names); i++) {
        if (!json_object_object_get_ex(root, names[i], &v) || v == NULL)
            continue;
        if (!json_object_is_type(v, json_type_int) &&
            !json_object_is_type(v, json_type_double))
            bad(r, "\"%s\" must be a number.", names[i]);
        r->max_tokens = json_object_get_int64(v);
    }
}

static void read_json(struct request *r)
{
    bool big = r->body.len > JSON_BIG;
    json_object *root = NULL;

    look_over(r);
    if (r->fault.status != 0)
        return;
    if (big)
        pthread_mutex_lock(&big_parse);
    *buf_room(&r->body, 1) = '\0'; /* strict_parse() wants it */
    if (buf_is_utf8(buf_head(&r->body), r->body.len))
        root = parse(r);
    else
        bad(r, "The body is not valid UTF-8.");
    buf_fit(&r->body);
    if (!json_object_is_type(root, json_type_object) && r->route->needs_json)
        bad(r, "The body must be a JSON object."); /* null is none, too */
    if (r->fault.status == 0 && json_object_is_type(root, json_type_object)) {
        read_model(r, root);
        read_stream(r, root);
        read_max_tokens(r, root);
    }
    json_object_put(root);
    if (big) {
        malloc_trim(0); /* the tree was some times the body's size */
        pthread_mutex_unlock(&big_parse);
    }
}

void request_parse_body(struct request *r, int64_t content_length)
{
    if (content_length >= 0 && (int64_t)r->body.len != content_length)
        bad(r,
            "The body is %zu bytes long but Content-Length says %" PRId64 ".",
            r->body.len, content_length);
    if (r->fault.status != 0 || r->route == NULL || !r->route->proxied)
        return;
    if (strcmp(r->method, "POST") != 0) {
        buf_free(&r->body); /* of a GET: it means nothing and goes nowhere */
        return;
    }
    if (r->route->needs_json && r->has_type && !r->is_json)
        bad(r, "Content-Type must be application/json here.");
    else if (r->route->needs_json && r->body.len == 0)
        bad(r, "The body is empty: a JSON object is needed.");
    else if ((r->route->needs_json || r->is_json) && r->body.len > 0)
        read_json(r);
}
