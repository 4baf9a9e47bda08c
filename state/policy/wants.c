/*
 * wants.c - where may this one go, and which slot does it take?
 *
 * A row in a shared line is asked again for each slot: of the lowest rank that
 * has one it takes the one whose upstream has sent the least for its share.  One
 * of a higher rank it leaves to others while a better one opens within its
 * patience; those that do so are counted, for they go one after the other.
 */
#include "state/policy/wants.h"

#include <string.h>

#include "state/policy/admit.h"
#include "state/policy/affinity.h"
#include "state/policy/limits.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/policy/naming.h"
#include "state/policy/openings.h"
#include "state/policy/slot_source.h"
#include "state/policy/want_order.h"

static uint64_t share_of(const struct layout *lay, uint32_t upstream)
{
    return lay->rules[upstream].share > 0 ? lay->rules[upstream].share : 1;
}

uint32_t wants_line(const struct layout *lay, uint32_t upstream)
{
    uint32_t line = lay->rules[upstream].line;

    if (line == 0 || line > LAY_UPSTREAMS || !wants_share(lay, line - 1) ||
        !limits_in_force(lay, line - 1))
        return NONE;
    return line - 1;
}

/* ---- what it has -------------------------------------------------------------- */

static struct wants_place place_of(const struct layout *lay,
                                   const struct lay_choice *c)
{
    struct wants_place p = {c->upstream, NONE, NONE};

    if (c->upstream >= LAY_UPSTREAMS)
        return p;
    if (c->model < LAY_MODELS)
        p.model = c->model;
    /* One without a model has no window but that of all that have none. */
    p.scope = lay->rules[c->upstream].per_model && p.model != NONE
                  ? LAY_UPSTREAMS + p.model
                  : c->upstream;
    return p;
}

struct wants_place wants_place(struct layout *lay, uint32_t row, uint32_t k)
{
    const struct lay_want *w = want_at(lay, row);

    if (k >= w->n || k >= LIMITER_CHOICES)
        sigbus_damaged("choice");
    return place_of(lay, &w->choice[k]);
}

struct wants_place wants_home(struct layout *lay, uint32_t row)
{
    const struct lay_want *w = want_at(lay, row);
    const struct lay_row *r = row_at(lay, row);

    if (!wants_has(lay, row))
        return (struct wants_place){NONE, r->scope, r->model};
    if (w->mark > 0)
        return wants_place(lay, row, w->mark - 1u);
    if (w->n == 1)
        return wants_place(lay, row, 0);
    return (struct wants_place){NONE, NONE, NONE};
}

/* ---- making and counting ------------------------------------------------------- */

/* The name looked up last. */
struct hashed {
    const char *name;
    uint64_t hash;
};

static uint16_t model_for(struct layout *lay, uint32_t upstream,
                          const char *name, struct hashed *last, int64_t now)
{
    uint32_t model;

    if (name[0] == '\0')
        return LAY_NO_MODEL;
    if (last->name == NULL || strcmp(last->name, name) != 0)
        *last = (struct hashed){name, names_hash(name)};
    model = naming_model_of(lay, upstream, name, last->hash, now);
    return model == NONE ? LAY_NO_MODEL : (uint16_t)model;
}

/* Where the table of names is full, one may have got the row of the one before
 * it: that has no name, then. */
static void part(struct lay_want *w, uint32_t k)
{
    uint32_t i;

    for (i = 0; i < k; i++)
        if (w->choice[i].model == w->choice[k].model &&
            w->choice[i].upstream != w->choice[k].upstream)
            w->choice[i].model = LAY_NO_MODEL;
}

static void make_one(struct layout *lay, struct lay_choice *c,
                     const struct limiter_choice *from, uint32_t line,
                     struct hashed *last, int64_t now)
{
    *c = (struct lay_choice){UINT8_MAX, UINT8_MAX, LAY_NO_MODEL, 0, 0, 0};
    if (from->upstream >= LAY_UPSTREAMS ||
        wants_line(lay, from->upstream) != line)
        return;
    c->upstream = (uint8_t)from->upstream;
    c->rank =
        (uint8_t)(from->rank < WANT_RANK_MAX ? from->rank : WANT_RANK_MAX);
    c->model = model_for(lay, from->upstream, from->model, last, now);
    c->patience = want_order_patience(from->patience_ns);
}

