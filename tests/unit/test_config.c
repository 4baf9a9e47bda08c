/*
 * Settings from a file and an environment, both made up here.  In the JSON of
 * this file ' stands for ", so that it can be read.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "settings.h"
#include "unit.h"

#define ERR_MAX  512
#define VARS_MAX 4
#define CANARY   "nvapi-CANARY-0123456789" /* no message may ever hold it */

static void write_file(char *path, size_t max, const char *text, size_t len,
                       mode_t mode)
{
    int fd;

    (void)snprintf(path, max, "/tmp/sluice-test-XXXXXX");
    fd = mkstemp(path);
    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
    CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
    close(fd);
}

/* Loads JSON (LEN bytes; NULL: no file) and VARS (ended by NULL). */
static struct config *load_bytes(const char *json, size_t len,
                                 const char *const *vars, char *err)
{
    char path[64], named[96], *env[VARS_MAX + 2] = {NULL};
    struct config *cfg = NULL;
    size_t n = 0, i;

    if (json != NULL) {
        write_file(path, sizeof(path), json, len, 0644);
        (void)snprintf(named, sizeof(named), "SLUICE_CONFIG=%s", path);
        env[n++] = named;
    }
    for (i = 0; i < VARS_MAX && vars[i] != NULL; i++) {
        env[n] = strdup(vars[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(env[n++]);
    }
    (void)snprintf(err, ERR_MAX, "(no message)");
    CU_ASSERT_EQUAL(config_load(&cfg, env, err, ERR_MAX), cfg != NULL ? 0 : -1);
    for (i = json != NULL ? 1 : 0; i < n; i++)
        free(env[i]);
    if (json != NULL)
        (void)unlink(path);
    return cfg;
}

static struct config *load(const char *json, const char *const *vars, char *err)
{
    char *text = json != NULL ? strdup(json) : NULL, *p;
    struct config *cfg;

    for (p = text; p != NULL && *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    cfg = load_bytes(text, json != NULL ? strlen(json) : 0, vars, err);
    free(text);
    return cfg;
}

/* As load(), of what must be fine. */
static struct config *sound(const char *json, const char *v1, const char *v2)
{
    const char *vars[VARS_MAX] = {v1, v2, NULL, NULL};
    char err[ERR_MAX];
    struct config *cfg = load(json, vars, err);

    if (cfg == NULL)
        printf("\n    %s", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    return cfg;
}

static void check_refused(const char *json, size_t len, const char *const *vars,
                          const char *wanted)
{
    char err[ERR_MAX];
    struct config *cfg = json != NULL && strlen(json) < len
                             ? load_bytes(json, len, vars, err)
                             : load(json, vars, err);

    if (cfg != NULL || strstr(err, wanted) == NULL) {
        printf("\n    %.200s %s: wanted \"%s\", got \"%s\"",
               json != NULL ? json : "", vars[0] != NULL ? vars[0] : "", wanted,
               err);
        CU_FAIL("not refused as it should be");
    }
    CU_ASSERT_PTR_NULL(strchr(err, '\n'));
    CU_ASSERT_PTR_NULL(strstr(err, "CANARY"));
    config_free(cfg);
}

static const struct {
    const char *json, *wanted;
} bad_files[] = {
    /* not a file of ours at all */
    {"", "line 1"},
    {"{\n'drain_s': 1,\n}", "line 3"},
    {"{'drain_s': 1} x", "line 1"},
    {"{'drain_s': 1", "line 1"},
    {"{'drain_s': 1} {}", "line 1"},
    {"[]", "one JSON object"},
    {"null", "one JSON object"},
    {"/* c */ {}", "line 1"},
    {"{'log': '/\xff'}", "line 1"},
    {"{'//':[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", "nesting too deep"},
    /* unknown, misplaced, twice */
    {"{'drain': 1}", "drain: unknown key; the nearest known one is drain_s"},
    {"{'queu': {}}", "queu: unknown key; the nearest known one is queue.max"},
    {"{'upstream': []}", "the nearest known one is upstreams"},
    {"{'queue': {'maxx': 1}}", "queue.maxx: unknown key; the nearest known "
                               "one is queue.max"},
    {"{'queue': {'max': {}}}", "queue.max: {} is refused"},
    {"{'queue': {'queue': {}}}", "queue.queue: unknown key"},
    {"{'queue.max': 1}", "queue.max: unknown key; what is before a dot"},
    {"{'requests': 1}", "requests: unknown key"},
    {"{'client': []}", "client: unknown key; the nearest known one is clients"},
    {"{'shared': {}}", "shared: unknown key"},
    {"{'': 1}", "unknown key"},
    {"{'/': 1}", "unknown key"},
    {"{'a\\u0007\\n': 1}", "a??: unknown key"},
    {"{'upstreams': [{'api_key': '" CANARY "'}]}",
     "upstreams.nim.api_key: unknown key; the nearest known one is "
     "api_key_file"},
    {"{'upstreams': [{'drain_s': 1}]}", "upstreams.nim.drain_s: unknown key"},
    {"{'drain_s': 1, 'queue': {'max': 1}, 'drain_s': 2}", "\"drain_s\" is "
                                                          "given twice"},
    {"{'upstreams':[{'requests':1,'models':['a'],'requests':2}]}",
     "\"requests\" is given twice"},
    /* wrong types */
    {"{'queue': 5}", "queue: must be an object"},
    {"{'queue': null}", "queue: must be an object"},
    {"{'queue': {'max': '40'}}", "queue.max: \"40\" is refused; must be a "
                                 "whole number from 1 to 4096"},
    {"{'queue': {'max': true}}", "queue.max: true is refused"},
    {"{'queue': {'max': null}}", "queue.max: null is refused"},
    {"{'queue': {'max': [1]}}", "queue.max"},
    {"{'buffered_keepalive': 1}", "buffered_keepalive: 1 is refused; must be "
                                  "true or false"},
    {"{'buffered_keepalive': 'true'}", "buffered_keepalive"},
    {"{'anonymous': 0}", "one of loopback, private, any, no"},
    {"{'hosts': 'a'}", "hosts: \"a\" is refused; must be a list"},
    {"{'hosts': null}", "hosts: null is refused"},
    {"{'hosts': ['a', 1]}", "hosts: an entry is not a text"},
    {"{'state_dir': null}", "state_dir: null is refused"},
    {"{'log': 1}", "log: 1 is refused; must be an absolute path"},
    /* numbers */
    {"{'queue': {'max': 0}}", "queue.max: 0 is refused"},
    {"{'queue': {'max': -1}}", "queue.max: -1 is refused"},
    {"{'queue': {'max': 4097}}", "queue.max: 4097 is refused"},
    {"{'queue': {'max': 40.5}}", "queue.max: 40.5 is refused"},
    {"{'queue': {'max': NaN}}", "queue.max: NaN is refused"},
    {"{'queue': {'max': -Infinity}}", "queue.max: -Infinity is refused"},
    {"{'queue': {'max': 1e400}}", "queue.max"},
    {"{'queue': {'max_mb': 1.5}}", "queue.max_mb: 1.5 is refused; must be a "
                                   "whole number of MB from 1 to 65536"},
    {"{'queue': {'timeout_s': 0}}", "a number of seconds from 0.1 to 86400"},
    {"{'drain_s': 0.0001}", "drain_s: 0.0001 is refused"},
    {"{'drain_s': 1.0005}", "drain_s: 1.0005 is refused"},
    {"{'upstreams': [{'window_s': 0}]}", "upstreams.nim.window_s: 0 is "
                                         "refused"},
    {"{'upstreams': [{'name': 'a', 'requests': 10001}]}",
     "upstreams.a.requests: 10001 is refused"},
    /* texts */
    {"{'state_dir': 'run'}", "state_dir: it is relative; must be an absolute"},
    {"{'state_dir': ''}", "state_dir: it is empty"},
    {"{'data_dir': '/a\\u0000b'}", "data_dir"},
    {"{'data_dir': '/a\\nb'}", "data_dir: it has a control character"},
    {"{'data_dir': '/a\\u007f'}", "data_dir: it has a control character"},
    {"{'log_level': 'INFO'}", "log_level: must be one of debug, info, "
                              "warn, error"},
    {"{'admin': {'read': '" CANARY "'}}", "admin.read: must be one of"},
    {"{'admin': {'read': 'no'}}", "admin.read: must be one of loopback"},
    {"{'hosts': ['a b']}", "hosts: an entry is not a bare host name"},
    {"{'hosts': ['a:80']}", "hosts: an entry"},
    {"{'hosts': ['http://a']}", "hosts: an entry"},
    {"{'hosts': ['']}", "hosts: it is empty or has an empty entry"},
    {"{'origins': ['a.example']}", "origins: an entry is not scheme://host"},
    {"{'origins': ['https://a.example/']}", "origins: an entry"},
    {"{'origins': ['https://']}", "origins: an entry"},
    {"{'origins': ['*']}", "origins: an entry"},
    /* upstreams */
    {"{'upstreams': {}}", "upstreams: must be a list"},
    {"{'upstreams': null}", "upstreams: must be a list"},
    {"{'upstreams': []}", "upstreams: has 0; must be a list of 1 to 16"},
    {"{'upstreams': [{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
     "upstreams: has 17"},
    {"{'upstreams': [1]}", "upstreams[0]: must be an object"},
    {"{'upstreams': [{'name': 'NIM'}]}", "upstreams[0].name: must be 1 to 31"},
    {"{'upstreams': [{'name': ''}]}", "upstreams[0].name"},
    {"{'upstreams': [{'name': 'a.b'}]}", "upstreams[0].name"},
    {"{'upstreams': [{'name': 'abcdefghijklmnopqrstuvwxyz012345'}]}",
     "upstreams[0].name"},
    {"{'upstreams': [{'models':['a']},{}]}", "upstreams[1].name: nim is taken "
                                             "by upstreams[0]"},
    {"{'upstreams': [{'name': 'a'}, {'name': 'b'}]}", "upstreams.b: is never "
                                                      "reached"},
    {"{'upstreams': [{'name':'a','models':['x','*']}, {'name':'b'}]}",
     "upstreams.b: is never reached"},
    {"{'upstreams': [{'models': []}]}", "upstreams.nim.models: an empty list"},
    {"{'upstreams': [{'models': ['a b']}]}", "upstreams.nim.models: an entry"},
    {"{'upstreams': [{'burst': 41}]}", "upstreams.nim.burst: 41 is more than "
                                       "upstreams.nim.requests; must be from "
                                       "1 to 40"},
    {"{'upstreams': [{'burst': 0}]}", "upstreams.nim.burst: 0 is refused"},
    {"{'upstreams': [{'base_url': 'ftp://a'}]}",
     "upstreams.nim.base_url: it begins with neither http:// nor https://"},
    {"{'upstreams': [{'base_url': 'a.example'}]}", "neither http"},
    {"{'upstreams': [{'base_url': 'https://'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https:///v1'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://:80'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:0'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:65536'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:+80'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a b/'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::g]'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::1'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::1]x'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[]'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://u:" CANARY "@a'}]}", "a user name"},
    {"{'upstreams': [{'base_url': 'https://a?key=" CANARY "'}]}", "a query"},
    {"{'upstreams': [{'base_url': 'https://a/#x'}]}", "a fragment"},
    {"{'upstreams': [{'base_url': 'https://a/b c'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a/../b'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a\\\\b'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a\\r\\nX: y'}]}", "control"},
    {"{'upstreams': [{'api_key_file': '" CANARY "'}]}",
     "upstreams.nim.api_key_file: it is relative"},
    {"{'upstreams': [{'api_key_file': '/nowhere/key'}]}",
     "upstreams.nim.api_key_file: cannot read /nowhere/key: No such file"},
    {"{'upstreams': [{'api_key_file': '/dev/null'}]}",
     "/dev/null: it is not a regular file"},
    {"{'upstreams': [{'api_key_file': '/tmp'}]}", "not a regular file"},
    {"{'admin': {'read_token_file': '/nowhere/token'}}",
     "admin.read_token_file: cannot read /nowhere/token"},
};

/* json-c takes single quotes even where it is told to be strict. */
static void check_quotes(const char *json)
{
    const char *const none[] = {NULL};
    char err[ERR_MAX];

    CU_ASSERT_PTR_NULL(load_bytes(json, strlen(json), none, err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "line 1: "));
}

static void a_bad_file_is_refused_by_the_name_of_the_key(void)
{
    const char *const none[] = {NULL};
    size_t i;

    for (i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++)
        check_refused(bad_files[i].json, 0, none, bad_files[i].wanted);
    check_refused("{\"drain_s\":1}\0", 14, none, "it has a zero byte");
    check_quotes("{'drain_s': 1}");
    check_quotes("{\"log\": '/a'}");
    check_quotes("{'a\"b': 1}");
}

static const struct {
    const char *vars[3], *wanted;
} bad_vars[] = {
    {{"SLUICE_REQUEST=40"},
     "SLUICE_REQUEST: unknown variable; the nearest "
     "known one is SLUICE_REQUESTS"},
    {{"SLUICE_QUEUEMAX=1"}, "the nearest known one is SLUICE_QUEUE_MAX"},
    {{"SLUICE_=1"}, "SLUICE_: unknown variable"},
    {{"SLUICE_TESTS=1"}, "SLUICE_TESTS: unknown variable"},
    {{"SLUICE_NVIDIA_API_KEY=" CANARY},
     "the nearest known one is "
     "NVIDIA_API_KEY"},
    {{"SLUICE_SHARED_URL=x"}, "SLUICE_SHARED_URL: unknown variable"},
    {{"SLUICE_REQUESTS=0"},
     "SLUICE_REQUESTS: 0 is refused; must be a whole "
     "number from 1 to 10000"},
    {{"SLUICE_REQUESTS=4 0"}, "SLUICE_REQUESTS: 4 0 is refused"},
    {{"SLUICE_REQUESTS= 40"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=40x"}, "SLUICE_REQUESTS: 40x is refused"},
    {{"SLUICE_REQUESTS=0x10"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=1e2"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=-"}, "SLUICE_REQUESTS: - is refused"},
    {{"SLUICE_REQUESTS=1-1"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=1.5"}, "SLUICE_REQUESTS: 1.5 is refused"},
    {{"SLUICE_REQUESTS=" CANARY}, "SLUICE_REQUESTS: must be"},
    {{"SLUICE_READ=CANARY"}, "SLUICE_READ: must be one of"},
    {{"SLUICE_WINDOW_S=nan"}, "SLUICE_WINDOW_S: nan is refused"},
    {{"SLUICE_WINDOW_S=inf"}, "SLUICE_WINDOW_S: inf is refused"},
    {{"SLUICE_WINDOW_S=0"}, "SLUICE_WINDOW_S: 0 is refused"},
    {{"SLUICE_BUFFERED_KEEPALIVE=yes"}, "must be true or false"},
    {{"SLUICE_SCOPE=both"}, "SLUICE_SCOPE: must be one of account, model"},
    {{"SLUICE_STATE_DIR=run"}, "SLUICE_STATE_DIR: it is relative"},
    {{"SLUICE_HOSTS=a,,b"}, "SLUICE_HOSTS: it is empty or has an empty entry"},
    {{"SLUICE_HOSTS=a,"}, "SLUICE_HOSTS"},
    {{"SLUICE_BURST=41"},
     "SLUICE_BURST: 41 is more than upstreams.nim."
     "requests"},
    {{"SLUICE_BURST=30", "SLUICE_REQUESTS=20"},
     "SLUICE_BURST: 30 is more than SLUICE_REQUESTS; must be from 1 to 20"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_API_KEY_FILE=/k"},
     "NVIDIA_API_KEY and SLUICE_API_KEY_FILE are both set"},
    {{"NVIDIA_API_KEY=Bearer " CANARY}, "NVIDIA_API_KEY: it has a space"},
    {{"NVIDIA_API_KEY=" CANARY "\r"}, "NVIDIA_API_KEY: it has a control"},
    {{"NVIDIA_API_KEY=" CANARY "\xc3\xbc"}, "NVIDIA_API_KEY: it has"},
    {{"SLUICE_READ_TOKEN=" CANARY " "}, "SLUICE_READ_TOKEN: it has a space"},
    {{"SLUICE_API_KEY_FILE=" CANARY}, "SLUICE_API_KEY_FILE: it is relative"},
    {{"SLUICE_API_KEY_FILE=/nowhere"}, "SLUICE_API_KEY_FILE: cannot read"},
    {{"SLUICE_CONFIG=/nowhere"}, "SLUICE_CONFIG: cannot read /nowhere"},
    {{"SLUICE_CONFIG=/dev/zero"},
     "SLUICE_CONFIG: cannot read /dev/zero: it "
     "is not a regular file"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://a.example"},
     "SLUICE_UPSTREAM_URL: the API key would travel in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=HTTP://10.0.0.1"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://127.evil.example"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://localhost.evil"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://[::2]:80"},
     "in the clear"},
};

static void a_bad_variable_is_refused_by_its_name(void)
{
    char longest[SETTING_TEXT_MAX + 32];
    const char *vars[] = {longest, NULL};
    size_t i;

    for (i = 0; i < sizeof(bad_vars) / sizeof(bad_vars[0]); i++)
        check_refused(NULL, 0, bad_vars[i].vars, bad_vars[i].wanted);
    memset(longest, 'k', sizeof(longest));
    memcpy(longest, "NVIDIA_API_KEY=", 15);
    longest[15 + SETTING_TEXT_MAX + 1] = '\0';
    check_refused(NULL, 0, vars, "NVIDIA_API_KEY: it is too long");
    longest[15 + SETTING_TEXT_MAX] = '\0';
    config_free(sound(NULL, longest, NULL));
}

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
    CU_ASSERT_EQUAL(up->scope, SCOPE_ACCOUNT);
    CU_ASSERT_TRUE(c->queue_max == 500 && c->queue_per_client == 500);
    CU_ASSERT_EQUAL(c->queue_timeout_ms, 900000);
    CU_ASSERT_EQUAL(c->queue_max_bytes, 128 * 1024 * 1024);
    CU_ASSERT_TRUE(c->commit_after_ms == 5000 && c->heartbeat_ms == 10000);
    CU_ASSERT_FALSE(c->buffered_keepalive);
    CU_ASSERT_TRUE(c->connect_ms == 10000 && c->first_byte_ms == 600000);
    CU_ASSERT_TRUE(c->idle_ms == 300000 && c->retry_max == 3);
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
    struct config *cfg = sound(NULL, NULL, NULL);

    check_defaults(cfg);
    config_free(cfg);
    cfg = sound("{}", "SLUICE_REQUESTS=", "SLUICE_NONSENSE=");
    check_defaults(cfg); /* an empty variable is none */
    config_free(cfg);
    cfg = sound(NULL, "SLUICE_TEST_X=1", "SLUICE_RUN_Y=2");
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
    char text[65536], err[ERR_MAX];
    struct config *cfg;

    read_shipped(text, sizeof(text));
    cfg = load_bytes(text, strlen(text), none, err);
    CU_ASSERT_STRING_EQUAL(err, "(no message)");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    check_defaults(cfg);
    config_free(cfg);
}

static void the_shipped_file_tells_of_every_setting(void)
{
    const struct setting *row;
    char text[65536], wanted[128];
    const char *name;
    size_t i;

    read_shipped(text, sizeof(text));
    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->env != NULL && row->kind != SETTING_ELSEWHERE &&
            strstr(text, row->env) == NULL)
            CU_FAIL("a variable is missing");
        if (row->key == NULL)
            continue;
        name = strchr(row->key, '.') ? strchr(row->key, '.') + 1 : row->key;
        (void)snprintf(wanted, sizeof(wanted), "\"// %s\":", name);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
        (void)snprintf(wanted, sizeof(wanted), "\"%s\":", name);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
    }
}

static void every_key_of_the_file_reaches_its_field(void)
{
    struct config *c = sound(
        "{'upstreams':[{'name':'a','base_url':'http://a:8000/x/v1/','models':"
        "['meta/*','b'],'requests':7,'window_s':1.5,'margin_ms':8,'burst':6,"
        "'min_gap_ms':9,'in_flight':10,'scope':'model'},{'name':'b-2'}],"
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
    CU_ASSERT_STRING_EQUAL(up->base_url, "http://a:8000/x");
    CU_ASSERT_EQUAL_FATAL(up->n_models, 2);
    CU_ASSERT_STRING_EQUAL(up->models[0], "meta/*");
    CU_ASSERT_TRUE(up->requests == 7 && up->window_ms == 1500);
    CU_ASSERT_TRUE(up->margin_ms == 8 && up->burst == 6);
    CU_ASSERT_TRUE(up->min_gap_ms == 9 && up->in_flight == 10);
    CU_ASSERT_EQUAL(up->scope, SCOPE_MODEL);
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
    {"SLUICE_REQUESTS", "41", 41},
    {"SLUICE_WINDOW_S", "0.25", 250},
    {"SLUICE_MARGIN_MS", "0", 0},
    {"SLUICE_BURST", "5", 5},
    {"SLUICE_MIN_GAP_MS", "3", 3},
    {"SLUICE_IN_FLIGHT", "4", 4},
    {"SLUICE_SCOPE", "model", SCOPE_MODEL},
    {"SLUICE_QUEUE_MAX", "4096", 4096},
    {"SLUICE_QUEUE_PER_CLIENT", "1", 1},
    {"SLUICE_QUEUE_TIMEOUT_S", "2.5", 2500},
    {"SLUICE_QUEUE_MAX_MB", "1", 1024 * 1024},
    {"SLUICE_COMMIT_AFTER_S", "0", 0},
    {"SLUICE_HEARTBEAT_S", "0.1", 100},
    {"SLUICE_BUFFERED_KEEPALIVE", "1", 1},
    {"SLUICE_CONNECT_S", "1", 1000},
    {"SLUICE_FIRST_BYTE_S", "1", 1000},
    {"SLUICE_IDLE_S", "1", 1000},
    {"SLUICE_RETRY_MAX", "1", 1},
    {"SLUICE_RETREAT_MAX_S", "1", 1000},
    {"SLUICE_MAX_BODY_MB", "2", 2 * 1024 * 1024},
    {"SLUICE_DRAIN_S", "0", 0},
    {"SLUICE_ADMIN_TOKEN", "t", -1},
    {"SLUICE_READ", "any", FROM_ANY},
    {"SLUICE_READ_TOKEN", "r", -1},
    {"SLUICE_ANONYMOUS", "private", FROM_PRIVATE},
    {"SLUICE_STATE_DIR", "/s", -1},
    {"SLUICE_DATA_DIR", "/d", -1},
    {"SLUICE_LOG", "/l", -1},
    {"SLUICE_LOG_LEVEL", "debug", LOG_DEBUG_},
};

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
        cfg = sound(NULL, var, NULL);
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

static void lists_in_variables_are_cut_at_commas(void)
{
    struct config *cfg = sound("{'hosts':['old']}", "SLUICE_HOSTS=a , b.C",
                               "SLUICE_ORIGINS=https://x");

    CU_ASSERT_EQUAL_FATAL(cfg->n_hosts, 2);
    CU_ASSERT_STRING_EQUAL(cfg->hosts[0], "a");
    CU_ASSERT_STRING_EQUAL(cfg->hosts[1], "b.c");
    CU_ASSERT_EQUAL_FATAL(cfg->n_origins, 1);
    CU_ASSERT_STRING_EQUAL(cfg->origins[0], "https://x");
    config_free(cfg);
}

static void the_environment_wins_and_means_the_first_upstream(void)
{
    const struct setting *requests = setting_find("requests", true);
    const struct setting *max = setting_find("queue.max", false);
    struct config *c = sound(
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
    struct config *cfg =
        sound("{'upstreams':[{'burst':null}]}", "SLUICE_REQUESTS=7", NULL);
    char err[ERR_MAX];

    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 7);
    cfg->upstreams[0].requests = 100; /* as a live change would */
    CU_ASSERT_EQUAL(config_settle(cfg, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 100);
    config_free(cfg);
    cfg = sound(NULL, "SLUICE_REQUESTS=7", "SLUICE_BURST=3");
    CU_ASSERT_EQUAL(cfg->upstreams[0].burst, 3);
    config_free(cfg);
}

static void comments_are_ignored_at_every_level(void)
{
    struct config *cfg =
        sound("{'//':'a','//':{'queue':[1,{'x':{}}]},'// queue':null,"
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
        {"https://a/v1", "https://a"},
        {"HTTPS://a//v1//", "https://a"},
        {"https://a/v1/v1", "https://a/v1"},
        {"https://a/v1beta", "https://a/v1beta"},
        {"https://av1", "https://av1"},
        {"https://v1", "https://v1"},
        {"http://[::1]:8000/p/v1", "http://[::1]:8000/p"},
        {"http://127.9.9.9", "http://127.9.9.9"},
        {"http://LOCALHOST:1", "http://LOCALHOST:1"},
    };
    char var[128];
    size_t i;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct config *cfg;

        (void)snprintf(var, sizeof(var), "SLUICE_UPSTREAM_URL=%s", urls[i][0]);
        cfg = sound(NULL, var, "NVIDIA_API_KEY=k"); /* none goes in the clear */
        CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].base_url, urls[i][1]);
        config_free(cfg);
    }
    config_free(sound(NULL, "SLUICE_UPSTREAM_URL=http://10.0.0.1", NULL));
}

static const struct {
    const char *text;
    mode_t mode;
    const char *wanted; /* NULL: the key is "key" */
} key_files[] = {
    {"key", 0600, NULL},
    {"key\n", 0400, NULL},
    {"key\r\n\n", 0640, NULL},
    {"key", 0604, "others may read or write it; must be chmod 0640"},
    {"key", 0602, "others may read or write it"},
    {"", 0600, "it is empty"},
    {"\n", 0600, "it is empty"},
    {"ke y", 0600, "it has a space"},
    {"key\n2", 0600, "it has a space, a control"},
    {" key", 0600, "it has a space"},
};

static void a_key_file_is_private_and_holds_one_key(void)
{
    char path[64], var[96], large[SETTING_TEXT_MAX + 4];
    const char *vars[] = {var, NULL};
    struct config *cfg;
    size_t i;

    for (i = 0; i < sizeof(key_files) / sizeof(key_files[0]); i++) {
        write_file(path, sizeof(path), key_files[i].text,
                   strlen(key_files[i].text), key_files[i].mode);
        (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
        if (key_files[i].wanted != NULL) {
            check_refused(NULL, 0, vars, key_files[i].wanted);
        } else {
            cfg = sound(NULL, var, NULL);
            CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key, "key");
            CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key_file, path);
            config_free(cfg);
        }
        (void)unlink(path);
    }
    memset(large, 'k', sizeof(large));
    write_file(path, sizeof(path), large, sizeof(large), 0600);
    (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
    check_refused(NULL, 0, vars, "it is too large");
    (void)unlink(path);
    write_file(path, sizeof(path), "k\0ey", 4, 0600);
    (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
    check_refused(NULL, 0, vars, "it has a zero byte");
    (void)unlink(path);
}

static void a_secret_in_the_environment_spares_the_file(void)
{
    struct config *cfg = sound("{'upstreams':[{'api_key_file':'/nowhere'}],"
                               "'admin':{'read_token_file':'/nowhere'}}",
                               "NVIDIA_API_KEY=k", "SLUICE_READ_TOKEN=r");

    CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key, "k");
    CU_ASSERT_STRING_EQUAL(cfg->read_token, "r");
    config_free(cfg);
}

static void a_file_beyond_its_bound_is_refused(void)
{
    const char *const none[] = {NULL};
    size_t len = MIB + 1;
    char *text = malloc(len + 1), err[ERR_MAX];
    struct config *cfg;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, ' ', len);
    memcpy(text, "{}", 2);
    text[len] = '\0';
    check_refused(text, 0, none, "it is too large");
    cfg = load_bytes(text, len - 1, none, err);
    CU_ASSERT_PTR_NOT_NULL(cfg);
    config_free(cfg);
    free(text);
}

static void a_message_fits_whatever_room_there_is(void)
{
    char *env[] = {NULL, NULL}, err[ERR_MAX];
    struct config *cfg = NULL;
    size_t max;

    env[0] = strdup("SLUICE_REQUESTS=many");
    for (max = 0; max < 64; max++) {
        memset(err, '#', sizeof(err));
        CU_ASSERT_EQUAL(config_load(&cfg, env, err, max), -1);
        CU_ASSERT_PTR_NULL(cfg);
        CU_ASSERT_EQUAL(err[max], '#');
        if (max > 0)
            CU_ASSERT_EQUAL(strnlen(err, max), max - 1);
    }
    free(env[0]);
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
    {"lists in variables are cut at commas",
     lists_in_variables_are_cut_at_commas},
    {"the environment wins and means the first upstream",
     the_environment_wins_and_means_the_first_upstream},
    {"burst follows requests until it is set",
     burst_follows_requests_until_it_is_set},
    {"comments are ignored at every level",
     comments_are_ignored_at_every_level},
    {"a base_url loses its end and keeps its path",
     a_base_url_loses_its_end_and_keeps_its_path},
    {"a key file is private and holds one key",
     a_key_file_is_private_and_holds_one_key},
    {"a secret in the environment spares the file",
     a_secret_in_the_environment_spares_the_file},
    {"a bad file is refused by the name of the key",
     a_bad_file_is_refused_by_the_name_of_the_key},
    {"a bad variable is refused by its name",
     a_bad_variable_is_refused_by_its_name},
    {"a file beyond its bound is refused", a_file_beyond_its_bound_is_refused},
    {"a message fits whatever room there is",
     a_message_fits_whatever_room_there_is},
    {NULL, NULL},
};

CU_ErrorCode test_config_add(void)
{
    return unit_add("config", tests);
}
