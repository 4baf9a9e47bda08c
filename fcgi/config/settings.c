/*
 * settings.c - which settings are there, and what may each of them be?
 *
 * A setting is one row of the table below and one field in fields.h; nothing
 * else knows its name, unit or range.  How a
 * value gets into the field is told in values.c, whether settings agree with
 * each other in config.c.
 */
#include "fcgi/config/settings.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"

#define S   ((int64_t)1000)
#define DAY (86400 * S)
#define MB  ((int64_t)MIB)

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

static const char *const scope_words[] = {"account", "model", "auto", NULL};
static const char *const key_words[] = {"authorization", "api-key", "x-api-key",
                                        NULL};
static const char *const side_words[] = {"both", "in", "out", NULL};
static const char *const prefer_words[] = {"soonest", "cheapest", "first",
                                           NULL};
static const char *const think_words[] = {"auto", "template", "effort", "off",
                                          NULL};
static const char *const reasoning_words[] = {"none", "reasoning_content",
                                              "reasoning", NULL};
static const char *const usage_words[] = {"auto", "always", "never", NULL};
/* What the APIs of OpenAI, Anthropic, NVIDIA, OpenRouter and W3C's traces say
 * of a request beside its body. */
#define PASSED                                                                 \
    "anthropic-*,openai-*,nvcf-*,HTTP-Referer,X-Title,traceparent,tracestate," \
    "baggage,User-Agent,Range"
/* What reads, polls, deletes, stops or counts. */
#define FREE                                                                   \
    "GET:*,HEAD:*,DELETE:*,POST:*/count_tokens,POST:*/input_tokens,"           \
    "POST:*/cancel"
static const char *const client_words[] = {"loopback", "private", "any", "no",
                                           NULL};
static const char *const read_words[] = {"loopback", "private", "any", "token",
                                         NULL};
static const char *const loss_words[] = {"closed", "share", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error",
                                          NULL};

/* Key, variable, kind, and the rest; in the order in which /api/config and the
 * dashboard show them. */
