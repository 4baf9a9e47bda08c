/*
 * The table of settings: one row for each, with everything there is to say
 * about it.
 */
#ifndef SLUICE_SETTINGS_H
#define SLUICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/fields.h"

#define SETTING_TEXT_MAX   4096 /* bytes of a text: PATH_MAX, and a long key */
#define SETTING_LIST_MAX   64   /* entries of a list: chosen by eye */
#define SETTING_HEADER_MAX 64   /* bytes of a header's name */
#define SETTING_LABEL_MAX  128  /* the name of a setting in a message */

enum setting_kind {
    SETTING_COUNT = 0, /* a whole number; int64_t */
    SETTING_SECONDS,   /* a number, to the millisecond; int64_t of ms */
    SETTING_MEGABYTES, /* a whole number; int64_t of bytes */
    SETTING_BOOL,      /* bool */
    SETTING_WORD,      /* one of `words`; int, the index of the word */
    SETTING_NAME,      /* char[UPSTREAM_NAME_MAX] */
    SETTING_URL,       /* char *, as base_url is kept */
    SETTING_API_PATH,  /* char *, without a slash at its end */
    SETTING_PROXY,     /* char *, shown without its user (proxy_text.h) */
    SETTING_STORE,     /* char *, shown without its user (store_url.h) */
    SETTING_ACCOUNT,   /* char *, 1 to `max` of A-Z, a-z, 0-9, '_', '.', '-' */
    SETTING_PATH,      /* char *, absolute */
    SETTING_HEADER,    /* char *, the name of a request header */
    SETTING_SECRET,    /* char *, never shown, wiped when freed */
    SETTING_PATTERNS,  /* char ** and a count, as the three below */
    SETTING_HOSTS,     /* kept in lower case */
    SETTING_REQUESTS,  /* "METHOD:PATH", either with stars */
    SETTING_HEADERS,   /* names, or prefixes with a star behind them */
    SETTING_LINES,     /* "Name: value"; the values are not shown */
    SETTING_ORIGINS,   /* kept in lower case */
    SETTING_PATHS,     /* absolute; of files with keys: shown by their names */
    SETTING_FALLBACKS, /* "NAME=NAME|NAME", in JSON {"NAME": ["NAME", ...]} */
    SETTING_ALIASES,   /* "PATTERN=NAME", in JSON {"PATTERN": "NAME"} */
    SETTING_NETWORKS,  /* addresses, ADDRESS/BITS, loopback, private */
    SETTING_ELSEWHERE, /* a variable that no field here belongs to */
};

/* When a change of it takes effect. */
enum setting_change {
    CHANGE_RESTART = 0,
    CHANGE_RELOAD = 1,
    CHANGE_LIVE = 2, /* PATCH /api/config, and a reload too */
};

enum setting_source {
    SOURCE_DEFAULT = 0,
    SOURCE_FILE = 1,
    SOURCE_ENV = 2,
    SOURCE_LIVE = 3,
};

struct setting {
    const char *key; /* dotted; in an upstream the key within its object;
                        NULL: the environment alone can set it */
    const char *env; /* NULL: the file alone can set it */
    enum setting_kind kind;
    enum setting_change change;
    bool of_upstream; /* lives in struct config_upstream */
    bool may_be_null; /* JSON null is fine: none, or derived (burst) */
    size_t at;        /* offset of the field in its struct */
    size_t count_at;  /* lists: offset of the number of entries */
    int64_t initial;  /* this and the next two as the field keeps them */
    int64_t min, max;
    const char *initial_text; /* texts, and lists with commas; NULL: none */
    const char *none_word;    /* the text that stands for none, or NULL */
    const char *const *words; /* SETTING_WORD: in the order of the enum */
};

/* Rows from 0 on; NULL behind the last. */
const struct setting *setting_at(size_t index);
/* The row of KEY, a key of an upstream or not; NULL: there is none. */
const struct setting *setting_find(const char *key, bool of_upstream);
const struct setting *setting_find_env(const char *name);
/* Is KEY an object that holds settings, as "queue" is? */
bool setting_is_section(const char *key);

enum setting_source setting_source(const struct setting *row,
                                   const struct config *cfg,
                                   const struct config_upstream *up);
void setting_set_source(const struct setting *row, struct config *cfg,
                        struct config_upstream *up, enum setting_source source);
/* The field of ROW, whose type row->kind tells; and the length of a list. */
void *setting_field(const struct setting *row, struct config *cfg,
                    struct config_upstream *up);
size_t *setting_count(const struct setting *row, struct config *cfg,
                      struct config_upstream *up);
/* "queue.max", "upstreams.nim.requests", or the variable that set it. */
void setting_label(char *out, size_t max, const struct setting *row,
                   enum setting_source source, const struct config *cfg,
                   const struct config_upstream *up);

/* The row of a dotted key as PATCH takes it, for an upstream of any name. */
const struct setting *setting_find_dotted(const char *key);
/* Is it a length of time, in seconds or milliseconds? */
bool setting_is_time(const struct setting *row);

#endif
