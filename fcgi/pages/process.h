/* What this process uses of the machine. */
#ifndef SLUICE_PROCESS_H
#define SLUICE_PROCESS_H

#include <stdint.h>

struct exposition;

/* -1: that cannot be told here. */
struct process_usage {
    double cpu_s, start_s; /* start: since 1970 */
    int64_t resident_bytes, virtual_bytes;
    int64_t open_fds, max_fds;
};

void process_look(struct process_usage *u);
/* Of the worker that answers, for a scrape. */
void process_put(struct exposition *p);

#endif
