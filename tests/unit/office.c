/* office.c - a directory with settings, and workers that follow them. */
#include "office.h"

#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

void office_put_file(const char *path, const char *text)
{
    char copy[512], *p;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    CU_ASSERT_EQUAL_FATAL(write(fd, copy, strlen(copy)), (ssize_t)strlen(copy));
    close(fd);
}

void office_put(const struct office *o, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", o->dir, name);
    office_put_file(path, text);
}

void office_remove(const struct office *o, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", o->dir, name);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

struct office *office_new(const char *settings)
{
    struct office *o = calloc(1, sizeof(*o));
    size_t i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    strcpy(o->dir, "/tmp/sluice-revise-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(o->dir));
    (void)snprintf(o->file, sizeof(o->file), "%s/sluice.json", o->dir);
    (void)snprintf(o->variables[0], 128, "SLUICE_CONFIG=%s", o->file);
    (void)snprintf(o->variables[1], 128, "SLUICE_STATE_DIR=%s", o->dir);
    (void)snprintf(o->variables[2], 128, "SLUICE_DATA_DIR=%s/data", o->dir);
    (void)snprintf(o->variables[3], 128, "NVIDIA_API_KEY=nvapi-0123456789");
    for (i = 0; i < 4; i++)
        o->env[i] = o->variables[i];
    office_put_file(o->file, settings);
    return o;
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    char name[512];

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            unlink(name) == -1)
            remove_all(name);
    }
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(path);
}

void office_free(struct office *o)
{
    remove_all(o->dir);
    free(o);
}

static void take(struct clerk *w, struct revision *rev)
{
    if (rev->cfg == NULL)
        return;
    config_free(w->cfg);
    w->cfg = rev->cfg;
    rev->cfg = NULL;
    terms_free(&w->own);
    w->own = rev->terms;
    memset(&rev->terms, 0, sizeof(rev->terms));
}

/* REV, with the TEXT that is asked for; its status. */
static int revise_with(struct clerk *w, struct revision *rev, const char *text)
{
    char copy[256] = "", *p;
    int status;

    (void)snprintf(copy, sizeof(copy), "%s", text != NULL ? text : "");
    for (p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    rev->patch = copy;
    rev->patch_len = strlen(copy);
    revise(rev);
    status = rev->status;
    if (status == 200)
        take(w, rev);
    else
        CU_ASSERT_NOT_EQUAL(rev->err[0], '\0');
    return status;
}

int clerk_keys(struct office *o, struct clerk *w, enum key_deed deed,
               const char *name, const char *text, char key[KEY_TEXT])
{
    struct revision rev = {.kind = REVISE_KEYS,
                           .env = o->env,
                           .running = w->cfg,
                           .own = &w->own,
                           .newest = w->own.generation,
                           .order = {.deed = deed, .now_s = 1790000000}};
    int status;

    (void)snprintf(rev.order.name, sizeof(rev.order.name), "%s", name);
    status = revise_with(w, &rev, text);
    if (key != NULL)
        memcpy(key, rev.order.key, KEY_TEXT);
    revise_fini(&rev);
    CU_ASSERT_EQUAL(rev.order.key[0], '\0');
    return status;
}

int clerk_make(struct office *o, struct clerk *w, enum revise_kind kind,
               const char *patch, uint64_t newest, size_t *notes)
{
    struct revision rev = {.kind = kind,
                           .env = o->env,
                           .running = w->cfg,
                           .own = &w->own,
                           .newest = newest};
    int status = revise_with(w, &rev, patch);

    if (notes != NULL)
        *notes = json_object_array_length(rev.notes);
    revise_fini(&rev);
    return status;
}

void clerk_start(struct office *o, struct clerk *w)
{
    char err[512] = "";

    memset(w, 0, sizeof(*w));
    CU_ASSERT_EQUAL_FATAL(config_load(&w->cfg, o->env, err, sizeof(err)), 0);
    CU_ASSERT_EQUAL(clerk_make(o, w, REVISE_START, NULL, 0, NULL), 200);
}

void clerk_end(struct clerk *w)
{
    config_free(w->cfg);
    terms_free(&w->own);
}

int clerk_follow(struct office *o, struct clerk *w, uint64_t newest)
{
    return clerk_make(o, w, REVISE_FOLLOW, NULL, newest, NULL);
}

int clerk_patch(struct office *o, struct clerk *w, const char *text)
{
    return clerk_make(o, w, REVISE_PATCH, text, w->own.generation, NULL);
}
