/*
 * What the store tells by itself: that it is worth a call now.
 */
#ifndef SLUICE_STORE_PUSH_H
#define SLUICE_STORE_PUSH_H

#include <stdint.h>

#include "fcgi/store/store_fault.h"

struct loop;
struct ssl_ctx_st;
struct store_push;
struct store_spot;
struct store_url;

/* Called from the loop; the owner must not free it in them. */
struct store_push_calls {
    /* A message came; or it listens again, and may have missed some. */
    void (*pushed)(void *arg);
    /* It cannot listen, twice in a row: what is told costs a poll. */
    void (*deaf)(void *arg, enum store_fault f, const char *why);
};

/* Borrowed, for as long as it lives. */
struct store_push_set {
    const struct store_url *url; /* for its user */
    struct ssl_ctx_st *tls;
    const char *channels[2];
    uint64_t seed;
};

struct store_push *store_push_new(struct loop *loop,
                                  const struct store_push_set *set,
                                  const struct store_push_calls *calls,
                                  void *arg);
void store_push_free(struct store_push *p); /* NULL is fine */

/* Listens there from now on, and goes on trying; HOST as in store_wire.h. */
void store_push_start(struct store_push *p, const struct store_spot *spot,
                      const char *host);
void store_push_stop(struct store_push *p);

#endif
