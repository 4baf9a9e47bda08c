/* given.c - settings from a file and an environment, both made up. */
#include "given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fcgi/config/config.h"
#include "unit.h"

void given_file(char *path, size_t max, const char *text, size_t len,
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

struct config *given_bytes(const char *json, size_t len,
                           const char *const *vars, char *err)
{
    char path[64], named[96], *env[GIVEN_VARS_MAX + 2] = {NULL};
    struct config *cfg = NULL;
    size_t n = 0, i;

    if (json != NULL) {
        given_file(path, sizeof(path), json, len, 0644);
        (void)snprintf(named, sizeof(named), "SLUICE_CONFIG=%s", path);
        env[n++] = named;
    }
    for (i = 0; i < GIVEN_VARS_MAX && vars[i] != NULL; i++) {
        env[n] = strdup(vars[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(env[n++]);
    }
    (void)snprintf(err, GIVEN_ERR_MAX, "(no message)");
    CU_ASSERT_EQUAL(config_load(&cfg, env, err, GIVEN_ERR_MAX),
                    cfg != NULL ? 0 : -1);
    for (i = json != NULL ? 1 : 0; i < n; i++)
        free(env[i]);
    if (json != NULL)
        (void)unlink(path);
    return cfg;
}

struct config *given_text(const char *json, const char *const *vars, char *err)
{
    char *text = json != NULL ? strdup(json) : NULL, *p;
    struct config *cfg;

    for (p = text; p != NULL && *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    cfg = given_bytes(text, json != NULL ? strlen(json) : 0, vars, err);
    free(text);
    return cfg;
}

struct config *given_sound(const char *json, const char *v1, const char *v2)
{
    const char *vars[GIVEN_VARS_MAX] = {v1, v2, NULL, NULL};
    char err[GIVEN_ERR_MAX];
    struct config *cfg = given_text(json, vars, err);

    if (cfg == NULL)
        printf("\n    %s", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    return cfg;
}

void given_refused(const char *json, size_t len, const char *const *vars,
                   const char *wanted)
{
    char err[GIVEN_ERR_MAX];
    struct config *cfg = json != NULL && strlen(json) < len
                             ? given_bytes(json, len, vars, err)
                             : given_text(json, vars, err);

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
