/*
 * What a setting may be, in words.
 */
#ifndef SLUICE_SETTING_ALLOWED_H
#define SLUICE_SETTING_ALLOWED_H

#include <stddef.h>

struct setting;

/* What a value of ROW may be, to follow "must be". */
void setting_allowed(char *out, size_t max, const struct setting *row);

#endif
