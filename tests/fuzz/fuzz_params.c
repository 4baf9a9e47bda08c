/*
 * fuzz_params.c - FastCGI parameters into a request.
 *
 * Input: one parameter a line, "NAME=value"; a zero ends a line's text.
 */
#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fuzz.h"

#include "fcgi/auth.h"
#include "fcgi/config/config.h"
#include "fcgi/config/header_rules.h"
#include "fcgi/cors.h"
#include "fcgi/request.h"

#define LINES 300 /* a few more than PARAMS_MAX */

static void check_path(const struct request *r)
{
    const unsigned char *p;

    CHECK(r->path[0] == '/' && strlen(r->target) < PATH_BYTES + 3);
    for (p = (const unsigned char *)r->target; *p != '\0'; p++)
        CHECK(*p > 0x20 && *p < 0x7f && *p != '#');
    CHECK(!fuzz_has_control(r->path) && strchr(r->path, '\\') == NULL);
    CHECK(strstr(r->path, "//") == NULL && strstr(r->path, "/../") == NULL &&
          strstr(r->path, "/./") == NULL);
}

/* What goes upstream or into the state file. */
static void check_passed_on(const struct request *r)
{
    const char *at = NULL, *value;

    while ((at = asked_header_next(&r->headers, at, &value)) != NULL)
        CHECK(!header_is_secret(at) && value[0] != '\0' &&
              !fuzz_has_control(at) && !fuzz_has_control(value));
    if (r->authorization != NULL)
        CHECK(!fuzz_has_control(r->authorization));
    if (r->api_key != NULL)
        CHECK(!fuzz_has_control(r->api_key));
}

static void check(const struct request *r)
{
    const char *p;

    CHECK(r->method != NULL && r->target != NULL && r->path != NULL);
    CHECK(r->max_tokens == -1 && !r->stream);
    CHECK(r->cls >= CLASS_HIGH && r->cls <= CLASS_LOW);
    CHECK(r->deadline_ms >= -1 && r->client_timeout_ms >= -1 &&
          r->client_timeout_ms != 0);
    CHECK(strlen(r->client) < CLIENT_MAX && r->client[0] != '\0');
    for (p = r->client; *p != '\0'; p++)
        CHECK((unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f);
    CHECK(r->content_length >= -1 &&
          r->content_length < INT64_C(1000000000000000));
    CHECK((r->fault.status != 0) == (r->fault.code != ERROR_NONE));
    CHECK(!fuzz_has_control(r->fault.message));
    if (r->fault.status != 0)
        return;
    check_path(r);
    check_passed_on(r);
}

/* What a browser is told: three lines, none of which it has written. */
static void check_page(const struct request *r)
{
    struct buf b = {NULL, 0, 0, 0};
    size_t i, lines = 0;

    cors_permit(&b, r);
    for (i = 0; i < b.len; i++) {
        unsigned char c = (unsigned char)buf_head(&b)[i];

        lines += c == '\n';
        CHECK(c == '\r' || c == '\n' || (c >= 0x20 && c < 0x7f));
    }
    CHECK(lines == 3 && b.len < 8192);
    buf_free(&b);
}

static const struct config *config(void)
{
    static struct config *cfg;
    char proxies[] = "SLUICE_TRUSTED_PROXIES=loopback,10.0.0.0/8";
    char header[] = "SLUICE_CLIENT_HEADER=X-Name";
    char pages[] = "SLUICE_ORIGINS=https://*.example.com,app://*,null";
    char *env[] = {proxies, header, pages, NULL}, err[256];

    if (cfg == NULL)
        CHECK(config_load(&cfg, env, err, sizeof(err)) == 0);
    return cfg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    char *envp[LINES + 1] = {NULL};
    struct request *r;
    size_t n = 0, len;

    while (n < LINES && (envp[n] = take_line(&in, &len)) != NULL)
        n++;
    envp[n] = NULL;
    r = request_new(envp, 1);
    check(r);
    if (r->fault.status == 0)
        gate_route(&routes_all, r);
    CHECK((r->route == NULL) == (r->fault.status != 0));
    auth_check(config(), r);
    check(r);
    check_page(r);
    request_free(r);
    while (n > 0)
        free(envp[--n]);
    return 0;
}
