/*
 * /sim/config: what a test changes in the practice upstream.
 */
#ifndef NIMSIM_SETTINGS_H
#define NIMSIM_SETTINGS_H

#include <stdint.h>

struct json_object;
struct sim;
struct text;

/* All of these need the lock.  Adds every setting to OUT, as JSON. */
void settings_write(const struct sim *sim, struct text *out);

/* Takes a JSON object of settings, all or nothing.  NULL: taken. */
const char *settings_patch(struct sim *sim, struct json_object *json);

/* The limits of settings, also for the command line.  NULL: fine. */
const char *settings_check_requests(int64_t requests);
const char *settings_check_tokens(int64_t tokens);
const char *settings_check_window(double seconds);
const char *settings_check_delay(int64_t min_ms, int64_t max_ms);

#endif
