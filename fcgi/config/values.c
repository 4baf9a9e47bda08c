/*
 * values.c - how does a value get into its field?
 *
 *   config.c --> value_put_json()  (one value of the file)     \
 *            --> value_put_text()  (one variable)               > put_*()
 *   live.c   --> value_put_json()  (one live change)           /
 *
 * Units end here: a field holds milliseconds, bytes, or the index of a word.
 *
 * What always holds: a field is within the bounds of its row, every string is
 * free of control characters, and a refused value leaves its field alone.
 */
#include "fcgi/config/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/setting_allowed.h"
#include "fcgi/config/setting_text.h"
#include "fcgi/config/settings.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"

#define SECOND    1000.0 /* in the milliseconds of a field */
#define MEGABYTE  ((double)MIB)
#define SHOWN_MAX 12 /* a longer value may be a misplaced key: not shown */

static bool is_number(enum setting_kind kind)
{
    return kind <= SETTING_MEGABYTES;
}

static bool is_text(enum setting_kind kind)
{
    return kind >= SETTING_WORD && kind <= SETTING_SECRET;
}

static bool is_list(enum setting_kind kind)
{
    return kind >= SETTING_PATTERNS && kind <= SETTING_NETWORKS;
}

/* SHOWN is the value as it was written, or NULL; WHY may be NULL too. */
static int refuse(const struct setting_put *put, const char *shown,
                  const char *why)
{
    char label[SETTING_LABEL_MAX], must[SETTING_LABEL_MAX];

    if (shown != NULL && strlen(shown) > SHOWN_MAX)
        shown = NULL;
    setting_label(label, sizeof(label), put->row, put->source, put->cfg,
                  put->up);
    setting_allowed(must, sizeof(must), put->row);
    return complain(put->err, "%s: %s%s%s%smust be %s", label,
                    shown != NULL ? shown : "",
                    shown != NULL ? " is refused; " : "",
                    why != NULL ? why : "", why != NULL ? "; " : "", must);
}

static int settled(const struct setting_put *put)
{
    setting_set_source(put->row, put->cfg, put->up, put->source);
    return 0;
}

/*
 * Values into fields.
 */

static int put_number(const struct setting_put *put, double number,
                      const char *shown)
{
    const struct setting *row = put->row;
    double unit = row->kind == SETTING_SECONDS     ? SECOND
                  : row->kind == SETTING_MEGABYTES ? MEGABYTE
                                                   : 1;
    double step = row->kind == SETTING_SECONDS ? 1 : unit;
    double kept = number * unit, off;
    int64_t steps;

    /* Written so that NaN fails as well. */
    if (!(kept >= (double)row->min && kept <= (double)row->max))
        return refuse(put, shown, NULL);
    steps = (int64_t)(kept / step + 0.5);
    off = kept / step - (double)steps;
    if (off > 1e-6 || off < -1e-6)
        return refuse(put, shown, NULL);
    *(int64_t *)setting_field(row, put->cfg, put->up) = steps * (int64_t)step;
    return settled(put);
}

static int put_bool(const struct setting_put *put, bool value)
{
    *(bool *)setting_field(put->row, put->cfg, put->up) = value;
    return settled(put);
}

static int put_word(const struct setting_put *put, const char *text)
{
    int i;

    for (i = 0; put->row->words[i] != NULL; i++)
        if (strcmp(put->row->words[i], text) == 0) {
            memcpy(setting_field(put->row, put->cfg, put->up), &i, sizeof(i));
            return settled(put);
        }
    return refuse(put, NULL, NULL); /* it may be a misplaced token */
}

static int put_name(const struct setting_put *put, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len >= UPSTREAM_NAME_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") < len)
        return refuse(put, NULL, NULL);
    memcpy(setting_field(put->row, put->cfg, put->up), text, len + 1);
    return settled(put);
}

/* It may be a key. */
static void wipe_and_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static int put_string(const struct setting_put *put, const char *text)
{
    const char *none = put->row->none_word, *why = NULL;
    char **at = setting_field(put->row, put->cfg, put->up);
    char *kept = NULL;

    if (none == NULL || strcmp(text, none) != 0) {
        why = setting_text_fault(put->row, text);
        kept = why == NULL ? setting_text_kept(put->row, text) : NULL;
        if (kept == NULL)
            return refuse(put, NULL, why != NULL ? why : strerror(ENOMEM));
    }
    wipe_and_free(*at);
    *at = kept;
    return settled(put);
}

static int put_text(const struct setting_put *put, const char *text)
{
    if (put->row->kind == SETTING_WORD)
        return put_word(put, text);
    if (put->row->kind == SETTING_NAME)
        return put_name(put, text);
    return put_string(put, text);
}

