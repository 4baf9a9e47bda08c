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
 * Worker SEAT's byte, an open-file-description lock far beyond the data: held
 * for life, gone with the process whatever ends it.
 */
MUST_USE bool file_lock_claim_seat(int fd, uint32_t seat);
void file_lock_leave_seat(int fd, uint32_t seat);
/* Does anybody else hold SEAT?  (One's own seat always looks free.) */
bool file_lock_seat_is_held(int fd, uint32_t seat);
/* Or any of the first N? */
bool file_lock_seats_are_held(int fd, uint32_t n);

#endif
