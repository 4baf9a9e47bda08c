/*
 * The files of the ledgers: what each model, and each client, did.
 *
 * As history_file.h, for threads.
 */
#ifndef SLUICE_LEDGER_FILE_H
#define SLUICE_LEDGER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/stats/ledger.h"
#include "state/stats/vault.h"

/* "history.models", "history.clients"; and what a damaged one becomes. */
extern const char *const ledger_file_names[LEDGERS];
extern const char *const ledger_file_aside_names[LEDGERS];

/* A row on its way to the disk, or from it. */
struct ledger_item {
    uint64_t number;
    uint32_t ledger, pool;
    struct lay_ledger_row row;
};

/* Names and when they were heard of last; "": none. */
struct ledger_names {
    struct ledger_named {
        char text[LIMITER_NAME_MAX];
        int64_t last_s;
    } of[LEDGER_NAMES];
};

/* What was read of one ledger, or is to be written. */
struct ledger_past {
    struct ledger_names names;
    struct ledger_item *items; /* the caller's to free */
    uint32_t n;
};

/* As history_file_read(): nothing, unless VAULT_OK. */
MUST_USE enum vault_result ledger_file_read(const char *dir, uint32_t ledger,
                                            struct ledger_past *past,
                                            int64_t until_ns, char *msg,
                                            size_t msg_max);
/* As history_file_write(), which none makes nothing of.  Names that only the
 * disk knows stay there as long as there is room. */
MUST_USE enum vault_result ledger_file_write(const char *dir, uint32_t ledger,
                                             const struct ledger_past *past,
                                             int64_t until_ns, char *msg,
                                             size_t msg_max);

#endif
