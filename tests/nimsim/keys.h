/*
 * Keys with a limit each: accounts of one service.
 */
#ifndef NIMSIM_KEYS_H
#define NIMSIM_KEYS_H

#include <stddef.h>

#include "window.h"

struct json_object;

#define KEYS_MAX      16
#define KEY_BYTES_MAX 64

enum key_state {
    KEY_GOOD = 0,
    KEY_REVOKED, /* 403 */
    KEY_UNPAID,  /* 402 */
};

struct sim_key {
    char text[KEY_BYTES_MAX];
    enum key_state state;
    struct window window; /* of its own; its limit is everybody's */
};

struct keys {
    struct sim_key key[KEYS_MAX];
    size_t n; /* 0: keys have no limit of their own */
};

/* {"KEY": "good", "OTHER": "revoked", ...}: those that are there keep their windows.
 * NULL, or what is wrong with VALUE. */
const char *keys_set(struct keys *k, struct json_object *value);
/* The one that AUTHORIZATION bears; NULL: none of them. */
struct sim_key *keys_find(struct keys *k, const char *authorization);
void keys_fini(struct keys *k);

#endif
