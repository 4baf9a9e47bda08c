/* What happens next?  In the order of time, then of being added. */
#ifndef SLUICE_GOODPUT_HEAP_H
#define SLUICE_GOODPUT_HEAP_H

#include <stdint.h>

struct job;

enum event_kind {
    EVENT_ASK = 0,    /* a client asks */
    EVENT_ARRIVE = 1, /* at the upstream */
    EVENT_ANSWER = 2, /* back from it */
    EVENT_RESUME = 3, /* a pause of the policy is over */
    EVENT_STRANGER = 4,
    EVENT_CHANGE = 5,
};

struct event {
    int64_t at;
    uint64_t number;
    enum event_kind kind;
    struct job *job;
};

struct heap {
    struct event *all;
    uint32_t n, max;
    uint64_t added;
};

void heap_add(struct heap *h, int64_t at, enum event_kind kind,
              struct job *job);
/* The time of the first; NEVER: there is none. */
int64_t heap_next_ns(const struct heap *h);
/* The first, which must be there. */
struct event heap_take(struct heap *h);
void heap_fini(struct heap *h);

#endif
