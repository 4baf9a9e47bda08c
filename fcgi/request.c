/*
 * request.c - what was asked, and is it well-formed?
 *
 *   receive.c --> request_new()         params.c, target.c, asked_headers.c
 *             --> request_parse_body()  body.c: model, stream, max_tokens
 *
 * Runs in the loop or in a reader thread.  Everything here is hostile until
 * checked.
 */
#include "fcgi/request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "fcgi/params.h"
#include "fcgi/route.h"
#include "fcgi/target.h"
#include "fcgi/tongue.h"
#include "lib/base.h"

static char *copy(const char *text)
{
    char *p = strdup(text);

    CHECK(p != NULL);
    return p;
}

/* Fetch Metadata (W3C): browsers tell on whose behalf they ask, also where they
 * send no Origin, as for a picture. */
static bool is_from_elsewhere(const char *fetch_site)
{
    return fetch_site != NULL && strcmp(fetch_site, "same-origin") != 0 &&
           strcmp(fetch_site, "none") != 0;
}

/* application/json, or a type of its syntax (RFC 6839, 3.1).  Parameters, and
 * a "json" anywhere else, say nothing: JSON lines are no JSON text. */
static bool is_json_type(const char *type)
{
    static const char tree[] = "application/";
    size_t len = strcspn(type, "; \t"), at = sizeof(tree) - 1;

    if (len <= at || strncasecmp(type, tree, at) != 0)
        return false;
    if (len == at + 4 && strncasecmp(type + at, "json", 4) == 0)
        return true;
    return len > at + 5 && strncasecmp(type + len - 5, "+json", 5) == 0;
}

/* The web server may keep Upgrade to itself, as one of its connection. */
static bool wants_socket(const struct params *p)
{
    const char *upgrade = p->value[PARAM_UPGRADE];

    return p->value[PARAM_SEC_WEBSOCKET_KEY] != NULL ||
           (upgrade != NULL && strcasecmp(upgrade, "websocket") == 0);
}

/* A copy, or NULL. */
static char *copy_of(const char *value)
{
    return value != NULL ? copy(value) : NULL;
}

/* Anthropic's clients send their key in the one, Azure's in the other. */
static void read_api_key(struct request *r, const struct params *p)
{
    bool has_x = p->value[PARAM_X_API_KEY] != NULL;

    r->api_key_header = has_x ? "x-api-key" : "api-key";
    r->api_key = copy_of(p->value[has_x ? PARAM_X_API_KEY : PARAM_API_KEY]);
}

static void read_length(struct request *r, const char *text)
{
    char *end = NULL;

    r->content_length = -1;
    if (text == NULL)
        return;
    if (isdigit((unsigned char)*text) && strlen(text) <= 15)
        r->content_length = strtoll(text, &end, 10);
    if (end == NULL || *end != '\0')
        fault_bad(&r->fault, "Content-Length is not a number.");
}

/* ---- headers of ours ----------------------------------------------------- */

const char *request_address(const struct request *r)
{
    if (r->whence.addr[0] != '\0')
        return r->whence.addr;
    return r->remote_addr != NULL ? r->remote_addr : "unknown";
}

void request_name_client(struct request *r, const char *name)
{
    size_t i;

    r->is_named = name != NULL;
    if (name == NULL)
        name = request_address(r);
    memset(r->client, 0, sizeof(r->client));
    for (i = 0; i + 1 < sizeof(r->client) && name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];

        r->client[i] = isalnum(c) || strchr("._:@+-/", c) ? (char)c : '_';
    }
}

static void read_priority(struct request *r, const char *text)
{
    uint32_t i;

    r->cls = CLASS_NORMAL;
    if (text == NULL)
        return;
    for (i = 0; i < LIMITER_CLASSES; i++) {
        if (strcasecmp(text, limiter_class_names[i]) == 0) {
            r->cls = (enum limiter_class)i;
            r->has_cls = true;
            return;
        }
    }
    fault_bad(&r->fault, "X-Sluice-Priority must be high, normal or low.");
}

