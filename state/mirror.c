/*
 * mirror.c - what do hosts that share a store know alike?
 *
 * What differs from what we and the store had when we last were of one mind was
 * changed here: its hash tells.  Names are those of scopes (scope_name.c) behind
 * a letter: "r:" a retreat, "m:" a model, "d:" an unpaid upstream, "p" the pause.
 *
 * Of a retreat the store is told in numbers, too, what its script has to know
 * for all: for how long nothing goes, how many in a window, at which pace, and
 * whether one goes first.
 */
#include "state/mirror.h"

#include <stdio.h>
#include <string.h>

#include "state/giving.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/mirrored.h"
#include "state/policy/retreat.h"
#include "state/policy/scope.h"
#include "state/policy/scope_name.h"
#include "state/refusals.h"
#include "state/worker.h"

static const char letters[] = {[MIRRORED_RETREAT] = 'r',
                               [MIRRORED_MODEL] = 'm',
                               [MIRRORED_DEBT] = 'd',
                               [MIRRORED_PAUSE] = 'p'};

/* Does anybody know of it by its name? */
static bool is_there(const struct layout *lay, struct mirrored m)
{
    uint32_t model = m.kind == MIRRORED_MODEL ? m.i : m.i - LAY_UPSTREAMS;

    if (m.kind == MIRRORED_PAUSE)
        return true;
    if (m.kind != MIRRORED_MODEL && m.i < LAY_UPSTREAMS)
        return limits_in_force(lay, m.i);
    return lay->models[model].used &&
           limits_in_force(lay, lay->models[model].owner);
}

static void name_of(struct layout *lay, struct mirrored m,
                    char out[SHARED_VALUE_NAME])
{
    char scope[SCOPE_NAME_MAX] = "";

    if (m.kind != MIRRORED_PAUSE)
        scope_name(lay, m.kind == MIRRORED_MODEL ? LAY_UPSTREAMS + m.i : m.i,
                   scope);
    snprintf(out, SHARED_VALUE_NAME, "%c%s%s", letters[m.kind],
             m.kind == MIRRORED_PAUSE ? "" : ":", scope);
}

/* False: it is nothing of ours. */
static bool named(struct layout *lay, const char *name, struct mirrored *out)
{
    uint32_t scope;

    *out = (struct mirrored){MIRRORED_PAUSE, 0};
    if (strcmp(name, "p") == 0)
        return true;
    if (name[0] == '\0' || name[1] != ':')
        return false;
    scope = scope_named(lay, name + 2);
    if (scope == NONE)
        return false;
    switch (name[0]) {
    case 'r':
        *out = (struct mirrored){MIRRORED_RETREAT, scope};
        return true;
    case 'm':
        *out = (struct mirrored){MIRRORED_MODEL, scope - LAY_UPSTREAMS};
        return scope >= LAY_UPSTREAMS;
    case 'd':
        *out = (struct mirrored){MIRRORED_DEBT, scope};
        return scope < LAY_UPSTREAMS;
    default:
        return false;
    }
}

/* ---- what we say ------------------------------------------------------------ */

/* What holds for all hosts while SCOPE keeps back. */
static void tell_retreat(struct limiter *lim, uint32_t scope,
                         struct shared_put *p)
{
    struct layout *lay = lim->file.lay;
    const struct retreat *re = scope_retreat(lay, scope);
    uint32_t requests = limits_of(lay, scope)->requests;

    switch ((enum retreat_state)re->state) {
    case RETREAT_HOLDING:
        p->hold_ns = max_i64(re->until_ns - lim->now, 1);
        p->cap = retreat_limit(re, requests);
        p->probe = 1;
        return;
    case RETREAT_PROBING:
        p->probe = 1;
        p->cap = retreat_limit(re, requests);
        return;
    case RETREAT_RECOVERING:
        p->cap = retreat_limit(re, requests);
        p->gap_ns = re->pace.gap_ns;
        return;
    case RETREAT_NORMAL:
    case RETREAT_STATES:
        return;
    }
}

