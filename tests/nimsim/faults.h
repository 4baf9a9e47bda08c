/*
 * The answers that are no success, as NVIDIA's front end words them.
 */
#ifndef NIMSIM_FAULTS_H
#define NIMSIM_FAULTS_H

#include <stddef.h>
#include <stdint.h>

enum fault {
    FAULT_NONE = 0,
    /* Complete HTTP answers: each has a row in faults.c. */
    FAULT_RATE,
    FAULT_RATE_DETAIL,
    FAULT_INTERNAL,
    FAULT_EXHAUSTED,
    FAULT_OFFLINE,
    FAULT_EOL,
    FAULT_DEGRADED,
    FAULT_NOT_GRANTED,
    FAULT_CREDITS,
    FAULT_BAD_GATEWAY,
    FAULT_POLL_TIMEOUT,
    FAULT_UNKNOWN,
    FAULT_NO_KEY,
    FAULT_WRONG_KEY,
    FAULT_STREAM_EXHAUSTED, /* a 200 whose stream holds only an error */
    /* Answers that break HTTP or TCP: wire.c. */
    FAULT_HANG,
    FAULT_RESET,
    FAULT_CLOSE,
    FAULT_GARBAGE,
    FAULT_BADHEADER,
    FAULT_BIGHEADER,
    FAULT_SHORT,
    FAULT_COUNT,
};

struct fault_answer {
    int status;
    const char *type; /* Content-Type; NULL: none */
    const char *body;
    int64_t retry_after_s; /* 0: no such header */
};

#define FAULT_EXHAUSTED_BODY                                                   \
    "{\"error\":{\"message\":\"ResourceExhausted: Worker local total "         \
    "request limit reached (16/16)\",\"type\":\"Service Unavailable\","        \
    "\"code\":503}}"

/* The fault named by LEN bytes at WORD, or FAULT_NONE. */
enum fault fault_parse(const char *word, size_t len);

/* NULL for the faults that are no complete answer. */
const struct fault_answer *fault_answer(enum fault fault);

/* The status the client will read; 0 if it will read none. */
int fault_status(enum fault fault);

#endif
