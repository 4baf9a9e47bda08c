/*
 * ticket_choices.c - where may a ticket go, and is all of that off?
 */
#include "state/ticket_choices.h"

#include "state/policy/model_state.h"
#include "state/policy/row.h"
#include "state/ticket_events.h"
#include "state/upstream_map.h"
#include "state/worker.h"

/* Needs the lock.  T's choices with the rows of upstreams for their places in the
 * settings, into TO; its request, which says where they are. */
void ticket_choices_place(const struct limiter *lim, struct ticket *t,
                          struct limiter_choice to[LIMITER_CHOICES])
{
    uint32_t i;

    t->req.upstream = upstream_map_of(lim, t->upstream);
    if (t->req.n_choices == 0)
        return;
    t->req.choices = to;
    for (i = 0; i < t->req.n_choices; i++) {
        to[i] = t->choices[i].as;
        to[i].upstream = upstream_map_of(lim, to[i].upstream);
    }
    t->req.upstream = to[0].upstream;
}

/* Needs the lock.  Is all off that T could go to?  Then NEWS says of what ends
 * first why. */
static enum limiter_refusal off(struct limiter *lim, const struct ticket *t,
                                uint32_t model, struct ticket_news *news)
{
    struct layout *lay = lim->file.lay;
    struct ticket_news one = *news;
    enum limiter_refusal why = REFUSED_NOT, last;
    uint32_t i;

    if (lay->live.limited == 0)
        return REFUSED_NOT;
    if (t->req.n_choices == 0)
        return model_state_refuse(lay, t->req.upstream, model, t->req.model,
                                  lim->now, news);
    for (i = 0; i < t->req.n_choices; i++) {
        uint32_t upstream = upstream_map_of(lim, t->choices[i].as.upstream);

        if (upstream == NONE)
            continue;
        last = model_state_refuse(lay, upstream, NONE, t->choices[i].model,
                                  lim->now, &one);
        if (last == REFUSED_NOT)
            return REFUSED_NOT;
        if (why == REFUSED_NOT || one.eta_ns < news->eta_ns) {
            *news = one;
            why = last;
        }
    }
    return why;
}

/* Needs the lock.  Is T's model or upstream off?  Then it was refused, and has
 * no row. */
bool ticket_choices_refuse(struct limiter *lim, struct ticket *t,
                           uint32_t model)
{
    struct layout *lay = lim->file.lay;
    enum limiter_refusal why = off(lim, t, model, &t->news);

    if (why == REFUSED_NOT)
        return false;
    if (t->row != NONE) {
        lim->by_row[t->row] = NULL;
        row_leave(lay, t->row);
    }
    lim->journal.did.refused[why]++;
    t->news.waiting = lay->live.waiting;
    ticket_events_refused(lim, t, why, t->news.eta_ns);
    return true;
}

void ticket_choices_refuse_all(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    struct ticket *t;

    if (lay->live.refusing == lim->refused_up_to)
        return;
    for (t = lim->all.first; t != NULL; t = t->next)
        if (t->state == TICKET_LINE && t->row != NONE &&
            (t->wishes & WISH_DONE) == 0 &&
            row_at(lay, t->row)->state == ROW_WAITING)
            (void)ticket_choices_refuse(lim, t, row_at(lay, t->row)->model);
    lim->refused_up_to = lay->live.refusing;
}
