/*
 * What keeps a store from being used, for people.
 */
#ifndef SLUICE_STORE_FAULT_H
#define SLUICE_STORE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct complaint;

/* Of several addresses that fail, the one that is further down here says most:
 * somebody must do something about it. */
enum store_fault {
    STORE_FINE = 0,
    STORE_AWAY, /* cannot be reached, or closed */
    STORE_SILENT,
    STORE_LOADING,
    STORE_MASTER_DOWN,
    STORE_BUSY,
    STORE_REPLICA,
    STORE_NO_REPLICAS,
    STORE_CLUSTER,
    STORE_CROWDED,
    STORE_UNKNOWN_MASTER,
    STORE_FULL,
    STORE_NOT_SAVED,
    STORE_EVICTS,
    STORE_OLD,
    STORE_STRANGE,
    STORE_NO_DATABASE,
    STORE_OTHER_PROTOCOL,
    STORE_NOT_TRUSTED, /* TLS failed, or its certificate is not the one */
    STORE_PROTECTED,
    STORE_NOT_ALLOWED,
    STORE_WANTS_PASSWORD,
    STORE_HAS_NO_PASSWORD,
    STORE_REFUSES_PASSWORD,
    STORE_FAULTS
};

/* What an error reply means, by its first words; STORE_STRANGE: nothing that is
 * known. */
enum store_fault store_fault_of(const char *error, size_t len);
/* Has a script to be loaded first? */
bool store_fault_is_noscript(const char *error, size_t len);
/* What F is, with the setting to look at; NULL: that depends, and stands with
 * it. */
const char *store_fault_line(enum store_fault f);

#endif
