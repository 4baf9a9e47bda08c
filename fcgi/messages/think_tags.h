/*
 * Which part of a model's words is thinking, if it says so with tags?
 */
#ifndef SLUICE_THINK_TAGS_H
#define SLUICE_THINK_TAGS_H

#include <stdbool.h>
#include <stddef.h>

/* Takes the LEN bytes of TEXT, which are THINKING or not. */
typedef void think_tags_fn(void *arg, bool thinking, const char *text,
                           size_t len);

/* All zeros at the beginning of an answer. */
struct think_tags {
    int at;        /* enum place of think_tags.c */
    char held[24]; /* what may be a tag, or its beginning */
    size_t len;    /* of that */
};

/* The next LEN bytes of an answer, wherever they are cut.  FN gets what is
 * decided: slices of TEXT, and what was held. */
void think_tags_take(struct think_tags *t, const char *text, size_t len,
                     think_tags_fn *fn, void *arg);

/* The answer is over: what is held was no tag. */
void think_tags_end(struct think_tags *t, think_tags_fn *fn, void *arg);

/* From here on all is text: thinking comes by another way. */
void think_tags_off(struct think_tags *t, think_tags_fn *fn, void *arg);

#endif