/* Seconds, maybe with a fraction, as milliseconds; -1: not such a number.  What
 * is more than nothing stays so: 0 means something else. */
static int64_t seconds_ms(const char *text)
{
    char *end;
    double s;

    /* strtod() alone would also take "0x1p3" and "1e3". */
    if (!isdigit((unsigned char)*text) || strlen(text) > 15 ||
        text[strspn(text, "0123456789.")] != '\0')
        return -1;
    errno = 0;
    s = strtod(text, &end);
    if (*end != '\0' || errno != 0 || !(s >= 0 && s <= 1e9))
        return -1;
    return s > 0 && s * 1000 < 1 ? 1 : (int64_t)(s * 1000);
}

static void read_deadline(struct request *r, const char *text)
{
    r->deadline_ms = -1;
    if (text == NULL)
        return;
    r->deadline_ms = seconds_ms(text);
    if (r->deadline_ms < 0)
        fault_bad(&r->fault, "X-Sluice-Deadline must be a number of seconds.");
}

/*
 * How long the caller's SDK waits for a first byte: openai-node says so in
 * X-Stainless-Timeout, openai-python in X-Stainless-Read-Timeout.  Node's
 * fetch gives up after 300 s whatever the SDK was told (undici's
 * headersTimeout), so 290 s is the most that is of use there.
 */
