/* How large is a request, in tokens?  The same for all policies. */
#ifndef SLUICE_GOODPUT_SIZES_H
#define SLUICE_GOODPUT_SIZES_H

#include <stdbool.h>
#include <stdint.h>

/* What a client says of the answer that it wants. */
enum bound_given {
    BOUND_NONE = 0, /* nothing: it has to be learned */
    BOUND_NEAR = 1, /* max_tokens, once to twice what it then takes */
    BOUND_FAR = 2,  /* the most that any answer takes, with each request */
};

struct size {
    uint32_t in, out;      /* what it takes in truth */
    uint32_t prompt_bytes; /* 3 to 5 a token */
    uint32_t max_tokens;   /* 0: not given */
    int64_t answer_ns;     /* from its arrival to its end */
    bool is_aborted; /* before its end, so that nobody tells what it took */
};

#define SIZES_OUT_MAX 1500

/* The NTH request of loop JOB. */
struct size size_of(uint64_t seed, uint32_t job, uint32_t nth,
                    enum bound_given given);

#endif
