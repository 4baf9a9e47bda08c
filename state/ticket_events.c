/*
 * ticket_events.c - what are the tickets told, and when do they end?
 *
 * News are written down under the lock and told after it.  A ticket holds one
 * piece of news: that it waits is no news once it was granted.  Nothing is
 * freed while somebody may still be told.
 *
 * A place in line costs a look at all that wait, so they are so many a turn
 * (TURN_LOOKS); the others hear of theirs in the next one.
 */
#include "state/ticket_events.h"
#include "state/policy/admit.h"
#include "state/policy/eligible.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/model_eta.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_state.h"
#include "state/policy/position.h"
#include "state/policy/quota.h"
#include "state/policy/retry_priority.h"
#include "state/policy/row.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"
#include "state/worker.h"

/* Where classes tie, position.c goes through all lines again and again. */
#define PLACE_LOOKS 2

void ticket_events_add(struct limiter *lim, struct ticket *t,
                       enum ticket_event event)
{
    t->news.event = event;
    if (t->has_news)
        return;
    t->has_news = true;
    t->next_news = NULL;
    *lim->news_end = t;
    lim->news_end = &t->next_news;
}

/* What its client may still send: of the window, and of its own limit, if that is
 * less. */
static void tell_window(struct layout *lay, const struct lay_row *row,
                        int64_t now, struct ticket_news *news)
{
    uint32_t used = admit_used(lay, row->scope, now);
    const struct lay_rules *r = limits_of(lay, row->scope);
    uint32_t own = quota_per_min(lay, row->client);

    news->limit = admit_limit(lay, row->scope);
    news->remaining = news->limit > used ? news->limit - used : 0;
    news->reset_ns = r->window_ns + r->margin_ns;
    if (own == 0 || own >= news->limit)
        return;
    used = quota_used(lay, row->client, now);
    news->limit = own;
    own -= used < own ? used : own;
    news->remaining = news->remaining < own ? news->remaining : own;
    news->reset_ns = max_i64(news->reset_ns, lay->live.quota_span_ns);
}

void ticket_events_granted(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *row = row_at(lay, t->row);

    t->choice = t->news.choice = wants_number(lay, t->row);
    tell_window(lay, row, lim->now, &t->news);
    t->news.token_ratio_m = tokens_ratio_m(lay, row->model);
    t->news.valid_until_ns = lim->checked_ns + TICK_NS;
    t->lapsed = false;
    t->req.deadline_ns = NEVER; /* it ends at the first grant, in any file */
    ticket_events_add(lim, t, TICKET_GRANTED);
}

void ticket_events_refused(struct limiter *lim, struct ticket *t,
                           enum limiter_refusal why, int64_t eta_ns)
{
    t->state = TICKET_OVER;
    t->row = NONE;
    t->wishes = 0;
    t->news.why = why;
    t->news.eta_ns = eta_ns;
    ticket_events_add(lim, t, TICKET_REFUSED);
}

/* ---- places in line ------------------------------------------------------ */

void ticket_events_fresh(struct limiter *lim, struct ticket *t)
{
    if (t->fresh)
        return;
    t->fresh = true;
    t->next_fresh = NULL;
    *lim->fresh_end = t;
    lim->fresh_end = &t->next_fresh;
}

/* What its model makes of its place. */
static struct model_place model_place(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    struct model_place place = {0, 0};

    if (lay->live.limited > 0 && r->model != NONE &&
        model_gate_is_limited(lay, r->model))
        position_of_model(lay, row, &place);
    return place;
}

/* By the tokens of those before it, which take as many as all of them do on
 * average, and its own. */
static int64_t tokens_eta(struct layout *lay, uint32_t row, uint32_t place,
                          int64_t now)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_scope *s = scope_at(lay, r->scope);
    uint64_t before = 0;

    if (limits_of(lay, r->scope)->tokens == 0)
        return now;
    if (s->waiting > 0)
        before = place * (s->lined_tokens / s->waiting);
    return admit_tokens_eta(lay, r->scope,
                            before + tokens_of_scope(lay, r).tokens, now);
}

/* When there is a slot for ROW, and its model takes it; its client's own limit left
 * aside.  PLACE: where it stands in line. */
static int64_t slot_eta(struct layout *lay, uint32_t row, uint32_t place,
                        int64_t now, const int64_t *etas, uint32_t n)
{
    const struct lay_row *r = row_at(lay, row);
    struct model_place of_model = model_place(lay, row);
    int64_t eta;

    place += of_model.passed; /* they have to find slots, too */
    if ((r->flags & ROW_KEPT) != 0)
        eta = now; /* its slot is there */
    else if (place < n)
        eta = etas[place];
    else
        eta = admit_eta(lay, r->scope, place, now);
    eta = max_i64(eta, tokens_eta(lay, row, place, now));
    eta = max_i64(eta, model_eta(lay, r->model, of_model.before, now));
    return max_i64(eta, lent_eta(lay, r->scope, place, now));
}

void ticket_events_place(struct layout *lay, struct ticket *t, int64_t now,
                         const int64_t *etas, uint32_t n)
{
    uint32_t place = position_position(lay, t->row);
    uint32_t first = position_first(lay, t->row);
    int64_t eta = slot_eta(lay, t->row, place, now, etas, n), own = now;

    if (first != NONE)
        own = slot_eta(lay, first, position_position(lay, first), now, etas, n);
    own = position_own_eta(lay, t->row, own, now);
    t->news.position = place;
    t->news.own_limit = own > eta;
    eta = max_i64(eta, own);
    t->news.eta_ns = eta == NEVER ? -1 : eta - now;
    t->news.waiting = lay->live.waiting;
    t->news.token_ratio_m = tokens_ratio_m(lay, row_at(lay, t->row)->model);
}

