/*
 * Has a JSON text come to its end?
 */
#ifndef SLUICE_WHOLE_H
#define SLUICE_WHOLE_H

#include <stdbool.h>
#include <stddef.h>

/* All zeros at the text's beginning. */
struct whole {
    bool has_begun; /* something but white space was there */
    bool is_nested; /* it is an object or an array */
    bool in_text, is_escaped;
    size_t depth;
};

/* The next LEN bytes, wherever they are cut. */
void whole_take(struct whole *w, const char *data, size_t len);

/* Nothing but white space so far. */
bool whole_is_blank(const struct whole *w);

/* If nothing follows, it ends too early: within an object, an array or a
 * text.  A number or a word can end anywhere, so they never do. */
bool whole_is_cut(const struct whole *w);

#endif
