/*
 * What a worker is as a process.
 */
#ifndef SLUICE_OWN_PROCESS_H
#define SLUICE_OWN_PROCESS_H

#include <stdbool.h>

/* Before anything else is done. */
void own_process_limit(void);
/* Is FD a listening socket? */
bool own_process_is_given(int fd);
/* Are there as many descriptors as a worker needs? */
bool own_process_has_descriptors(void);

#endif
