/*
 * Texts that settings hold: hosts, URLs, origins, paths, keys.
 */
#ifndef SLUICE_SETTING_TEXT_H
#define SLUICE_SETTING_TEXT_H

#include "fcgi/config/settings.h"

/* What is wrong with TEXT, as a value or as an entry of a list; NULL:
 * nothing. */
const char *setting_text_fault(const struct setting *row, const char *text);
/* TEXT, sound already, as its field keeps it, for the caller to free; NULL: no
 * memory. */
char *setting_text_kept(const struct setting *row, const char *text);

/*
 * TEXT as a number in ROW's own unit; of a time with or without another unit:
 * "90", "250ms", "30s", "15m", "1.5h", "2d".  False: it is not wholly one.
 */
bool setting_text_number(const struct setting *row, const char *text,
                         double *out);
/* What to say of a text that is none, or NULL. */
const char *setting_text_number_hint(const struct setting *row);

/* Levenshtein's distance between A and the first LEN bytes of B. */
size_t setting_text_distance(const char *a, const char *b, size_t len);

/* What is wrong with a key or token; NULL: nothing. */
const char *setting_text_secret_fault(const char *secret);
/* Is the host of a base_url, as kept, this machine? */
bool setting_text_is_loopback(const char *url);

#endif
