/* Mirrors fcgi/config/config.c: what settings mean that are fine.  What is refused is
 * in test_settings.c. */
#include "fcgi/config/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/config/api_url.h"
#include "fcgi/config/settings.h"
#include "given.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "unit.h"

static void check_defaults(const struct config *c)
{
    const struct config_upstream *up = &c->upstreams[0];

    CU_ASSERT_EQUAL(c->n_upstreams, 1);
    CU_ASSERT_STRING_EQUAL(up->name, "nim");
    CU_ASSERT_STRING_EQUAL(up->base_url, "https://integrate.api.nvidia.com");
    CU_ASSERT_TRUE(!up->api_key && !up->api_key_file && !up->models);
    CU_ASSERT_TRUE(up->requests == 40 && up->window_ms == 60000);
    CU_ASSERT_TRUE(up->margin_ms == 500 && up->burst == 40);
    CU_ASSERT_TRUE(up->min_gap_ms == 0 && up->in_flight == 0);
    CU_ASSERT_EQUAL(up->scope, SCOPE_AUTO);
    CU_ASSERT_TRUE(up->tokens == 0 && up->tokens_counted == SIDE_BOTH);
    CU_ASSERT_TRUE(up->weight == 1 && up->cost == 0 && up->line == 0);
    CU_ASSERT_TRUE(up->thinking == THINK_AUTO && up->max_tokens == 0);
    CU_ASSERT_TRUE(up->reasoning == REASONING_NONE && !up->prefill);
    CU_ASSERT_TRUE(up->pool == 0 && up->pool_n == 1);
    CU_ASSERT_TRUE(c->prefer == PREFER_SOONEST && c->prefer_within_ms == 0);
    CU_ASSERT_TRUE(c->affinity_ms == 2000 && c->n_fallbacks == 0);
    CU_ASSERT_EQUAL(c->usage, USAGE_AUTO);
    CU_ASSERT_TRUE(c->queue_max == 500 && c->queue_per_client == 500);
    CU_ASSERT_EQUAL(c->queue_timeout_ms, 900000);
    CU_ASSERT_EQUAL(c->queue_max_bytes, 128 * 1024 * 1024);
    CU_ASSERT_TRUE(c->commit_after_ms == 5000 && c->heartbeat_ms == 10000);
    CU_ASSERT_FALSE(c->buffered_keepalive);
    CU_ASSERT_TRUE(c->connect_ms == 10000 && c->first_byte_ms == 600000);
    CU_ASSERT_TRUE(c->idle_ms == 300000 && c->retry_max == 3);
    CU_ASSERT_EQUAL(c->refused_max, 5);
    CU_ASSERT_TRUE(c->retreat_max_ms == 300000 && c->drain_ms == 30000);
    CU_ASSERT_TRUE(c->ready_queue_percent == 90 &&
                   c->ready_tokens_percent == 5 && c->ready_probe_ms == 5000);
    CU_ASSERT_EQUAL(c->max_body_bytes, 25 * 1024 * 1024);
    CU_ASSERT_TRUE(c->anonymous == FROM_LOOPBACK && c->read == FROM_LOOPBACK);
    CU_ASSERT_TRUE(!c->read_token && !c->read_token_file);
    CU_ASSERT_TRUE(!c->admin_token && !c->admin_token_file);
    CU_ASSERT_TRUE(c->n_hosts == 0 && c->n_origins == 0 && !c->log_path);
    CU_ASSERT_STRING_EQUAL(c->state_dir, "/run/sluice");
    CU_ASSERT_STRING_EQUAL(c->data_dir, "/var/lib/sluice");
    CU_ASSERT_EQUAL(c->log_level, LOG_INFO_);
}

static void nothing_at_all_gives_the_defaults(void)
{
    struct config *cfg = given_sound(NULL, NULL, NULL);

    check_defaults(cfg);
    config_free(cfg);
    cfg = given_sound("{}", "SLUICE_REQUESTS=", "SLUICE_NONSENSE=");
    check_defaults(cfg); /* an empty variable is none */
    config_free(cfg);
    cfg = given_sound(NULL, "SLUICE_TEST_X=1", "SLUICE_RUN_Y=2");
    check_defaults(cfg);
    config_free(cfg);
    config_free(NULL);
}

