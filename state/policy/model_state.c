/*
 * model_state.c - may requests of this model go at all, and how many at once?
 *
 * Each row of the model table has an ejection (ejection.c) and a limit on
 * concurrency (concurrency.c), whether or not models have windows of their own; each upstream has
 * an ejection too, for 402.  live.limited is above zero while any of them may be in force,
 * so that the rest of the time nobody looks.
 */
#include "state/policy/model_state.h"

#include <string.h>

#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/names.h"

#define LEASE_NS (5 * NS_PER_S) /* of the try, as of a probe (retreat.c) */

struct lay_model_state *model_state_at(struct layout *lay, uint32_t model)
{
    struct lay_model_state *t = LAY_AT(lay, model_states, model, LAY_MODELS);

    if (!ejection_is_sane(&t->ejection, lay->live.now_ns))
        sigbus_damaged("ejection");
    return t;
}

struct lay_debt *model_state_debt(struct layout *lay, uint32_t upstream)
{
    struct lay_debt *d = LAY_AT(lay, debts, upstream, LAY_UPSTREAMS);

    if (!ejection_is_sane(&d->ejection, lay->live.now_ns))
        sigbus_damaged("hold");
    return d;
}

/* ---- models ----------------------------------------------------------------- */

void model_state_forget(struct layout *lay, uint32_t model)
{
    struct lay_model_state *t = LAY_AT(lay, model_states, model, LAY_MODELS);
    struct lay_scope *s = scope_at(lay, LAY_UPSTREAMS + model);

    memset(t, 0, sizeof(*t));
    memset(&s->retreat, 0, sizeof(s->retreat));
}

/* ---- upstreams that nobody pays for ------------------------------------------ */

static bool is_tried(struct layout *lay, const struct lay_debt *d, int64_t now)
{
    const struct lay_row *r;

    if (d->try_id == 0 || now >= d->lease_ns || d->lease_ns > now + LEASE_NS)
        return false;
    r = row_at(lay, d->try_row);
    return r->id == d->try_id && row_is_in_flight(r);
}

bool model_state_is_held(struct layout *lay, uint32_t upstream)
{
    return lay->live.limited > 0 &&
           model_state_debt(lay, upstream)->ejection.until_ns != 0;
}

bool model_state_paid(struct layout *lay, uint32_t upstream, int64_t now,
                      int64_t *when)
{
    const struct lay_debt *d;

    *when = now;
    if (lay->live.limited == 0)
        return true;
    d = model_state_debt(lay, upstream);
    if (d->ejection.until_ns == 0)
        return true;
    if (ejection_is_on(&d->ejection, now))
        *when = d->ejection.until_ns;
    else if (is_tried(lay, d, now))
        *when = d->lease_ns;
    return *when <= now;
}

/* The debt of the upstream that ROW, which is in line, goes to; NULL: it is paid
 * for. */
static struct lay_debt *debt_of(struct layout *lay, uint32_t row)
{
    uint32_t upstream = row_at(lay, row)->scope;
    struct lay_debt *d;

    if (lay->live.limited == 0)
        return NULL;
    if (upstream >= LAY_UPSTREAMS)
        upstream = lay->models[upstream - LAY_UPSTREAMS].owner;
    d = model_state_debt(lay, upstream);
    return d->ejection.until_ns == 0 ? NULL : d;
}

void model_state_granted(struct layout *lay, uint32_t row, int64_t now)
{
    struct lay_debt *d = debt_of(lay, row), new;

    if (d == NULL)
        return;
    new = *d;
    new.lease_ns = now + LEASE_NS;
    new.try_row = row;
    new.try_id = row_at(lay, row)->id;
    draft_put(lay, d, &new, sizeof(new));
}

bool model_state_tries_with(struct layout *lay, uint32_t row)
{
    const struct lay_debt *d = debt_of(lay, row);

    return d != NULL && d->try_id == row_at(lay, row)->id;
}

void model_state_served(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    int64_t took = lay->live.now_ns - r->changed_ns;
    struct lay_model_state *t;

    if (r->model == NONE || took < 0)
        return;
    t = model_state_at(lay, r->model);
    t->service_ns =
        t->service_ns <= 0 ? took : t->service_ns + (took - t->service_ns) / 8;
}

/* ---- refusing ------------------------------------------------------------------ */

static void explain(const struct ejection *b, int64_t until, int64_t now,
                    struct ticket_news *out)
{
    out->cause = ejection_cause(b);
    out->eta_ns = max_i64(until - now, 0);
    memcpy(out->reason, b->reason, sizeof(out->reason));
    out->reason[sizeof(out->reason) - 1] = '\0';
}

enum limiter_refusal model_state_refuse(struct layout *lay, uint32_t upstream,
                                        uint32_t model, const char *name,
                                        int64_t now, struct ticket_news *out)
{
    int64_t when;

    if (lay->live.limited == 0)
        return REFUSED_NOT;
    if (!model_state_paid(lay, upstream, now, &when) &&
        !ejection_waits(
            ejection_cause(&model_state_debt(lay, upstream)->ejection))) {
        explain(&model_state_debt(lay, upstream)->ejection, when, now, out);
        return REFUSED_UPSTREAM_HELD;
    }
    if (model == NONE && name[0] != '\0')
        model = names_find_model(lay, upstream, name);
    if (model == NONE ||
        !ejection_is_on(&model_state_at(lay, model)->ejection, now))
        return REFUSED_NOT;
    explain(&model_state_at(lay, model)->ejection,
            model_state_at(lay, model)->ejection.until_ns, now, out);
    return REFUSED_MODEL_OFF;
}

/* ---- after a crash -------------------------------------------------------------- */

static bool may_limit(const struct lay_model_state *t)
{
    return t->ejection.until_ns != 0 || t->concurrency.limit != 0 ||
           t->concurrency.rest_ns != 0;
}

/* By its own refusals, or because nobody knows it (model_limit.c). */
static bool may_be_held(const struct layout *lay, uint32_t model)
{
    const struct retreat *re = &lay->scopes[LAY_UPSTREAMS + model].retreat;
    uint32_t owner = lay->models[model].owner;

    return lay->models[model].used && owner < LAY_UPSTREAMS &&
           lay->rules[owner].learns &&
           (re->state != RETREAT_NORMAL || re->passed_ns == 0);
}

void model_state_rebuild(struct layout *lay, int64_t now)
{
    uint32_t i;

    lay->live.limited = 0;
    for (i = 0; i < LAY_MODELS; i++) {
        struct lay_model_state *t = &lay->model_states[i];

        if (!ejection_is_sane(&t->ejection, now) || !lay->models[i].used)
            memset(t, 0, sizeof(*t));
        t->in_flight = t->waiting = t->open = t->kept = t->probed = 0;
        lay->live.limited += may_be_held(lay, i);
        lay->live.limited += may_limit(t);
    }
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        if (!ejection_is_sane(&lay->debts[i].ejection, now))
            memset(&lay->debts[i], 0, sizeof(lay->debts[i]));
        lay->live.limited += lay->debts[i].ejection.until_ns != 0;
    }
}
