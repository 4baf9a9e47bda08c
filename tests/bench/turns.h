#ifndef SLUICE_BENCH_TURNS_H
#define SLUICE_BENCH_TURNS_H

/* Jobs whose name has ONLY in it, or NULL: all.  0: the lock is never held for
 * too long. */
int turns(const char *only);

#endif
