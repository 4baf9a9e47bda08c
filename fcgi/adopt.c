/*
 * adopt.c - which settings does this worker follow, and who is told?
 *
 *   a PATCH, a reload, an order about a key
 *     --> revise.c, in a thread --> on_revised(): in force here
 *     --> limiter_adopt(): the shared state knows of a newer generation, every
 *         worker is poked, finds it (adopt_look()) and follows, in its thread
 *     --> answered once all have
 *
 * One change at a time (offload.c), so a thread may read s->cfg: it is replaced
 * here alone, when no thread runs.
 */
#include "fcgi/adopt.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "fcgi/accept.h"
#include "fcgi/config/revise.h"
#include "fcgi/config/rules.h"
#include "fcgi/control_log.h"
#include "fcgi/notify.h"
#include "fcgi/reply.h"
#include "fcgi/sluice.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/offload.h"
#include "state/limiter.h"

#define LOOK_NS  (3 * NS_PER_MS) /* between two looks at who follows */
#define WAIT_NS  NS_PER_S        /* for a stopped worker; it follows later */
#define JOBS_MAX 64              /* changes that wait for the disk */

struct change {
    struct job job; /* first: offload.c gives it back */
    struct adopt *a;
    struct revision rev;
    struct adopt_asker who; /* told is NULL: nobody, or it is gone */
    char remote[64];        /* who asked; "": nobody */
    char id[LIMITER_ID_MAX];
    uint64_t stamp;    /* of what was published, before it was read */
    char *patch;       /* its body */
    struct buf answer; /* of who asked, once all follow */
    uint64_t generation;
    int64_t until_ns;    /* but not later */
    struct change *next; /* in a->changes */
};

struct adopt {
    struct sluice *s;
    struct offload *offload;
    char *const *env;
    struct terms own;
    struct change *changes; /* all of them */
    uint32_t n_changes;
    bool following;          /* one of them follows others */
    uint64_t tried;          /* generation that could not be followed */
    char said[512];          /* why not, as it was logged */
    uint64_t stamp;          /* of what was published when we looked last */
    struct loop_timer timer; /* looks at who follows */
};

static void log_notes(struct sluice *s, struct json_object *notes)
{
    size_t i;

    for (i = 0; i < json_object_array_length(notes); i++)
        log_say(s->log, LOG_WARN_, "settings", "%s",
                json_object_get_string(json_object_array_get_idx(notes, i)));
}

/* What REV built is in force from now on. */
static void put_in_force(struct adopt *a, struct revision *rev, uint64_t stamp)
{
    struct limiter_settings set = rules_of(rev->cfg);
    struct sluice *s = a->s;

    if (s->accept != NULL) /* the start's own settings come before it */
        accept_follow(s->accept, rev->cfg);
    config_free(s->cfg);
    s->cfg = rev->cfg;
    rev->cfg = NULL;
    terms_free(&a->own);
    a->own = rev->terms;
    memset(&rev->terms, 0, sizeof(rev->terms));
    limiter_adopt(s->lim, &set, a->own.generation);
    s->turn_due = true;
    a->stamp = stamp;
}

/* ---- answering ------------------------------------------------------------ */

static void change_free(struct change *c)
{
    revise_fini(&c->rev);
    if (c->answer.data != NULL && c->rev.kind == REVISE_KEYS)
        explicit_bzero(c->answer.data, c->answer.cap); /* it may hold a key */
    buf_free(&c->answer);
    free(c->patch);
    free(c);
}

static void forget_change(struct change *c)
{
    struct change **at = &c->a->changes;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->a->n_changes--;
    c->a->following = c->a->following && c->rev.kind != REVISE_FOLLOW;
    change_free(c);
}

static enum error_code code_of(int status)
{
    if (status == 404)
        return ERROR_NOT_FOUND;
    return status == 503 ? ERROR_STATE : ERROR_BAD_REQUEST;
}

static void answer(struct change *c)
{
    struct adopt_asker who = c->who;
    struct reply_error e = {.status = c->rev.status, .retry_ms = -1};

    if (who.told == NULL)
        return;
    c->who.told = NULL;
    if (c->rev.status == 200) {
        who.told(who.arg, &c->answer, NULL);
        return;
    }
    e.code = code_of(c->rev.status);
    snprintf(e.message, sizeof(e.message), "%.*s", (int)sizeof(e.message) - 1,
             c->rev.err);
    who.told(who.arg, NULL, &e);
}

