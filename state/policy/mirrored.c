/*
 * mirrored.c - how does a thing of this file look to another host?
 *
 * Each kind is a struct of plain numbers, of which some are times: these are
 * listed, and go as times from "now".  What was put AGE ago is older by that here:
 * the way of the message makes it later, never earlier, by some milliseconds.
 */
#include "state/policy/mirrored.h"

#include <string.h>

#include "lib/fnv.h"
#include "lib/serial.h"

#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/retreat.h"
#include "state/policy/scope.h"

/* What of a model is shared; and of the pause. */
struct shared_model {
    struct ejection ejection;
    struct concurrency concurrency;
};
struct shared_pause {
    uint64_t number;
    int64_t since_ns;
    char by[LIMITER_BY_MAX];
};

struct head {
    uint32_t version, kind;
};

union any {
    struct retreat retreat;
    struct shared_model model;
    struct ejection debt;
    struct shared_pause pause;
};
static_assert(sizeof(struct head) + sizeof(union any) <= MIRRORED_MAX, "fits");

/* A blob of another length is of another build, or noise. */
static const size_t sizes[] = {
    [MIRRORED_RETREAT] = sizeof(struct retreat),
    [MIRRORED_MODEL] = sizeof(struct shared_model),
    [MIRRORED_DEBT] = sizeof(struct ejection),
    [MIRRORED_PAUSE] = sizeof(struct shared_pause),
};

/* ---- times ------------------------------------------------------------------- */

/* 0 means "none" in all of them, and NEVER never.  Out, what is just now goes as a
 * moment ago; in, what was before this machine began, as its beginning. */
static void shift(int64_t *t, int64_t by)
{
    int64_t least = by > 0 ? 1 : INT64_MIN;

    if (*t == 0 || *t == NEVER || __builtin_add_overflow(*t, by, t))
        return;
    *t = *t == 0 ? -1 : *t;
    *t = *t < least ? least : *t;
}

static void shift_retreat(struct retreat *r, int64_t by)
{
    shift(&r->since_ns, by);
    shift(&r->learned_ns, by);
    shift(&r->until_ns, by);
    shift(&r->last_ns, by);
    shift(&r->passed_ns, by);
    shift(&r->refused_ns, by);
    shift(&r->told_ns, by);
    shift(&r->window.opened_ns, by);
    shift(&r->window.doubt_ns, by);
    shift(&r->pace.soon_ns, by);
    shift(&r->find.first_ns, by);
    shift(&r->find.reopens_ns, by);
    shift(&r->rhythm.since_ns, by);
}

/* Each kind has its own times; the compiler names a kind that is missing. */
static void shift_all(enum mirrored_kind kind, union any *u, int64_t by)
{
    switch (kind) {
    case MIRRORED_RETREAT:
        shift_retreat(&u->retreat, by);
        return;
    case MIRRORED_MODEL:
        shift(&u->model.ejection.until_ns, by);
        shift(&u->model.concurrency.rest_ns, by);
        return;
    case MIRRORED_DEBT:
        shift(&u->debt.until_ns, by);
        return;
    case MIRRORED_PAUSE:
        shift(&u->pause.since_ns, by);
        return;
    }
}

/* Rows and grants of ours are nobody else's. */
static void forget_own(enum mirrored_kind kind, union any *u)
{
    switch (kind) {
    case MIRRORED_RETREAT:
        u->retreat.grant = u->retreat.probe_id = 0;
        u->retreat.probe_row = 0;
        u->retreat.pace.test = 0;
        u->retreat.rhythm.known = u->retreat.rhythm.next = 0;
        return;
    case MIRRORED_MODEL:
        u->model.ejection.grant = u->model.concurrency.grant = 0;
        return;
    case MIRRORED_DEBT:
        u->debt.grant = 0;
        return;
    case MIRRORED_PAUSE:
        return;
    }
}

