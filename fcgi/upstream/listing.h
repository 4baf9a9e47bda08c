/*
 * What does an upstream's list of models say?
 */
#ifndef SLUICE_LISTING_H
#define SLUICE_LISTING_H

#include <stdbool.h>

#include "lib/buf.h"

struct json_object;

/* Adds the models in the JSON text BODY to TO, an array; each has an "id" then.
 * False: it is no list of models. */
bool listing_read(struct json_object *to, struct buf *body);

#endif
