/*
 * Why a request is refused before anything is done with it.
 */
#ifndef SLUICE_FAULT_H
#define SLUICE_FAULT_H

#include <stdint.h>

#include "fcgi/error_code.h"

struct fault {
    int status; /* 0: none */
    enum error_code code;
    char message[256];
};

/* Notes what is wrong, unless something is already: the first is told. */
void fault_set(struct fault *f, enum error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a 413, of a body of more than MAX bytes. */
void fault_too_large(struct fault *f, int64_t max);
/* The same for a 400, ERROR_BAD_REQUEST. */
void fault_bad(struct fault *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
