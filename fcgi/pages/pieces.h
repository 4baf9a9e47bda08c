/*
 * The parts of the status snapshot, each as one JSON value (API.md).
 */
#ifndef SLUICE_PIECES_H
#define SLUICE_PIECES_H

#include "lib/buf.h"
#include "state/limiter.h"
#include "state/view.h"
#include "state/view_verdict.h"

struct config;

/* "KEY":1.234, from nanoseconds; null below zero. */
void piece_seconds(struct buf *b, const char *key, int64_t ns);

/* The name of upstream number WHICH of the state; borrowed of V. */
const char *piece_upstream(const struct limiter_view *v, uint32_t which);

/* null: it goes. */
void piece_pause(struct buf *b, const struct limiter_view *v);
/* CFG as in snapshot.h; OPENS_MAX of the used slots are told. */
void piece_limit(struct buf *b, const struct limiter_view *v,
                 const struct config *cfg, const struct view_scope *s,
                 uint32_t opens_max);
void piece_model(struct buf *b, const struct limiter_view *v,
                 const struct view_model *m);
void piece_client(struct buf *b, const struct view_client *c);
void piece_row(struct buf *b, const struct limiter_view *v,
               const struct view_row *r);
/* ,"key":{...}: what S's upstream says of ours. */
void piece_key(struct buf *b, const struct config *cfg,
               const struct view_scope *s);
void piece_group(struct buf *b, const struct limiter_view *v,
                 const struct view_group *g);
void piece_verdict(struct buf *b, const struct view_verdict *v);
void piece_recent(struct buf *b, const struct view_recent *r);
void piece_worker(struct buf *b, const struct view_worker *w);
void piece_counters(struct buf *b, const struct limiter_view *v);

const char *piece_class(enum limiter_class cls);

#endif
