/*
 * The shared store in the status snapshot (API.md), and as numbers.
 */
#ifndef SLUICE_STORE_PIECE_H
#define SLUICE_STORE_PIECE_H

struct buf;
struct config;
struct exposition;
struct limiter_view;
struct view_store;

/* null: no store is shared. */
void piece_store(struct buf *b, const struct limiter_view *v,
                 const struct config *cfg);
/* For Prometheus; nothing where no store is shared. */
void store_metrics(struct exposition *p, const struct view_store *s);

#endif