/* make runs the tests in the root of the tree. */
static void read_shipped(char *text, size_t max)
{
    const char *root = getenv("SLUICE_ROOT");
    char path[4096];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/conf/sluice.json",
                   root != NULL ? root : ".");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    n = read(fd, text, max - 1);
    CU_ASSERT_TRUE_FATAL(n > 0);
    text[n] = '\0';
    close(fd);
}

static void the_shipped_file_gives_exactly_the_defaults(void)
{
    const char *const none[] = {NULL};
    char text[65536], err[GIVEN_ERR_MAX];
    struct config *cfg;

    read_shipped(text, sizeof(text));
    cfg = given_bytes(text, strlen(text), none, err);
    CU_ASSERT_STRING_EQUAL(err, "(no message)");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    check_defaults(cfg);
    config_free(cfg);
}

/* Tells which is missing of a row of settings. */
static void is_there(bool is, const char *name, const char *where)
{
    if (is)
        return;
    fprintf(stderr, "\n%s is missing in %s\n", name, where);
    CU_FAIL("a setting is missing");
}

static void the_shipped_file_tells_of_every_setting(void)
{
    const struct setting *row;
    char text[65536], wanted[128];
    const char *name;
    size_t i;

    read_shipped(text, sizeof(text));
    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->env != NULL && row->kind != SETTING_ELSEWHERE)
            is_there(strstr(text, row->env) != NULL, row->env,
                     "conf/sluice.json");
        if (row->key == NULL)
            continue;
        name = strchr(row->key, '.') ? strchr(row->key, '.') + 1 : row->key;
        (void)snprintf(wanted, sizeof(wanted), "\"// %s\":", name);
        is_there(strstr(text, wanted) != NULL, wanted, "conf/sluice.json");
        (void)snprintf(wanted, sizeof(wanted), "\"%s\":", name);
        is_there(strstr(text, wanted) != NULL, wanted, "conf/sluice.json");
    }
}

