/*
 * The words of one command, as RESP sends them: of any bytes, one behind the
 * other.
 */
#ifndef SLUICE_STORE_WORDS_H
#define SLUICE_STORE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct store_words {
    struct buf bytes; /* of all of them */
    size_t n, cap;
    size_t *end; /* of each, in bytes */
};

void store_words_free(struct store_words *w);  /* empty again */
void store_words_reset(struct store_words *w); /* empty, and keeps its memory */
void store_words_add(struct store_words *w, const void *data, size_t len);
/* Bytes behind the last word, which become part of it. */
void store_words_more(struct store_words *w, const void *data, size_t len);
void store_words_str(struct store_words *w, const char *text);
void store_words_int(struct store_words *w, int64_t n);
void store_words_u64(struct store_words *w, uint64_t n);
/* The word at I, whose length goes to *LEN; no zero stands behind it. */
const char *store_words_at(const struct store_words *w, size_t i, size_t *len);
/* Adds all of them to OUT as one command. */
void store_words_put(const struct store_words *w, struct buf *out);

#endif
