/*
 * One order about a key: make it, change it, revoke it.
 */
#ifndef SLUICE_KEY_ORDER_H
#define SLUICE_KEY_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/key_text.h"

struct complaint;
struct config;
struct json_object;

#define KEY_EXPIRES_MAX INT64_C(315360000) /* ten years, in seconds */

enum key_deed {
    KEY_MAKE = 0,
    KEY_SET = 1,
    KEY_REVOKE = 2,
};

struct key_order {
    enum key_deed deed;
    char name[CLIENT_MAX];    /* whose; of a key that is made it is told here */
    struct json_object *body; /* borrowed; KEY_REVOKE: NULL */
    const struct config *cfg; /* in force, borrowed */
    int64_t now_s;            /* since 1970 */
    char key[KEY_TEXT];       /* the one that was made: to be told once, and
                               * wiped */
};

/* What the list of keys is after O, an array (keys.h) that is the caller's; LIST
 * stays as it is.  NULL: nothing changes, *STATUS says as what that is answered
 * (400, 404, 409, 503), and ERR why. */
struct json_object *key_order_do(struct key_order *o, struct json_object *list,
                                 int *status, struct complaint *err);
/* Is what O has made, or changed, in force in CFG?  Not where the settings have
 * come to name such a client meanwhile. */
bool key_order_holds(const struct key_order *o, const struct config *cfg);

#endif