static const struct setting settings[] = {
    {"name", NULL, SETTING_NAME, UPSTREAM(name), TEXT("nim")},
    {"base_url", "SLUICE_UPSTREAM_URL", SETTING_URL, UPSTREAM(base_url),
     TEXT("https://integrate.api.nvidia.com")},
    {"api_path", "SLUICE_API_PATH", SETTING_API_PATH, UPSTREAM(api_path),
     OR_NULL},
    {"api_key_file", "SLUICE_API_KEY_FILE", SETTING_PATH,
     UPSTREAM(api_key_file), OR_NULL},
    {"api_key_files", "SLUICE_API_KEY_FILES", SETTING_PATHS,
     UPSTREAM(api_key_files), COUNTED(config_upstream, n_api_key_files)},
    {NULL, "NVIDIA_API_KEY", SETTING_SECRET, UPSTREAM(api_key)},
    {"key_header", "SLUICE_KEY_HEADER", SETTING_WORD, UPSTREAM(key_header),
     WORDS(key_words), RANGE(KEY_BEARER, 0, 2)},
    {"protocols", "SLUICE_PROTOCOLS", SETTING_PATTERNS, UPSTREAM(protocols),
     COUNTED(config_upstream, n_protocols), TEXT("chat,responses")},
    {"thinking", "SLUICE_THINKING", SETTING_WORD, LIVE, UPSTREAM(thinking),
     WORDS(think_words), RANGE(THINK_AUTO, 0, 3)},
    {"reasoning_field", "SLUICE_REASONING_FIELD", SETTING_WORD, LIVE,
     UPSTREAM(reasoning), WORDS(reasoning_words), RANGE(REASONING_NONE, 0, 2)},
    {"prefill", "SLUICE_PREFILL", SETTING_BOOL, LIVE, UPSTREAM(prefill),
     RANGE(false, false, true)},
    {"max_tokens", "SLUICE_MAX_TOKENS", SETTING_COUNT, LIVE,
     UPSTREAM(max_tokens), RANGE(0, 0, 10000000)},
    {"pass_headers", "SLUICE_PASS_HEADERS", SETTING_HEADERS,
     UPSTREAM(pass_headers), COUNTED(config_upstream, n_pass_headers),
     TEXT(PASSED)},
    {"set_headers", NULL, SETTING_LINES, UPSTREAM(set_headers),
     COUNTED(config_upstream, n_set_headers)},
    {"models", NULL, SETTING_PATTERNS, UPSTREAM(models),
     COUNTED(config_upstream, n_models), OR_NULL},
    {"result_hosts", NULL, SETTING_PATTERNS, UPSTREAM(result_hosts),
     COUNTED(config_upstream, n_result_hosts), OR_NULL},
    {"proxy", "SLUICE_PROXY", SETTING_PROXY, UPSTREAM(proxy), OR_NULL},
    {"no_proxy", "SLUICE_NO_PROXY", SETTING_PATTERNS, UPSTREAM(no_proxy),
     COUNTED(config_upstream, n_no_proxy), OR_NULL},
    {"ca_file", "SLUICE_CA_FILE", SETTING_PATH, UPSTREAM(ca_file), OR_NULL},
    {"client_cert_file", "SLUICE_CLIENT_CERT_FILE", SETTING_PATH,
     UPSTREAM(client_cert_file), OR_NULL},
    {"client_key_file", "SLUICE_CLIENT_KEY_FILE", SETTING_PATH,
     UPSTREAM(client_key_file), OR_NULL},
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
     RANGE(SCOPE_AUTO, 0, 2)},
    {"tokens_per_min", "SLUICE_TOKENS_PER_MIN", SETTING_COUNT, LIVE,
     UPSTREAM(tokens), RANGE(0, 0, 2000000000)},
    {"tokens_counted", "SLUICE_TOKENS_COUNTED", SETTING_WORD, LIVE,
     UPSTREAM(tokens_counted), WORDS(side_words), RANGE(SIDE_BOTH, 0, 2)},
    {"weight", NULL, SETTING_COUNT, LIVE, UPSTREAM(weight), RANGE(1, 1, 1000)},
    {"cost", NULL, SETTING_COUNT, LIVE, UPSTREAM(cost),
     RANGE(0, 0, 1000000000)},

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

    {"comments_off", "SLUICE_COMMENTS_OFF", SETTING_PATTERNS, RELOAD,
     GLOBAL(comments_off), COUNTED(config, n_comments_off)},
    {"wait_events", "SLUICE_WAIT_EVENTS", SETTING_PATTERNS, RELOAD,
     GLOBAL(wait_events), COUNTED(config, n_wait_events)},
    {"event_patience_s", "SLUICE_EVENT_PATIENCE_S", SETTING_SECONDS, LIVE,
     GLOBAL(event_patience_ms), RANGE(290 * S, 0, DAY)},

    {"timeouts.connect_s", "SLUICE_CONNECT_S", SETTING_SECONDS, LIVE,
     GLOBAL(connect_ms), RANGE(10 * S, 100, 300 * S)},
    {"timeouts.first_byte_s", "SLUICE_FIRST_BYTE_S", SETTING_SECONDS, LIVE,
     GLOBAL(first_byte_ms), RANGE(600 * S, 100, DAY)},
    {"timeouts.idle_s", "SLUICE_IDLE_S", SETTING_SECONDS, LIVE, GLOBAL(idle_ms),
     RANGE(300 * S, 100, DAY)},

    {"retry.max", "SLUICE_RETRY_MAX", SETTING_COUNT, LIVE, GLOBAL(retry_max),
     RANGE(3, 1, 20)},
    {"retry.refused_max", "SLUICE_REFUSED_MAX", SETTING_COUNT, LIVE,
     GLOBAL(refused_max), RANGE(5, 1, 100)},
    {"retreat.max_s", "SLUICE_RETREAT_MAX_S", SETTING_SECONDS, LIVE,
     GLOBAL(retreat_max_ms), RANGE(300 * S, 100, DAY)},

    {"ready.queue_percent", "SLUICE_READY_QUEUE_PERCENT", SETTING_COUNT, LIVE,
     GLOBAL(ready_queue_percent), RANGE(90, 1, 100)},
    {"ready.tokens_percent", "SLUICE_READY_TOKENS_PERCENT", SETTING_COUNT, LIVE,
     GLOBAL(ready_tokens_percent), RANGE(5, 0, 99)},
    {"ready.probe_s", "SLUICE_READY_PROBE_S", SETTING_SECONDS, LIVE,
     GLOBAL(ready_probe_ms), RANGE(5 * S, 100, 60 * S)},

    {"prefer", "SLUICE_PREFER", SETTING_WORD, LIVE, GLOBAL(prefer),
     WORDS(prefer_words), RANGE(PREFER_SOONEST, 0, 2)},
    {"prefer_within_s", "SLUICE_PREFER_WITHIN_S", SETTING_SECONDS, LIVE,
     GLOBAL(prefer_within_ms), RANGE(0, 0, 3600 * S)},
    {"affinity_s", "SLUICE_AFFINITY_S", SETTING_SECONDS, LIVE,
     GLOBAL(affinity_ms), RANGE(2 * S, 0, 3600 * S)},
    {"fallbacks", "SLUICE_FALLBACKS", SETTING_FALLBACKS, LIVE,
     GLOBAL(fallbacks), COUNTED(config, n_fallbacks)},
    {"model_alias", "SLUICE_MODEL_ALIAS", SETTING_ALIASES, LIVE,
     GLOBAL(aliases), COUNTED(config, n_aliases)},
    {"usage", "SLUICE_USAGE", SETTING_WORD, LIVE, GLOBAL(usage),
     WORDS(usage_words), RANGE(USAGE_AUTO, 0, 2)},

    {"free", "SLUICE_FREE", SETTING_REQUESTS, RELOAD, GLOBAL(free),
     COUNTED(config, n_free), TEXT(FREE)},
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
    {"trusted_proxies", "SLUICE_TRUSTED_PROXIES", SETTING_NETWORKS, RELOAD,
     GLOBAL(trusted_proxies), COUNTED(config, n_trusted_proxies)},
    {"client_header", "SLUICE_CLIENT_HEADER", SETTING_HEADER, RELOAD,
     GLOBAL(client_header), OR_NULL},
    {"client_from_user", "SLUICE_CLIENT_FROM_USER", SETTING_BOOL, RELOAD,
     GLOBAL(client_from_user), RANGE(false, false, true)},

    {"shared.url", "SLUICE_SHARED_URL", SETTING_STORE, GLOBAL(shared_url),
     OR_NULL, .none_word = ""},
    {"shared.password_file", "SLUICE_SHARED_PASSWORD_FILE", SETTING_PATH,
     GLOBAL(shared_password_file), OR_NULL},
    {NULL, "SLUICE_SHARED_PASSWORD", SETTING_SECRET, GLOBAL(shared_password)},
    {"shared.account", "SLUICE_SHARED_ACCOUNT", SETTING_ACCOUNT,
     GLOBAL(shared_account), TEXT("default"), RANGE(1, 1, 64)},
    {"shared.name", "SLUICE_SHARED_NAME", SETTING_ACCOUNT, GLOBAL(shared_name),
     OR_NULL, RANGE(1, 1, 63)}, /* config_settle() asks the machine */
    {"shared.tls_ca", "SLUICE_SHARED_TLS_CA", SETTING_PATH,
     GLOBAL(shared_tls_ca), OR_NULL},
    {"shared.on_loss", "SLUICE_SHARED_ON_LOSS", SETTING_WORD, LIVE,
     GLOBAL(shared_on_loss), WORDS(loss_words), RANGE(LOSS_CLOSED, 0, 1)},
    {"shared.ahead", "SLUICE_SHARED_AHEAD", SETTING_COUNT, LIVE,
     GLOBAL(shared_ahead), RANGE(2, 0, 16)},

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
    {.env = "SLUICE_URL", .kind = SETTING_ELSEWHERE}, /* sluicectl */
    {.env = "SLUICE_BUILD", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_FCGI", .kind = SETTING_ELSEWHERE},
    {.env = "SLUICE_ROOT", .kind = SETTING_ELSEWHERE},
};