static void every_key_of_the_file_reaches_its_field(void)
{
    struct config *c = given_sound(
        "{'upstreams':[{'name':'a','base_url':'http://a:8000/x/v1/','models':"
        "['meta/*','b'],'requests':7,'window_s':1.5,'margin_ms':8,'burst':6,"
        "'min_gap_ms':9,'in_flight':10,'scope':'model','weight':2,'cost':3,"
        "'tokens_per_min':4,'tokens_counted':'in','thinking':'effort',"
        "'reasoning_field':'reasoning','prefill':true,'max_tokens':5},"
        "{'name':'b-2'}],"
        "'prefer':'cheapest','prefer_within_s':5,'affinity_s':6,"
        "'usage':'always','fallbacks':{'//':1,'a':['b/x','c'],'d':['e']},"
        "'queue':{'max':11,'per_client':12,'timeout_s':13,'max_mb':14},"
        "'commit_after_s':0,'heartbeat_s':15,'buffered_keepalive':true,"
        "'timeouts':{'connect_s':16,'first_byte_s':17,'idle_s':18},"
        "'retry':{'max':19},'retreat':{'max_s':20},'max_body_mb':21,"
        "'ready':{'queue_percent':50,'tokens_percent':0,'probe_s':1.5},"
        "'drain_s':0.001,'admin':{'read':'token','token_file':'/t',"
        "'read_token_file':null},'anonymous':'no','hosts':['A.Example'],"
        "'origins':['https://B.example:8443'],'state_dir':'/s','data_dir':'/d',"
        "'log':'/l','log_level':'error'}",
        "SLUICE_ADMIN_TOKEN=a", NULL);
    struct config_upstream *up = c->upstreams;

    CU_ASSERT_EQUAL(c->n_upstreams, 2);
    CU_ASSERT_STRING_EQUAL(up->name, "a");
    CU_ASSERT_STRING_EQUAL(up->base_url, "http://a:8000/x/v1");
    CU_ASSERT_EQUAL_FATAL(up->n_models, 2);
    CU_ASSERT_STRING_EQUAL(up->models[0], "meta/*");
    CU_ASSERT_TRUE(up->requests == 7 && up->window_ms == 1500);
    CU_ASSERT_TRUE(up->margin_ms == 8 && up->burst == 6);
    CU_ASSERT_TRUE(up->min_gap_ms == 9 && up->in_flight == 10);
    CU_ASSERT_EQUAL(up->scope, SCOPE_MODEL);
    CU_ASSERT_TRUE(up->weight == 2 && up->cost == 3 && up->tokens == 4);
    CU_ASSERT_EQUAL(up->tokens_counted, SIDE_IN);
    CU_ASSERT_TRUE(up->thinking == THINK_EFFORT && up->max_tokens == 5);
    CU_ASSERT_TRUE(up->reasoning == REASONING_SHORT && up->prefill);
    CU_ASSERT_TRUE(c->prefer == PREFER_CHEAPEST && c->usage == USAGE_ALWAYS);
    CU_ASSERT_TRUE(c->prefer_within_ms == 5000 && c->affinity_ms == 6000);
    CU_ASSERT_EQUAL_FATAL(c->n_fallbacks, 2);
    CU_ASSERT_STRING_EQUAL(c->fallbacks[0], "a=b/x|c");
    CU_ASSERT_STRING_EQUAL(c->fallbacks[1], "d=e");
    CU_ASSERT_STRING_EQUAL(up[1].name, "b-2");
    CU_ASSERT_TRUE(up[1].requests == 40 && up[1].burst == 40);
    CU_ASSERT_TRUE(c->queue_max == 11 && c->queue_per_client == 12);
    CU_ASSERT_EQUAL(c->queue_timeout_ms, 13000);
    CU_ASSERT_EQUAL(c->queue_max_bytes, 14 * 1024 * 1024);
    CU_ASSERT_TRUE(c->commit_after_ms == 0 && c->heartbeat_ms == 15000);
    CU_ASSERT_TRUE(c->buffered_keepalive);
    CU_ASSERT_TRUE(c->connect_ms == 16000 && c->first_byte_ms == 17000);
    CU_ASSERT_TRUE(c->idle_ms == 18000 && c->retry_max == 19);
    CU_ASSERT_TRUE(c->retreat_max_ms == 20000 && c->drain_ms == 1);
    CU_ASSERT_TRUE(c->ready_queue_percent == 50 &&
                   c->ready_tokens_percent == 0 && c->ready_probe_ms == 1500);
    CU_ASSERT_EQUAL(c->max_body_bytes, 21 * 1024 * 1024);
    CU_ASSERT_TRUE(c->read == FROM_NOWHERE && c->anonymous == FROM_NOWHERE);
    CU_ASSERT_STRING_EQUAL(c->admin_token_file, "/t");
    CU_ASSERT_EQUAL_FATAL(c->n_hosts, 1);
    CU_ASSERT_STRING_EQUAL(c->hosts[0], "a.example");
    CU_ASSERT_EQUAL_FATAL(c->n_origins, 1);
    CU_ASSERT_STRING_EQUAL(c->origins[0], "https://b.example:8443");
    CU_ASSERT_STRING_EQUAL(c->state_dir, "/s");
    CU_ASSERT_STRING_EQUAL(c->data_dir, "/d");
    CU_ASSERT_STRING_EQUAL(c->log_path, "/l");
    CU_ASSERT_EQUAL(c->log_level, LOG_ERROR_);
    config_free(c);
}

/* A row with a variable, a value that is not its default, and how it ends up
 * as a number or a text. */