/* Of changes that are in force here: do all follow? */
static void on_timer(void *arg)
{
    struct adopt *a = arg;
    struct change *c, *next;
    int64_t now = loop_now(a->s->loop);
    bool more = false;

    for (c = a->changes; c != NULL; c = next) {
        next = c->next;
        if (c->generation == 0)
            continue; /* its thread is not done */
        if (c->who.told != NULL && now < c->until_ns &&
            !limiter_all_follow(a->s->lim, c->generation, now)) {
            more = true;
            continue;
        }
        answer(c);
        forget_change(c);
    }
    if (more)
        loop_at(a->s->loop, &a->timer, now + LOOK_NS);
}

/* ---- a change is made ------------------------------------------------------- */

static void tell(struct change *c)
{
    struct sluice *s = c->a->s;
    const struct revision *rev = &c->rev;
    const char *what = revision_name(rev);

    if (rev->status != 200 && rev->kind == REVISE_FOLLOW &&
        strcmp(c->a->said, rev->err) == 0)
        return; /* each second anew, and said once */
    if (rev->kind == REVISE_FOLLOW)
        snprintf(c->a->said, sizeof(c->a->said), "%s", rev->err);
    if (rev->status != 200) {
        log_say(s->log, LOG_ERROR_, "settings", "%s: nothing changes: %s", what,
                rev->err);
        return;
    }
    log_notes(s, rev->notes);
    if (c->remote[0] == '\0')
        return;
    if (rev->kind == REVISE_PATCH)
        control_log(s->log, c->remote, c->id, what, "change", c->patch);
    else if (rev->kind == REVISE_KEYS)
        control_log(s->log, c->remote, c->id, what, "name", rev->order.name);
    else
        control_log(s->log, c->remote, c->id, what, NULL, NULL);
}

static bool is_by_signal(const struct change *c)
{
    return c->rev.kind == REVISE_RELOAD && c->remote[0] == '\0';
}

static void on_revised(struct job *job, bool ran)
{
    struct change *c = (struct change *)(void *)job;
    struct adopt *a = c->a;

    if (!ran) {
        c->rev.status = 503;
        snprintf(c->rev.err, sizeof(c->rev.err),
                 "no thread can be had to write the settings");
    }
    tell(c);
    c->generation = c->rev.terms.generation;
    if (c->rev.cfg != NULL) {
        put_in_force(a, &c->rev, c->stamp);
        if (log_reopen(a->s->log) == -1)
            log_say(a->s->log, LOG_ERROR_, "log", "cannot be opened anew: %s",
                    strerror(errno));
        log_say(a->s->log, LOG_INFO_, "settings", "generation %llu is in force",
                (unsigned long long)a->own.generation);
    } else if (c->rev.kind == REVISE_FOLLOW && c->rev.status != 200) {
        a->tried = c->rev.newest; /* there may be a newer one since */
    }
    if (is_by_signal(c))
        notify_reloaded(a->s->notify, c->rev.status == 200 ? NULL : c->rev.err);
    if (c->rev.kind == REVISE_FOLLOW || c->rev.kind == REVISE_SHARED ||
        c->rev.status != 200) {
        answer(c); /* whatever was published: it is refused */
        forget_change(c);
        adopt_look(a); /* what was announced meanwhile */
        return;
    }
    if (c->who.put != NULL)
        c->who.put(&c->answer, a->s->cfg, &c->rev);
    c->until_ns = loop_now(a->s->loop) + WAIT_NS;
    loop_at(a->s->loop, &a->timer, loop_now(a->s->loop) + NS_PER_MS);
}

static void work(struct job *job)
{
    struct change *c = (struct change *)(void *)job;
    struct adopt *a = c->a;

    /* Now, not when it was asked for: there may have been others since. */
    c->rev.running = a->s->cfg;
    c->rev.own = &a->own;
    c->stamp = terms_stamp(a->s->cfg->state_dir);
    c->rev.order.now_s = clock_wall_ms() / 1000;
    revise(&c->rev);
}

static struct change *begin(struct adopt *a, enum revise_kind kind,
                            const struct adopt_asker *who)
{
    struct change *c = calloc(1, sizeof(*c));

    CHECK(c != NULL);
    c->job.work = work;
    c->job.done = on_revised;
    c->a = a;
    if (who != NULL) {
        c->who = *who;
        snprintf(c->remote, sizeof(c->remote), "%s", who->remote);
        snprintf(c->id, sizeof(c->id), "%s", who->id);
        c->who.remote = c->remote;
        c->who.id = c->id;
    }
    c->rev.kind = kind;
    c->rev.env = a->env;
    c->rev.newest = limiter_generation(a->s->lim);
    c->next = a->changes;
    a->changes = c;
    a->n_changes++;
    return c;
}

