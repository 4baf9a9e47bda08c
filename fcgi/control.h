/*
 * What operators do.
 */
#ifndef SLUICE_CONTROL_ACTIONS_H
#define SLUICE_CONTROL_ACTIONS_H

struct exchange;
struct log;

/* The pages; each returns an enum step. */
int control_pause(struct exchange *x);
int control_resume(struct exchange *x);
int control_cancel(struct exchange *x);
int control_clear(struct exchange *x);
int control_reload(struct exchange *x);

/* A line on what X did, with KEY (or NULL) and its VALUE: never a token. */
void control_log(const struct exchange *x, const char *action, const char *key,
                 const char *value);
/* The same of a request that may be over: REMOTE's, named ID. */
void control_log_by(struct log *log, const char *remote, const char *id,
                    const char *action, const char *key, const char *value);

#endif
