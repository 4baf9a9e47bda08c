/*
 * Is a server fit to be the store?
 */
#ifndef SLUICE_STORE_CHECK_H
#define SLUICE_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/store/store_fault.h"

#define STORE_RUN_MAX 41 /* its run_id and the zero */

/* What INFO says of it; all zero at first. */
struct store_server {
    char run[STORE_RUN_MAX];
    char version[24]; /* of Redis, which Valkey tells, too */
    char policy[32];  /* at the end of its memory */
    bool is_master, has_bound;
};

/* Adds what stands in INFO, which may be anything. */
void store_check_take(struct store_server *s, const char *info, size_t len);
/* WHY gets a line where F has none of its own. */
enum store_fault store_check_fit(const struct store_server *s,
                                 struct complaint *why);

#endif