static void list_free(char **list, size_t n)
{
    while (n > 0)
        free(list[--n]);
    free(list);
}

static int put_list(const struct setting_put *put, const char *const *texts,
                    size_t n)
{
    char ***at = setting_field(put->row, put->cfg, put->up);
    size_t *count = setting_count(put->row, put->cfg, put->up), i;
    char **list = calloc(n + 1, sizeof(*list));
    const char *why = NULL;

    for (i = 0; list != NULL && i < n; i++) {
        why = setting_text_fault(put->row, texts[i]);
        list[i] = why == NULL ? setting_text_kept(put->row, texts[i]) : NULL;
        if (list[i] == NULL)
            break;
    }
    if (list == NULL || i < n) {
        list_free(list, i);
        return refuse(put, NULL, why != NULL ? why : strerror(ENOMEM));
    }
    list_free(*at, *count);
    *at = list;
    *count = n;
    return settled(put);
}

static int put_json_list(const struct setting_put *put,
                         struct json_object *value)
{
    const char *texts[SETTING_LIST_MAX];
    size_t n = json_object_array_length(value), i;

    if (n > SETTING_LIST_MAX)
        return refuse(put, NULL, "it has too many entries");
    for (i = 0; i < n; i++) {
        texts[i] = json_strict_text(json_object_array_get_idx(value, i));
        if (texts[i] == NULL)
            return refuse(put, NULL, "an entry is not a text");
    }
    return put_list(put, texts, n);
}

static int put_map(const struct setting_put *put, struct json_object *value)
{
    char *texts[SETTING_LIST_MAX];
    size_t n;
    const char *why = put->row->kind == SETTING_ALIASES
                          ? aliases_texts(texts, &n, value)
                          : fallbacks_texts(texts, &n, value);
    int rc = why != NULL ? refuse(put, NULL, why)
                         : put_list(put, (const char *const *)texts, n);

    while (n > 0)
        free(texts[--n]);
    return rc;
}

/* VALUE is cut at its commas; blanks around an entry are not part of it. */
static int put_commas(const struct setting_put *put, const char *value)
{
    const char *texts[SETTING_LIST_MAX];
    char *copy = strdup(value), *p = copy, *end;
    size_t n = 0;
    int rc;

    if (p != NULL && *p == '\0')
        p = NULL; /* no entry at all */
    for (; p != NULL && n < SETTING_LIST_MAX; n++) {
        p += strspn(p, " ");
        texts[n] = p;
        end = p + strcspn(p, ",");
        p = *end == ',' ? end + 1 : NULL;
        while (end > texts[n] && end[-1] == ' ')
            end--;
        *end = '\0';
    }
    if (copy == NULL || p != NULL)
        rc = refuse(put, NULL, copy == NULL ? strerror(ENOMEM) : "too many");
    else
        rc = put_list(put, texts, n);
    free(copy);
    return rc;
}

/* A map as JSON has it, or as a variable does: people write it so. */
static int put_json_map(const struct setting_put *put,
                        struct json_object *value, const char *shown)
{
    if (json_object_is_type(value, json_type_object))
        return put_map(put, value);
    if (json_strict_text(value) != NULL)
        return put_commas(put, json_strict_text(value));
    return refuse(put, shown, NULL);
}

int value_put_json(const struct setting_put *put, struct json_object *value)
{
    enum json_type type = json_object_get_type(value);
    enum setting_kind kind = put->row->kind;
    const char *shown =
        json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);

    if (type == json_type_null && put->row->may_be_null)
        return 0;
    if (is_number(kind) && (type == json_type_int || type == json_type_double))
        return put_number(put, json_object_get_double(value), shown);
    if (kind == SETTING_BOOL && type == json_type_boolean)
        return put_bool(put, json_object_get_boolean(value));
    if (kind == SETTING_FALLBACKS || kind == SETTING_ALIASES)
        return put_json_map(put, value, shown);
    if (is_list(kind) && type == json_type_array)
        return put_json_list(put, value);
    if (is_text(kind) && json_strict_text(value) != NULL)
        return put_text(put, json_strict_text(value));
    return refuse(put, shown, NULL);
}

int value_put_text(const struct setting_put *put, const char *value)
{
    bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    bool no = strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    enum setting_kind kind = put->row->kind;
    double number;

    if (is_number(kind) && setting_text_number(put->row, value, &number))
        return put_number(put, number, value);
    if (kind == SETTING_BOOL && (yes || no))
        return put_bool(put, yes);
    if (is_list(kind))
        return put_commas(put, value);
    if (is_text(kind))
        return put_text(put, value);
    return refuse(put, value, setting_text_number_hint(put->row));
}

