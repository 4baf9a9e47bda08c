/*
 * What is said first on a connection, and what has to be answered.
 */
#ifndef SLUICE_STORE_HELLO_H
#define SLUICE_STORE_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/config/store_url.h"
#include "fcgi/store/store_ask.h"
#include "fcgi/store/store_check.h"
#include "fcgi/store/store_fault.h"

struct redisReply;
struct complaint;
struct store_wire;

enum hello_word {
    HELLO_AUTH = 0,
    HELLO_SELECT,
    HELLO_SERVER, /* three parts of INFO: Redis 6 gives one at a time */
    HELLO_REPLICATION,
    HELLO_MEMORY,
    HELLO_SCRIPT,
    HELLO_LIBRARY,
    HELLO_MASTER, /* of a sentinel */
    HELLO_WORDS = 8
};

struct store_hello {
    enum hello_word said[HELLO_WORDS];
    size_t n, heard;
    struct store_server server;
    char sha[STORE_SHA];       /* of the script */
    bool function;             /* it is there as one, too */
    struct store_place master; /* where a sentinel says that the store is */
};

/* To a store; SCRIPT is loaded. */
void store_hello_store(struct store_hello *h, struct store_wire *wire,
                       const struct store_url *url, const char *script);
/* To a sentinel: which is the master?  AUTH: it wants a password. */
void store_hello_sentinel(struct store_hello *h, struct store_wire *wire,
                          const struct store_url *url, bool auth);
/* AUTH alone, if there is a password; how many replies follow. */
size_t store_hello_auth(struct store_wire *wire, const struct store_url *url);

/* Takes the next reply.  STORE_FINE: go on, or with h->heard == h->n it is over;
 * else a fault, with a line in WHY where it has none of its own. */
enum store_fault store_hello_take(struct store_hello *h,
                                  const struct redisReply *r,
                                  struct complaint *why);

#endif