void wants_make(struct layout *lay, uint32_t row, uint32_t line,
                const struct limiter_request *req, int64_t now)
{
    const struct limiter_choice only = {req->upstream, req->model, 0, 0};
    const struct limiter_choice *from = req->choices;
    uint32_t n = req->n_choices, had, k;
    struct lay_want *w = want_at(lay, row);
    struct hashed last = {NULL, 0};

    if (n == 0) {
        from = &only;
        n = 1;
    }
    n = n < LIMITER_CHOICES ? n : LIMITER_CHOICES;
    w->n = (uint16_t)n;
    w->mark = 0;
    for (k = 0; k < n; k++) { /* not w->n: others write there, too */
        make_one(lay, &w->choice[k], &from[k], line, &last, now);
        w->choice[k].number = (uint8_t)k;
        part(w, k);
    }
    had = affinity_find(lay, req->affinity.key, now);
    if (had != NONE && n > 1)
        want_order_prefer(lay, w, had, req->affinity.patience_ns);
    want_order_sort(w);
}

uint32_t wants_number(struct layout *lay, uint32_t row)
{
    const struct lay_want *w = want_at(lay, row);

    if (!wants_has(lay, row) || w->mark == 0 || w->mark > LIMITER_CHOICES)
        return 0;
    return w->choice[w->mark - 1].number;
}

uint32_t wants_numbered(struct layout *lay, uint32_t row, uint32_t number)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t k;

    for (k = 0; k < w->n && k < LIMITER_CHOICES; k++)
        if (w->choice[k].number == number)
            return k;
    return 0;
}

void wants_count(struct layout *lay, uint32_t row, int sign)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t k;

    for (k = 0; wants_has(lay, row) && k < w->n && k < LIMITER_CHOICES; k++)
        if (w->choice[k].model < LAY_MODELS)
            lay->models[w->choice[k].model].refs += (uint32_t)sign;
}

void wants_make_single(struct layout *lay, uint32_t row)
{
    struct lay_row *r = row_at(lay, row);
    struct lay_want *w = want_at(lay, row);

    w->choice[0] = (struct lay_choice){
        (uint8_t)limits_upstream(lay, r->scope),
        0,
        r->model < LAY_MODELS ? (uint16_t)r->model : LAY_NO_MODEL,
        0,
        0,
        0};
    w->mark = row_is_in_flight(r);
    w->n = 1;
    r->flags |= ROW_CHOOSES;
    wants_count(lay, row, 1);
}

void wants_drop(struct layout *lay, uint32_t row)
{
    wants_count(lay, row, -1);
    row_at(lay, row)->flags &= (uint16_t)~ROW_CHOOSES;
}

uint32_t wants_home_line(struct layout *lay, uint32_t row)
{
    uint32_t upstream = wants_has(lay, row)
                            ? wants_place(lay, row, 0).upstream
                            : limits_upstream(lay, row_at(lay, row)->scope);

    return upstream < LAY_UPSTREAMS ? wants_line(lay, upstream) : NONE;
}

void wants_rebuild(struct layout *lay, uint32_t row)
{
    struct lay_row *r = row_at(lay, row);
    struct lay_want *w = want_at(lay, row);
    uint32_t line;

    if (!wants_has(lay, row))
        return;
    if (w->n == 0 || w->n > LIMITER_CHOICES || w->mark > w->n)
        sigbus_damaged("choices");
    if (r->state != ROW_WAITING && r->state != ROW_ASIDE)
        return;
    if ((r->flags & ROW_KEPT) == 0)
        w->mark = 0;
    else if (w->mark == 0)
        r->flags &= (uint16_t)~ROW_KEPT;
    line = wants_home_line(lay, row);
    if (line != NONE) { /* else rescope.c finds it a place */
        r->scope = (uint16_t)line;
        r->model = wants_place(lay, row, 0).model;
    }
}

void wants_mark(struct layout *lay, uint32_t row, uint32_t k)
{
    if (wants_has(lay, row))
        want_at(lay, row)->mark = (uint16_t)(k + 1);
}

void wants_unmark(struct layout *lay, uint32_t row)
{
    if (wants_has(lay, row))
        want_at(lay, row)->mark = 0;
}

/* ---- may it go? ------------------------------------------------------------------ */

/* Was it refused as a probe, and could others of its line be the next?  One that
 * never passes must not be the only one to try. */
