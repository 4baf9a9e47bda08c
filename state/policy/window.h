/*
 * The sliding log of sends: exact, and as long as it has to be.
 *
 * A window is a list of chunks from the pool in the layout; OWNER is a scope, or
 * LAY_SCOPES + a client.  Each send has a time, and what it takes of the two
 * limits: a weight (1 a request) and its tokens, which are guessed until its
 * answer tells.  Times only rise, so the oldest is always first and dropping it
 * costs nothing.
 */
#ifndef SLUICE_WINDOW_H
#define SLUICE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"

struct layout;
struct lay_place;

/* Drops every send that no longer counts: all up to and with HORIZON_NS. */
void window_expire(struct layout *lay, uint32_t owner, int64_t horizon_ns);

/* Chunks that are left for windows of clients, or of scopes. */
uint32_t window_chunks_left(const struct layout *lay, bool of_clients);
/* Can a send be added? */
bool window_has_room(struct layout *lay, uint32_t owner);
/* Adds the send of GRANT, whose weight is above 0; there must be room.  A time
 * below the newest one is raised to it.  Where it is. */
struct lay_place window_push(struct layout *lay, uint32_t owner, int64_t t_ns,
                             struct take what, uint64_t grant);
/* Where the newest send is. */
struct lay_place window_newest(struct layout *lay, uint32_t owner);
/* The send AT, which took WAS tokens, took TOKENS: one store.  Sends of one time
 * that took the same are one as good as the other.  False: it is not in the log
 * any more. */
bool window_settle(struct layout *lay, uint32_t owner,
                   const struct lay_place *at, uint32_t was, uint32_t tokens);

/* When WEIGHT, above 0, of what is in the log will have gone out of it, if the
 * oldest goes first: *SENT_NS is the time of the last one to go.  False: there
 * is less in it. */
bool window_frees(struct layout *lay, uint32_t owner, uint64_t weight,
                  int64_t *sent_ns);
/* The same of TOKENS. */
bool window_frees_tokens(struct layout *lay, uint32_t owner, uint64_t tokens,
                         int64_t *sent_ns);
/* What was sent after HORIZON_NS weighs, and its tokens. */
uint64_t window_weight_after(struct layout *lay, uint32_t owner,
                             int64_t horizon_ns);
uint64_t window_tokens_after(struct layout *lay, uint32_t owner,
                             int64_t horizon_ns);

/* The same as window_frees() again and again, for weights that do not fall: all
 * of them together are one look at the log, which may not change meanwhile. */
struct window_walk {
    uint32_t chunk, k, hops;
    bool even;       /* each send weighs 1 */
    bool tokens;     /* these are what is added up, not the weights */
    uint64_t weight; /* of what it has come past, or its tokens */
    int64_t sent_ns; /* the time of the last of these */
};

void window_walk_begin(struct layout *lay, uint32_t owner,
                       struct window_walk *walk);
/* By tokens; what follows then speaks of them where it says weight. */
void window_walk_tokens(struct layout *lay, uint32_t owner,
                        struct window_walk *walk);
/* False: there is less in the log.  Else SENT_NS is the answer. */
bool window_walk_to(struct layout *lay, struct window_walk *walk,
                    uint64_t weight);

/* The K-th oldest time, from 0; K must be below the window's count. */
int64_t window_nth(struct layout *lay, uint32_t owner, uint32_t k);
/* Copies N times from the K-th on. */
void window_copy(struct layout *lay, uint32_t owner, uint32_t k, uint32_t n,
                 int64_t *out);

/* Was the newest send added for GRANT? */
bool window_has_last(struct layout *lay, uint32_t owner, uint64_t grant);

/* Puts every chunk where it belongs again, from the chunks alone. */
void window_rebuild(struct layout *lay);

#endif
