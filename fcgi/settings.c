/*
 * settings.c - which settings are there, and what may each of them be?
 *
 *   config.c --> setting_put_json()  (one value of the file)     \
 *            --> setting_put_text()  (one variable)               > put_*()
 *   PATCH /api/config, later, through the same door              /
 *
 * A setting is one row of the table below and one field of struct config or
 * struct config_upstream; nothing else knows its name, unit or range.  Units
 * end here: a field holds milliseconds, bytes, or the index of a word.
 *
 * What always holds: a field is within the bounds of its row, every string is
 * free of control characters, and a refused value leaves its field alone.
 * Whether settings agree with each other is asked in config.c.
 */
#include "settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "log.h"

#define S   ((int64_t)1000)
#define DAY (86400 * S)
#define MB  ((int64_t)MIB)

/* A longer value is not shown in a message: it may be a misplaced key. */
#define SHOWN_MAX 12

#define LIVE      .change = CHANGE_LIVE
#define RELOAD    .change = CHANGE_RELOAD
#define GLOBAL(f) .at = offsetof(struct config, f)
#define UPSTREAM(f)                                                            \
    .of_upstream = true, .at = offsetof(struct config_upstream, f)
#define RANGE(i, a, b) .initial = (i), .min = (a), .max = (b)
#define TEXT(t)        .initial_text = (t)
#define OR_NULL        .may_be_null = true
#define WORDS(w)       .words = (w)
#define COUNTED(s, f)  .count_at = offsetof(struct s, f)

static const char *const scope_words[] = {"account", "model", NULL};
static const char *const client_words[] = {"loopback", "private", "any", "no",
                                           NULL};
static const char *const read_words[] = {"loopback", "private", "any", "token",
                                         NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error",
                                          NULL};

