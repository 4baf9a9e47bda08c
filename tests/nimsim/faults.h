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
    FAULT_RATE_GATEWAY,
    FAULT_OVERLOADED,
    FAULT_GONE,
    FAULT_BAD_MODEL_SERVER,
    FAULT_BAD_OPENAI,
    FAULT_BAD_FIELD,
    FAULT_NO_JOB,
    FAULT_QUOTA,
    FAULT_BILLING,
    FAULT_LIMIT_NONE,
    FAULT_TOO_LARGE,
    FAULT_AT_ONCE,
    FAULT_DEAR,
    FAULT_OVERLOADED_529,
    FAULT_RATE_INSIDE,
    FAULT_GATEWAY_INSIDE,
    FAULT_ERROR_BESIDE,
    FAULT_STREAM_EXHAUSTED,  /* a 200 whose stream holds only an error */
    FAULT_STREAM_OVERLOADED, /* the same, in the words of an overload */
    FAULT_EVENT_OVERLOADED,  /* the same, as Anthropic's event */
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

/* A printf format with the running requests and their limit, as NIM's. */
#define FAULT_EXHAUSTED_FORMAT(running, limit)                                 \
    "{\"error\":{\"message\":\"ResourceExhausted: Worker local total "         \
    "request limit reached (" running "/" limit ")\","                         \
    "\"type\":\"Service Unavailable\",\"code\":503}}"
#define FAULT_EXHAUSTED_BODY FAULT_EXHAUSTED_FORMAT("16", "16")

/* The fault named by LEN bytes at WORD, or FAULT_NONE. */
enum fault fault_parse(const char *word, size_t len);

/* Its word; NULL: none can ask for it. */
const char *fault_word(enum fault fault);

/* NULL for the faults that are no complete answer. */
const struct fault_answer *fault_answer(enum fault fault);

/* The status the client will read; 0 if it will read none. */
int fault_status(enum fault fault);

#endif
