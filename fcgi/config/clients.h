/*
 * The clients that the settings name: who has which key, and what is theirs.
 */
#ifndef SLUICE_CLIENTS_H
#define SLUICE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"

struct complaint;
struct config;
struct json_object;

#define KEY_HASH 32 /* bytes of SHA-256 */

struct client_key {
    char name[CLIENT_MAX]; /* unique; printable */
    unsigned char hash[KEY_HASH];
    int64_t priority;         /* enum limiter_class */
    int64_t weight;           /* 1..1,000 */
    int64_t requests_per_min; /* 0..10,000; 0: no limit of its own */
    int64_t queue_max;        /* 0: queue.per_client; else to 4,096 */
    unsigned given;           /* members that the file names, as bits */
};

/* The settings file's `clients`, LIST, into CFG.  0, or -1 and ERR names the
 * entry; never a key. */
int clients_put(struct config *cfg, struct json_object *list,
                struct complaint *err);
/* Do they agree with the other settings?  As above. */
int clients_settle(const struct config *cfg, struct complaint *err);
void clients_free(struct config *cfg); /* wipes the hashes */

/* SHA-256 of KEY, whose LEN bytes may hold anything. */
void clients_hash(unsigned char out[KEY_HASH], const char *key, size_t len);
/* Whose hash is it?  NULL: nobody's.  Takes as long for every answer. */
const struct client_key *clients_find(const struct config *cfg,
                                      const unsigned char hash[KEY_HASH]);
/* Is a client of that name configured? */
bool clients_has_name(const struct config *cfg, const char *name);
/* What is wrong with a client's name; NULL: nothing. */
const char *clients_name_fault(const char *name);

#endif
