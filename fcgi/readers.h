/*
 * Threads that wait for requests the loop must not wait for.
 */
#ifndef SLUICE_READERS_H
#define SLUICE_READERS_H

#include <stdbool.h>
#include <stdint.h>

struct gate;
struct readers;
struct request;

/* Starts the threads, which ask G (borrowed).  NULL with errno on failure. */
struct readers *readers_start(struct gate *g);
/* Receives a request from FD, which is taken, until DEADLINE_NS. */
void readers_add(struct readers *rs, int fd, int64_t deadline_ns);
/* Readable when there are requests. */
int readers_fd(const struct readers *rs);
/* All requests that are ready, oldest first, linked by next; or NULL.  The
 * caller owns them and their descriptors. */
struct request *readers_take(struct readers *rs);
/* Breaks off what is past its deadline. */
void readers_expire(struct readers *rs, int64_t now);
/* Nothing is being received, nothing waits to be taken. */
bool readers_are_idle(struct readers *rs);
/* Breaks everything off, and frees.  NULL is fine. */
void readers_free(struct readers *rs);

#endif
