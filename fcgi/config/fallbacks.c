/*
 * fallbacks.c - which models may stand in for this one?
 *
 *   values.c  --> fallbacks_texts(), fallbacks_fault()   on their way in
 *   choices.c --> fallbacks_of()
 *
 * An entry is kept as one text, "ASKED=MODEL|MODEL", as a variable has it too.
 * So no name may hold what parts them.
 */
#include "fcgi/config/fallbacks.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/settings.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/json_strict.h"

#define APART " =|," /* entries, names, models, and entries in a variable */

static bool is_name(const char *text, size_t len)
{
    return len > 0 && len < MODEL_BYTES && strcspn(text, APART) >= len;
}

const char *fallbacks_fault(const char *text)
{
    size_t len = strcspn(text, "="), n = 0;

    if (text[len] == '\0' || !is_name(text, len))
        return "an entry is not ASKED=MODEL|MODEL, without blanks and commas";
    do {
        text += len + 1;
        len = strcspn(text, "|");
        if (!is_name(text, len))
            return "a model has no name, or a blank, a comma, | or = in it";
        if (++n > FALLBACKS_MAX)
            return "an entry has too many models";
    } while (text[len] == '|');
    return NULL;
}

/* ---- as JSON ------------------------------------------------------------------ */

/* One entry into B. */
static const char *put_entry(struct buf *b, const char *asked,
                             struct json_object *models)
{
    size_t i, n = json_object_is_type(models, json_type_array)
                      ? json_object_array_length(models)
                      : 0;
    const char *name;

    if (n == 0)
        return "an entry has no list of models";
    if (!is_name(asked, strlen(asked)))
        return "a model has no name, or a blank, a comma, | or = in it";
    buf_str(b, asked);
    for (i = 0; i < n; i++) {
        name = json_strict_text(json_object_array_get_idx(models, i));
        if (name == NULL || !is_name(name, strlen(name)))
            return "a model has no name, or a blank, a comma, | or = in it";
        buf_str(b, i == 0 ? "=" : "|");
        buf_str(b, name);
    }
    return NULL;
}

const char *fallbacks_texts(char **texts, size_t *n, struct json_object *map)
{
    struct json_object_iterator it = json_object_iter_begin(map);
    struct json_object_iterator end = json_object_iter_end(map);
    const char *why = NULL;

    *n = 0;
    for (; why == NULL && !json_object_iter_equal(&it, &end);
         json_object_iter_next(&it)) {
        const char *asked = json_object_iter_peek_name(&it);
        struct buf b = {NULL, 0, 0, 0};

        if (strncmp(asked, "//", 2) == 0)
            continue;
        why = *n == SETTING_LIST_MAX
                  ? "it has too many entries"
                  : put_entry(&b, asked, json_object_iter_peek_value(&it));
        if (why == NULL && (texts[*n] = strndup(buf_head(&b), b.len)) == NULL)
            why = strerror(ENOMEM);
        *n += why == NULL;
        buf_free(&b);
    }
    return why;
}

static void put_name(struct buf *b, const char *text, size_t len)
{
    char name[MODEL_BYTES];

    CHECK(len < sizeof(name)); /* fallbacks_fault() */
    memcpy(name, text, len);
    name[len] = '\0';
    buf_json(b, name);
}

void fallbacks_put(struct buf *b, char *const *list, size_t n)
{
    size_t i, len;

    buf_str(b, "{");
    for (i = 0; i < n; i++) {
        const char *text = list[i];

        len = strcspn(text, "=");
        buf_str(b, i > 0 ? "," : "");
        put_name(b, text, len);
        buf_str(b, ":[");
        do {
            text += len + 1;
            len = strcspn(text, "|");
            put_name(b, text, len);
            buf_str(b, text[len] == '|' ? "," : "]");
        } while (text[len] == '|');
    }
    buf_str(b, "}");
}

/* ---- in use -------------------------------------------------------------------- */

/* The entry of the model whose name has LEN bytes; NULL: there is none. */
static const char *entry_of(const struct config *cfg, size_t below,
                            const char *model, size_t len)
{
    size_t i;

    for (i = 0; i < below; i++)
        if (strncmp(cfg->fallbacks[i], model, len) == 0 &&
            cfg->fallbacks[i][len] == '=')
            return cfg->fallbacks[i];
    return NULL;
}

int fallbacks_settle(const struct config *cfg, struct complaint *err)
{
    size_t i;

    for (i = 0; i < cfg->n_fallbacks; i++) {
        size_t len = strcspn(cfg->fallbacks[i], "=");

        if (entry_of(cfg, i, cfg->fallbacks[i], len) != NULL)
            return complain(err,
                            "fallbacks: %.*s is there twice; must have one "
                            "list of models",
                            (int)(len < MODEL_MAX ? len : MODEL_MAX),
                            cfg->fallbacks[i]);
    }
    return 0;
}

size_t fallbacks_of(const struct config *cfg, const char *model,
                    char out[FALLBACKS_MAX][MODEL_BYTES])
{
    size_t len = strlen(model), n = 0;
    const char *text = len > 0 && strchr(model, '=') == NULL
                           ? entry_of(cfg, cfg->n_fallbacks, model, len)
                           : NULL;

    if (text == NULL)
        return 0;
    do {
        text += len + 1;
        len = strcspn(text, "|");
        CHECK(n < FALLBACKS_MAX && len < MODEL_BYTES); /* fallbacks_fault() */
        memcpy(out[n], text, len);
        out[n++][len] = '\0';
    } while (text[len] == '|');
    return n;
}
