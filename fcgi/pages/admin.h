/*
 * What operators do.
 */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

#include "fcgi/step.h"

struct exchange;
struct log;

/* The pages. */
enum step admin_pause(struct exchange *x);
enum step admin_resume(struct exchange *x);
enum step admin_cancel(struct exchange *x);
enum step admin_clear(struct exchange *x);
enum step admin_reload(struct exchange *x);

/* A line on what X did, with KEY (or NULL) and its VALUE: never a token. */
void admin_log(const struct exchange *x, const char *action, const char *key,
               const char *value);
/* The same of a request that may be over: REMOTE's, named ID. */
void admin_log_by(struct log *log, const char *remote, const char *id,
                  const char *action, const char *key, const char *value);

#endif
