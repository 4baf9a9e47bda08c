/*
 * revise.c - what do all workers follow from now on?
 *
 *   adopt.c --> revise(), in a thread or at the start
 *
 * Whoever changes something holds the lock of the state directory, builds the
 * settings to see that they are sound, and only then publishes: live changes,
 * or keys, to the disk first (settings.json, key_file.c), then all together for
 * the workers (adopted.json, terms.c).  Each of them builds its own settings
 * from that one text.  So they all take the same, and never half of it.
 *
 * Generations only rise.  What is published and not announced, because its
 * publisher was killed, is found by its file; what was announced and is not to
 * be found is published anew by whoever misses it.
 */
#include "fcgi/config/revise.h"

#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "fcgi/config/key_file.h"
#include "fcgi/config/live.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/start.h"
#include "fcgi/config/values.h"
#include "lib/base.h"
#include "lib/complaint.h"

/* Needs the lock.  What all follow now, as far as anybody knows. */
static void read_current(struct revision *r, struct terms *current)
{
    char text[sizeof(r->err)];
    struct complaint err = {text, sizeof(text)};

    if (terms_read(current, r->running->state_dir, &err) == 0 &&
        current->generation >= r->own->generation) {
        terms_complete(current, r->own);
        return;
    }
    terms_free(current);
    terms_copy(current, r->own);
    terms_complete(current, r->own);
    if (current->live == NULL)
        current->live = json_object_new_object();
}

/* ---- following ---------------------------------------------------------------- */

/* False: there is nothing that is newer than what we have.  Of the same
 * generation what is written holds: it cannot rise for ever (serial.h). */
static bool follow_published(struct revision *r)
{
    char text[sizeof(r->err)];
    struct complaint err = {text, sizeof(text)};
    struct config *cfg;
    struct terms t;

    if (terms_read(&t, r->running->state_dir, &err) == -1)
        return false;
    terms_complete(&t, r->own);
    if (t.generation < r->own->generation ||
        (t.generation == r->own->generation && terms_same(&t, r->own))) {
        bool same = t.generation == r->own->generation;

        terms_free(&t);
        return same && r->own->generation >= r->newest;
    }
    cfg = revision_build(r, &t, NULL);
    if (cfg == NULL)
        revision_refuse(r, 400);
    else
        (void)revision_take(r, &t, cfg);
    terms_free(&t);
    return true;
}

/* Needs the lock.  It is not there, or not whole: what we have is put back. */
static void put_back(struct revision *r)
{
    struct config *cfg;
    struct terms t;

    if (follow_published(r))
        return; /* somebody else has done so */
    terms_copy(&t, r->own);
    terms_complete(&t, r->own);
    cfg = revision_build(r, &t, NULL);
    if (cfg == NULL)
        revision_refuse(r, 400);
    else
        (void)revision_publish(r, &t, cfg, r->own->generation);
    terms_free(&t);
}

static void follow(struct revision *r)
{
    int lock;

    r->status = 200;
    if (follow_published(r))
        return;
    lock = revision_lock(r);
    if (lock == -1) {
        revision_refuse(r, 503);
        return;
    }
    put_back(r);
    close(lock);
}

/* ---- file and kept changes ------------------------------------------------------- */

/* Has KEY's value in the file changed, from OLD to NEW? */
static bool has_moved(struct config *old, struct config *new, const char *key)
{
    struct config_upstream *was, *is;
    const struct setting *row = live_find(new, key, &is);

    return row != NULL && row->change == CHANGE_LIVE &&
           live_find(old, key, &was) == row &&
           !value_is_same(row, &(struct value_home){old, was},
                          &(struct value_home){new, is});
}

static void note_overridden(struct revision *r, struct config *old,
                            struct config *new, struct json_object *live)
{
    struct json_object_iterator it = json_object_iter_begin(live);
    struct json_object_iterator end = json_object_iter_end(live);
    char text[SETTING_LABEL_MAX + 160];

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);

        if (!has_moved(old, new, key))
            continue;
        snprintf(text, sizeof(text),
                 "%.*s: has changed in the file, but a live change overrides "
                 "it (PATCH /api/config with null drops that)",
                 SETTING_LABEL_MAX, key);
        revision_note(r, text);
    }
}