static const struct {
    const char *var, *value;
    int64_t number;
} good_vars[] = {
    {"SLUICE_UPSTREAM_URL", "https://x.example", -1},
    {"NVIDIA_API_KEY", "k", -1},
    {"SLUICE_API_PATH", "/", -1},
    {"SLUICE_KEY_HEADER", "x-api-key", KEY_X_API_KEY},
    {"SLUICE_PROXY", "http://a:b@p:1", -1},
    {"SLUICE_CA_FILE", "/nowhere", -1}, /* looked at by tls_files.c */
    {"SLUICE_CLIENT_CERT_FILE", "/nowhere", -1},
    {"SLUICE_CLIENT_KEY_FILE", "/nowhere", -1},
    {"SLUICE_REQUESTS", "41", 41},
    {"SLUICE_WINDOW_S", "0.25", 250},
    {"SLUICE_MARGIN_MS", "0", 0},
    {"SLUICE_BURST", "5", 5},
    {"SLUICE_MIN_GAP_MS", "3", 3},
    {"SLUICE_IN_FLIGHT", "4", 4},
    {"SLUICE_SCOPE", "model", SCOPE_MODEL},
    {"SLUICE_TOKENS_PER_MIN", "2000000000", 2000000000},
    {"SLUICE_TOKENS_COUNTED", "out", SIDE_OUT},
    {"SLUICE_THINKING", "off", THINK_OFF},
    {"SLUICE_REASONING_FIELD", "reasoning_content", REASONING_CONTENT},
    {"SLUICE_PREFILL", "true", 1},
    {"SLUICE_MAX_TOKENS", "4096", 4096},
    {"SLUICE_PREFER", "first", PREFER_FIRST},
    {"SLUICE_PREFER_WITHIN_S", "1.5", 1500},
    {"SLUICE_AFFINITY_S", "0", 0},
    {"SLUICE_USAGE", "never", USAGE_NEVER},
    {"SLUICE_QUEUE_MAX", "4096", 4096},
    {"SLUICE_QUEUE_PER_CLIENT", "1", 1},
    {"SLUICE_QUEUE_TIMEOUT_S", "2.5", 2500},
    {"SLUICE_QUEUE_MAX_MB", "1", 1024 * 1024},
    {"SLUICE_COMMIT_AFTER_S", "0", 0},
    {"SLUICE_HEARTBEAT_S", "0.1", 100},
    {"SLUICE_BUFFERED_KEEPALIVE", "1", 1},
    {"SLUICE_EVENT_PATIENCE_S", "0", 0},
    {"SLUICE_CONNECT_S", "1", 1000},
    {"SLUICE_FIRST_BYTE_S", "1", 1000},
    {"SLUICE_IDLE_S", "1", 1000},
    {"SLUICE_RETRY_MAX", "1", 1},
    {"SLUICE_REFUSED_MAX", "100", 100},
    {"SLUICE_RETREAT_MAX_S", "1", 1000},
    {"SLUICE_READY_QUEUE_PERCENT", "50", 50},
    {"SLUICE_READY_TOKENS_PERCENT", "0", 0},
    {"SLUICE_READY_PROBE_S", "1.5", 1500},
    {"SLUICE_MAX_BODY_MB", "2", 2 * 1024 * 1024},
    {"SLUICE_DRAIN_S", "0", 0},
    {"SLUICE_ADMIN_TOKEN", "t", -1},
    {"SLUICE_READ", "any", FROM_ANY},
    {"SLUICE_READ_TOKEN", "r", -1},
    {"SLUICE_ANONYMOUS", "private", FROM_PRIVATE},
    {"SLUICE_CLIENT_HEADER", "X-OpenWebUI-User-Id", -1},
    {"SLUICE_CLIENT_FROM_USER", "1", 1},
    {"SLUICE_SHARED_URL", "redis://store.example:7000/3", -1},
    {"SLUICE_SHARED_PASSWORD", "p", -1},
    {"SLUICE_SHARED_ACCOUNT", "nim", -1},
    {"SLUICE_SHARED_NAME", "here", -1},
    {"SLUICE_SHARED_TLS_CA", "/nowhere", -1}, /* looked at by store_tls.c */
    {"SLUICE_SHARED_ON_LOSS", "share", LOSS_SHARE},
    {"SLUICE_SHARED_AHEAD", "0", 0},
    {"SLUICE_STATE_DIR", "/s", -1},
    {"SLUICE_DATA_DIR", "/d", -1},
    {"SLUICE_LOG", "/l", -1},
    {"SLUICE_LOG_LEVEL", "debug", LOG_DEBUG_},
};

