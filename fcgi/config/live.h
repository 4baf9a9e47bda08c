/*
 * Live changes: a flat JSON object, as {"queue.max":100,
 * "upstreams.nim.requests":20}.  Knows neither files nor HTTP.
 */
#ifndef SLUICE_LIVE_H
#define SLUICE_LIVE_H

#include "fcgi/config/settings.h"

struct complaint;
struct json_object;

/* The row of KEY as it is written there, and in *UP the upstream of CFG that
 * it belongs to, or NULL.  NULL: CFG has no such setting. */
const struct setting *live_find(struct config *cfg, const char *key,
                                struct config_upstream **up);

/* Puts LIVE into CFG.  What belongs to no upstream of CFG is left aside: it may
 * come back.  0, or -1 with a complaint. */
int live_apply(struct config *cfg, struct json_object *live,
               struct complaint *err);

/*
 * LIVE (NULL: none) with the members of PATCH in it, null taking one out; a
 * new object, the caller's.  NULL: ERR names the key that cannot be changed so.
 * Values are not looked at: live_apply() does.
 */
struct json_object *live_merge(struct config *cfg, struct json_object *live,
                               struct json_object *patch,
                               struct complaint *err);

#endif
