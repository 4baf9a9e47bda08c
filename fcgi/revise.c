/*
 * revise.c - what do all workers follow from now on?
 *
 *   adopt.c --> revise(), in a thread or at the start
 *
 * Whoever changes something holds the lock of the state directory, builds the
 * settings to see that they are sound, and only then publishes: live changes to
 * the disk first (settings.json), then all together for the workers
 * (adopted.json, terms.c).  Each of them builds its own settings from that one
 * text.  So they all take the same, and never half of it.
 *
 * Generations only rise.  What is published and not announced, because its
 * publisher was killed, is found by its file; what was announced and is not to
 * be found is published anew by whoever misses it.
 */
#include "revise.h"

#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../state/limiter.h"
#include "keep.h"
#include "live.h"
#include "store.h"
#include "values.h"

#define LOCK_MS 5000 /* another's disk may be slow; a stopped one is given up */

static void note(struct revision *r, const char *text)
{
    json_object_array_add(r->notes, json_object_new_string(text));
}

static struct complaint complaint_of(struct revision *r)
{
    return (struct complaint){r->err, sizeof(r->err)};
}

static int refuse(struct revision *r, int status)
{
    r->status = status;
    return -1;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- building -------------------------------------------------------------- */

/* The settings of T, with what is fixed as it is; NULL: r->err says why. */
static struct config *build(struct revision *r, const struct terms *t,
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

/* T is what we follow from now on; takes it. */
static int take(struct revision *r, struct terms *t, struct config *cfg)
{
    terms_free(&r->terms);
    r->terms = *t;
    memset(t, 0, sizeof(*t));
    r->cfg = cfg;
    r->status = 200;
    return 0;
}

/* Writes T down as newer than anything, and takes it with CFG. */
static int publish(struct revision *r, struct terms *t, struct config *cfg,
                   uint64_t after)
{
    struct complaint err = complaint_of(r);

    t->generation = serial_next(max_u64(r->newest, after));
    if (terms_write(t, r->running->state_dir, &err) == -1) {
        config_free(cfg);
        return refuse(r, 503);
    }
    return take(r, t, cfg);
}

/* Needs the lock.  What all follow now, as far as anybody knows. */
static void read_current(struct revision *r, struct terms *current)
{
    char text[sizeof(r->err)];
    struct complaint err = {text, sizeof(text)};

    if (terms_read(current, r->running->state_dir, &err) == 0 &&
        current->generation >= r->own->generation)
        return;
    terms_free(current);
    terms_copy(current, r->own);
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
    if (t.generation < r->own->generation ||
        (t.generation == r->own->generation && terms_same(&t, r->own))) {
        bool same = t.generation == r->own->generation;

        terms_free(&t);
        return same && r->own->generation >= r->newest;
    }
    cfg = build(r, &t, NULL);
    if (cfg == NULL)
        refuse(r, 400);
    else
        (void)take(r, &t, cfg);
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
    cfg = build(r, &t, NULL);
    if (cfg == NULL)
        refuse(r, 400);
    else
        (void)publish(r, &t, cfg, r->own->generation);
    terms_free(&t);
}

static void follow(struct revision *r)
{
    struct complaint err = complaint_of(r);
    int lock;

    r->status = 200;
    if (follow_published(r))
        return;
    lock = store_lock(r->running->state_dir, LOCK_MS, &err);
    if (lock == -1) {
        refuse(r, 503);
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
        note(r, text);
    }
}

/* Warns of what NEXT's file says in vain, compared with CURRENT's. */
static void compare_files(struct revision *r, const struct terms *current,
                          const struct terms *next)
{
    struct config_from was = {&current->file, NULL, r->env};
    struct config_from is = {&next->file, NULL, r->env};
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
    cfg = build(r, current, NULL);
    if (cfg != NULL)
        (void)publish(r, current, cfg, current->generation);
    memcpy(r->err, err, sizeof(err));
    r->status = status;
}

/* Reads what is on the disk into NEXT. */
static int read_disk(struct revision *r, struct terms *next)
{
    struct complaint err = complaint_of(r);

    if (config_read(&next->file, r->env, r->err, sizeof(r->err)) == -1)
        return refuse(r, 400);
    next->live = terms_read_live(r->running->data_dir, &err);
    return next->live != NULL ? 0 : refuse(r, 400);
}

static void reload(struct revision *r)
{
    struct terms current, next = {.generation = 0};
    struct config *cfg = NULL;

    read_current(r, &current);
    if (read_disk(r, &next) == 0) {
        cfg = build(r, &next, r->notes);
        if (cfg == NULL)
            refuse(r, 400);
        else
            compare_files(r, &current, &next);
    }
    if (cfg != NULL)
        (void)publish(r, &next, cfg, current.generation);
    else
        publish_again(r, &current);
    terms_free(&current);
    terms_free(&next);
}

/* ---- at the start -------------------------------------------------------------------- */

/* The settings of NEXT; if the kept changes are what is wrong with it, without
 * them: a start must not fail for what was fine once. */
static struct config *build_first(struct revision *r, struct terms *next)
{
    struct config *cfg = build(r, next, r->notes);
    char text[sizeof(r->err) + 64];

    if (cfg != NULL || json_object_object_length(next->live) == 0)
        return cfg;
    snprintf(text, sizeof(text), "live changes are left aside: %s", r->err);
    json_object_put(next->live);
    next->live = json_object_new_object();
    cfg = build(r, next, r->notes);
    if (cfg != NULL)
        note(r, text);
    return cfg;
}

/* The kept changes cannot be read: those that are in force will do. */
static void borrow_live(struct revision *r, struct terms *next,
                        const struct terms *published)
{
    note(r, r->err);
    if (published->live != NULL)
        CHECK(json_object_deep_copy(published->live, &next->live, NULL) == 0);
    else
        next->live = json_object_new_object();
}

/* Nothing can be published (a full disk): what is there will do, or else our
 * own, which give way to anybody's. */
static void start_unpublished(struct revision *r, struct terms *next,
                              struct terms *published)
{
    struct terms *t = published->generation > 0 ? published : next;
    struct config *cfg;

    note(r, r->err);
    if (t == next)
        t->generation = 0;
    cfg = build(r, t, NULL);
    if (cfg != NULL)
        (void)take(r, t, cfg);
    else
        refuse(r, 400);
}

static void start_with(struct revision *r, struct terms *next,
                       struct terms *published)
{
    struct config *cfg = build_first(r, next);

    if (cfg == NULL) {
        refuse(r, 400);
        return;
    }
    if (published->generation >= max_u64(r->newest, 1) &&
        terms_same(next, published)) {
        next->generation = published->generation;
        (void)take(r, next, cfg);
        return;
    }
    if (publish(r, next, cfg, published->generation) == -1)
        start_unpublished(r, next, published);
}

static void start(struct revision *r)
{
    struct complaint err = complaint_of(r);
    struct terms next = {.generation = 0}, published = {.generation = 0};
    int lock = store_lock(r->running->state_dir, LOCK_MS, &err);

    if (lock == -1)
        note(r, r->err);
    (void)terms_read(&published, r->running->state_dir, &err);
    if (config_read(&next.file, r->env, r->err, sizeof(r->err)) == -1) {
        refuse(r, 400);
    } else {
        next.live = terms_read_live(r->running->data_dir, &err);
        if (next.live == NULL)
            borrow_live(r, &next, &published);
        if (lock == -1)
            start_unpublished(r, &next, &published);
        else
            start_with(r, &next, &published);
    }
    if (lock != -1)
        close(lock);
    terms_free(&next);
    terms_free(&published);
}

/* ---- a patch ------------------------------------------------------------------------------ */

/* CURRENT's live changes with the patch in them. */
static struct json_object *merge(struct revision *r,
                                 const struct terms *current)
{
    struct complaint err = complaint_of(r);
    struct content text = {.len = r->patch_len};
    struct json_object *patch, *merged = NULL;

    text.text = strndup(r->patch, r->patch_len);
    CHECK(text.text != NULL);
    text.len = strlen(text.text);
    if (text.len < r->patch_len) {
        complain(&err, "the body: it has a zero byte");
    } else if ((patch = content_parse(&text, "the body", &err)) != NULL) {
        merged = live_merge(r->running, current->live, patch, &err);
        json_object_put(patch);
    }
    content_free(&text);
    if (merged == NULL)
        refuse(r, 400);
    return merged;
}

/* Keeps NEXT and publishes it; or all is as it was. */
static void keep_and_publish(struct revision *r, struct terms *next,
                             const struct terms *current, struct config *cfg)
{
    struct complaint err = complaint_of(r);
    const char *dir = r->running->data_dir;
    char text[sizeof(r->err)];
    struct complaint second = {text, sizeof(text)};

    if (terms_write_live(next->live, dir, &err) == -1) {
        config_free(cfg);
        refuse(r, 503);
        return;
    }
    if (publish(r, next, cfg, current->generation) == -1)
        (void)terms_write_live(current->live, dir, &second);
}

static void patch(struct revision *r)
{
    struct terms current, next;
    struct config *cfg;

    read_current(r, &current);
    terms_copy(&next, &current);
    json_object_put(next.live);
    next.live = merge(r, &current);
    if (next.live != NULL) {
        cfg = build(r, &next, NULL);
        if (cfg == NULL)
            refuse(r, 400);
        else
            keep_and_publish(r, &next, &current, cfg);
    }
    terms_free(&current);
    terms_free(&next);
}

/* ---- all -------------------------------------------------------------------------------------- */

static void with_lock(struct revision *r, void (*what)(struct revision *r))
{
    struct complaint err = complaint_of(r);
    int lock = store_lock(r->running->state_dir, LOCK_MS, &err);

    if (lock == -1) {
        refuse(r, 503);
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
        start(r);
        break;
    case REVISE_FOLLOW:
        follow(r);
        break;
    case REVISE_RELOAD:
        with_lock(r, reload);
        break;
    case REVISE_PATCH:
        with_lock(r, patch);
        break;
    }
}

void revise_fini(struct revision *r)
{
    config_free(r->cfg);
    r->cfg = NULL;
    terms_free(&r->terms);
    json_object_put(r->notes);
    r->notes = NULL;
}
