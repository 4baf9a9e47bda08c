/*
 * One connection to one place, of commands and replies.
 */
#ifndef SLUICE_STORE_WIRE_H
#define SLUICE_STORE_WIRE_H

#include "fcgi/store/store_fault.h"

struct complaint;
struct loop;
struct redisReply;
struct ssl_ctx_st;
struct store_spot;
struct store_wire;
struct store_words;

/* Called from the loop, and never from a call of the owner's.  In any of them
 * the owner may free the wire. */
struct store_wire_calls {
    void (*up)(void *arg);
    void (*reply)(void *arg, const struct redisReply *r); /* R for its length */
    /* Nothing follows; free it. */
    void (*lost)(void *arg, enum store_fault f, const char *why);
};

/* Connects to TO.  TLS, with HOST's name in its certificate, if that is not
 * NULL.  NULL with WHY.  CALLS is borrowed for as long as it lives. */
struct store_wire *store_wire_open(struct loop *loop,
                                   const struct store_spot *to,
                                   struct ssl_ctx_st *tls, const char *host,
                                   const struct store_wire_calls *calls,
                                   void *arg, struct complaint *why);
void store_wire_free(struct store_wire *w); /* NULL is fine */

/* Sends a command, once it is up. */
void store_wire_send(struct store_wire *w, const struct store_words *words);

#endif
