/*
 * A line that says what is wrong, for people.
 */
#ifndef SLUICE_COMPLAINT_H
#define SLUICE_COMPLAINT_H

#include <stddef.h>

/* Where it goes; always terminated, always one line. */
struct complaint {
    char *text;
    size_t max; /* bytes at text; 0: nobody wants to know */
};

/* Puts one line into C; always returns -1. */
int complain(struct complaint *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
