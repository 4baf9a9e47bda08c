/*
 * What is noted of our keys.  For the files of state/ alone; all of it needs the
 * lock, and ROW is the upstream's.
 */
#ifndef SLUICE_KEY_NOTES_H
#define SLUICE_KEY_NOTES_H

#include <stdint.h>

#include "state/policy/own_key.h"

struct limiter;

void key_notes_take(struct limiter *lim, uint32_t row,
                    const struct own_key_told *told);
/* The same of an answer's report, which says nothing of a client's own key. */
void key_notes_answered(struct limiter *lim, uint32_t row,
                        const struct limiter_report *rep);
/* An operator wants it to be tried. */
void key_notes_forget(struct limiter *lim, uint32_t row);

#endif
