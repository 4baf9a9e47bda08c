/* Words shared by every file: units, checks, small macros. */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NS_PER_MS    INT64_C(1000000)
#define NS_PER_S     INT64_C(1000000000)
#define NEVER        INT64_MAX /* a time that does not come */

/* A bug of ours, in release builds too: the web server starts a new worker
 * and the kernel drops the lock. */
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #cond);  \
            abort();                                                           \
        }                                                                      \
    } while (0)

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