static void a_time_may_have_a_unit(void)
{
    static const struct {
        const char *var;
        int64_t window_ms, margin_ms;
    } rows[] = {
        {"SLUICE_WINDOW_S=15m", 900000, 500},
        {"SLUICE_WINDOW_S=1.5h", 5400000, 500},
        {"SLUICE_WINDOW_S=250ms", 250, 500},
        {"SLUICE_WINDOW_S=0.25s", 250, 500},
        {"SLUICE_WINDOW_S=30s", 30000, 500},
        {"SLUICE_WINDOW_S=1d", 86400000, 500},
        {"SLUICE_MARGIN_MS=2s", 60000, 2000},
        {"SLUICE_MARGIN_MS=20ms", 60000, 20},
        {"SLUICE_MARGIN_MS=1m", 60000, 60000},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = given_sound(NULL, rows[i].var, NULL);

        CU_ASSERT_EQUAL(c->upstreams[0].window_ms, rows[i].window_ms);
        CU_ASSERT_EQUAL(c->upstreams[0].margin_ms, rows[i].margin_ms);
        config_free(c);
    }
}

static void every_variable_reaches_its_field(void)
{
    const struct setting *row;
    char var[128];
    size_t i;

    for (i = 0; i < sizeof(good_vars) / sizeof(good_vars[0]); i++) {
        struct config_upstream *up;
        struct config *cfg;
        const void *at;

        (void)snprintf(var, sizeof(var), "%s=%s", good_vars[i].var,
                       good_vars[i].value);
        cfg = given_sound(NULL, var, NULL);
        up = cfg->upstreams;
        row = setting_find_env(good_vars[i].var);
        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        at = setting_field(row, cfg, up);
        CU_ASSERT_EQUAL(setting_source(row, cfg, up), SOURCE_ENV);
        if (row->kind == SETTING_BOOL) {
            CU_ASSERT_EQUAL(*(const bool *)at, good_vars[i].number != 0);
        } else if (row->kind == SETTING_WORD) {
            CU_ASSERT_EQUAL(*(const int *)at, good_vars[i].number);
        } else if (good_vars[i].number >= 0) {
            CU_ASSERT_EQUAL(*(const int64_t *)at, good_vars[i].number);
        } else {
            CU_ASSERT_STRING_EQUAL(*(char *const *)at, good_vars[i].value);
        }
        config_free(cfg);
    }
}

/* A list is below; a file is read, and must be there. */
static bool is_apart(const struct setting *row)
{
    return row->count_at != 0 || row->kind == SETTING_ELSEWHERE ||
           strcmp(row->env, "SLUICE_API_KEY_FILE") == 0 ||
           strcmp(row->env, "SLUICE_SHARED_PASSWORD_FILE") == 0;
}

static void every_variable_has_a_row_above(void)
{
    const struct setting *row;
    size_t i, k;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->env == NULL || is_apart(row))
            continue;
        for (k = 0; k < ARRAY_LEN(good_vars); k++)
            if (strcmp(good_vars[k].var, row->env) == 0)
                break;
        is_there(k < ARRAY_LEN(good_vars), row->env, "good_vars");
    }
}

static void lists_in_variables_are_cut_at_commas(void)
{
    struct config *cfg =
                      given_sound("{'hosts':['old']}", "SLUICE_HOSTS=a , b.C",
                                  "SLUICE_ORIGINS=https://x"),
                  *proxies = given_sound(
                      NULL, "SLUICE_TRUSTED_PROXIES=loopback, 2001:db8::/32",
                      NULL);

    CU_ASSERT_EQUAL_FATAL(cfg->n_hosts, 2);
    CU_ASSERT_STRING_EQUAL(cfg->hosts[0], "a");
    CU_ASSERT_STRING_EQUAL(cfg->hosts[1], "b.c");
    CU_ASSERT_EQUAL_FATAL(cfg->n_origins, 1);
    CU_ASSERT_STRING_EQUAL(cfg->origins[0], "https://x");
    CU_ASSERT_EQUAL_FATAL(proxies->n_trusted_proxies, 2);
    CU_ASSERT_STRING_EQUAL(proxies->trusted_proxies[1], "2001:db8::/32");
    config_free(proxies);
    config_free(cfg);
}