#define SETTINGS_N (sizeof(settings) / sizeof(settings[0]))
_Static_assert(SETTINGS_N <= SETTINGS_MAX, "raise SETTINGS_MAX");
_Static_assert(sizeof(enum origin_range) == sizeof(int) &&
                   sizeof(enum key_header) == sizeof(int) &&
                   sizeof(enum token_side) == sizeof(int) &&
                   sizeof(enum prefer_kind) == sizeof(int) &&
                   sizeof(enum think_mode) == sizeof(int) &&
                   sizeof(enum reasoning_field) == sizeof(int) &&
                   sizeof(enum usage_mode) == sizeof(int) &&
                   sizeof(enum loss_kind) == sizeof(int),
               "words are ints");

/*
 * Messages.
 */

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

const struct setting *setting_find_dotted(const char *key)
{
    const char *dot;

    if (strncmp(key, "upstreams.", 10) != 0)
        return setting_find(key, false);
    dot = strchr(key + 10, '.'); /* names have none */
    return dot != NULL ? setting_find(dot + 1, true) : NULL;
}

bool setting_is_time(const struct setting *row)
{
    size_t len = row->key != NULL ? strlen(row->key) : 0;

    return row->kind == SETTING_SECONDS ||
           (row->kind == SETTING_COUNT && len > 3 &&
            strcmp(row->key + len - 3, "_ms") == 0);
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

void setting_set_source(const struct setting *row, struct config *cfg,
                        struct config_upstream *up, enum setting_source source)
{
    unsigned char *sources = row->of_upstream ? up->source : cfg->source;

    sources[row - settings] = (unsigned char)source;
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