/* What the store never heard of and is plain here needs no word. */
static bool is_changed(struct layout *lay, struct mirrored m)
{
    const struct lay_mirror *had = &lay->mirrors[mirrored_place(m)];

    if (!is_there(lay, m) || (had->version == 0 && mirrored_is_plain(lay, m)))
        return false;
    if (m.kind == MIRRORED_DEBT && mirrored_is_plain(lay, m) &&
        lay->debts[m.i].ejection.until_ns != 0)
        return false; /* this host's own trouble */
    return mirrored_hash(lay, m) != had->hash;
}

/* Its hash goes along, for it may have changed again before the answer comes. */
static void put(struct limiter *lim, struct mirrored m, struct shared_ask *ask)
{
    struct layout *lay = lim->file.lay;
    struct shared_put *p = &ask->puts[ask->n_puts];
    struct mirrored_form *form = &ask->forms[ask->n_puts];

    memset(p, 0, sizeof(*p));
    name_of(lay, m, p->name);
    mirrored_pack(lay, m, lim->now, form);
    p->base = lay->mirrors[mirrored_place(m)].version;
    p->hash = mirrored_hash(lay, m);
    p->blob = form->bytes;
    p->len = form->len;
    if (m.kind == MIRRORED_RETREAT)
        tell_retreat(lim, m.i, p);
    ask->n_puts++;
}

void mirror_tell(struct limiter *lim, struct shared_ask *ask)
{
    uint32_t k;

    for (k = 0; k < LAY_MIRRORS && ask->n_puts < SHARED_PUTS; k++)
        if (is_changed(lim->file.lay, mirrored_nth(k)))
            put(lim, mirrored_nth(k), ask);
}

/* At the end of each turn: some hundred looks at a word, and a hash of the few that
 * hold somebody back. */
bool mirror_has_news(struct layout *lay)
{
    uint32_t k;

    for (k = 0; k < LAY_MIRRORS; k++)
        if (is_changed(lay, mirrored_nth(k)))
            return true;
    return false;
}

/* ---- what we hear ------------------------------------------------------------- */

/* What follows from it for those that wait. */
static void adopted(struct limiter *lim, struct mirrored m, uint32_t from)
{
    struct layout *lay = lim->file.lay;

    if (m.kind == MIRRORED_RETREAT)
        refusals_adopted(lim, m.i, from);
    if (m.kind == MIRRORED_RETREAT && m.i < LAY_UPSTREAMS)
        return;
    lay->live.limited++;
    lay->live.refusing++; /* each worker looks at its waiters */
    giving_poke_all(lim);
}

/* The version is ours in any case: what we put next is made from it. */
static void hear(struct limiter *lim, const struct shared_value *v)
{
    struct layout *lay = lim->file.lay;
    struct lay_mirror *had;
    struct mirrored m;
    uint32_t from;

    if (!named(lay, v->name, &m))
        return; /* of a model that nobody here has asked for */
    had = &lay->mirrors[mirrored_place(m)];
    from = m.kind == MIRRORED_RETREAT ? lay->scopes[m.i].retreat.state : 0;
    had->version = v->version;
    if (!mirrored_unpack(lay, m, v->blob, v->len, v->age_ns, lim->now))
        return; /* ours is put anew, made from that version */
    had->hash = mirrored_hash(lay, m);
    adopted(lim, m, from);
}

/* Our own, taken over: from that version we go on. */
static void confirmed(struct limiter *lim, const struct shared_ask *ask,
                      const struct shared_value *v)
{
    struct layout *lay = lim->file.lay;
    struct mirrored m;
    uint32_t k;

    if (!named(lay, v->name, &m))
        return;
    lay->mirrors[mirrored_place(m)].version = v->version;
    for (k = 0; k < ask->n_puts; k++)
        if (strcmp(ask->puts[k].name, v->name) == 0)
            lay->mirrors[mirrored_place(m)].hash = ask->puts[k].hash;
}

uint64_t mirror_hear(struct limiter *lim, const struct shared_ask *ask,
                     const struct shared_answer *answer)
{
    uint32_t k;

    for (k = 0; k < answer->n_values; k++)
        if (answer->values[k].own)
            confirmed(lim, ask, &answer->values[k]);
        else
            hear(lim, &answer->values[k]);
    return answer->vv;
}
