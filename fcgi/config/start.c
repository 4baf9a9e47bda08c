/*
 * start.c - which settings does a worker start with?
 *
 * Those of the file and the kept changes, published if they are not what all
 * follow already.  A start must not fail for what was fine once, nor for a
 * disk that cannot be written.
 */
#include "fcgi/config/start.h"

#include <unistd.h>

#include <json-c/json.h>

#include "fcgi/config/config.h"
#include "fcgi/config/revision.h"
#include "lib/base.h"
#include "lib/complaint.h"

/* The settings of NEXT; if the kept changes are what is wrong with it, without
 * them: a start must not fail for what was fine once. */
static struct config *build_first(struct revision *r, struct terms *next)
{
    struct config *cfg = revision_build(r, next, r->notes);
    char text[sizeof(r->err) + 64];

    if (cfg != NULL || json_object_object_length(next->live) == 0)
        return cfg;
    snprintf(text, sizeof(text), "live changes are left aside: %s", r->err);
    json_object_put(next->live);
    next->live = json_object_new_object();
    cfg = revision_build(r, next, r->notes);
    if (cfg != NULL)
        revision_note(r, text);
    return cfg;
}

/* The kept changes cannot be read: those that are in force will do. */
static void borrow_live(struct revision *r, struct terms *next,
                        const struct terms *published)
{
    revision_note(r, r->err);
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

    terms_complete(t, next);
    if (t == next)
        t->generation = 0;
    cfg = t == next ? build_first(r, t) : revision_build(r, t, NULL);
    if (cfg != NULL)
        (void)revision_take(r, t, cfg);
    else
        revision_refuse(r, 400);
}

static void start_with(struct revision *r, struct terms *next,
                       struct terms *published)
{
    struct config *cfg = build_first(r, next);

    if (cfg == NULL) {
        revision_refuse(r, 400);
        return;
    }
    if (published->generation > 0 && published->generation >= r->newest &&
        terms_same(next, published)) {
        next->generation = published->generation;
        (void)revision_take(r, next, cfg);
        return;
    }
    if (revision_publish(r, next, cfg, published->generation) == 0)
        return;
    revision_note(r, r->err);
    start_unpublished(r, next, published);
}

void start_revision(struct revision *r)
{
    struct complaint err = revision_complaint(r);
    struct terms next = {.generation = 0}, published = {.generation = 0};
    int lock = revision_lock(r);

    if (lock == -1)
        revision_note(r, r->err);
    (void)terms_read(&published, r->running->state_dir, &err);
    if (config_read(&next.file, r->env, r->err, sizeof(r->err)) == -1) {
        revision_refuse(r, 400);
    } else {
        next.live = terms_read_live(r->running->data_dir, &err);
        if (next.live == NULL)
            borrow_live(r, &next, &published);
        revision_read_keys(r, &next, &published);
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