void ticket_events_place_shared(struct layout *lay, struct ticket *t,
                                int64_t now, const struct line_eta *e)
{
    uint32_t first = position_first(lay, t->row);
    int64_t own =
        position_own_eta(lay, t->row, first == NONE ? now : e->eta[first], now);
    int64_t eta = e->eta[t->row];

    t->news.position = e->position[t->row];
    t->news.own_limit = eta != NEVER && own > eta;
    eta = max_i64(eta, own);
    t->news.eta_ns = eta == NEVER ? -1 : max_i64(eta - now, 0);
    t->news.waiting = lay->live.waiting;
    t->news.token_ratio_m = tokens_ratio_m(lay, row_at(lay, t->row)->model);
}

static bool still_waits(struct limiter *lim, const struct ticket *t)
{
    return t->state == TICKET_LINE && t->row != NONE &&
           row_at(lim->file.lay, t->row)->state == ROW_WAITING;
}

/* False: it was refused. */
static bool tell_place(struct limiter *lim, struct ticket *t, uint32_t n_etas)
{
    struct layout *lay = lim->file.lay;

    if (wants_has(lay, t->row))
        ticket_events_place_shared(lay, t, lim->now, &lim->line_eta);
    else
        ticket_events_place(lay, t, lim->now, lim->etas, n_etas);
    /* The deadline ended at its first grant: one that the upstream sent back
     * is not refused because it has to wait again. */
    if (t->news.eta_ns < 0 || t->news.eta_ns <= t->req.deadline_ns - lim->now) {
        ticket_events_add(lim, t, TICKET_WAITS);
        return true;
    }
    lim->by_row[t->row] = NULL;
    row_leave(lay, t->row);
    lim->journal.did.refused[REFUSED_DEADLINE]++;
    retry_priority_note(lay, t->req.fingerprint, lim->now);
    ticket_events_refused(lim, t, REFUSED_DEADLINE, t->news.eta_ns);
    return false;
}

/* What is found out once for all tickets of a scope that come in a row. */
struct measured {
    uint32_t scope;  /* or NONE */
    uint32_t n_etas; /* of it */
};

/* While models are limited, what may go is counted before places are told; and
 * where an ETA needs those before it, all of them are had at once. */
static void measure(struct limiter *lim, uint32_t scope, struct measured *m)
{
    struct layout *lay = lim->file.lay;
    uint32_t waiting = scope_at(lay, scope)->waiting;

    if (scope == m->scope)
        return;
    *m = (struct measured){scope, 0};
    if (lay->live.limited > 0) {
        eligible_measure(lay, scope);
        lim->told.looks += waiting;
    }
    if (wants_share(lay, scope)) {
        line_eta_all(&lim->line_eta, lay, scope, lim->now);
        lim->told.looks += 2 * waiting;
        return;
    }
    if (!admit_is_stepwise(lay, scope))
        return;
    m->n_etas = waiting < LAY_ROWS ? waiting : LAY_ROWS;
    admit_etas(lay, scope, NULL, m->n_etas, lim->now, lim->etas);
    lim->told.looks += waiting;
}

static struct ticket *next_fresh(struct limiter *lim)
{
    struct ticket *t = lim->fresh;

    lim->fresh = t->next_fresh;
    if (lim->fresh == NULL)
        lim->fresh_end = &lim->fresh;
    t->fresh = false;
    return t;
}

/* In the order of their joining: one that is refused makes room for those
 * behind it. */
void ticket_events_places(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    struct measured m = {NONE, 0};

    while (lim->fresh != NULL) {
        struct ticket *t = lim->fresh;
        uint32_t scope;

        if (!still_waits(lim, t)) { /* it got its slot, or is gone */
            (void)next_fresh(lim);
            continue;
        }
        scope = row_at(lay, t->row)->scope;
        if (!effort_take(&lim->told,
                         PLACE_LOOKS * scope_at(lay, scope)->waiting))
            break;
        measure(lim, scope, &m);
        if (!tell_place(lim, next_fresh(lim), m.n_etas) &&
            wants_share(lay, scope))
            m.scope = NONE; /* it is gone: those behind it come sooner */
    }
    lim->more |= lim->fresh != NULL;
}

/* ---- telling --------------------------------------------------------------- */

static void tell(struct limiter *lim, struct ticket *t)
{
    struct ticket_news news = t->news;
    ticket_fn *fn = t->fn;

    t->has_news = false;
    if (news.event == TICKET_GRANTED)
        t->granted = true;
    if (news.event == TICKET_REFUSED) {
        t->fn = NULL; /* its owner forgets it in the callback */
        ticket_events_over(lim, t);
    }
    if (fn != NULL)
        fn(t->arg, &news);
}

void ticket_events_tell(struct limiter *lim, bool only_refused)
{
    struct ticket *t = lim->news, *next;

    lim->news = NULL;
    lim->news_end = &lim->news;
    for (; t != NULL; t = next) {
        next = t->next_news;
        if (!only_refused || t->news.event == TICKET_REFUSED) {
            tell(lim, t);
            continue;
        }
        t->has_news = false;
        ticket_events_add(lim, t, t->news.event);
    }
}

void ticket_events_over(struct limiter *lim, struct ticket *t)
{
    if (t->over)
        return;
    t->over = true;
    t->next_over = lim->over;
    lim->over = t;
}

void ticket_events_free(struct limiter *lim)
{
    struct ticket *t = lim->over, *next;

    lim->over = NULL;
    for (; t != NULL; t = next) {
        next = t->next_over;
        if (!t->wishing && !t->has_news && !t->fresh) {
            ticket_free(&lim->all, t);
            continue;
        }
        t->over = false;
        ticket_events_over(lim, t);
    }
}
