/*
 * serve_env.c - what do the workers hear of this environment?
 *
 * They believe none about proxies.  To a container it was given for that very
 * purpose, so it is taken over, as conf/run does and in the same order:
 *
 *   https_proxy, HTTPS_PROXY (of an http:// upstream http_proxy, in lower case
 *   alone: HTTP_PROXY may be a request's header), all_proxy, ALL_PROXY
 *   no_proxy, NO_PROXY, with that
 *   SSL_CERT_FILE, SSL_CERT_DIR
 *
 * SLUICE_RUN_ENVIRONMENT=no leaves it alone.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/serve.h"
#include "fcgi/config/config.h"

#define NAMES_MAX 4096 /* variables; more are not looked at */

extern char **environ;

/* The value of the first of NAMES that has one, and its name in *WHICH. */
static const char *first_of(const char *const *names, const char **which)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);

        *which = *names;
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

/* Without who may pass: it is printed. */
static void print_taken(const char *what, const char *value, const char *name)
{
    const char *host = strrchr(value, '@');
    const char *scheme = strstr(value, "://");

    printf("  %-9s ", what);
    if (host != NULL && scheme != NULL)
        printf("%.*s://***", (int)(scheme - value), value);
    print_text(stdout, host != NULL ? host : value);
    printf(", as %s says\n", name);
}

/* Blanks will do between two names, and nothing between two commas. */
static void set_list(const char *name, const char *value)
{
    char *text = strdup(value), *to = text;
    const char *from;

    CHECK(text != NULL);
    for (from = value; *from != '\0'; from++) {
        bool is_gap = strchr(", \t", *from) != NULL;

        if (!is_gap)
            *to++ = *from;
        else if (to > text && to[-1] != ',')
            *to++ = ',';
    }
    *to = '\0';
    if (to > text && to[-1] == ',')
        to[-1] = '\0';
    setenv(name, text, 1);
    free(text);
}

/* The settings' own word wins, and no_proxy is only of use beside a proxy. */
static void take_proxy(const struct config_upstream *up)
{
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY",
                                        "all_proxy", "ALL_PROXY", NULL};
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY",
                                       NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    const char *name, *value;
    char url[1024];

    if (up->proxy != NULL)
        return;
    value =
        first_of(strncmp(up->base_url, "http:", 5) == 0 ? http : https, &name);
    if (value == NULL)
        return;
    if (strncmp(value, "socks:", 6) == 0)
        snprintf(url, sizeof(url), "socks5:%s", value + 6);
    else
        snprintf(url, sizeof(url), "%s%s",
                 strstr(value, "://") == NULL ? "http://" : "", value);
    print_taken("proxy", url, name);
    setenv("SLUICE_PROXY", url, 1);
    value = first_of(none, &name);
    if (value != NULL && up->n_no_proxy == 0)
        set_list("SLUICE_NO_PROXY", value);
}

/* A file and a directory are one setting: ca_file takes either. */
static void take_authorities(const struct config_upstream *up)
{
    static const char *const files[] = {"SSL_CERT_FILE", NULL};
    static const char *const dirs[] = {"SSL_CERT_DIR", NULL};
    const char *name, *value;
    char path[1024];

    if (up->ca_file != NULL)
        return;
    value = first_of(files, &name);
    if (value != NULL) {
        snprintf(path, sizeof(path), "%s", value);
    } else { /* of several the first */
        value = first_of(dirs, &name);
        if (value == NULL)
            return;
        snprintf(path, sizeof(path), "%.*s", (int)strcspn(value, ":"), value);
    }
    print_taken("trusts", path, name);
    setenv("SLUICE_CA_FILE", path, 1);
}

/* Only what the workers need goes on: whatever else is known here (other
 * programs' keys and tokens) would show in their /proc/PID/environ. */
static bool goes_on(const char *name)
{
    static const char *const begins[] = {"SLUICE_", "LC_", "LIBFCGI_",
                                         "MALLOC_", "GCOV_"};
    static const char *const whole[] = {"NVIDIA_API_KEY",
                                        "PATH",
                                        "HOME",
                                        "LANG",
                                        "TZ",
                                        "TMPDIR",
                                        "LD_PRELOAD",
                                        "LD_LIBRARY_PATH",
                                        "GLIBC_TUNABLES"};
    size_t i, n = strlen(name);

    for (i = 0; i < ARRAY_LEN(begins); i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return true;
    for (i = 0; i < ARRAY_LEN(whole); i++)
        if (strcmp(name, whole[i]) == 0)
            return true;
    return n > 11 && strcmp(name + n - 11, "SAN_OPTIONS") == 0;
}

/* In two passes: unsetenv() moves what environ points to. */
static void drop_the_rest(void)
{
    char *names[NAMES_MAX];
    size_t i, n = 0;

    for (i = 0; environ[i] != NULL && n < NAMES_MAX; i++) {
        names[n] = strndup(environ[i], strcspn(environ[i], "="));
        CHECK(names[n] != NULL);
        n++;
    }
    for (i = 0; i < n; i++) {
        if (!goes_on(names[i]))
            unsetenv(names[i]);
        free(names[i]);
    }
}

/* Twice read: first to see what the settings say of proxies, and then to see
 * whether what was taken can be used. */
int serve_environment(struct ctl *c)
{
    const char *wish = getenv("SLUICE_RUN_ENVIRONMENT");

    if (ctl_config(c) == NULL)
        return -1;
    if (wish == NULL || strcmp(wish, "yes") == 0) {
        take_proxy(&c->cfg->upstreams[0]);
        take_authorities(&c->cfg->upstreams[0]);
        config_free(c->cfg); /* with what was taken it must hold, too */
        c->cfg = NULL;
    } else if (strcmp(wish, "no") != 0) {
        fprintf(stderr, "sluice: SLUICE_RUN_ENVIRONMENT: must be yes or no\n");
        return -1;
    }
    drop_the_rest();
    return ctl_config(c) != NULL ? 0 : -1;
}