/*
 * The two ends of a config's life.
 */

static int put_default(const struct setting_put *put)
{
    const struct setting *row = put->row;
    void *at = setting_field(row, put->cfg, put->up);
    int word = (int)row->initial;

    if (is_number(row->kind))
        *(int64_t *)at = row->initial;
    else if (row->kind == SETTING_BOOL)
        *(bool *)at = row->initial != 0;
    else if (row->kind == SETTING_WORD)
        memcpy(at, &word, sizeof(word));
    else if (row->initial_text != NULL)
        return value_put_text(put, row->initial_text);
    return 0;
}

int values_init(struct config *cfg, struct config_upstream *up,
                struct complaint *err)
{
    struct setting_put put = {NULL, cfg, up, SOURCE_DEFAULT, err};

    size_t i;

    for (i = 0; (put.row = setting_at(i)) != NULL; i++)
        if (put.row->of_upstream == (up != NULL) && put_default(&put) == -1)
            return -1;
    return 0;
}

static void field_free(const struct setting *row, struct config *cfg,
                       struct config_upstream *up)
{
    void *at = setting_field(row, cfg, up);

    if (is_list(row->kind)) {
        list_free(*(char ***)at, *setting_count(row, cfg, up));
        *(char ***)at = NULL;
        *setting_count(row, cfg, up) = 0;
    } else if (is_text(row->kind) && row->kind != SETTING_WORD &&
               row->kind != SETTING_NAME) {
        wipe_and_free(*(char **)at);
        *(char **)at = NULL;
    }
}

static bool is_same_list(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
    size_t i;

    if (n_a != n_b || a == NULL || b == NULL)
        return n_a == n_b && a == b;
    for (i = 0; i < n_a; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

static bool is_same_string(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool value_is_same(const struct setting *row, const struct value_home *a,
                   const struct value_home *b)
{
    void *x = setting_field(row, a->cfg, a->up);
    void *y = setting_field(row, b->cfg, b->up);

    if (is_number(row->kind))
        return *(int64_t *)x == *(int64_t *)y;
    if (row->kind == SETTING_BOOL)
        return *(bool *)x == *(bool *)y;
    if (row->kind == SETTING_WORD)
        return memcmp(x, y, sizeof(int)) == 0;
    if (row->kind == SETTING_NAME)
        return strcmp(x, y) == 0;
    if (is_list(row->kind))
        return is_same_list(*(char ***)x, *setting_count(row, a->cfg, a->up),
                            *(char ***)y, *setting_count(row, b->cfg, b->up));
    return row->kind == SETTING_ELSEWHERE ||
           is_same_string(*(char **)x, *(char **)y);
}

static char *kept_copy(const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    CHECK(copy != NULL || text == NULL);
    return copy;
}

static char **list_copy(char *const *list, size_t n)
{
    char **copy = list != NULL ? calloc(n + 1, sizeof(*copy)) : NULL;
    size_t i;

    CHECK(copy != NULL || list == NULL);
    for (i = 0; copy != NULL && i < n; i++)
        copy[i] = kept_copy(list[i]);
    return copy;
}

void value_copy(const struct setting *row, const struct value_home *from,
                const struct value_home *to)
{
    void *x = setting_field(row, from->cfg, from->up);
    void *y = setting_field(row, to->cfg, to->up);

    if (row->kind == SETTING_ELSEWHERE)
        return;
    field_free(row, to->cfg, to->up);
    if (is_number(row->kind)) {
        *(int64_t *)y = *(int64_t *)x;
    } else if (row->kind == SETTING_BOOL) {
        *(bool *)y = *(bool *)x;
    } else if (row->kind == SETTING_WORD) {
        memcpy(y, x, sizeof(int));
    } else if (row->kind == SETTING_NAME) {
        memcpy(y, x, UPSTREAM_NAME_MAX);
    } else if (is_list(row->kind)) {
        size_t n = *setting_count(row, from->cfg, from->up);

        *(char ***)y = list_copy(*(char ***)x, n);
        *setting_count(row, to->cfg, to->up) = n;
    } else {
        *(char **)y = kept_copy(*(char **)x);
    }
    setting_set_source(row, to->cfg, to->up,
                       setting_source(row, from->cfg, from->up));
}

void values_fini(struct config *cfg, struct config_upstream *up)
{
    const struct setting *s;
    size_t i;

    for (i = 0; (s = setting_at(i)) != NULL; i++)
        if (s->of_upstream == (up != NULL))
            field_free(s, cfg, up);
}