static void read_client_timeout(struct request *r, const struct params *p)
{
    const char *text = p->value[PARAM_X_STAINLESS_READ_TIMEOUT];
    const char *runtime = p->value[PARAM_X_STAINLESS_RUNTIME];

    if (text == NULL)
        text = p->value[PARAM_X_STAINLESS_TIMEOUT];
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

/* What auth.c, client_name.c and cors.c want to know of who asks. */
static void read_caller(struct request *r, const struct params *p)
{
    r->authorization = copy_of(p->value[PARAM_AUTHORIZATION]);
    read_api_key(r, p);
    r->forwarded_for = copy_of(p->value[PARAM_X_FORWARDED_FOR]);
    r->forwarded = copy_of(p->value[PARAM_FORWARDED]);
    r->cors_asked = copy_of(p->value[PARAM_ACCESS_CONTROL_REQUEST_HEADERS]);
}

/* VERSION-TRACE-PARENT-FLAGS in hexadecimal (W3C Trace Context, 3.2); no trace
 * is all zeros. */
static void read_trace(struct request *r)
{
    static const char digits[] = "0123456789abcdef";
    const char *text = asked_header(&r->headers, "traceparent");
    size_t len = LIMITER_TRACE_MAX - 1;

    if (text == NULL || strspn(text, digits) != 2 || text[2] != '-' ||
        strspn(text + 3, digits) != len || text[3 + len] != '-' ||
        strspn(text + 3, "0") == len)
        return;
    memcpy(r->trace, text + 3, len);
}

/* Random, so that ids of different workers and days never meet. */
static void make_id(char out[LIMITER_ID_MAX])
{
    static const char hex[] = "0123456789abcdef", before[] = "req_";
    unsigned char bytes[12] = {0};
    char *at = out + sizeof(before) - 1;
    size_t i;

    CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
    memcpy(out, before, sizeof(before));
    for (i = 0; i < sizeof(bytes); i++) {
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    *at = '\0';
}

struct request *request_new(char *const *envp, int64_t now)
{
    struct request *r = calloc(1, sizeof(*r));
    const char *type;
    struct params p;

    CHECK(r != NULL);
    r->fd = -1;
    r->arrived_ns = now;
    r->max_tokens = -1;
    r->answers = 1;
    r->weight = 1;
    make_id(r->id);
    params_read(&p, envp, &r->fault);
    read_length(r, p.value[PARAM_CONTENT_LENGTH]);
    r->method = copy_of(p.value[PARAM_REQUEST_METHOD]);
    if (r->method == NULL)
        r->method = copy("");
    r->remote_addr = copy_of(p.value[PARAM_REMOTE_ADDR]);
    r->host = copy_of(p.value[PARAM_HOST]);
    r->origin = copy_of(p.value[PARAM_ORIGIN]);
    r->wants_socket = wants_socket(&p);
    r->from_elsewhere = is_from_elsewhere(p.value[PARAM_SEC_FETCH_SITE]);
    read_caller(r, &p);
    type = p.value[PARAM_CONTENT_TYPE];
    r->has_type = type != NULL;
    r->is_json = r->has_type && is_json_type(type);
    target_read(&r->target, &r->path, p.value[PARAM_REQUEST_URI], &r->fault);
    request_name_client(r, p.value[PARAM_X_SLUICE_CLIENT]);
    read_priority(r, p.value[PARAM_X_SLUICE_PRIORITY]);
    read_deadline(r, p.value[PARAM_X_SLUICE_DEADLINE]);
    read_client_timeout(r, &p);
    read_retry_count(r, p.value[PARAM_X_STAINLESS_RETRY_COUNT]);
    asked_headers_read(&r->headers, envp);
    read_trace(r);
    return r;
}

/* ---- what can be asked of one ---------------------------------------------- */

/* FNV-1a (G. Fowler and others): to tell names apart, not against anybody. */
static uint64_t hash_of(const char *name, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return h;
}

void request_short_name(char out[MODEL_MAX], const char *name, size_t len)
{
    size_t cut = MODEL_MAX - 1 - 17;

    memset(out, 0, MODEL_MAX);
    if (len < MODEL_MAX) {
        memcpy(out, name, len);
        return;
    }
    while (((unsigned char)name[cut] & 0xc0) == 0x80)
        cut--; /* not inside a letter of UTF-8 */
    snprintf(out, MODEL_MAX, "%.*s~%016" PRIx64, (int)cut, name,
             hash_of(name, len));
}

void request_name_model(struct request *r, const char *name, size_t len)
{
    request_short_name(r->model, name, len);
    free(r->long_model);
    r->long_model = NULL;
    if (len < sizeof(r->model))
        return;
    r->long_model = strndup(name, len);
    CHECK(r->long_model != NULL);
}

const char *request_model(const struct request *r)
{
    return r->long_model != NULL ? r->long_model : r->model;
}

const char *request_served_by(const struct request *r)
{
    return r->route != NULL && r->route->is_inference ? r->model : "";
}

uint32_t request_max_tokens(const struct request *r)
{
    if (!r->route->is_inference)
        return 0;
    /* Whose streams end in a way of their own are those that write. */
    if (r->route->ends == ENDS_ANYHOW && r->max_tokens <= 0)
        return 1;
    if (r->max_tokens <= 0)
        return 0;
    if (r->max_tokens > UINT32_MAX / r->answers)
        return UINT32_MAX;
    return (uint32_t)(r->max_tokens * r->answers);
}

bool request_speaks_messages(const struct request *r)
{
    static const char path[] = "/v1/messages";
    size_t n = sizeof(path) - 1;

    return asked_header(&r->headers, "anthropic-version") != NULL ||
           (strncmp(r->path, path, n) == 0 &&
            (r->path[n] == '\0' || r->path[n] == '/'));
}

bool request_is_repeatable(const struct request *r)
{
    return r->route->is_inference || strcmp(r->method, "GET") == 0 ||
           strcmp(r->method, "HEAD") == 0 ||
           asked_header(&r->headers, "idempotency-key") != NULL;
}

static void forget(char **key)
{
    if (*key != NULL)
        explicit_bzero(*key, strlen(*key));
    free(*key);
    *key = NULL;
}

void request_forget_key(struct request *r)
{
    forget(&r->authorization);
    forget(&r->api_key);
}

void request_free(struct request *r)
{
    if (r == NULL)
        return;
    request_forget_key(r);
    free(r->forwarded_for);
    free(r->forwarded);
    free(r->cors_asked);
    free(r->method);
    free(r->target);
    free(r->path);
    free(r->host);
    free(r->origin);
    free(r->remote_addr);
    free(r->asked_for);
    free(r->long_model);
    asked_headers_free(&r->headers);
    buf_free(&r->body);
    buf_free(&r->as_came);
    tongue_forget(r->got);
    free(r);
}