/* Warns of what NEXT's file says in vain, compared with CURRENT's. */
static void compare_files(struct revision *r, const struct terms *current,
                          const struct terms *next)
{
    struct config_from was = {.file = &current->file, .env = r->env};
    struct config_from is = {.file = &next->file, .env = r->env};
    struct config *old = NULL, *new = NULL;
    char err[sizeof(r->err)];

    if (config_build(&old, &was, err, sizeof(err)) == 0 &&
        config_build(&new, &is, err, sizeof(err)) == 0)
        note_overridden(r, old, new, next->live);
    config_free(old);
    config_free(new);
}

/* Needs the lock.  Refused: but whoever rotates logs with a reload wants them
 * opened anew all the same, by all workers. */
static void publish_again(struct revision *r, struct terms *current)
{
    char err[sizeof(r->err)];
    struct config *cfg;
    int status = r->status;

    memcpy(err, r->err, sizeof(err));
    cfg = revision_build(r, current, NULL);
    if (cfg != NULL)
        (void)revision_publish(r, current, cfg, current->generation);
    memcpy(r->err, err, sizeof(err));
    r->status = status;
}

/* Reads what is on the disk into NEXT. */
static int read_disk(struct revision *r, struct terms *next,
                     const struct terms *current)
{
    struct complaint err = revision_complaint(r);

    if (config_read(&next->file, r->env, r->err, sizeof(r->err)) == -1)
        return revision_refuse(r, 400);
    revision_read_keys(r, next, current);
    next->live = terms_read_live(r->running->data_dir, &err);
    return next->live != NULL ? 0 : revision_refuse(r, 400);
}

static void reload(struct revision *r)
{
    struct terms current, next = {.generation = 0};
    struct config *cfg = NULL;

    read_current(r, &current);
    if (read_disk(r, &next, &current) == 0) {
        cfg = revision_build(r, &next, r->notes);
        if (cfg == NULL)
            revision_refuse(r, 400);
        else
            compare_files(r, &current, &next);
    }
    if (cfg != NULL)
        (void)revision_publish(r, &next, cfg, current.generation);
    else
        publish_again(r, &current);
    terms_free(&current);
    terms_free(&next);
}

/* ---- a patch ------------------------------------------------------------------------------ */

/* The object in the body; NULL: ERR. */
static struct json_object *read_body(const struct revision *r,
                                     struct complaint *err)
{
    struct json_file text = {.len = r->patch_len};
    struct json_object *body = NULL;

    text.text = strndup(r->patch, r->patch_len);
    CHECK(text.text != NULL);
    text.len = strlen(text.text);
    if (text.len < r->patch_len)
        complain(err, "the body: it has a zero byte");
    else
        body = json_file_parse(&text, "the body", err);
    json_file_free(&text);
    return body;
}

/* CURRENT's live changes with the patch in them. */
static struct json_object *merge(struct revision *r,
                                 const struct terms *current)
{
    struct complaint err = revision_complaint(r);
    struct json_object *patch = read_body(r, &err), *merged = NULL;

    if (patch != NULL)
        merged = live_merge(r->running, current->live, patch, &err);
    json_object_put(patch);
    if (merged == NULL)
        revision_refuse(r, 400);
    return merged;
}

/* What R has changed of T, onto the disk. */
static int keep(const struct revision *r, const struct terms *t,
                struct complaint *err)
{
    const char *dir = r->running->data_dir;

    if (r->kind != REVISE_PATCH && key_file_write(t->keys, dir, err) == -1)
        return -1;
    return r->kind == REVISE_KEYS ? 0 : terms_write_live(t->live, dir, err);
}

/* Keeps NEXT and publishes it; or all is as it was. */
static void keep_and_publish(struct revision *r, struct terms *next,
                             const struct terms *current, struct config *cfg)
{
    struct complaint err = revision_complaint(r);
    char text[sizeof(r->err)];
    struct complaint second = {text, sizeof(text)};

    if (keep(r, next, &err) == -1) {
        config_free(cfg);
        revision_refuse(r, 503);
        return;
    }
    if (revision_publish(r, next, cfg, current->generation) == -1)
        (void)keep(r, current, &second);
}

