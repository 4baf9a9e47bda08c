/*
 * Embeddings and rankings: numbers made from the SHA-256 of each text.
 */
#ifndef NIMSIM_VECTORS_H
#define NIMSIM_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct text;

/* Each adds a whole body to OUT.  False: the request lacks what it needs. */
bool embeddings_body(struct json_object *json, bool counts_tokens,
                     struct text *out);
bool ranking_body(struct json_object *json, struct text *out);

#endif
