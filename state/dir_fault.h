/*
 * Could a worker use this state directory?  Asked before one starts, and
 * nothing is made or changed.
 */
#ifndef SLUICE_DIR_FAULT_H
#define SLUICE_DIR_FAULT_H

#include <stddef.h>

enum dir_fault {
    DIR_FINE = 0,
    DIR_UNUSABLE = 1, /* whoever starts it */
    DIR_NOT_OURS = 2, /* by whoever asks: another user may have it */
};

/* WHY says what is wrong with directory PATH, and what to do. */
enum dir_fault dir_fault_find(const char *path, char *why, size_t why_max);

#endif
