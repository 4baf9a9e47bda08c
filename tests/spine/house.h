/*
 * A directory for all stages of the program: settings, state, the log.
 */
#ifndef SPINE_HOUSE_H
#define SPINE_HOUSE_H

void house_open(void);
void house_close(void); /* removes it */

/* The settings file from now on; ' stands for ". */
void house_settings(const char *text);
char *const *house_env(void);
const char *house_log_path(void);
/* What was logged since the last call; borrowed until the next one. */
const char *house_log(void);

#endif
