/*
 * Clients: who has which key, and what is theirs.  The settings name some, the
 * keys of others were made while we ran (keys.h).
 */
#ifndef SLUICE_CLIENTS_H
#define SLUICE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/client_key.h"

struct complaint;
struct config;
struct json_object;

/* The settings file's `clients`, LIST, into CFG.  0, or -1 and ERR names the
 * entry; never a key. */
int clients_put(struct config *cfg, struct json_object *list,
                struct complaint *err);
/* Do they agree with the other settings?  As above. */
int clients_settle(const struct config *cfg, struct complaint *err);
void clients_free(struct config *cfg); /* wipes all hashes */

/* Whose hash is it?  NULL: nobody's.  Takes as long for every answer. */
const struct client_key *clients_find(const struct config *cfg,
                                      const unsigned char hash[KEY_HASH]);
/* Is the time of KEY over, NOW_MS after 1970? */
bool clients_is_over(const struct client_key *key, int64_t now_ms);
/* The client of that name, whose time may be over; NULL: there is none. */
const struct client_key *clients_named(const struct config *cfg,
                                       const char *name);
/* Does the settings file name one so? */
bool clients_is_set(const struct config *cfg, const char *name);
bool clients_has_name(const struct config *cfg, const char *name);

#endif