static void hosts_without_a_proxy_are_a_list(void)
{
    struct config *cfg = given_sound(
        "{'upstreams':[{'name':'a','models':['x'],'no_proxy':['old']},"
        "{'name':'b','proxy':'SOCKS5://p:1/','no_proxy':['.x', '*']}]}",
        "SLUICE_NO_PROXY=a , 10.0.0.0/8", NULL);

    CU_ASSERT_EQUAL_FATAL(cfg->upstreams[0].n_no_proxy, 2);
    CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].no_proxy[0], "a");
    CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].no_proxy[1], "10.0.0.0/8");
    CU_ASSERT_PTR_NULL(cfg->upstreams[0].proxy);
    CU_ASSERT_EQUAL_FATAL(cfg->upstreams[1].n_no_proxy, 2);
    CU_ASSERT_STRING_EQUAL(cfg->upstreams[1].proxy, "socks5://p:1");
    config_free(cfg);
}

static void the_environment_wins_and_means_the_first_upstream(void)
{
    const struct setting *requests = setting_find("requests", true);
    const struct setting *max = setting_find("queue.max", false);
    struct config *c = given_sound(
        "{'queue':{'max':1},'log':'/l','upstreams':["
        "{'name':'a','requests':2,'models':['x']},{'name':'b','requests':3}]}",
        "SLUICE_REQUESTS=9", "SLUICE_LOG=stderr");

    CU_ASSERT_EQUAL(c->upstreams[0].requests, 9);
    CU_ASSERT_EQUAL(c->upstreams[1].requests, 3);
    CU_ASSERT_PTR_NULL(c->log_path);
    CU_ASSERT_EQUAL(setting_source(requests, c, &c->upstreams[0]), SOURCE_ENV);
    CU_ASSERT_EQUAL(setting_source(requests, c, &c->upstreams[1]), SOURCE_FILE);
    CU_ASSERT_EQUAL(setting_source(max, c, NULL), SOURCE_FILE);
    CU_ASSERT_EQUAL(setting_source(setting_find("drain_s", false), c, NULL),
                    SOURCE_DEFAULT);
    config_free(c);
}

static void burst_follows_requests_until_it_is_set(void)
{
    struct config *cfg = given_sound("{'upstreams':[{'burst':null}]}",
                                     "SLUICE_REQUESTS=7", NULL);
    char err[GIVEN_ERR_MAX];

    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 7);
    cfg->upstreams[0].requests = 100; /* as a live change would */
    CU_ASSERT_EQUAL(config_settle(cfg, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 100);
    config_free(cfg);
    cfg = given_sound(NULL, "SLUICE_REQUESTS=7", "SLUICE_BURST=3");
    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 3);
    config_free(cfg);
}

static void comments_are_ignored_at_every_level(void)
{
    struct config *cfg =
        given_sound("{'//':'a','//':{'queue':[1,{'x':{}}]},'// queue':null,"
                    "'queue':{'//max':7,'//':'b','max':2},"
                    "'upstreams':[{'//':1,'//':2,'requests':3}]}",
                    NULL, NULL);

    CU_ASSERT_EQUAL(cfg->queue_max, 2);
    CU_ASSERT_EQUAL(cfg->upstreams[0].requests, 3);
    config_free(cfg);
}

