/*
 * jobs.c - what is still running, and is it done?
 *
 * A table by the arrival's number.  A job stays after its answer was fetched,
 * so that a broken fetch can be repeated, until a newer one needs its place.
 */
#include "jobs.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 4096

struct jobs {
    struct job table[JOBS];
};

struct jobs *jobs_new(void)
{
    return calloc(1, sizeof(struct jobs));
}

void jobs_clear(struct jobs *js)
{
    size_t i;

    for (i = 0; i < JOBS; i++)
        json_object_put(js->table[i].json);
    memset(js, 0, sizeof(*js));
}

void jobs_free(struct jobs *js)
{
    if (js == NULL)
        return;
    jobs_clear(js);
    free(js);
}

void jobs_add(struct jobs *js, const struct job *j)
{
    struct job *place = &js->table[j->seq % JOBS];

    json_object_put(place->json);
    *place = *j;
    json_object_get(place->json);
}

struct job *jobs_find(struct jobs *js, const char *path)
{
    /* Every id differs in its last twelve digits only: reply_reqid(). */
    const char *digits = strrchr(path, '-');
    struct job *j;
    uint64_t seq;
    char *end;

    if (digits == NULL || strlen(digits + 1) != 12)
        return NULL;
    seq = strtoull(digits + 1, &end, 16);
    j = &js->table[seq % JOBS];
    return *end == '\0' && seq != 0 && j->seq == seq ? j : NULL;
}

bool job_poll(struct job *j, int64_t now_ns)
{
    if (j->polls_left > 0) {
        j->polls_left--;
        return false;
    }
    return now_ns >= j->due_ns;
}
