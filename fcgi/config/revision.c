/*
 * revision.c - what comes of one change of the settings?
 *
 *   refused     a status and one line that says why
 *   taken       what is in force here next, and what it was built from
 *   published   the same for all workers: adopted.json, terms.c
 *
 * Steps of revise.c and start.c.
 */
#include "fcgi/config/revision.h"

#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/keep.h"
#include "fcgi/config/key_file.h"
#include "fcgi/config/keys.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/serial.h"

#define LOCK_MS 5000 /* another's disk may be slow; a stopped one is given up */

void revision_note(struct revision *r, const char *text)
{
    json_object_array_add(r->notes, json_object_new_string(text));
}

struct complaint revision_complaint(struct revision *r)
{
    return (struct complaint){r->err, sizeof(r->err)};
}

int revision_refuse(struct revision *r, int status)
{
    r->status = status;
    return -1;
}

/* ---- the keys that were made ---------------------------------------------- */

static size_t count(struct json_object *list)
{
    return json_object_is_type(list, json_type_array)
               ? json_object_array_length(list)
               : 0;
}

/* What LIST holds, another's text too, if it is sound; else nothing. */
static struct json_object *sound_keys(struct json_object *list)
{
    struct complaint ignored = {NULL, 0};
    struct json_object *copy = NULL;
    struct keys keys;

    if (list == NULL || keys_read(&keys, list, &ignored) == -1)
        return json_object_new_array();
    keys_free(&keys);
    CHECK(json_object_deep_copy(list, &copy, NULL) == 0);
    return copy;
}

void revision_read_keys(struct revision *r, struct terms *t,
                        const struct terms *in_force)
{
    char why[sizeof(r->err)], text[sizeof(r->err) + 64];
    struct complaint err = {why, sizeof(why)};
    bool missing;

    json_object_put(t->keys);
    t->keys = key_file_read(r->running->data_dir, &missing, &err);
    if (t->keys != NULL && (!missing || count(in_force->keys) == 0))
        return;
    if (t->keys != NULL) {
        snprintf(text, sizeof(text),
                 "%s/keys.json: is gone, and with it the %zu keys that were "
                 "made",
                 r->running->data_dir, count(in_force->keys));
    } else {
        t->keys = sound_keys(in_force->keys);
        snprintf(text, sizeof(text), "%s; the %zu keys that are in force stay",
                 why, count(t->keys));
    }
    revision_note(r, text);
}

/* ---- all of it ------------------------------------------------------------ */

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct config *revision_build(struct revision *r, const struct terms *t,
                              struct json_object *notes)
{
    struct config_from from = {&t->file, t->live, t->keys, r->env};
    struct config *cfg;

    if (config_build(&cfg, &from, r->err, sizeof(r->err)) == -1)
        return NULL;
    keep_fixed(cfg, r->running, notes);
    if (config_settle(cfg, r->err, sizeof(r->err)) == 0) {
        if (notes != NULL && t->keys != NULL)
            keys_note(cfg, t->keys, notes);
        return cfg;
    }
    config_free(cfg);
    return NULL;
}

int revision_take(struct revision *r, struct terms *t, struct config *cfg)
{
    terms_free(&r->terms);
    r->terms = *t;
    memset(t, 0, sizeof(*t));
    r->cfg = cfg;
    r->status = 200;
    return 0;
}

int revision_publish(struct revision *r, struct terms *t, struct config *cfg,
                     uint64_t after)
{
    struct complaint err = revision_complaint(r);

    t->generation = serial_next(max_u64(r->newest, after));
    if (terms_write(t, r->running->state_dir, &err) == -1) {
        config_free(cfg);
        return revision_refuse(r, 503);
    }
    return revision_take(r, t, cfg);
}

int revision_lock(struct revision *r)
{
    struct complaint err = revision_complaint(r);

    return terms_lock(r->running->state_dir, LOCK_MS, &err);
}

const char *revision_name(const struct revision *r)
{
    static const char *const deeds[] = {[KEY_MAKE] = "key_make",
                                        [KEY_SET] = "key_set",
                                        [KEY_REVOKE] = "key_revoke"};

    switch (r->kind) {
    case REVISE_START:
        return "start";
    case REVISE_FOLLOW:
        return "follow";
    case REVISE_RELOAD:
        return "reload";
    case REVISE_PATCH:
        return "patch";
    case REVISE_SHARED:
        return "another host";
    case REVISE_KEYS:
        break;
    }
    return deeds[r->order.deed];
}
