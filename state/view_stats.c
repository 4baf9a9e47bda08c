/* view_stats.c - what do the statistics add to a view? */
#include "state/view_stats.h"

#include <stdlib.h>
#include <string.h>

#include "state/stats/counters.h"
#include "state/stats/figures.h"
#include "state/stats/recent.h"
#include "state/stats/stats_layout.h"
#include "state/stats/sums.h"
#include "state/stats/upstream_sends.h"
#include "state/view_form.h"

/* As in view.c. */
static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);

    CHECK(p != NULL);
    return p;
}

void view_stats_init(struct view_stats *s)
{
    s->models = room(LIMITER_MODELS, sizeof(*s->models));
    s->clients = room(LIMITER_CLIENTS, sizeof(*s->clients));
    s->workers = room(LIMITER_WORKERS, sizeof(*s->workers));
    s->of_models = room(LIMITER_MODELS, sizeof(*s->of_models));
    s->of_clients = room(LIMITER_CLIENTS, sizeof(*s->of_clients));
}

static void copy_figures(struct view_stats *s, const struct lay_tally *t,
                         const struct limiter_view *v)
{
    uint32_t i;

    for (i = 0; i < v->n_models; i++)
        (void)figures_model(t, s->models[i], v->models[i].upstream,
                            v->models[i].name, &s->of_models[i]);
    for (i = 0; i < v->n_clients; i++)
        (void)figures_client(t, s->clients[i], v->clients[i].name,
                             &s->of_clients[i]);
}

static void copy_sends(const struct lay_tally *t, struct limiter_view *out,
                       int64_t now)
{
    uint32_t i;

    for (i = 0; i < out->n_scopes; i++)
        out->scopes[i].went = upstream_sends_tell(
            t, out->scopes[i].upstream, out->scopes[i].rules.name, now);
}

void view_stats_copy(struct view_stats *s, const struct stats_layout *st,
                     struct limiter_view *out, int64_t now)
{
    const struct lay_sums *sums = &st->tally.sums;
    uint32_t i;

    s->now = now;
    copy_figures(s, &st->tally, out);
    copy_sends(&st->tally, out, now);
    counters_told(&st->counters, &out->counters);
    for (i = 0; i < LIMITER_RECENT; i++)
        if (recent_tell(&st->tally, i, &out->recent[out->n_recent]))
            out->n_recent++;
    memcpy(out->outcomes, sums->outcomes, sizeof(out->outcomes));
    out->requests = sums->requests;
    out->queue_ns = sums_ns(sums->queue_us);
    out->first_byte_ns = sums_ns(sums->first_byte_us);
    out->generation_ns = sums_ns(sums->generation_us);
    for (i = 0; i < out->n_workers; i++)
        out->viewers += st->board.viewers[s->workers[i]];
    out->builds = st->board.builds;
}

/* Where it has no limit of its own, no log tells what a client has sent. */
static void tell_client(const struct lay_figures *f, int64_t now,
                        struct view_client *c)
{
    figures_tell(f, now, &c->figures);
    if (c->requests_per_min == 0)
        c->used_per_min = (uint32_t)c->figures.minute;
}

void view_stats_tell(const struct view_stats *s, struct limiter_view *out)
{
    uint32_t i;

    for (i = 0; i < out->n_models; i++)
        figures_tell(&s->of_models[i], s->now, &out->models[i].figures);
    for (i = 0; i < out->n_clients; i++)
        tell_client(&s->of_clients[i], s->now, &out->clients[i]);
}

void view_stats_fini(struct view_stats *s)
{
    free(s->models);
    free(s->clients);
    free(s->workers);
    free(s->of_models);
    free(s->of_clients);
}