static void a_base_url_loses_its_end_and_keeps_its_path(void)
{
    static const char *const urls[][2] = {
        {"https://a", "https://a"},
        {"https://a/", "https://a"},
        {"https://a///", "https://a"},
        {"https://a/v1", "https://a/v1"},
        {"HTTPS://a//v1//", "https://a/v1"},
        {"https://a/v1beta/openai/", "https://a/v1beta/openai"},
        {"https://a/openai/v1/?b=c", "https://a/openai/v1?b=c"},
        {"https://a?b=/c//", "https://a?b=/c//"},
        {"https://av1", "https://av1"},
        {"http://[::1]:8000/p/v1", "http://[::1]:8000/p/v1"},
        {"http://127.9.9.9", "http://127.9.9.9"},
        {"http://LOCALHOST:1", "http://LOCALHOST:1"},
    };
    char var[128];
    size_t i;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct config *cfg;

        (void)snprintf(var, sizeof(var), "SLUICE_UPSTREAM_URL=%s", urls[i][0]);
        cfg = given_sound(NULL, var,
                          "NVIDIA_API_KEY=k"); /* none goes in the clear */
        CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].base_url, urls[i][1]);
        config_free(cfg);
    }
    config_free(given_sound(NULL, "SLUICE_UPSTREAM_URL=http://10.0.0.1", NULL));
}

/* Settings with a base_url and an api_path, or none. */
static struct config *with_api(const char *base, const char *path)
{
    char var[160], other[64] = "SLUICE_MAX_BODY_MB=1";

    (void)snprintf(var, sizeof(var), "SLUICE_UPSTREAM_URL=%s", base);
    if (path != NULL)
        (void)snprintf(other, sizeof(other), "SLUICE_API_PATH=%s", path);
    return given_sound(NULL, var, other);
}

/* Where ASKED goes. */
static void goes_to(const char *base, const char *path, const char *asked,
                    const char *want)
{
    struct buf url = {NULL, 0, 0, 0};
    struct config *cfg = with_api(base, path);

    api_url(&url, &cfg->upstreams[0], asked);
    CU_ASSERT_STRING_EQUAL(buf_head(&url), want);
    buf_free(&url);
    config_free(cfg);
}

/* An address that the upstream tells, as clients see it; NULL: it stays. */
static void comes_from(const char *base, const char *path, const char *told,
                       const char *want)
{
    struct buf url = {NULL, 0, 0, 0};
    struct config *cfg = with_api(base, path);

    CU_ASSERT_EQUAL(api_url_back(&url, &cfg->upstreams[0], told), want != NULL);
    if (want != NULL)
        CU_ASSERT_STRING_EQUAL(buf_head(&url), want);
    buf_free(&url);
    config_free(cfg);
}

