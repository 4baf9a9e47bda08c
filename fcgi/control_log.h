/* What operators did, in the log. */
#ifndef SLUICE_CONTROL_LOG_H
#define SLUICE_CONTROL_LOG_H

struct log;

/* REMOTE, in the request named ID, did ACTION, with KEY (or NULL) and its
 * VALUE: never a token. */
void control_log(struct log *log, const char *remote, const char *id,
                 const char *action, const char *key, const char *value);

#endif