/* What we have granted until now is older than what the others have said. */
static void make_own(struct layout *lay, enum mirrored_kind kind, union any *u)
{
    switch (kind) {
    case MIRRORED_RETREAT:
        u->retreat.grant = lay->live.last_grant;
        return;
    case MIRRORED_MODEL:
        u->model.ejection.grant = lay->live.last_grant;
        u->model.concurrency.grant = lay->live.last_grant;
        return;
    case MIRRORED_DEBT:
        u->debt.grant = lay->live.last_grant;
        return;
    case MIRRORED_PAUSE:
        return;
    }
}

/* ---- places ------------------------------------------------------------------- */

uint32_t mirrored_place(struct mirrored m)
{
    switch (m.kind) {
    case MIRRORED_RETREAT:
        return m.i;
    case MIRRORED_MODEL:
        return LAY_SCOPES + m.i;
    case MIRRORED_DEBT:
        return LAY_SCOPES + LAY_MODELS + m.i;
    case MIRRORED_PAUSE:
        break;
    }
    return LAY_SCOPES + LAY_MODELS + LAY_UPSTREAMS;
}

struct mirrored mirrored_nth(uint32_t k)
{
    if (k < LAY_SCOPES)
        return (struct mirrored){MIRRORED_RETREAT, k};
    k -= LAY_SCOPES;
    if (k < LAY_MODELS)
        return (struct mirrored){MIRRORED_MODEL, k};
    k -= LAY_MODELS;
    if (k < LAY_UPSTREAMS)
        return (struct mirrored){MIRRORED_DEBT, k};
    return (struct mirrored){MIRRORED_PAUSE, 0};
}

/* A copy of what it is here. */
static void get(struct layout *lay, struct mirrored m, union any *out)
{
    memset(out, 0, sizeof(*out));
    switch (m.kind) {
    case MIRRORED_RETREAT:
        out->retreat = *scope_retreat(lay, m.i);
        return;
    case MIRRORED_MODEL:
        out->model.ejection = model_state_at(lay, m.i)->ejection;
        out->model.concurrency = model_state_at(lay, m.i)->concurrency;
        return;
    case MIRRORED_DEBT:
        out->debt = model_state_debt(lay, m.i)->ejection;
        return;
    case MIRRORED_PAUSE:
        out->pause.number = lay->control.pauses;
        out->pause.since_ns = lay->control.paused_ns;
        memcpy(out->pause.by, lay->control.by, sizeof(out->pause.by));
        return;
    }
}

/* That an upstream cannot be reached, or only says errors, may be this host's own
 * trouble. */
static bool is_ours_alone(const struct ejection *e)
{
    return ejection_waits(ejection_cause(e));
}

/* Most are, always: they are not told, and cost a look at a word or two. */
bool mirrored_is_plain(struct layout *lay, struct mirrored m)
{
    const struct lay_model_state *t;
    const struct ejection *e;

    switch (m.kind) {
    case MIRRORED_RETREAT:
        return lay->scopes[m.i].retreat.state == RETREAT_NORMAL;
    case MIRRORED_MODEL:
        t = &lay->model_states[m.i];
        return t->ejection.until_ns == 0 && t->concurrency.limit == 0 &&
               t->concurrency.rest_ns == 0;
    case MIRRORED_DEBT:
        e = &lay->debts[m.i].ejection;
        return e->until_ns == 0 || is_ours_alone(e);
    case MIRRORED_PAUSE:
        return lay->control.pauses == 0;
    }
    return true;
}

uint64_t mirrored_hash(struct layout *lay, struct mirrored m)
{
    union any u;

    get(lay, m, &u);
    return fnv(FNV_BEGIN, &u, sizes[m.kind]);
}

/* ---- out and in ------------------------------------------------------------------ */

void mirrored_pack(struct layout *lay, struct mirrored m, int64_t now,
                   struct mirrored_form *out)
{
    const struct head head = {LAYOUT_VERSION, m.kind};
    union any u;

