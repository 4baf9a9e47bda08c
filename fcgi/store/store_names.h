/*
 * Addresses of names, without waiting for them.
 */
#ifndef SLUICE_STORE_NAMES_H
#define SLUICE_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/store/store_spot.h"

struct loop;
struct store_names;

#define STORE_SPOTS 4 /* of one name; more of them are not tried */

/* FOUND is told how many; 0: none, and WHY. */
typedef void store_names_found(void *arg, const struct store_spot *spots,
                               size_t n, const char *why);

/* Fills SPOT if HOST is a number, or with PORT 0 a path.  False: it is a name. */
bool store_names_number(struct store_spot *spot, const char *host,
                        uint16_t port);

/* Looks HOST up in a thread.  FOUND is called from the loop, once, unless it is
 * freed before.  NULL with errno. */
struct store_names *store_names_ask(struct loop *loop, const char *host,
                                    uint16_t port, store_names_found *found,
                                    void *arg);
/* Does not wait for the thread, which ends by itself.  NULL is fine. */
void store_names_free(struct store_names *n);

#endif
