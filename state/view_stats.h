/*
 * The statistics of a view.
 */
#ifndef SLUICE_VIEW_STATS_H
#define SLUICE_VIEW_STATS_H

#include <stdint.h>

struct lay_figures;
struct limiter_view;
struct stats_layout;

/* Rows of the tables that the view's models, clients and workers are of. */
struct view_stats {
    uint32_t *models, *clients, *workers;
    struct lay_figures *of_models, *of_clients; /* copies, of: */
    int64_t now;
};

void view_stats_init(struct view_stats *s);
/* Needs the lock.  Names in OUT are there already. */
void view_stats_copy(struct view_stats *s, const struct stats_layout *st,
                     struct limiter_view *out, int64_t now);
/* After it. */
void view_stats_tell(const struct view_stats *s, struct limiter_view *out);
void view_stats_fini(struct view_stats *s);

#endif
