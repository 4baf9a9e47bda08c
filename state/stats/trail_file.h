/*
 * The file of the trails: what went to each upstream, by name and moment.
 *
 * As history_file.h, for threads.
 */
#ifndef SLUICE_TRAIL_FILE_H
#define SLUICE_TRAIL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/stats/trails.h"
#include "state/stats/vault.h"

#define TRAIL_FILE_NAME       "history.upstreams"
#define TRAIL_FILE_ASIDE_NAME "history.upstreams.damaged"

/* Names that are still of use; "": none. */
struct trail_names {
    char of[TRAILS][TRAIL_NAME_SIZE];
};

/* As history_file_read(); in the order of trails_order(). */
MUST_USE enum vault_result trail_file_read(const char *dir,
                                           struct trail_item **items,
                                           uint32_t *n, int64_t until_ns,
                                           char *msg, size_t msg_max);

/* As history_file_write(), in any order, which is changed; none: nothing is
 * done.  Where there is no room for a name, one that is not in KEEP loses its
 * past. */
MUST_USE enum vault_result trail_file_write(const char *dir,
                                            const struct trail_names *keep,
                                            struct trail_item *items,
                                            uint32_t n, int64_t until_ns,
                                            char *msg, size_t msg_max);

#endif
