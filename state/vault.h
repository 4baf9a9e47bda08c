/*
 * The file of the history: moments by their place, each with a checksum.
 *
 * Knows the disk and nothing of the shared state: its functions are called by
 * threads, and may block.
 */
#ifndef SLUICE_VAULT_H
#define SLUICE_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "history.h"

#define VAULT_NAME "history"

struct vault_item {
    uint32_t place; /* in the table of moments */
    struct lay_moment moment;
};

enum vault_result {
    VAULT_OK = 0,
    VAULT_NEW = 1,    /* there was no file, or another one's: it is new now */
    VAULT_FAILED = 2, /* the message says why */
};

/*
 * Reads every sound moment of the file in directory DIR.  VAULT_OK: *ITEMS and
 * *N are the caller's to free(3).  VAULT_NEW: there are none.
 */
MUST_USE enum vault_result vault_read(const char *dir,
                                      struct vault_item **items, uint32_t *n,
                                      char *msg, size_t msg_max);

/*
 * Writes N moments, which are in the order of their places, unless it is later
 * than UNTIL_NS (another worker has begun to do it).  On VAULT_OK and _NEW they
 * are on the disk.
 */
MUST_USE enum vault_result vault_write(const char *dir,
                                       const struct vault_item *items,
                                       uint32_t n, int64_t until_ns, char *msg,
                                       size_t msg_max);

#endif