    get(lay, m, &u);
    forget_own(m.kind, &u);
    shift_all(m.kind, &u, -now);
    memcpy(out->bytes, &head, sizeof(head));
    memcpy(out->bytes + sizeof(head), &u, sizes[m.kind]);
    out->len = (uint32_t)(sizeof(head) + sizes[m.kind]);
}

/* Ours ends later, or is the only one: who was refused last knows best. */
static bool retreat_says_more(const struct retreat *ours,
                              const struct retreat *theirs)
{
    return ours->state == RETREAT_HOLDING &&
           (theirs->state != RETREAT_HOLDING ||
            ours->until_ns > theirs->until_ns) &&
           ours->since_ns > theirs->since_ns;
}

/* What another host says was not looked at yet: its times and counts are held to
 * what our own functions can make, as if it came out of the file. */
static bool put_retreat(struct layout *lay, uint32_t scope,
                        const struct retreat *new, int64_t now)
{
    if (!retreat_is_sane(new, now) ||
        retreat_says_more(scope_retreat(lay, scope), new))
        return false;
    scope_retreat_put(lay, scope, new);
    return true;
}

/* A ceiling is any number (concurrency.h); only the ejection has times that could
 * shut a model out for ever. */
static bool put_model(struct layout *lay, uint32_t model,
                      const struct shared_model *new, int64_t now)
{
    struct lay_model_state *t = model_state_at(lay, model);

    if (!ejection_is_sane(&new->ejection, now))
        return false;
    draft_put(lay, &t->ejection, &new->ejection, sizeof(new->ejection));
    draft_put(lay, &t->concurrency, &new->concurrency,
              sizeof(new->concurrency));
    return true;
}

/* While this host has its own trouble with the upstream, that is what it knows. */
static bool put_debt(struct layout *lay, uint32_t upstream,
                     const struct ejection *new, int64_t now)
{
    struct lay_debt *d = model_state_debt(lay, upstream), whole = *d;

    if (!ejection_is_sane(new, now) ||
        (d->ejection.until_ns != 0 && is_ours_alone(&d->ejection)))
        return false;
    whole.ejection = *new;
    whole.try_id = 0;
    draft_put(lay, d, &whole, sizeof(whole));
    return true;
}

/* By number: whoever paused or resumed last, on whatever host, is who counts. */
static bool put_pause(struct layout *lay, const struct shared_pause *new,
                      int64_t now)
{
    struct lay_control c = lay->control;
    char by[LIMITER_BY_MAX];

    if (!serial_is_sane(new->number) || new->number < c.pauses ||
        new->since_ns < 0 || new->since_ns > now)
        return false;
    memcpy(by, new->by, sizeof(by));
    by[sizeof(by) - 1] = '\0';
    control_set_pause(&c, new->number, new->since_ns, by);
    draft_put(lay, &lay->control, &c, sizeof(c));
    return true;
}

bool mirrored_unpack(struct layout *lay, struct mirrored m,
                     const uint8_t *bytes, size_t len, int64_t age_ns,
                     int64_t now)
{
    struct head head;
    union any u;

    if (len != sizeof(head) + sizes[m.kind] || age_ns < 0)
        return false;
    memcpy(&head, bytes, sizeof(head));
    if (head.version != LAYOUT_VERSION || head.kind != (uint32_t)m.kind)
        return false;
    memset(&u, 0, sizeof(u));
    memcpy(&u, bytes + sizeof(head), sizes[m.kind]);
    shift_all(m.kind, &u, now - age_ns);
    make_own(lay, m.kind, &u);
    switch (m.kind) {
    case MIRRORED_RETREAT:
        return put_retreat(lay, m.i, &u.retreat, now);
    case MIRRORED_MODEL:
        return put_model(lay, m.i, &u.model, now);
    case MIRRORED_DEBT:
        return put_debt(lay, m.i, &u.debt, now);
    case MIRRORED_PAUSE:
        return put_pause(lay, &u.pause, now);
    }
    return false;
}
