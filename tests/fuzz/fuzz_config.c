/*
 * fuzz_config.c - the settings of file and environment together.
 *
 * Input: lines "NAME=value" up to a blank one are the environment, what
 * follows is the file.  Out comes one line of text that names no key, or
 * settings within their ranges.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fcgi/config/api_url.h"
#include "fcgi/config/config.h"
#include "fcgi/config/proxy_text.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/store_url.h"
#include "fcgi/config/values.h"
#include "fuzz.h"
#include "lib/buf.h"

#define LINES  40
#define SECRET "nvapi-this-is-the-fuzzers-own-key"

static int file = -1;
static char path[32];

/* In memory: it would otherwise outlive a target that is killed. */
static void write_file(const void *data, size_t len)
{
    if (file == -1) {
        file = memfd_create("sluice.json", MFD_CLOEXEC);
        CHECK(file != -1);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    CHECK(ftruncate(file, 0) == 0);
    CHECK(pwrite(file, data, len, 0) == (ssize_t)len);
}

static void check_text(const char *text)
{
    CHECK(text == NULL || !fuzz_has_control(text));
}

/* As it is kept it can be connected to, and shown it has no password. */
static void check_store(const char *text)
{
    struct buf shown = {NULL, 0, 0, 0};
    struct store_url u;

    if (text == NULL)
        return;
    check_text(text);
    CHECK(store_url_read(&u, text) == NULL && u.n > 0);
    store_url_show(&shown, text);
    CHECK(store_url_read(&u, buf_head(&shown)) == NULL);
    CHECK(*u.password == '\0' &&
          (*u.user == '\0' || strcmp(u.user, "***") == 0));
    buf_free(&shown);
}

/* As it is kept it is still one, and shown without what stands before its
 * host. */
static void check_proxy(const char *proxy)
{
    struct buf shown = {NULL, 0, 0, 0};
    struct proxy_parts p;

    if (proxy == NULL)
        return;
    check_text(proxy);
    CHECK(proxy_text_fault(proxy) == NULL);
    proxy_text_split(&p, proxy);
    CHECK(strpbrk(p.host, "@/") == NULL && strchr(p.host, ':') != NULL);
    proxy_text_show(&shown, proxy);
    CHECK(shown.len ==
          p.scheme_len + (p.user_len > 0 ? 4 : 0) + strlen(p.host) + 1);
    buf_free(&shown);
}

static void check_list(char *const *list, size_t n)
{
    size_t i;

    CHECK(n <= SETTING_LIST_MAX && (list != NULL || n == 0));
    for (i = 0; i < n; i++) {
        CHECK(list[i] != NULL && list[i][0] != '\0');
        check_text(list[i]);
    }
}

/* Every field of one home is as its row says. */
static void check_fields(struct config *cfg, struct config_upstream *up)
{
    const struct setting *row;
    size_t i;
    void *at;
    int n;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->of_upstream != (up != NULL))
            continue;
        at = setting_field(row, cfg, up);
        switch (row->kind) {
        case SETTING_COUNT:
        case SETTING_SECONDS:
        case SETTING_MEGABYTES:
            CHECK(*(int64_t *)at >= row->min && *(int64_t *)at <= row->max);
            break;
        case SETTING_WORD:
            for (n = 0; row->words[n] != NULL;)
                n++;
            CHECK(*(int *)at >= 0 && *(int *)at < n);
            break;
        case SETTING_NAME:
            CHECK(memchr(at, '\0', UPSTREAM_NAME_MAX) != NULL);
            check_text(at);
            break;
        case SETTING_STORE:
            check_store(*(char **)at);
            break;
        case SETTING_PROXY:
            check_proxy(*(char **)at);
            break;
        case SETTING_URL:
        case SETTING_API_PATH:
        case SETTING_ACCOUNT:
        case SETTING_PATH:
        case SETTING_HEADER:
        case SETTING_SECRET:
            check_text(*(char **)at);
            break;
        case SETTING_PATTERNS:
        case SETTING_HOSTS:
        case SETTING_REQUESTS:
        case SETTING_HEADERS:
        case SETTING_LINES:
        case SETTING_ORIGINS:
        case SETTING_NETWORKS:
        case SETTING_PATHS:
        case SETTING_FALLBACKS:
        case SETTING_ALIASES:
            check_list(*(char ***)at, *setting_count(row, cfg, up));
            break;
        case SETTING_BOOL:
        case SETTING_ELSEWHERE:
            break;
        }
    }
}

static void check_upstream(const struct config_upstream *up)
{
    struct buf url = {NULL, 0, 0, 0};

    CHECK(up->name[0] != '\0' && up->burst >= 1 && up->burst <= up->requests);
    CHECK(strncmp(up->base_url, "http://", 7) == 0 ||
          strncmp(up->base_url, "https://", 8) == 0);
    api_url(&url, up, "/v1/models?a=b");
    CHECK(strlen(buf_head(&url)) + 1 == url.len);
    buf_free(&url);
    CHECK(up->api_key == NULL ||
          setting_text_secret_fault(up->api_key) == NULL);
    CHECK(up->api_key == NULL || strncmp(up->base_url, "https://", 8) == 0 ||
          setting_text_is_loopback(up->base_url));
}

static void check_config(struct config *cfg)
{
    char err[256];
    size_t i, j;

    CHECK(cfg->n_upstreams >= 1 && cfg->n_upstreams <= UPSTREAMS_MAX);
    check_fields(cfg, NULL);
    for (i = 0; i < cfg->n_upstreams; i++) {
        check_fields(cfg, &cfg->upstreams[i]);
        check_upstream(&cfg->upstreams[i]);
        for (j = 0; j < i; j++)
            CHECK(strcmp(cfg->upstreams[i].name, cfg->upstreams[j].name) != 0);
    }
    CHECK(cfg->state_dir[0] == '/' && cfg->data_dir[0] == '/');
    CHECK(config_settle(cfg, err, sizeof(err)) == 0); /* nothing is left */
}

static void check_error(const char *err, size_t max)
{
    CHECK(memchr(err, '\0', max) != NULL && *err != '\0');
    CHECK(strchr(err, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    char *env[LINES + 3] = {NULL}, *line = NULL, err[256];
    struct config *cfg = NULL;
    size_t n = 0, len;

    while (n < LINES && (line = take_line(&in, &len)) != NULL && len > 0) {
        env[n++] = line;
        line = NULL;
    }
    free(line);
    write_file(in.at, in.left);
    env[n] = malloc(sizeof("SLUICE_CONFIG=") + sizeof(path));
    CHECK(env[n] != NULL);
    (void)sprintf(env[n++], "SLUICE_CONFIG=%s", path);
    env[n++] =
        fuzz_copy("NVIDIA_API_KEY=" SECRET, strlen("NVIDIA_API_KEY=" SECRET));
    if (in.left % 2 != 0) /* not always: a key forbids much */
        env[n - 1][0] = 'x';
    memset(err, 'x', sizeof(err));
    if (config_load(&cfg, env, err, sizeof(err)) == 0) {
        CHECK(cfg != NULL);
        check_config(cfg);
    } else {
        CHECK(cfg == NULL);
        check_error(err, sizeof(err));
        if (memmem(data, size, SECRET, strlen(SECRET)) == NULL)
            CHECK(strstr(err, SECRET) == NULL);
    }
    config_free(cfg);
    while (n > 0)
        free(env[--n]);
    return 0;
}
