/*
 * What operators do.
 */
#ifndef SLUICE_CONTROL_ACTIONS_H
#define SLUICE_CONTROL_ACTIONS_H

struct exchange;

/* The pages; each returns an enum step. */
int control_pause(struct exchange *x);
int control_resume(struct exchange *x);
int control_cancel(struct exchange *x);
int control_clear(struct exchange *x);
int control_reload(struct exchange *x);

/* A line on what X did, with KEY (or NULL) and its VALUE: never a token. */
void control_log(const struct exchange *x, const char *action, const char *key,
                 const char *value);

#endif
