/*
 * Words that tell nothing of anybody.
 */
#ifndef SLUICE_PLAIN_WORDS_H
#define SLUICE_PLAIN_WORDS_H

#include <stdbool.h>

/* Is WORD, in whichever case, one of them? */
bool plain_words_has(const char *word);

#endif