/* CURRENT's keys, after the order. */
static struct json_object *reorder(struct revision *r,
                                   const struct terms *current)
{
    struct complaint err = revision_complaint(r);
    struct json_object *body = NULL, *keys = NULL;
    int status = 400;

    if (r->order.deed == KEY_REVOKE || (body = read_body(r, &err)) != NULL) {
        r->order.body = body;
        r->order.cfg = r->running;
        keys = key_order_do(&r->order, current->keys, &status, &err);
        r->order.body = NULL;
    }
    json_object_put(body);
    if (keys == NULL)
        revision_refuse(r, status);
    return keys;
}

/* The settings of NEXT, which R has changed; NULL: it is refused. */
static struct config *build_changed(struct revision *r,
                                    const struct terms *next)
{
    struct complaint err = revision_complaint(r);
    struct config *cfg = revision_build(r, next, NULL);

    if (cfg == NULL) {
        revision_refuse(r, 400);
    } else if (r->kind == REVISE_KEYS && !key_order_holds(&r->order, cfg)) {
        complain(&err, "name: %s stands in the settings file (clients)",
                 r->order.name);
        revision_refuse(r, 409);
        config_free(cfg);
        cfg = NULL;
    }
    return cfg;
}

static void patch(struct revision *r)
{
    bool of_keys = r->kind == REVISE_KEYS;
    struct terms current, next = {.generation = 0};
    struct json_object **part = of_keys ? &next.keys : &next.live;
    struct config *cfg;

    read_current(r, &current);
    terms_copy(&next, &current);
    json_object_put(*part);
    *part = of_keys ? reorder(r, &current) : merge(r, &current);
    if (*part != NULL && (cfg = build_changed(r, &next)) != NULL)
        keep_and_publish(r, &next, &current, cfg);
    terms_free(&current);
    terms_free(&next);
}

/* ---- another host's ---------------------------------------------------------- */

/* KEY of BODY takes the place of *PART. */
static int take_part(struct revision *r, struct json_object *body,
                     const char *key, enum json_type type,
                     struct json_object **part)
{
    struct complaint err = revision_complaint(r);
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(body, key, &value) ||
        !json_object_is_type(value, type)) {
        complain(&err, "another host's settings: %s is missing", key);
        return revision_refuse(r, 400);
    }
    json_object_put(*part);
    *part = json_object_get(value);
    return 0;
}

/* All of both: what was changed here and not told yet is overridden. */
static void take_shared(struct revision *r)
{
    struct complaint err = revision_complaint(r);
    struct terms current, next = {.generation = 0};
    struct json_object *body;
    struct config *cfg;

    read_current(r, &current);
    terms_copy(&next, &current);
    body = read_body(r, &err);
    if (body == NULL) {
        revision_refuse(r, 400);
    } else if (take_part(r, body, "live", json_type_object, &next.live) == 0 &&
               take_part(r, body, "keys", json_type_array, &next.keys) == 0) {
        r->status = 200;
        if (!terms_same(&next, &current) &&
            (cfg = build_changed(r, &next)) != NULL)
            keep_and_publish(r, &next, &current, cfg);
    }
    json_object_put(body);
    terms_free(&current);
    terms_free(&next);
}

/* ---- all -------------------------------------------------------------------------------------- */

static void with_lock(struct revision *r, void (*what)(struct revision *r))
{
    int lock = revision_lock(r);

    if (lock == -1) {
        revision_refuse(r, 503);
        return;
    }
    what(r);
    close(lock);
}

void revise(struct revision *r)
{
    r->status = 503;
    r->err[0] = '\0';
    r->notes = json_object_new_array();
    CHECK(r->notes != NULL);
    switch (r->kind) {
    case REVISE_START:
        start_revision(r);
        break;
    case REVISE_FOLLOW:
        follow(r);
        break;
    case REVISE_RELOAD:
        with_lock(r, reload);
        break;
    case REVISE_PATCH:
    case REVISE_KEYS:
        with_lock(r, patch);
        break;
    case REVISE_SHARED:
        with_lock(r, take_shared);
        break;
    }
}

void revise_fini(struct revision *r)
{
    config_free(r->cfg);
    r->cfg = NULL;
    terms_free(&r->terms);
    explicit_bzero(r->order.key, sizeof(r->order.key));
    json_object_put(r->notes);
    r->notes = NULL;
}
