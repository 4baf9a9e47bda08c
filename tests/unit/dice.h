/* Random numbers, texts and JSON: the same again from the same seed. */
#ifndef SLUICE_DICE_H
#define SLUICE_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct json_object;

/* Whatever is rolled next depends on SEED alone. */
void dice_seed(uint64_t seed);

/* Below N, which is not 0. */
size_t dice_to(size_t n);

/* True once in N times. */
bool dice_once_in(size_t n);

/* Appends up to MOST words of valid UTF-8, zero bytes among them; now and then
 * a text is empty, or long. */
void dice_words(struct buf *b, size_t most);

/* The same as JSON; the caller's. */
struct json_object *dice_text(size_t most);
/* A name: letters, some of them odd, but at least one, and no zero byte. */
struct json_object *dice_name(void);
/* Any value, objects within objects up to DEPTH. */
struct json_object *dice_value(int depth);
struct json_object *dice_object(int depth);

/* Appends V as JSON: with white space here and there, its characters escaped in
 * any of the ways there are, or not at all. */
void dice_write(struct buf *b, struct json_object *v);

#endif
