/*
 * What changed for everybody in a turn, for the log.
 */
#ifndef SLUICE_CHANGE_LOG_H
#define SLUICE_CHANGE_LOG_H

#include <stdint.h>

struct change;
struct limiter;

/* Needs the lock.  WHAT happened to SCOPE; its name is filled in here. */
void change_log_add(struct limiter *lim, uint32_t scope,
                    const struct change *what);
void change_log_why(struct change *m, const char *reason);
/* Logs them; not under the lock. */
void change_log_tell(struct limiter *lim);
void change_log_forget(struct limiter *lim);

#endif
