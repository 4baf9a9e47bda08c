/*
 * aliases.c - what is a model called that clients know by another name?
 *
 *   values.c     --> aliases_texts(), aliases_fault()   on their way in
 *   asked_for.c  --> aliases_of()
 *
 * An entry is kept as one text, "PATTERN=NAME", as a variable has it too.  Their
 * order counts: the first that fits decides.
 */
#include "fcgi/config/aliases.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/settings.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"

#define APART " =,"

static const char bad_name[] =
    "a pattern or model has no name, is too long, or has a blank, a comma or = "
    "in it";

static bool is_name(const char *text, size_t len)
{
    return len > 0 && len < MODEL_BYTES && strcspn(text, APART) >= len;
}

const char *aliases_fault(const char *text)
{
    size_t len = strcspn(text, "=");

    if (text[len] == '\0')
        return "an entry is not PATTERN=MODEL, without blanks and commas";
    if (!is_name(text, len) || !is_name(text + len + 1, strlen(text + len + 1)))
        return bad_name;
    return NULL;
}

/* ---- as JSON ------------------------------------------------------------------ */

static const char *put_entry(char **out, const char *pattern,
                             struct json_object *value)
{
    const char *name = json_strict_text(value);

    if (name == NULL || !is_name(name, strlen(name)) ||
        !is_name(pattern, strlen(pattern)))
        return bad_name;
    return asprintf(out, "%s=%s", pattern, name) == -1 ? strerror(ENOMEM)
                                                       : NULL;
}

const char *aliases_texts(char **texts, size_t *n, struct json_object *map)
{
    struct json_object_iterator it = json_object_iter_begin(map);
    struct json_object_iterator end = json_object_iter_end(map);
    const char *why = NULL;

    *n = 0;
    for (; why == NULL && !json_object_iter_equal(&it, &end);
         json_object_iter_next(&it)) {
        const char *pattern = json_object_iter_peek_name(&it);

        if (strncmp(pattern, "//", 2) == 0)
            continue;
        why = *n == SETTING_LIST_MAX
                  ? "it has too many entries"
                  : put_entry(&texts[*n], pattern,
                              json_object_iter_peek_value(&it));
        *n += why == NULL;
    }
    return why;
}

void aliases_put(struct buf *b, char *const *list, size_t n)
{
    char pattern[MODEL_BYTES];
    size_t i;

    buf_str(b, "{");
    for (i = 0; i < n; i++) {
        size_t len = strcspn(list[i], "=");

        CHECK(len < sizeof(pattern)); /* aliases_fault() */
        memcpy(pattern, list[i], len);
        pattern[len] = '\0';
        buf_str(b, i > 0 ? "," : "");
        buf_json(b, pattern);
        buf_str(b, ":");
        buf_json(b, list[i] + len + 1);
    }
    buf_str(b, "}");
}

int aliases_settle(const struct config *cfg, struct complaint *err)
{
    size_t i, k;

    for (i = 0; i < cfg->n_aliases; i++) {
        size_t len = strcspn(cfg->aliases[i], "=");

        for (k = 0; k < i; k++)
            if (strncmp(cfg->aliases[k], cfg->aliases[i], len + 1) == 0)
                return complain(err,
                                "model_alias: %.*s is there twice; must have "
                                "one model",
                                (int)(len < MODEL_MAX ? len : MODEL_MAX),
                                cfg->aliases[i]);
    }
    return 0;
}

/* ---- in use -------------------------------------------------------------------- */

static bool fits(const char *entry, size_t len, const char *model)
{
    char pattern[MODEL_BYTES];

    CHECK(len < sizeof(pattern)); /* aliases_fault() */
    memcpy(pattern, entry, len);
    pattern[len] = '\0';
    return fnmatch(pattern, model, 0) == 0;
}

bool aliases_of(const struct config *cfg, const char *model,
                char out[MODEL_BYTES])
{
    size_t i;

    for (i = 0; i < cfg->n_aliases && *model != '\0'; i++) {
        size_t len = strcspn(cfg->aliases[i], "=");

        if (!fits(cfg->aliases[i], len, model))
            continue;
        (void)snprintf(out, MODEL_BYTES, "%s", cfg->aliases[i] + len + 1);
        return strcmp(out, model) != 0;
    }
    return false;
}
