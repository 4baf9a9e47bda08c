/*
 * Is a server fit to be the store?
 */
#ifndef SLUICE_STORE_CHECK_H
#define SLUICE_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/store/store_fault.h"

struct complaint;

#define STORE_RUN_MAX 64 /* of run_id and master_replid 31 digits each */

/* What INFO says of it; all zero at first. */
struct store_server {
    char run[STORE_RUN_MAX]; /* its process, and since when it is master: it
                                comes to be another one at each failover */
    char version[24];        /* of Redis, which Valkey tells, too */
    char policy[32];         /* at the end of its memory */
    char id[41], replid[41];
    bool is_master, has_bound;
    bool has_replicas; /* one follows it at least */
    bool needs_them;   /* it takes no writes that none of them has */
};

/* Adds what stands in INFO, which may be anything. */
void store_check_take(struct store_server *s, const char *info, size_t len);
/* With STORE_FINE s->run is whole; else WHY gets a line where the fault has none
 * of its own. */
enum store_fault store_check_fit(struct store_server *s, struct complaint *why);
/* What is fit and could be better, for the log; NULL: nothing. */
const char *store_check_advice(const struct store_server *s);

#endif
