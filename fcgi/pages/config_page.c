/*
 * config_page.c - what are the settings, and what could each of them be?
 *
 * One row of settings.c is one member of the answer; an upstream's rows come
 * once for each.  Keys and tokens are not shown, nor where they lie.
 */
#include "fcgi/pages/config_page.h"

#include <string.h>

#include "fcgi/config/aliases.h"
#include "fcgi/config/bounds.h"
#include "fcgi/config/fallbacks.h"
#include "fcgi/config/pool.h"
#include "fcgi/config/proxy_text.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/store_url.h"
#include "fcgi/exchange.h"

static const char *const sources[] = {"default", "file", "env", "live"};

/* ---- values --------------------------------------------------------------- */

static bool is_shown(const struct setting *row)
{
    size_t n = row->key != NULL ? strlen(row->key) : 0;

    return n > 0 && row->kind != SETTING_SECRET &&
           row->kind != SETTING_ELSEWHERE &&
           !(n > 5 && strcmp(row->key + n - 5, "_file") == 0);
}

/* A number as its field keeps it, in the unit of the key. */
static void put_number(struct buf *b, const struct setting *row, int64_t n)
{
    int64_t ms = n % 1000;

    if (row->kind == SETTING_MEGABYTES)
        n /= (int64_t)MIB;
    if (row->kind != SETTING_SECONDS) {
        buf_int(b, n);
        return;
    }
    buf_int(b, n / 1000);
    if (ms != 0)
        buf_fmt(b, ".%0*d",
                ms % 100 == 0  ? 1
                : ms % 10 == 0 ? 2
                               : 3,
                (int)(ms % 100 == 0  ? ms / 100
                      : ms % 10 == 0 ? ms / 10
                                     : ms));
}

static void put_text(struct buf *b, const char *text)
{
    if (text != NULL)
        buf_json(b, text);
    else
        buf_str(b, "null");
}

/* Without its user and password. */
static void put_hidden(struct buf *b, const char *text,
                       void (*show)(struct buf *b, const char *text))
{
    struct buf shown = {NULL, 0, 0, 0};

    if (text != NULL) {
        show(&shown, text);
        put_text(b, buf_head(&shown));
    } else {
        put_text(b, NULL);
    }
    buf_free(&shown);
}

static void put_list(struct buf *b, char *const *list, size_t n)
{
    size_t i;

    buf_str(b, "[");
    for (i = 0; i < n; i++) {
        buf_str(b, i > 0 ? "," : "");
        buf_json(b, list[i]);
    }
    buf_str(b, "]");
}

/* The same of "Name: value", where a value may be a secret. */
static void put_names(struct buf *b, char *const *list, size_t n)
{
    char name[64];
    size_t i;

    buf_str(b, "[");
    for (i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "%.*s: ...",
                       (int)strcspn(list[i], ":"), list[i]);
        buf_str(b, i > 0 ? "," : "");
        buf_json(b, name);
    }
    buf_str(b, "]");
}

/* Of files only the names: where keys lie is nobody's business. */
static void put_bare(struct buf *b, char *const *list, size_t n)
{
    size_t i;

    buf_str(b, "[");
    for (i = 0; i < n; i++) {
        buf_str(b, i > 0 ? "," : "");
        buf_json(b, strrchr(list[i], '/') + 1); /* it begins with one */
    }
    buf_str(b, "]");
}

/* A list as its default is written; NULL: an empty one. */
static void put_commas(struct buf *b, const char *text)
{
    char entry[64];

    buf_str(b, "[");
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, ",");

        (void)snprintf(entry, sizeof(entry), "%.*s", (int)n, text);
        buf_json(b, entry);
        text += n;
        if (*text == ',') {
            buf_str(b, ",");
            text++;
        }
    }
    buf_str(b, "]");
}

static void put_value(struct buf *b, const struct setting *row,
                      struct config *cfg, struct config_upstream *up)
{
    void *at = setting_field(row, cfg, up);
    int word;

    switch (row->kind) {
    case SETTING_COUNT:
    case SETTING_SECONDS:
    case SETTING_MEGABYTES:
        put_number(b, row, *(int64_t *)at);
        break;
    case SETTING_BOOL:
        buf_str(b, *(bool *)at ? "true" : "false");
        break;
    case SETTING_WORD:
        memcpy(&word, at, sizeof(word));
        buf_json(b, row->words[word]);
        break;
    case SETTING_NAME:
        buf_json(b, at);
        break;
    case SETTING_URL:
    case SETTING_API_PATH:
    case SETTING_PATH:
    case SETTING_ACCOUNT:
    case SETTING_HEADER:
        put_text(b, *(char **)at);
        break;
    case SETTING_PROXY:
        put_hidden(b, *(char **)at, proxy_text_show);
        break;
    case SETTING_STORE:
        put_hidden(b, *(char **)at, store_url_show);
        break;
    case SETTING_PATTERNS:
    case SETTING_HOSTS:
    case SETTING_REQUESTS:
    case SETTING_HEADERS:
    case SETTING_ORIGINS:
    case SETTING_NETWORKS:
        put_list(b, *(char ***)at, *setting_count(row, cfg, up));
        break;
    case SETTING_PATHS:
        put_bare(b, *(char ***)at, *setting_count(row, cfg, up));
        break;
    case SETTING_FALLBACKS:
        fallbacks_put(b, *(char ***)at, *setting_count(row, cfg, up));
        break;
    case SETTING_ALIASES:
        aliases_put(b, *(char ***)at, *setting_count(row, cfg, up));
        break;
    case SETTING_LINES:
        put_names(b, *(char ***)at, *setting_count(row, cfg, up));
        break;
    case SETTING_SECRET:
    case SETTING_ELSEWHERE:
        buf_str(b, "null");
        break;
    }
}

