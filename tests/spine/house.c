/* house.c - where the settings and the log of a stage lie. */
#include "house.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base.h"
#include "stage.h"

static char dir[64], log_path[96], settings_path[96];
static char variables[6][160];
static char *env[7];
static char log_text[65536];

void house_open(void)
{
    const char *base = getenv("TMPDIR");
    size_t i;

    (void)snprintf(dir, sizeof(dir), "%.30s/sluice-test.XXXXXX",
                   base != NULL ? base : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(log_path, sizeof(log_path), "%s/log", dir);
    (void)snprintf(settings_path, sizeof(settings_path), "%s/sluice.json", dir);
    (void)snprintf(variables[0], 160, "SLUICE_CONFIG=%s", settings_path);
    (void)snprintf(variables[1], 160, "SLUICE_STATE_DIR=%s", dir);
    (void)snprintf(variables[2], 160, "SLUICE_DATA_DIR=%s/data", dir);
    (void)snprintf(variables[3], 160, "NVIDIA_API_KEY=" KEY);
    (void)snprintf(variables[4], 160, "SLUICE_ADMIN_TOKEN=" ADMIN);
    /* What is sent again without harm is a GET, and most of them are free. */
    (void)snprintf(variables[5], 160, "SLUICE_FREE=*:/v1/free/*");
    for (i = 0; i < ARRAY_LEN(variables); i++)
        env[i] = variables[i];
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void house_close(void)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void house_settings(const char *text)
{
    FILE *f = fopen(settings_path, "we");

    CHECK(f != NULL);
    for (; *text != '\0'; text++)
        CHECK(fputc(*text == '\'' ? '"' : *text, f) != EOF);
    CHECK(fclose(f) == 0);
}

char *const *house_env(void)
{
    return env;
}

const char *house_log_path(void)
{
    return log_path;
}

const char *house_log(void)
{
    int fd = open(log_path, O_RDWR | O_CLOEXEC);
    ssize_t n;

    CHECK(fd != -1);
    n = read(fd, log_text, sizeof(log_text) - 1);
    CHECK(n >= 0 && ftruncate(fd, 0) == 0); /* it is opened for appending */
    close(fd);
    log_text[n] = '\0';
    return log_text;
}
