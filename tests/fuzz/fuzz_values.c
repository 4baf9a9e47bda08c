/*
 * fuzz_values.c - one value on its way into one field.
 *
 * Input: lines; the first byte of each chooses the setting, the second
 * whether the rest is text or JSON.  What is refused changes nothing.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/values.h"
#include "lib/complaint.h"

static const struct setting *row_of(unsigned choice)
{
    size_t n = 0;

    while (setting_at(n) != NULL)
        n++;
    CHECK(n > 0);
    return setting_at((choice - '0') % n);
}

/* A field's content, as text to compare. */
static char *field_text(const struct setting_put *put)
{
    const struct setting *row = put->row;
    void *at = setting_field(row, put->cfg, put->up);
    char *text = NULL;
    size_t i, len = 0;
    FILE *f = open_memstream(&text, &len);

    CHECK(f != NULL);
    if (row->kind <= SETTING_MEGABYTES)
        (void)fprintf(f, "%lld", (long long)*(int64_t *)at);
    else if (row->kind == SETTING_BOOL)
        (void)fprintf(f, "%d", *(bool *)at);
    else if (row->kind == SETTING_WORD)
        (void)fprintf(f, "%d", *(int *)at);
    else if (row->kind == SETTING_NAME)
        (void)fprintf(f, "%s", (char *)at);
    else if (row->kind < SETTING_PATTERNS)
        (void)fprintf(f, "%s", *(char **)at != NULL ? *(char **)at : "(none)");
    else if (row->kind < SETTING_ELSEWHERE)
        for (i = 0; i < *setting_count(row, put->cfg, put->up); i++)
            (void)fprintf(f, "%s,", (*(char ***)at)[i]);
    CHECK(fclose(f) == 0);
    return text;
}

static void check_taken(const struct setting_put *put)
{
    const struct setting *row = put->row;
    void *at = setting_field(row, put->cfg, put->up);

    if (row->kind <= SETTING_MEGABYTES)
        CHECK(*(int64_t *)at >= row->min && *(int64_t *)at <= row->max);
    if (row->kind > SETTING_NAME && row->kind < SETTING_PATTERNS &&
        *(char **)at != NULL)
        CHECK(!fuzz_has_control(*(char **)at) && **(char **)at != '\0');
    if (row->kind >= SETTING_PATTERNS && row->kind < SETTING_ELSEWHERE)
        CHECK(*setting_count(row, put->cfg, put->up) <= SETTING_LIST_MAX);
}

static int put_json(const struct setting_put *put, const char *text)
{
    json_object *value = json_tokener_parse(text);
    int rc = -1;

    if (value == NULL)
        return complain(put->err, "no JSON");
    rc = value_put_json(put, value);
    json_object_put(value);
    return rc;
}

static void put_line(struct setting_put *put, const char *line, size_t len)
{
    char *before, *after;
    int rc;

    put->row = row_of(len > 0 ? (unsigned char)line[0] : '0');
    if (put->row->kind == SETTING_ELSEWHERE)
        return;
    put->up = put->row->of_upstream ? &put->cfg->upstreams[0] : NULL;
    memset(put->err->text, 'x', put->err->max);
    before = field_text(put);
    if (len > 2 && line[1] == 'j')
        rc = put_json(put, line + 2);
    else
        rc = value_put_text(put, len > 2 ? line + 2 : "");
    after = field_text(put);
    check_taken(put);
    if (rc != 0) {
        CHECK(rc == -1 && strcmp(before, after) == 0);
        CHECK(memchr(put->err->text, '\0', put->err->max) != NULL);
        CHECK(!fuzz_has_control(put->err->text));
    }
    free(before);
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct config *cfg = calloc(1, sizeof(*cfg));
    char text[128], *line;
    struct complaint err = {text, sizeof(text)};
    struct setting_put put = {NULL, cfg, NULL, SOURCE_FILE, &err};
    size_t len;

    CHECK(cfg != NULL);
    cfg->n_upstreams = 1;
    CHECK(values_init(cfg, NULL, &err) == 0);
    CHECK(values_init(cfg, &cfg->upstreams[0], &err) == 0);
    while ((line = take_line(&in, &len)) != NULL) {
        put_line(&put, line, len);
        free(line);
    }
    config_free(cfg);
    return 0;
}
