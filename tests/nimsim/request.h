/*
 * One request, from its first line to the last byte of its answer.
 */
#ifndef NIMSIM_REQUEST_H
#define NIMSIM_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "gzip.h"
#include "model.h"
#include "route.h"
#include "sse.h"
#include "text.h"
#include "waits.h"

struct json_object;
struct sim;

/* NVIDIA's gateway takes 25 MB; what is beyond is read and thrown away. */
#define BODY_BYTES_MAX (25U << 20)

/* In the order of a request's life; exchange.c has the table. */
enum phase {
    PHASE_RECEIVED = 0, /* headers and body are here */
    PHASE_ARRIVED,      /* after the transit: judge and log it */
    PHASE_ANSWER,       /* after the model's own delay */
    PHASE_WIRE,         /* writing raw bytes; again until they are out */
    PHASE_GIVEN_UP,     /* nothing more will be answered */
};

struct request {
    struct sim *sim;
    struct MHD_Connection *conn; /* NULL until its headers are here */
    struct wait wait;
    enum phase phase;

    char *uri; /* as it came, with the query */
    char method[16];
    const char *path; /* decoded; borrowed from libmicrohttpd */
    enum route route;
    struct text body;    /* at most BODY_BYTES_MAX of it */
    uint64_t body_bytes; /* all of it */

    /* From judge_arrival() on: */
    uint64_t seq;             /* 0: not an arrival */
    uint64_t answer_seq;      /* whose answer this is: a poll's job, or seq */
    struct json_object *json; /* NULL: no usable JSON */
    const char *model;        /* inside json; "" if there is none */
    bool is_stream;
    struct behaviour how;
    int status;       /* what is answered; 0: no HTTP */
    const char *type; /* Content-Type, may be NULL */
    const char *nvcf_status;
    int64_t retry_after;  /* seconds; -1: no header */
    struct text location; /* of a 302 */
    int64_t limit;        /* of the limiter's window, at the arrival */
    int64_t remaining;    /* of that */
    int64_t reopens_ns;   /* and when it lets one more in; 0: now */
    int64_t tokens_limit; /* the same in tokens; 0: nobody counts them */
    int64_t tokens_left;
    bool is_refused;      /* out already holds a body that no model made */
    bool was_ended_by_us; /* the break is ours, not the client's */

    bool is_busy; /* workers.c */
    struct request *next_busy;

    /* The answer on its way out: */
    struct text out; /* the body, the current event or raw bytes */
    size_t out_sent;
    uint64_t body_sent;
    int64_t answer_ns; /* when the answer began */
    int64_t due_ns;    /* nothing more before this time */
    struct sse sse;
    int64_t blanks_sent;
    struct gzip gzip;
    bool gzip_ended;
};

#endif
