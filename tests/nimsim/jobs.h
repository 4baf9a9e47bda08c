/*
 * Answers that are fetched later: 202 with polling, results behind a 302.
 */
#ifndef NIMSIM_JOBS_H
#define NIMSIM_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "route.h"

struct json_object;

struct job {
    uint64_t seq; /* of the arrival that it answers; 0: no job */
    enum route route;
    bool is_stream;
    struct json_object *json; /* its own reference */
    struct behaviour how;     /* of the final answer */
    int64_t due_ns;           /* not before that time */
    int64_t polls_left;       /* nor before so many polls more */
};

struct jobs;

/* Keeps the newest few thousand jobs.  The caller owns the result. */
struct jobs *jobs_new(void);
void jobs_free(struct jobs *js);
void jobs_clear(struct jobs *js);

/* Copies *J, whose json gets a reference more. */
void jobs_add(struct jobs *js, const struct job *j);

/* The job whose id ends PATH; NULL: there is none.  Borrowed. */
struct job *jobs_find(struct jobs *js, const char *path);

/* Counts one poll at NOW_NS.  True: the answer is there. */
bool job_poll(struct job *j, int64_t now_ns);

#endif
