/*
 * The file of the history: moments by their place, each with a checksum.
 *
 * Knows the disk and nothing of the shared state: its functions are called by
 * threads, and may block.
 */
#ifndef SLUICE_HISTORY_FILE_H
#define SLUICE_HISTORY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/stats/rings.h"
#include "state/stats/vault.h"

#define VAULT_NAME       "history"
#define VAULT_ASIDE_NAME "history.damaged" /* what was there and was not ours */

struct history_file_item {
    uint32_t place; /* in the table of moments */
    struct lay_moment moment;
};

/*
 * Reads every sound moment of the file in directory DIR.  VAULT_OK: *ITEMS and
 * *N are the caller's to free(3); else there are none.  Later than UNTIL_NS
 * (another worker has begun to do it) nothing is moved.
 */
MUST_USE enum vault_result history_file_read(const char *dir,
                                             struct history_file_item **items,
                                             uint32_t *n, int64_t until_ns,
                                             char *msg, size_t msg_max);

/*
 * Writes N moments, which are in the order of their places, unless it is later
 * than UNTIL_NS.  On VAULT_OK and _NEW they are on the disk; after VAULT_ASIDE
 * nothing is, and the next try finds no file.
 */
MUST_USE enum vault_result history_file_write(
    const char *dir, const struct history_file_item *items, uint32_t n,
    int64_t until_ns, char *msg, size_t msg_max);

#endif