static void what_lies_at_the_api_is_to_be_had_here(void)
{
    static const char *const rows[][4] = {
        {"https://a", NULL, "/v1/files/7", NULL},
        {"https://a", NULL, "https://a/v1/files/7", "/v1/files/7"},
        {"https://a", NULL, "HTTPS://A/v1/files/7?x=y", "/v1/files/7?x=y"},
        {"https://a", NULL, "https://ab/v1/files/7", NULL},
        {"https://a", NULL, "https://a.b/v1/files/7", NULL},
        {"https://a", NULL, "https://a:444/v1/files/7", NULL},
        {"https://a", NULL, "https://a@b/v1/files/7", NULL},
        {"https://a", NULL, "http://a/v1/files/7", NULL},
        {"https://a", NULL, "//a/v1/files/7", NULL},
        {"https://a", NULL, "files/7", NULL},
        {"https://a", NULL, "", NULL},
        {"https://a", NULL, "/v2/files/7", NULL},
        {"https://a", NULL, "/v11/files/7", NULL},
        {"https://a/b/openai", NULL, "/b/openai/files/7", "/v1/files/7"},
        {"https://a/b/openai", NULL, "https://a/b/openai/files/7#f",
         "/v1/files/7#f"},
        {"https://a/b/openai", NULL, "/b/openai", "/v1"},
        {"https://a/b/openai", NULL, "/b/openais/files/7", NULL},
        {"https://a/openai/v1?k=v", NULL, "/openai/v1/files/7?k=v",
         "/v1/files/7?k=v"},
        {"https://a", "/", "/files/7", "/v1/files/7"},
        {"https://a/b", "/v4", "https://a/b/v4/files/7", "/v1/files/7"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        comes_from(rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
}

static void the_api_lies_where_base_url_says(void)
{
    static const char *const rows[][4] = {
        {"https://a", NULL, "/v1/models", "https://a/v1/models"},
        {"https://a/", NULL, "/v1/x?y=z", "https://a/v1/x?y=z"},
        {"https://a/v1", NULL, "/v1/models", "https://a/v1/models"},
        {"https://a/v1beta/openai", NULL, "/v1/chat/completions",
         "https://a/v1beta/openai/chat/completions"},
        {"https://a/api/paas/v4/", NULL, "/v1/embeddings",
         "https://a/api/paas/v4/embeddings"},
        {"https://a/openai/v1", NULL, "/v1", "https://a/openai/v1"},
        {"https://api.perplexity.ai", NULL, "/v1/chat/completions",
         "https://api.perplexity.ai/chat/completions"},
        {"https://API.perplexity.ai:443/", NULL, "/v1/chat/completions",
         "https://API.perplexity.ai:443/chat/completions"},
        {"https://api.perplexity.ai/v1", NULL, "/v1/models",
         "https://api.perplexity.ai/v1/models"},
        {"https://a", "/", "/v1/models", "https://a/models"},
        {"https://a", "/v4/", "/v1/models", "https://a/v4/models"},
        {"https://a/b", "/v4", "/v1/models", "https://a/b/v4/models"},
        /* a query of its own, behind the client's, who may say it himself */
        {"https://a/o?api-version=1", NULL, "/v1/models",
         "https://a/o/models?api-version=1"},
        {"https://a?api-version=1&b=2", NULL, "/v1/models?c=3",
         "https://a/v1/models?c=3&api-version=1&b=2"},
        {"https://a?api-version=1&b=2", NULL, "/v1/models?api-version=9",
         "https://a/v1/models?api-version=9&b=2"},
        {"https://a?b=2", NULL, "/v1/models?bb=9&a",
         "https://a/v1/models?bb=9&a&b=2"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        goes_to(rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
}

static void a_secret_in_the_environment_spares_the_file(void)
{
    struct config *cfg =
        given_sound("{'upstreams':[{'api_key_file':'/nowhere'}],"
                    "'admin':{'read_token_file':'/nowhere'}}",
                    "NVIDIA_API_KEY=k", "SLUICE_READ_TOKEN=r");

    CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key, "k");
    CU_ASSERT_STRING_EQUAL(cfg->read_token, "r");
    config_free(cfg);
}

static const struct unit_test tests[] = {
    {"nothing at all gives the defaults", nothing_at_all_gives_the_defaults},
    {"the shipped file gives exactly the defaults",
     the_shipped_file_gives_exactly_the_defaults},
    {"the shipped file tells of every setting",
     the_shipped_file_tells_of_every_setting},
    {"every key of the file reaches its field",
     every_key_of_the_file_reaches_its_field},
    {"every variable reaches its field", every_variable_reaches_its_field},
    {"every variable has a row here", every_variable_has_a_row_above},
    {"a time may have a unit in a variable", a_time_may_have_a_unit},
    {"lists in variables are cut at commas",
     lists_in_variables_are_cut_at_commas},
    {"hosts that need no proxy are a list", hosts_without_a_proxy_are_a_list},
    {"the environment wins and means the first upstream",
     the_environment_wins_and_means_the_first_upstream},
    {"burst follows requests until it is set",
     burst_follows_requests_until_it_is_set},
    {"comments are ignored at every level",
     comments_are_ignored_at_every_level},
    {"a base_url loses its end and keeps its path",
     a_base_url_loses_its_end_and_keeps_its_path},
    {"the API lies where base_url says", the_api_lies_where_base_url_says},
    {"what lies at the API is to be had here",
     what_lies_at_the_api_is_to_be_had_here},
    {"a secret in the environment spares the file",
     a_secret_in_the_environment_spares_the_file},
    {NULL, NULL},
};

CU_ErrorCode test_config_add(void)
{
    return unit_add("config", tests);
}
