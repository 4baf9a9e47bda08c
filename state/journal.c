/*
 * journal.c - what was done under the lock, and is to be counted?
 *
 * Nothing is counted in the middle of a transition: it is noted here, in our
 * own memory, and counted when the state is whole (count.c).
 */
#include "state/journal.h"

#include <string.h>

#include "state/policy/admit.h"
#include "state/policy/limits.h"
#include "state/worker.h"

static void note_names(struct layout *lay, struct sent_by *s)
{
    s->owner = NONE;
    s->client_name[0] = s->model_name[0] = s->upstream_name[0] = '\0';
    if (s->upstream < LAY_UPSTREAMS)
        memcpy(s->upstream_name, lay->rules[s->upstream].name,
               sizeof(s->upstream_name));
    if (s->client < LAY_CLIENTS)
        memcpy(s->client_name, lay->clients[s->client].text,
               sizeof(s->client_name) - 1);
    if (s->model >= LAY_MODELS)
        return;
    s->owner = lay->models[s->model].owner;
    memcpy(s->model_name, lay->models[s->model].text,
           sizeof(s->model_name) - 1);
}

void journal_sent(struct limiter *lim, const struct ticket *t)
{
    struct journal *j = &lim->journal;
    const struct lay_row *r = row_at(lim->file.lay, t->row);

    j->did.sent++;
    if (j->n_sends == LAY_ROWS)
        return;
    j->sends[j->n_sends].client = r->client;
    j->sends[j->n_sends].model = r->model;
    j->sends[j->n_sends].upstream = limits_upstream(lim->file.lay, r->scope);
    note_names(lim->file.lay, &j->sends[j->n_sends++]);
}

void journal_sweep(struct limiter *lim)
{
    uint32_t before = lim->gone.n;

    workers_sweep(lim->file.lay, lim->file.fd, lim->seat, lim->now, &lim->gone);
    lim->journal.did.swept += lim->gone.n - before;
}

void journal_gauge(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t upstream = lim->places[0];
    struct rings_gauge *g = &lim->journal.gauge;

    *g = (struct rings_gauge){.waiting = lay->live.waiting,
                              .in_flight = lay->live.running};
    lim->journal.has_gauge = true;
    if (upstream >= LAY_UPSTREAMS || !limits_is_sane(&lay->rules[upstream]))
        return;
    g->window_used = admit_used_now(lay, upstream, lim->now);
    g->window_limit = lay->rules[upstream].requests;
}

void journal_unbind(struct limiter *lim)
{
    struct journal *j = &lim->journal;
    uint32_t i;

    for (i = 0; i < j->n_sends; i++)
        j->sends[i].client = j->sends[i].model = j->sends[i].upstream = NONE;
    for (i = 0; i < j->lost.n; i++)
        j->lost.rows[i].client = j->lost.rows[i].model =
            j->lost.rows[i].upstream = NONE;
    memset(j->lost.left, 0, sizeof(j->lost.left));
    j->lost.any_left = false;
    j->has_gauge = false;
}
