/*
 * The one way a value gets from outside into a struct config.
 */
#ifndef SLUICE_VALUES_H
#define SLUICE_VALUES_H

#include "fcgi/config/settings.h"

struct complaint;
struct json_object;

/* One value on its way into a config: which, where to, and from where. */
struct setting_put {
    const struct setting *row;
    struct config *cfg;
    struct config_upstream *up; /* NULL unless row->of_upstream */
    enum setting_source source;
    struct complaint *err;
};

/* Each returns 0, or -1 with a complaint and the field as it was. */
int value_put_json(const struct setting_put *put, struct json_object *value);
int value_put_text(const struct setting_put *put, const char *value);

/* Where a row's field is: in CFG, or in UP, which is one of CFG's. */
struct value_home {
    struct config *cfg;
    struct config_upstream *up; /* NULL unless row->of_upstream */
};

bool value_is_same(const struct setting *row, const struct value_home *a,
                   const struct value_home *b);
/* Copies value and source; the homes are two different ones. */
void value_copy(const struct setting *row, const struct value_home *from,
                const struct value_home *to);

/* Defaults into a zeroed UP, or with UP NULL into a zeroed CFG. */
int values_init(struct config *cfg, struct config_upstream *up,
                struct complaint *err);
/* Frees what the fields of UP, or with UP NULL of CFG itself, own. */
void values_fini(struct config *cfg, struct config_upstream *up);

#endif