static bool is_busy(struct adopt *a, const struct adopt_asker *who)
{
    struct reply_error e = {503, ERROR_STATE, 1000, 1,
                            "Too many changes wait to be written."};

    if (a->n_changes < JOBS_MAX)
        return false;
    if (who != NULL) {
        who->told(who->arg, NULL, &e);
    } else {
        log_say(a->s->log, LOG_ERROR_, "settings",
                "reload: nothing changes: %s", e.message);
        notify_reloaded(a->s->notify, e.message);
    }
    return true;
}

void adopt_reload(struct adopt *a, const struct adopt_asker *who)
{
    if (!is_busy(a, who))
        offload_do(a->offload, &begin(a, REVISE_RELOAD, who)->job);
}

static void take_body(struct change *c, const char *body, size_t len)
{
    c->rev.patch_len = len;
    c->patch = malloc(len + 1);
    CHECK(c->patch != NULL);
    if (len > 0)
        memcpy(c->patch, body, len);
    c->patch[len] = '\0';
    c->rev.patch = c->patch;
}

void adopt_patch(struct adopt *a, const struct adopt_asker *who,
                 const char *patch, size_t len)
{
    struct change *c;

    if (is_busy(a, who))
        return;
    c = begin(a, REVISE_PATCH, who);
    take_body(c, patch, len);
    offload_do(a->offload, &c->job);
}

void adopt_keys(struct adopt *a, const struct adopt_asker *who,
                enum key_deed deed, const char *name, const char *body,
                size_t len)
{
    struct change *c;

    if (is_busy(a, who))
        return;
    c = begin(a, REVISE_KEYS, who);
    c->rev.order.deed = deed;
    snprintf(c->rev.order.name, sizeof(c->rev.order.name), "%s", name);
    take_body(c, body, len);
    offload_do(a->offload, &c->job);
}

/* ---- other hosts --------------------------------------------------------------- */

void adopt_shared(struct adopt *a, const char *text, size_t len)
{
    struct change *c;

    if (a->n_changes >= JOBS_MAX)
        return; /* it is put again by whoever changes something next */
    c = begin(a, REVISE_SHARED, NULL);
    take_body(c, text, len);
    offload_do(a->offload, &c->job);
}

const struct terms *adopt_terms(const struct adopt *a)
{
    return &a->own;
}

bool adopt_is_busy(const struct adopt *a)
{
    return a->n_changes > 0;
}

/* ---- following others --------------------------------------------------------- */

static void follow(struct adopt *a)
{
    if (a->following)
        return;
    a->following = true;
    offload_do(a->offload, &begin(a, REVISE_FOLLOW, NULL)->job);
}

void adopt_look(struct adopt *a)
{
    uint64_t newest = limiter_generation(a->s->lim);

    if (newest > a->own.generation && newest != a->tried)
        follow(a);
}

void adopt_tick(struct adopt *a)
{
    uint64_t stamp = terms_stamp(a->s->cfg->state_dir);

    a->tried = 0; /* a key file may be there again */
    if (stamp == a->stamp || a->following)
        return;
    a->stamp = stamp;
    if (stamp != 0)
        follow(a);
}

/* ---- in and out ------------------------------------------------------------------ */

int adopt_start(struct sluice *s, char *const *env, char *err, size_t err_max)
{
    struct adopt *a = calloc(1, sizeof(*a));
    struct revision rev = {.kind = REVISE_START, .env = env, .running = s->cfg};
    uint64_t stamp = terms_stamp(s->cfg->state_dir);
    int rc = 0;

    CHECK(a != NULL);
    s->adopt = a;
    a->s = s;
    a->env = env;
    a->timer.fn = on_timer;
    a->timer.arg = a;
    a->offload = offload_new(s->loop);
    CHECK(a->offload != NULL);
    rev.own = &a->own;
    revise(&rev);
    log_notes(s, rev.notes);
    if (rev.cfg != NULL) {
        put_in_force(a, &rev, stamp);
    } else {
        snprintf(err, err_max, "%s", rev.err);
        rc = -1;
    }
    revise_fini(&rev);
    return rc;
}

void adopt_forget(struct adopt *a, const void *arg)
{
    struct change *c;

    for (c = a->changes; c != NULL; c = c->next)
        if (c->who.arg == arg)
            c->who.told = NULL;
}

void adopt_free(struct adopt *a)
{
    struct change *c, *next;

    if (a == NULL)
        return;
    offload_free(a->offload);
    for (c = a->changes; c != NULL; c = next) {
        next = c->next;
        change_free(c);
    }
    loop_cancel(a->s->loop, &a->timer);
    terms_free(&a->own);
    free(a);
}
