/*
 * An error that quotes the key it was sent.
 */
#ifndef NIMSIM_QUOTE_H
#define NIMSIM_QUOTE_H

#include <stddef.h>

struct behaviour;
struct text;

/* Puts KEY into the words of the error that OUT holds from FROM on, if HOW
 * asks for it.  KEY may be NULL. */
void quote_into(struct text *out, size_t from, const struct behaviour *how,
                const char *key);

#endif
