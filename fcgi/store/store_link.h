/*
 * The connection for calls: had, kept, lost and had again.
 */
#ifndef SLUICE_STORE_LINK_H
#define SLUICE_STORE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/store/store_fault.h"

struct loop;
struct redisReply;
struct ssl_ctx_st;
struct store_hello;
struct store_link;
struct store_spot;
struct store_url;
struct store_words;

/* Called from the loop alone; the owner must not free it in them. */
struct store_link_calls {
    void (*up)(void *arg);
    void (*reply)(void *arg, const struct redisReply *r);
    /* It is down: it was lost, or once more could not be had.  WHY is a line. */
    void (*lost)(void *arg, enum store_fault f, const char *why);
};

/* Borrowed, for as long as it lives. */
struct store_link_set {
    const struct store_url *url;
    struct ssl_ctx_st *tls; /* NULL: none */
    const char *script;
    uint64_t seed; /* of its pauses */
};

/* Begins to connect.  NULL: no memory. */
struct store_link *store_link_new(struct loop *loop,
                                  const struct store_link_set *set,
                                  const struct store_link_calls *calls,
                                  void *arg);
void store_link_free(struct store_link *l); /* NULL is fine */

bool store_link_is_up(const struct store_link *l);
void store_link_send(struct store_link *l, const struct store_words *words);
/* It has done what it is for: the next pause is the shortest one. */
void store_link_proven(struct store_link *l);
/* Its answer was none.  lost() is called within. */
void store_link_drop(struct store_link *l, enum store_fault f, const char *why);

/* While it is up: what the server said, where it is, and whose name its
 * certificate bears. */
const struct store_hello *store_link_hello(const struct store_link *l);
const struct store_spot *store_link_spot(const struct store_link *l);
const char *store_link_host(const struct store_link *l);

#endif
