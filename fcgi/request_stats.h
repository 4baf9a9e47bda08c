/*
 * What is to be told of an exchange when it is over: its outcome, how long
 * each part of it took, how its tokens came.
 */
#ifndef SLUICE_REQUEST_STATS_H
#define SLUICE_REQUEST_STATS_H

#include <stddef.h>

#include "fcgi/exchange_parts.h"

/* A transfer begins, its head is here, it is over; for polls, too. */
void request_stats_begin(struct exchange *x);
void request_stats_head(struct exchange *x);
void request_stats_end(struct exchange *x);
/* Complete events on their way to the client. */
void request_stats_events(struct exchange *x, const char *data, size_t len);

/* The upstream's answer was judged: what it means for the request, if it is
 * the last one, and what is wrong with it. */
void request_stats_judged(struct exchange *x, enum outcome outcome,
                          enum upstream_error error);
/* The same for an answer that turns out to be wrong later. */
void request_stats_error(struct exchange *x, enum upstream_error error);
/* The present send is over, and the request goes on: again, if something was
 * wrong with it, else with a poll. */
void request_stats_again(struct exchange *x);

/* X is over: tells the limiter. */
void request_stats_exchange(struct exchange *x);

/* For the log, too. */
enum phase request_stats_phase(const struct exchange *x);
/* What a client that stayed was answered; 499 for one that went. */
int request_stats_status(const struct exchange *x);

#endif
