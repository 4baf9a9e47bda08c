/*
 * /sim/...: what a test asks about, and changes in, the practice upstream.
 */
#ifndef NIMSIM_CONTROL_H
#define NIMSIM_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct sim;
struct text;

/* Adds the JSON body to OUT and returns the status. */
int control_answer(struct request *r, struct text *out);

/* The limits of settings, also for the command line.  NULL: fine. */
const char *control_check_requests(int64_t requests);
const char *control_check_window(double seconds);
const char *control_check_delay(int64_t min_ms, int64_t max_ms);

#endif
