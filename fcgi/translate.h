/*
 * The answer of an upstream that speaks chat completions, in the words of the
 * API in which its client has asked.
 *
 * What is appended to OUT is for the client.  A stream of one may come as
 * events or as one JSON text; as soon as anything is wrong with it, its last
 * event is an error.
 */
#ifndef SLUICE_TRANSLATE_H
#define SLUICE_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/exchange_parts.h"

/* Does X's answer need it? */
bool translate_is_on(const struct exchange *x);
void translate_free(struct translate *t); /* NULL is fine */

/* The id of its answer, without what the API puts before it. */
const char *translate_id(const struct exchange *x);

/* A whole answer: BODY becomes one of that API.  False: it was none, and is as it
 * was. */
bool translate_whole(struct exchange *x, struct buf *body);

/* What a sign of life may not come before, once, if it is certain that this is
 * the one. */
void translate_head(struct exchange *x, struct buf *out);
/* Bytes of the upstream's stream.  False: an error event was told, for the
 * first time. */
bool translate_events(struct exchange *x, const char *data, size_t len,
                      struct buf *out);
/* All of a stream as one JSON text, of LEN bytes and a zero.  False: it cannot
 * be told, and OUT is as it was. */
bool translate_text(struct exchange *x, const char *json, size_t len,
                    struct buf *out);
/* The stream is over.  False: an error event was told, now or before. */
bool translate_end(struct exchange *x, struct buf *out);

/* Nothing follows an error that somebody else has told. */
void translate_stop(struct exchange *x);
/* How many events came before it; 0: nobody counts them. */
uint32_t translate_events_told(const struct exchange *x);

#endif
