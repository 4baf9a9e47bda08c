/*
 * Mirrors the table of fcgi/config/settings.c: whoever adds a row is told here
 * what is odd about it.  That each is documented, with its bounds and when it
 * takes effect, is told by tests/curl/documents.sh.
 */
#include "fcgi/config/setting_allowed.h"
#include "fcgi/config/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "lib/base.h"
#include "unit.h"

/* Tells which row a fault is in. */
static void check(const struct setting *row, bool is_fine, const char *what)
{
    char text[160];

    if (is_fine)
        return;
    (void)snprintf(text, sizeof(text), "%s: %s",
                   row->key != NULL ? row->key : row->env, what);
    fprintf(stderr, "\n%s\n", text);
    CU_FAIL("a row of settings");
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

/* What the field keeps is not what people write. */
static void a_unit_is_part_of_the_name(void)
{
    const struct setting *row;
    size_t i;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (row->key == NULL)
            continue;
        check(row, ends_with(row->key, "_s") == (row->kind == SETTING_SECONDS),
              "a number of seconds ends with _s, and nothing else does");
        check(row,
              ends_with(row->key, "_mb") == (row->kind == SETTING_MEGABYTES),
              "a number of megabytes ends with _mb, and nothing else does");
        check(row, !ends_with(row->key, "_ms") || row->kind == SETTING_COUNT,
              "milliseconds are a whole number");
    }
}

static bool is_number(const struct setting *row)
{
    return row->kind == SETTING_COUNT || row->kind == SETTING_SECONDS ||
           row->kind == SETTING_MEGABYTES;
}

static bool is_list(const struct setting *row)
{
    return row->kind >= SETTING_PATTERNS && row->kind <= SETTING_NETWORKS;
}

static void a_default_is_within_its_bounds(void)
{
    const struct setting *row;
    size_t i, n;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        if (is_number(row))
            check(row, row->min < row->max, "a number has bounds");
        check(row, row->min <= row->initial && row->initial <= row->max,
              "the default is within the bounds");
        check(row, (row->kind == SETTING_WORD) == (row->words != NULL),
              "a word has its words");
        for (n = 0; row->words != NULL && row->words[n] != NULL; n++)
            ;
        check(row, n == 0 || (row->min == 0 && row->max == (int64_t)n - 1),
              "each of the words can be had");
        check(row, is_list(row) == (row->count_at != 0),
              "a list has its number of entries");
    }
}

/* The field of ROW, unlike any other's. */
static size_t place_of(const struct setting *row)
{
    return row->at * 2 + row->of_upstream;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void no_two_rows_are_one(void)
{
    const struct setting *a, *b;
    size_t i, k;

    for (i = 0; (a = setting_at(i)) != NULL; i++) {
        for (k = 0; k < i; k++) {
            b = setting_at(k);
            check(a, !is_same(a->env, b->env), "its variable is its own");
            check(a,
                  a->of_upstream != b->of_upstream || !is_same(a->key, b->key),
                  "its key is its own");
            check(a,
                  a->kind == SETTING_ELSEWHERE ||
                      b->kind == SETTING_ELSEWHERE ||
                      place_of(a) != place_of(b),
                  "its field is its own");
        }
    }
}

/* JSON has one thing behind a key: a value or an object. */
static void a_key_is_a_name_or_a_section(void)
{
    const struct setting *a, *b;
    char what[128];
    size_t i, k, n;

    for (i = 0; (a = setting_at(i)) != NULL; i++) {
        n = a->key != NULL ? strlen(a->key) : 0;
        for (k = 0; n > 0 && (b = setting_at(k)) != NULL; k++) {
            if (a->of_upstream != b->of_upstream || b->key == NULL)
                continue;
            (void)snprintf(what, sizeof(what),
                           "it is a setting, and cannot be the section of %s",
                           b->key);
            check(a, strncmp(a->key, b->key, n) != 0 || b->key[n] != '.', what);
        }
    }
}

static void what_can_be_said_can_be_set(void)
{
    const struct setting *row;
    char allowed[256];
    size_t i;

    for (i = 0; (row = setting_at(i)) != NULL; i++) {
        check(row, row->key != NULL || row->env != NULL, "it has a name");
        check(row,
              row->env == NULL || strncmp(row->env, "SLUICE_", 7) == 0 ||
                  strcmp(row->env, "NVIDIA_API_KEY") == 0,
              "its variable begins with SLUICE_");
        check(row, row->kind != SETTING_SECRET || row->key == NULL,
              "a secret is in no settings file");
        check(row,
              row->change != CHANGE_LIVE || is_number(row) ||
                  row->kind == SETTING_BOOL || row->kind == SETTING_WORD ||
                  row->kind == SETTING_FALLBACKS ||
                  row->kind == SETTING_ALIASES,
              "what is live is a number, a word, yes or no, or a map: PATCH "
              "shows it");
        setting_allowed(allowed, sizeof(allowed), row);
        check(row, (*allowed != '\0') == (row->kind != SETTING_ELSEWHERE),
              "a fault says what it must be");
    }
}

static const struct unit_test tests[] = {
    {"a unit is part of the name", a_unit_is_part_of_the_name},
    {"a default is within its bounds", a_default_is_within_its_bounds},
    {"no two rows are one", no_two_rows_are_one},
    {"a key is a name or a section", a_key_is_a_name_or_a_section},
    {"what can be said can be set", what_can_be_said_can_be_set},
    {NULL, NULL},
};

CU_ErrorCode test_setting_rows_add(void)
{
    return unit_add("rows of settings", tests);
}
