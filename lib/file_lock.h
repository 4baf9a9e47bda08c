/*
 * The lock over the shared file, and the locks that say a worker lives.
 */
#ifndef SLUICE_FILE_LOCK_H
#define SLUICE_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

/*
 * flock(2), exclusive, without blocking: tried a few times at once, because
 * it is held for microseconds.  False: somebody holds it longer than that.
 */
MUST_USE bool file_lock_take(int fd);
/*
 * The same for who may sleep, not in the loop: for up to FOR_NS, and once if
 * that is no time at all.  FD may be of any file.  False: errno says why,
 * EWOULDBLOCK that nobody let go.
 */
MUST_USE bool file_lock_wait(int fd, int64_t for_ns);
void file_lock_drop(int fd);

/*
 * Worker SLOT's byte, an open-file-description lock far beyond the data: held
 * for life, gone with the process whatever ends it.
 */
MUST_USE bool file_lock_claim_slot(int fd, uint32_t slot);
void file_lock_leave_slot(int fd, uint32_t slot);
/* Does anybody else hold SLOT?  (One's own slot always looks free.) */
bool file_lock_slot_is_held(int fd, uint32_t slot);
/* Or any of the first N? */
bool file_lock_slots_are_held(int fd, uint32_t n);

#endif