/* In the order of DESIGN section 8: key, variable, kind, and the rest. */
static const struct setting settings[] = {
    {"name", NULL, SETTING_NAME, UPSTREAM(name), TEXT("nim")},
    {"base_url", "SLUICE_UPSTREAM_URL", SETTING_URL, UPSTREAM(base_url),
     TEXT("https://integrate.api.nvidia.com")},
    {"api_key_file", "SLUICE_API_KEY_FILE", SETTING_PATH,
     UPSTREAM(api_key_file), OR_NULL},
    {NULL, "NVIDIA_API_KEY", SETTING_SECRET, UPSTREAM(api_key)},
    {"models", NULL, SETTING_PATTERNS, UPSTREAM(models),
     COUNTED(config_upstream, n_models), OR_NULL},
    {"requests", "SLUICE_REQUESTS", SETTING_COUNT, LIVE, UPSTREAM(requests),
     RANGE(40, 1, 10000)},
    {"window_s", "SLUICE_WINDOW_S", SETTING_SECONDS, LIVE, UPSTREAM(window_ms),
     RANGE(60 * S, 100, DAY)},
    {"margin_ms", "SLUICE_MARGIN_MS", SETTING_COUNT, LIVE, UPSTREAM(margin_ms),
     RANGE(500, 0, 60000)},
    {"burst", "SLUICE_BURST", SETTING_COUNT, LIVE, UPSTREAM(burst), OR_NULL,
     RANGE(40, 1, 10000)}, /* nobody's choice: config_settle() derives it */
    {"min_gap_ms", "SLUICE_MIN_GAP_MS", SETTING_COUNT, LIVE,
     UPSTREAM(min_gap_ms), RANGE(0, 0, 600000)},
    {"in_flight", "SLUICE_IN_FLIGHT", SETTING_COUNT, LIVE, UPSTREAM(in_flight),
     RANGE(0, 0, 4096)},
    {"scope", "SLUICE_SCOPE", SETTING_WORD, UPSTREAM(scope), WORDS(scope_words),
     RANGE(SCOPE_ACCOUNT, 0, 1)},

    {"queue.max", "SLUICE_QUEUE_MAX", SETTING_COUNT, LIVE, GLOBAL(queue_max),
     RANGE(500, 1, 4096)},
    {"queue.per_client", "SLUICE_QUEUE_PER_CLIENT", SETTING_COUNT, LIVE,
     GLOBAL(queue_per_client), RANGE(500, 1, 4096)},
    {"queue.timeout_s", "SLUICE_QUEUE_TIMEOUT_S", SETTING_SECONDS, LIVE,
     GLOBAL(queue_timeout_ms), RANGE(900 * S, 100, DAY)},
    {"queue.max_mb", "SLUICE_QUEUE_MAX_MB", SETTING_MEGABYTES, LIVE,
     GLOBAL(queue_max_bytes), RANGE(128 * MB, MB, 65536 * MB)},

    {"commit_after_s", "SLUICE_COMMIT_AFTER_S", SETTING_SECONDS, LIVE,
     GLOBAL(commit_after_ms), RANGE(5 * S, 0, 600 * S)},
    {"heartbeat_s", "SLUICE_HEARTBEAT_S", SETTING_SECONDS, LIVE,
     GLOBAL(heartbeat_ms), RANGE(10 * S, 100, 600 * S)},
    {"buffered_keepalive", "SLUICE_BUFFERED_KEEPALIVE", SETTING_BOOL, LIVE,
     GLOBAL(buffered_keepalive), RANGE(false, false, true)},

    {"timeouts.connect_s", "SLUICE_CONNECT_S", SETTING_SECONDS, LIVE,
     GLOBAL(connect_ms), RANGE(10 * S, 100, 300 * S)},
    {"timeouts.first_byte_s", "SLUICE_FIRST_BYTE_S", SETTING_SECONDS, LIVE,
     GLOBAL(first_byte_ms), RANGE(600 * S, 100, DAY)},
    {"timeouts.idle_s", "SLUICE_IDLE_S", SETTING_SECONDS, LIVE, GLOBAL(idle_ms),
     RANGE(300 * S, 100, DAY)},

    {"retry.max", "SLUICE_RETRY_MAX", SETTING_COUNT, LIVE, GLOBAL(retry_max),
     RANGE(3, 1, 20)},
    {"retreat.max_s", "SLUICE_RETREAT_MAX_S", SETTING_SECONDS, LIVE,
     GLOBAL(retreat_max_ms), RANGE(300 * S, 100, DAY)},

    {"max_body_mb", "SLUICE_MAX_BODY_MB", SETTING_MEGABYTES,
     GLOBAL(max_body_bytes), RANGE(25 * MB, MB, 1024 * MB)},
    {"drain_s", "SLUICE_DRAIN_S", SETTING_SECONDS, GLOBAL(drain_ms),
     RANGE(30 * S, 0, 3600 * S)},

    {"admin.token_file", NULL, SETTING_PATH, GLOBAL(admin_token_file), OR_NULL},
    {NULL, "SLUICE_ADMIN_TOKEN", SETTING_SECRET, GLOBAL(admin_token)},
    {"admin.read", "SLUICE_READ", SETTING_WORD, GLOBAL(read), WORDS(read_words),
     RANGE(FROM_LOOPBACK, 0, 3)},
    {"admin.read_token_file", NULL, SETTING_PATH, GLOBAL(read_token_file),
     OR_NULL},
    {NULL, "SLUICE_READ_TOKEN", SETTING_SECRET, GLOBAL(read_token)},

    {"anonymous", "SLUICE_ANONYMOUS", SETTING_WORD, RELOAD, GLOBAL(anonymous),
     WORDS(client_words), RANGE(FROM_LOOPBACK, 0, 3)},
    {"hosts", "SLUICE_HOSTS", SETTING_HOSTS, RELOAD, GLOBAL(hosts),
     COUNTED(config, n_hosts)},
    {"origins", "SLUICE_ORIGINS", SETTING_ORIGINS, RELOAD, GLOBAL(origins),
     COUNTED(config, n_origins)},

    {"state_dir", "SLUICE_STATE_DIR", SETTING_PATH, GLOBAL(state_dir),
     TEXT("/run/sluice")},
    {"data_dir", "SLUICE_DATA_DIR", SETTING_PATH, GLOBAL(data_dir),
     TEXT("/var/lib/sluice")},
    {"log", "SLUICE_LOG", SETTING_PATH, GLOBAL(log_path), OR_NULL,
     .none_word = "stderr"},
    {"log_level", "SLUICE_LOG_LEVEL", SETTING_WORD, GLOBAL(log_level),
     WORDS(level_words), RANGE(LOG_INFO_, LOG_DEBUG_, LOG_ERROR_)},

    /* Read by config.c, the run script and the tests, and no field here. */
    {.env = "SLUICE_CONFIG", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_LISTEN", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_WORKERS", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_BUILD", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_FCGI", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_ROOT", .kind = SETTING_ELSEWHERE},
};

#define SETTINGS_N (sizeof(settings) / sizeof(settings[0]))
_Static_assert(SETTINGS_N <= SETTINGS_MAX, "raise SETTINGS_MAX");
_Static_assert(sizeof(enum origin_range) == sizeof(int), "words are ints");

static bool is_number(enum setting_kind kind)
{
    return kind <= SETTING_MEGABYTES;
}

static bool is_text(enum setting_kind kind)
{
    return kind >= SETTING_WORD && kind <= SETTING_SECRET;
}

static bool is_list(enum setting_kind kind)
{
    return kind >= SETTING_PATTERNS && kind <= SETTING_ORIGINS;
}

/*
 * Messages.
 */

int complain(struct complaint *c, const char *fmt, ...)
{
    unsigned char *p;
    va_list ap;

    if (c->max == 0)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(c->text, c->max, fmt, ap);
    va_end(ap);
    for (p = (unsigned char *)c->text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?'; /* names come from outside too */
    return -1;
}

void setting_label(char *out, size_t max, const struct setting *row,
                   enum setting_source source, const struct config *cfg,
                   const struct config_upstream *up)
{
    if (row->key == NULL || (source == SOURCE_ENV && row->env != NULL))
        (void)snprintf(out, max, "%s", row->env);
    else if (!row->of_upstream)
        (void)snprintf(out, max, "%s", row->key);
    else if (row->kind == SETTING_NAME)
        (void)snprintf(out, max, "upstreams[%td].name", up - cfg->upstreams);
    else
        (void)snprintf(out, max, "upstreams.%s.%s", up->name, row->key);
}

static void join_words(char *out, size_t max, const char *const *words)
{
    size_t len = (size_t)snprintf(out, max, "one of");

    for (; *words != NULL && len < max; words++)
        len += (size_t)snprintf(out + len, max - len, " %s%s", *words,
                                words[1] == NULL ? "" : ",");
}

/* What a value of ROW may be, to follow "must be". */
static void allowed(char *out, size_t max, const struct setting *row)
{
    int64_t unit = row->kind == SETTING_MEGABYTES ? MB : 1;

    switch (row->kind) {
    case SETTING_COUNT:
    case SETTING_MEGABYTES:
        (void)snprintf(out, max, "a whole number%s from %lld to %lld",
                       unit == MB ? " of MB" : "", (long long)(row->min / unit),
                       (long long)(row->max / unit));
        break;
    case SETTING_SECONDS:
        (void)snprintf(out, max,
                       "a number of seconds from %g to %g, no finer than 0.001",
                       (double)row->min / S, (double)row->max / S);
        break;
    case SETTING_BOOL:
        (void)snprintf(out, max, "true or false");
        break;
    case SETTING_WORD:
        join_words(out, max, row->words);
        break;
    case SETTING_NAME:
        (void)snprintf(out, max,
                       "1 to %d characters out of a-z, 0-9, '_' and '-'",
                       UPSTREAM_NAME_MAX - 1);
        break;
    case SETTING_URL:
        (void)snprintf(out, max,
                       "http://HOST or https://HOST with an "
                       "optional port (1-65535) and path");
        break;
    case SETTING_PATH:
        (void)snprintf(out, max, "an absolute path below %d bytes%s%s",
                       SETTING_TEXT_MAX, row->none_word != NULL ? ", or " : "",
                       row->none_word != NULL ? row->none_word : "");
        break;
    case SETTING_SECRET:
        (void)snprintf(out, max, "1 to %d printable characters, no spaces",
                       SETTING_TEXT_MAX);
        break;
    case SETTING_PATTERNS:
    case SETTING_HOSTS:
    case SETTING_ORIGINS:
        (void)snprintf(out, max, "a list of at most %d texts",
                       SETTING_LIST_MAX);
        break;
    case SETTING_ELSEWHERE:
        *out = '\0';
        break;
    }
}

/* SHOWN is the value as it was written, or NULL; WHY may be NULL too. */
static int refuse(const struct setting_put *put, const char *shown,
                  const char *why)
{
    char label[SETTING_LABEL_MAX], must[SETTING_LABEL_MAX];

    if (shown != NULL && strlen(shown) > SHOWN_MAX)
        shown = NULL;
    setting_label(label, sizeof(label), put->row, put->source, put->cfg,
                  put->up);
    allowed(must, sizeof(must), put->row);
    return complain(put->err, "%s: %s%s%s%smust be %s", label,
                    shown != NULL ? shown : "",
                    shown != NULL ? " is refused; " : "",
                    why != NULL ? why : "", why != NULL ? "; " : "", must);
}

/*
 * Finding rows and fields.
 */

const struct setting *setting_at(size_t index)
{
    return index < SETTINGS_N ? &settings[index] : NULL;
}

const struct setting *setting_find(const char *key, bool of_upstream)
{
    const struct setting *s;

    for (s = settings; s < settings + SETTINGS_N; s++)
        if (s->key != NULL && s->of_upstream == of_upstream &&
            strcmp(s->key, key) == 0)
            return s;
    return NULL;
}

const struct setting *setting_find_env(const char *name)
{
    const struct setting *s;

    for (s = settings; s < settings + SETTINGS_N; s++)
        if (s->env != NULL && strcmp(s->env, name) == 0)
            return s;
    return NULL;
}

bool setting_is_section(const char *key)
{
    const struct setting *s;
    size_t len = strlen(key);

    for (s = settings; s < settings + SETTINGS_N; s++)
        if (s->key != NULL && strncmp(s->key, key, len) == 0 &&
            s->key[len] == '.')
            return true;
    return false;
}

enum setting_source setting_source(const struct setting *row,
                                   const struct config *cfg,
                                   const struct config_upstream *up)
{
    const unsigned char *source = row->of_upstream ? up->source : cfg->source;

    return (enum setting_source)source[row - settings];
}

void *setting_field(const struct setting *row, struct config *cfg,
                    struct config_upstream *up)
{
    return (row->of_upstream ? (char *)up : (char *)cfg) + row->at;
}

size_t *setting_count(const struct setting *row, struct config *cfg,
                      struct config_upstream *up)
{
    char *home = row->of_upstream ? (char *)up : (char *)cfg;

    return (size_t *)(void *)(home + row->count_at);
}

static int settled(const struct setting_put *put)
{
    unsigned char *source =
        put->row->of_upstream ? put->up->source : put->cfg->source;

    source[put->row - settings] = (unsigned char)put->source;
    return 0;
}

/*
 * Faults of texts: what is wrong, or NULL.
 */

static bool is_host(const char *text, size_t len)
{
    return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-_") >= len;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static bool is_authority(const char *text, size_t len)
{
    const char *end = memchr(text, *text == '[' ? ']' : ':', len);
    size_t host = end != NULL ? (size_t)(end - text) : len;
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    long port;

    if (*text == '[') {
        if (end == NULL || host - 1 >= sizeof(address))
            return false;
        (void)snprintf(address, sizeof(address), "%.*s", (int)host - 1,
                       text + 1);
        if (inet_pton(AF_INET6, address, &ignored) != 1)
            return false;
        host++;
    } else if (!is_host(text, host)) {
        return false;
    }
    if (host == len)
        return true;
    if (text[host] != ':' || len - host < 2 || len - host > 6 ||
        strspn(text + host + 1, "0123456789") < len - host - 1)
        return false;
    port = strtol(text + host + 1, NULL, 10);
    return port >= 1 && port <= 65535;
}

static const char *url_fault(const char *url)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    const char *host = url + scheme;
    size_t len = strcspn(host, "/?#\\");

    if (scheme == 0)
        return "it begins with neither http:// nor https://";
    if (memchr(host, '@', len) != NULL)
        return "it carries a user name or a password";
    if (strpbrk(url, "?#") != NULL)
        return "it carries a query or a fragment";
    if (!is_authority(host, len))
        return "its host or port is missing or wrong";
    if (strpbrk(url, " \\\"<>^`{|}") != NULL || strstr(host, "/..") != NULL)
        return "its path has something that no path may have";
    return NULL;
}

/* Browsers send exactly scheme://host[:port]; anything else never matches. */
static const char *origin_fault(const char *text)
{
    const char *host = strstr(text, "://");

    if (host == NULL || host == text || strpbrk(host + 3, "/?#@\\") != NULL ||
        !is_authority(host + 3, strlen(host + 3)))
        return "an entry is not scheme://host or scheme://host:port";
    return NULL;
}

const char *secret_fault(const char *secret)
{
    const unsigned char *p;

    if (*secret == '\0')
        return "it is empty";
    for (p = (const unsigned char *)secret; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return "it has a space, a control or a non-ASCII character";
    if ((const char *)p - secret > SETTING_TEXT_MAX)
        return "it is too long";
    return NULL;
}

/* TEXT as a value or as an entry of a list. */
static const char *text_fault(const struct setting *row, const char *text)
{
    const unsigned char *p;

    for (p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return "it has a control character";
    if (p == (const unsigned char *)text)
        return "it is empty or has an empty entry";
    if (row->kind == SETTING_SECRET)
        return secret_fault(text);
    if ((const char *)p - text >= SETTING_TEXT_MAX)
        return "it is too long";
    if (row->kind == SETTING_URL)
        return url_fault(text);
    if (row->kind == SETTING_PATH && *text != '/')
        return "it is relative";
    if (row->kind == SETTING_HOSTS && !is_host(text, strlen(text)))
        return "an entry is not a bare host name";
    if (row->kind == SETTING_ORIGINS)
        return origin_fault(text);
    if (row->kind == SETTING_PATTERNS &&
        (strchr(text, ' ') != NULL || strlen(text) >= MODEL_MAX))
        return "an entry has a space or is too long";
    return NULL;
}

/* URL without slashes and one "/v1" at its end, its scheme in lower case. */
static void url_trim(char *url)
{
    char *p, *host = strstr(url, "://") + 3;
    char *end = host + strlen(host);

    for (p = url; p < host; p++) /* later code compares it */
        *p = (char)tolower((unsigned char)*p);
    while (end[-1] == '/')
        *--end = '\0';
    if (end - host > 3 && strcmp(end - 3, "/v1") == 0)
        *(end -= 3) = '\0';
    while (end[-1] == '/')
        *--end = '\0';
}

/* TEXT, sound already, as its field keeps it; NULL: no memory. */
static char *text_kept(const struct setting *row, const char *text)
{
    char *kept = strdup(text), *p;

    if (kept == NULL)
        return NULL;
    if (row->kind == SETTING_URL)
        url_trim(kept);
    if (row->kind == SETTING_HOSTS || row->kind == SETTING_ORIGINS)
        for (p = kept; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
    return kept;
}

bool url_is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    char name[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;
    size_t len;

    if (host == NULL)
        return false;
    host += 3;
    len = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":/");
    if (len >= sizeof(name))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, host);
    if (inet_pton(AF_INET, name, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcasecmp(name, "localhost") == 0;
}

/*
 * Values into fields.
 */

static int put_number(const struct setting_put *put, double number,
                      const char *shown)
{
    const struct setting *row = put->row;
    double unit = row->kind == SETTING_SECONDS     ? (double)S
                  : row->kind == SETTING_MEGABYTES ? (double)MB
                                                   : 1;
    double step = row->kind == SETTING_SECONDS ? 1 : unit;
    double kept = number * unit, off;
    int64_t steps;

    /* Written so that NaN fails as well. */
    if (!(kept >= (double)row->min && kept <= (double)row->max))
        return refuse(put, shown, NULL);
    steps = (int64_t)(kept / step + 0.5);
    off = kept / step - (double)steps;
    if (off > 1e-6 || off < -1e-6)
        return refuse(put, shown, NULL);
    *(int64_t *)setting_field(row, put->cfg, put->up) = steps * (int64_t)step;
    return settled(put);
}

static int put_bool(const struct setting_put *put, bool value)
{
    *(bool *)setting_field(put->row, put->cfg, put->up) = value;
    return settled(put);
}

static int put_word(const struct setting_put *put, const char *text)
{
    int i;

    for (i = 0; put->row->words[i] != NULL; i++)
        if (strcmp(put->row->words[i], text) == 0) {
            memcpy(setting_field(put->row, put->cfg, put->up), &i, sizeof(i));
            return settled(put);
        }
    return refuse(put, NULL, NULL); /* it may be a misplaced token */
}

static int put_name(const struct setting_put *put, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len >= UPSTREAM_NAME_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") < len)
        return refuse(put, NULL, NULL);
    memcpy(put->up->name, text, len + 1);
    return settled(put);
}

/* It may be a key. */
static void wipe_and_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static int put_string(const struct setting_put *put, const char *text)
{
    const char *none = put->row->none_word, *why = NULL;
    char **at = setting_field(put->row, put->cfg, put->up);
    char *kept = NULL;

    if (none == NULL || strcmp(text, none) != 0) {
        why = text_fault(put->row, text);
        kept = why == NULL ? text_kept(put->row, text) : NULL;
        if (kept == NULL)
            return refuse(put, NULL, why != NULL ? why : strerror(ENOMEM));
    }
    wipe_and_free(*at);
    *at = kept;
    return settled(put);
}

static int put_text(const struct setting_put *put, const char *text)
{
    if (put->row->kind == SETTING_WORD)
        return put_word(put, text);
    if (put->row->kind == SETTING_NAME)
        return put_name(put, text);
    return put_string(put, text);
}

static void list_free(char **list, size_t n)
{
    while (n > 0)
        free(list[--n]);
    free(list);
}

static int put_list(const struct setting_put *put, const char *const *texts,
                    size_t n)
{
    char ***at = setting_field(put->row, put->cfg, put->up);
    size_t *count = setting_count(put->row, put->cfg, put->up), i;
    char **list = calloc(n + 1, sizeof(*list));
    const char *why = NULL;

    for (i = 0; list != NULL && i < n; i++) {
        why = text_fault(put->row, texts[i]);
        list[i] = why == NULL ? text_kept(put->row, texts[i]) : NULL;
        if (list[i] == NULL)
            break;
    }
    if (list == NULL || i < n) {
        list_free(list, i);
        return refuse(put, NULL, why != NULL ? why : strerror(ENOMEM));
    }
    list_free(*at, *count);
    *at = list;
    *count = n;
    return settled(put);
}

/* A text of the file; "\u0000" would hide what follows it. */
static const char *whole_text(struct json_object *value)
{
    const char *text = json_object_get_string(value);

    if (!json_object_is_type(value, json_type_string) ||
        strlen(text) != (size_t)json_object_get_string_len(value))
        return NULL;
    return text;
}

static int put_json_list(const struct setting_put *put,
                         struct json_object *value)
{
    const char *texts[SETTING_LIST_MAX];
    size_t n = json_object_array_length(value), i;

    if (n > SETTING_LIST_MAX)
        return refuse(put, NULL, "it has too many entries");
    for (i = 0; i < n; i++) {
        texts[i] = whole_text(json_object_array_get_idx(value, i));
        if (texts[i] == NULL)
            return refuse(put, NULL, "an entry is not a text");
    }
    return put_list(put, texts, n);
}

int setting_put_json(const struct setting_put *put, struct json_object *value)
{
    enum json_type type = json_object_get_type(value);
    enum setting_kind kind = put->row->kind;
    const char *shown =
        json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);

    if (type == json_type_null && put->row->may_be_null)
        return 0;
    if (is_number(kind) && (type == json_type_int || type == json_type_double))
        return put_number(put, json_object_get_double(value), shown);
    if (kind == SETTING_BOOL && type == json_type_boolean)
        return put_bool(put, json_object_get_boolean(value));
    if (is_list(kind) && type == json_type_array)
        return put_json_list(put, value);
    if (is_text(kind) && whole_text(value) != NULL)
        return put_text(put, whole_text(value));
    return refuse(put, shown, NULL);
}

/* VALUE is cut at its commas; blanks around an entry are not part of it. */
static int put_commas(const struct setting_put *put, const char *value)
{
    const char *texts[SETTING_LIST_MAX];
    char *copy = strdup(value), *p = copy, *end;
    size_t n = 0;
    int rc;

    for (; p != NULL && n < SETTING_LIST_MAX; n++) {
        p += strspn(p, " ");
        texts[n] = p;
        end = p + strcspn(p, ",");
        p = *end == ',' ? end + 1 : NULL;
        while (end > texts[n] && end[-1] == ' ')
            end--;
        *end = '\0';
    }
    if (copy == NULL || p != NULL)
        rc = refuse(put, NULL, copy == NULL ? strerror(ENOMEM) : "too many");
    else
        rc = put_list(put, texts, n);
    free(copy);
    return rc;
}

int setting_put_text(const struct setting_put *put, const char *value)
{
    bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    bool no = strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    enum setting_kind kind = put->row->kind;

    /* strtod() alone would also take " 1", "inf" and "0x1p3". */
    if (is_number(kind) && value[strspn(value, "0123456789.-")] == '\0') {
        char *end;
        double number = strtod(value, &end);

        if (end != value && *end == '\0')
            return put_number(put, number, value);
    }
    if (kind == SETTING_BOOL && (yes || no))
        return put_bool(put, yes);
    if (is_list(kind))
        return put_commas(put, value);
    if (is_text(kind))
        return put_text(put, value);
    return refuse(put, value, NULL);
}

/*
 * The two ends of a config's life.
 */

static int put_default(const struct setting_put *put)
{
    const struct setting *row = put->row;
    void *at = setting_field(row, put->cfg, put->up);
    int word = (int)row->initial;

    if (is_number(row->kind))
        *(int64_t *)at = row->initial;
    else if (row->kind == SETTING_BOOL)
        *(bool *)at = row->initial != 0;
    else if (row->kind == SETTING_WORD)
        memcpy(at, &word, sizeof(word));
    else if (row->initial_text != NULL)
        return put_text(put, row->initial_text);
    return 0;
}

int settings_init(struct config *cfg, struct config_upstream *up,
                  struct complaint *err)
{
    struct setting_put put = {NULL, cfg, up, SOURCE_DEFAULT, err};

    for (put.row = settings; put.row < settings + SETTINGS_N; put.row++)
        if (put.row->of_upstream == (up != NULL) && put_default(&put) == -1)
            return -1;
    return 0;
}

static void field_free(const struct setting *row, struct config *cfg,
                       struct config_upstream *up)
{
    void *at = setting_field(row, cfg, up);

    if (is_list(row->kind)) {
        list_free(*(char ***)at, *setting_count(row, cfg, up));
        *(char ***)at = NULL;
        *setting_count(row, cfg, up) = 0;
    } else if (is_text(row->kind) && row->kind != SETTING_WORD &&
               row->kind != SETTING_NAME) {
        wipe_and_free(*(char **)at);
        *(char **)at = NULL;
    }
}

void settings_fini(struct config *cfg, struct config_upstream *up)
{
    const struct setting *s;

    for (s = settings; s < settings + SETTINGS_N; s++)
        if (s->of_upstream == (up != NULL))
            field_free(s, cfg, up);
}
