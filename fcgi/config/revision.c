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

#include <string.h>

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/keep.h"
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

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct config *revision_build(struct revision *r, const struct terms *t,
                              struct json_object *notes)
{
    struct config_from from = {&t->file, t->live, r->env};
    struct config *cfg;

    if (config_build(&cfg, &from, r->err, sizeof(r->err)) == -1)
        return NULL;
    keep_fixed(cfg, r->running, notes);
    if (config_settle(cfg, r->err, sizeof(r->err)) == 0)
        return cfg;
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
