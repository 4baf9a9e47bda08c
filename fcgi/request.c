/*
 * request.c - what was asked, and is it well-formed?
 *
 *   receive.c --> request_new()         params.c: method, path, headers
 *             --> request_parse_body()  body.c: model, stream, max_tokens
 *
 * Runs in the loop or in a reader thread.  Everything here is hostile until
 * checked.
 */
#include "fcgi/request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "fcgi/params.h"
#include "fcgi/route.h"
#include "lib/base.h"

/* Headers that may matter to the upstream; all others stay here. */
static const struct {
    enum param param;
    const char *header;
} forwarded[] = {
    {PARAM_CONTENT_TYPE, "Content-Type"},
    {PARAM_ACCEPT, "Accept"},
    {PARAM_USER_AGENT, "User-Agent"},
    {PARAM_IDEMPOTENCY_KEY, "Idempotency-Key"},
    {PARAM_OPENAI_BETA, "OpenAI-Beta"},
    {PARAM_OPENAI_ORGANIZATION, "OpenAI-Organization"},
    {PARAM_OPENAI_PROJECT, "OpenAI-Project"},
    {PARAM_NVCF_POLL_SECONDS, "NVCF-POLL-SECONDS"},
    {PARAM_NVCF_INPUT_ASSET_REFERENCES, "NVCF-INPUT-ASSET-REFERENCES"},
    {PARAM_NVCF_FUNCTION_ASSET_IDS, "NVCF-FUNCTION-ASSET-IDS"},
};

static_assert(ARRAY_LEN(forwarded) <= FORWARD_MAX, "room for all");

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

/* A copy, or NULL. */
static char *copy_of(const char *value)
{
    return value != NULL ? copy(value) : NULL;
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

static void read_target(struct request *r, const char *uri)
{
    const char *p;

    if (uri == NULL || *uri != '/' || strlen(uri) >= PATH_BYTES) {
        fault_bad(&r->fault, "The path is missing or longer than %d bytes.",
                  PATH_BYTES);
        uri = "/";
    }
    for (p = uri; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '#')
            fault_bad(&r->fault,
                      "The path holds a character that must be encoded.");
    r->target = copy(uri);
    r->path = copy(uri);
    if (!decode_path(uri, r->path) || has_odd_segment(r->path)) {
        fault_bad(
            &r->fault,
            "The path is not a plain one: no \"..\", \"//\", backslash or "
            "control character.");
        r->path[0] = '/';
        r->path[1] = '\0'; /* fits: a target begins with a slash */
    }
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

static void read_forwarded(struct request *r, const struct params *p)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(forwarded); i++) {
        const char *value = p->value[forwarded[i].param];

        if (value == NULL)
            continue;
        r->forward[r->n_forward].name = forwarded[i].header;
        r->forward[r->n_forward++].value = copy(value);
    }
}

/* What auth.c, client_name.c and cors.c want to know of who asks. */
static void read_caller(struct request *r, const struct params *p,
                        char *const *envp)
{
    const char *key = p->value[PARAM_X_API_KEY];

    r->api_key = copy_of(key != NULL ? key : p->value[PARAM_API_KEY]);
    r->forwarded_for = copy_of(p->value[PARAM_X_FORWARDED_FOR]);
    r->forwarded = copy_of(p->value[PARAM_FORWARDED]);
    r->asked_headers = copy_of(p->value[PARAM_ACCESS_CONTROL_REQUEST_HEADERS]);
    kept_headers_take(&r->kept, envp);
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
    struct params p;

    CHECK(r != NULL);
    r->fd = -1;
    r->arrived_ns = now;
    r->max_tokens = -1;
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
    r->from_elsewhere = is_from_elsewhere(p.value[PARAM_SEC_FETCH_SITE]);
    r->authorization = copy_of(p.value[PARAM_AUTHORIZATION]);
    read_caller(r, &p, envp);
    type = p.value[PARAM_CONTENT_TYPE];
    r->has_type = type != NULL;
    r->is_json = r->has_type && is_json_type(type);
    read_target(r, p.value[PARAM_REQUEST_URI]);
    request_name_client(r, p.value[PARAM_X_SLUICE_CLIENT]);
    read_priority(r, p.value[PARAM_X_SLUICE_PRIORITY]);
    read_deadline(r, p.value[PARAM_X_SLUICE_DEADLINE]);
    read_client_timeout(r, &p);
    read_retry_count(r, p.value[PARAM_X_STAINLESS_RETRY_COUNT]);
    read_forwarded(r, &p);
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

void request_name_model(struct request *r, const char *name, size_t len)
{
    size_t cut = sizeof(r->model) - 1 - 17;

    memset(r->model, 0, sizeof(r->model));
    if (len < sizeof(r->model)) {
        memcpy(r->model, name, len);
        return;
    }
    while (((unsigned char)name[cut] & 0xc0) == 0x80)
        cut--; /* not inside a letter of UTF-8 */
    snprintf(r->model, sizeof(r->model), "%.*s~%016" PRIx64, (int)cut, name,
             hash_of(name, len));
    free(r->long_model);
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

bool request_is_repeatable(const struct request *r)
{
    size_t i;

    if (r->route->is_inference || strcmp(r->method, "GET") == 0 ||
        strcmp(r->method, "HEAD") == 0)
        return true;
    for (i = 0; i < r->n_forward; i++)
        if (strcmp(r->forward[i].name, "Idempotency-Key") == 0)
            return true;
    return false;
}

static void wipe_and_free(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void request_forget_key(struct request *r)
{
    wipe_and_free(r->authorization);
    wipe_and_free(r->api_key);
    r->authorization = r->api_key = NULL;
}

void request_free(struct request *r)
{
    size_t i;

    if (r == NULL)
        return;
    request_forget_key(r);
    kept_headers_wipe(&r->kept);
    free(r->forwarded_for);
    free(r->forwarded);
    free(r->asked_headers);
    free(r->method);
    free(r->target);
    free(r->path);
    free(r->host);
    free(r->origin);
    free(r->remote_addr);
    free(r->long_model);
    for (i = 0; i < r->n_forward; i++)
        free(r->forward[i].value);
    buf_free(&r->body);
    free(r);
}