static bool lets_others_try(struct layout *lay, uint32_t row,
                            const struct wants_place *p)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_scope *line = scope_at(lay, r->scope);

    return (r->flags & ROW_PROBED) != 0 && line->probed < line->waiting &&
           (scope_at(lay, p->scope)->retreat.state == RETREAT_PROBING ||
            (model_limit_scope(lay, p->upstream, p->model) != NONE &&
             lay->scopes[LAY_UPSTREAMS + p->model].retreat.state ==
                 RETREAT_PROBING));
}

bool wants_is_open(struct layout *lay, const struct openings *o,
                   const struct wants_place *p)
{
    int64_t when;

    if (p->scope == NONE || !openings_has(o, p->upstream))
        return false;
    if (lay->rules[p->upstream].per_model == 0)
        return true;
    admit_refresh(lay, p->scope, o->now);
    return slot_source_of(lay, p->scope)
        ->have(lay, p->scope, TAKE_ONE, o->now, &when);
}

bool wants_is_blocked(struct layout *lay, const struct wants_place *p)
{
    return lay->live.limited > 0 &&
           model_gate_block(lay, p->model, lay->live.now_ns);
}

/* Has A sent less for its share than B? */
static bool is_lighter(const struct layout *lay, const struct wants_place *a,
                       const struct wants_place *b)
{
    const struct lay_scope *sa = &lay->scopes[a->scope];
    const struct lay_scope *sb = &lay->scopes[b->scope];

    return (sa->window.weight + sa->open_weight + 1) *
               share_of(lay, b->upstream) <
           (sb->window.weight + sb->open_weight + 1) *
               share_of(lay, a->upstream);
}

/* Does one of P come soon enough for it to leave what is open to others? */
static bool waits_for(struct layout *lay, struct openings *o,
                      const struct wants_place *p, uint32_t patience)
{
    int64_t at;

    if (p->scope == NONE || patience == 0 ||
        model_state_is_held(lay, p->upstream))
        return false; /* that is for who tries */
    at = max_i64(admit_eta(lay, p->scope, o->claims[p->upstream], o->now),
                 p->model == NONE || lay->live.limited == 0
                     ? o->now
                     : model_gate_free_at(lay, p->model, o->now));
    if (at == NEVER || at - o->now > patience * WANTS_PATIENCE_NS)
        return false;
    o->claims[p->upstream]++;
    return true;
}

/* One of the rank of its K-th, from there on: the best that is open, or NONE. */
static uint32_t take_of_rank(struct layout *lay, uint32_t row, uint32_t k,
                             const struct openings *o, bool any)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t rank = w->choice[k].rank, best = NONE;
    struct wants_place p, best_p;

    for (; k < w->n && w->choice[k].rank == rank; k++) {
        p = wants_place(lay, row, k);
        if (!wants_is_open(lay, o, &p) || wants_is_blocked(lay, &p) ||
            (!any && lets_others_try(lay, row, &p)))
            continue;
        if (best != NONE && !is_lighter(lay, &p, &best_p))
            continue;
        best = k;
        best_p = p;
    }
    return best;
}

uint32_t wants_take(struct layout *lay, uint32_t row, struct openings *o,
                    bool any)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t k = 0, best, rank;

    while (k < w->n) {
        best = take_of_rank(lay, row, k, o, any);
        if (best != NONE)
            return best;
        rank = w->choice[k].rank;
        for (; k < w->n && w->choice[k].rank == rank; k++) {
            struct wants_place p = wants_place(lay, row, k);

            if (waits_for(lay, o, &p, w->choice[k].patience))
                return NONE;
        }
    }
    return NONE;
}

bool wants_are_blocked(struct layout *lay, uint32_t row)
{
    uint32_t k, n = want_at(lay, row)->n;

    for (k = 0; k < n; k++) {
        struct wants_place p = wants_place(lay, row, k);

        if (p.scope != NONE && !wants_is_blocked(lay, &p))
            return false;
    }
    return true;
}

int64_t wants_free_at(struct layout *lay, uint32_t row)
{
    int64_t at = NEVER, now = lay->live.now_ns;
    uint32_t k, n = want_at(lay, row)->n;

    for (k = 0; k < n; k++) {
        struct wants_place p = wants_place(lay, row, k);

        if (p.scope == NONE)
            continue;
        at = min_i64(
            at, p.model == NONE ? now : model_gate_free_at(lay, p.model, now));
    }
    return at;
}