/* Without a file, an environment and live changes. */
static void put_default(struct buf *b, const struct setting *row)
{
    switch (row->kind) {
    case SETTING_COUNT:
    case SETTING_SECONDS:
    case SETTING_MEGABYTES:
        put_number(b, row, row->initial);
        break;
    case SETTING_BOOL:
        buf_str(b, row->initial != 0 ? "true" : "false");
        break;
    case SETTING_WORD:
        buf_json(b, row->words[row->initial]);
        break;
    case SETTING_PATTERNS:
    case SETTING_HOSTS:
    case SETTING_REQUESTS:
    case SETTING_HEADERS:
    case SETTING_LINES:
    case SETTING_ORIGINS:
    case SETTING_PATHS:
    case SETTING_NETWORKS:
        put_commas(b, row->initial_text);
        break;
    case SETTING_FALLBACKS:
    case SETTING_ALIASES:
        buf_str(b, "{}");
        break;
    case SETTING_NAME:
    case SETTING_URL:
    case SETTING_API_PATH:
    case SETTING_PROXY:
    case SETTING_STORE:
    case SETTING_ACCOUNT:
    case SETTING_PATH:
    case SETTING_HEADER:
    case SETTING_SECRET:
    case SETTING_ELSEWHERE:
        put_text(b, row->initial_text);
        break;
    }
}

/* ---- what they may be --------------------------------------------------------- */

static const char *type_of(const struct setting *row)
{
    switch (row->kind) {
    case SETTING_COUNT:
        return "count";
    case SETTING_SECONDS:
        return "seconds";
    case SETTING_MEGABYTES:
        return "megabytes";
    case SETTING_BOOL:
        return "bool";
    case SETTING_WORD:
        return "word";
    case SETTING_PATTERNS:
    case SETTING_HOSTS:
    case SETTING_REQUESTS:
    case SETTING_HEADERS:
    case SETTING_LINES:
    case SETTING_ORIGINS:
    case SETTING_PATHS:
    case SETTING_NETWORKS:
        return "list";
    case SETTING_FALLBACKS:
    case SETTING_ALIASES:
        return "map";
    case SETTING_NAME:
    case SETTING_URL:
    case SETTING_API_PATH:
    case SETTING_PROXY:
    case SETTING_STORE:
    case SETTING_ACCOUNT:
    case SETTING_PATH:
    case SETTING_HEADER:
    case SETTING_SECRET:
    case SETTING_ELSEWHERE:
        break;
    }
    return "text";
}

static const char *unit_of(const struct setting *row)
{
    size_t n = strlen(row->key);

    if (row->kind == SETTING_SECONDS)
        return "s";
    if (row->kind == SETTING_MEGABYTES)
        return "MB";
    if (n > 3 && strcmp(row->key + n - 3, "_ms") == 0)
        return "ms";
    if (n > 8 && strcmp(row->key + n - 8, "_percent") == 0)
        return "%";
    return NULL;
}

static void put_range(struct buf *b, const struct setting *row)
{
    size_t i;

    if (row->kind <= SETTING_MEGABYTES) {
        buf_str(b, ",\"min\":");
        put_number(b, row, row->min);
        buf_str(b, ",\"max\":");
        put_number(b, row, row->max);
    }
    if (unit_of(row) != NULL)
        buf_fmt(b, ",\"unit\":\"%s\"", unit_of(row));
    if (row->kind != SETTING_WORD)
        return;
    buf_str(b, ",\"words\":[");
    for (i = 0; row->words[i] != NULL; i++)
        buf_fmt(b, "%s\"%s\"", i > 0 ? "," : "", row->words[i]);
    buf_str(b, "]");
}

static void put_row(struct buf *b, const struct setting *row,
                    struct config *cfg, struct config_upstream *up)
{
    bool first = b->data[b->start + b->len - 1] == '{';

    buf_fmt(b, "%s\"", first ? "" : ",\n");
    if (up != NULL) /* of a name's characters none needs quoting */
        buf_fmt(b, "upstreams.%s.", up->name);
    buf_fmt(b, "%s\":{\"value\":", row->key);
    put_value(b, row, cfg, up);
    buf_str(b, ",\"default\":");
    put_default(b, row);
    buf_fmt(b, ",\"type\":\"%s\"", type_of(row));
    put_range(b, row);
    buf_fmt(b, ",\"live\":%s,\"reload\":%s,\"source\":\"%s\"}",
            row->change == CHANGE_LIVE ? "true" : "false",
            row->change == CHANGE_RELOAD ? "true" : "false",
            sources[setting_source(row, cfg, up)]);
}

void config_page_put(struct buf *b, struct config *cfg)
{
    const struct setting *row;
    size_t i, k;

    buf_str(b, "{");
    for (k = 0; k < cfg->n_upstreams; k++)
        for (i = 0; (row = setting_at(i)) != NULL; i++)
            if (row->of_upstream && is_shown(row) && !pool_is_copy(cfg, k))
                put_row(b, row, cfg, &cfg->upstreams[k]);
    for (i = 0; (row = setting_at(i)) != NULL; i++)
        if (!row->of_upstream && is_shown(row))
            put_row(b, row, cfg, NULL);
    buf_str(b, "}\n");
}

/* ---- the page ------------------------------------------------------------------- */

enum step config_page_answer(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    config_page_put(&b, x->s->cfg);
    next = exchange_json(x, &b);
    buf_free(&b);
    return next;
}
