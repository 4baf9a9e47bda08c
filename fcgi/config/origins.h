/*
 * Origins that the settings list: one each, or a pattern.
 */
#ifndef SLUICE_ORIGINS_H
#define SLUICE_ORIGINS_H

#include <stdbool.h>

/* What is wrong with an entry of the list; NULL: nothing, if *HOST, where it is
 * not NULL, is a host with or without a port. */
const char *origins_fault(const char *entry, const char **host);
/* Does ORIGIN, as a browser sent it, fit ENTRY, which is sound? */
bool origins_fit(const char *entry, const char *origin);

#endif
