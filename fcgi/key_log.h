/*
 * What the log is told of our keys.
 */
#ifndef SLUICE_KEY_LOG_H
#define SLUICE_KEY_LOG_H

#include <stddef.h>

struct config;
struct sluice;

/* Where our key for upstream number UPSTREAM is from, as whoever set it knows
 * it: a file, or a variable.  Borrows CFG's texts. */
const char *key_log_label(const struct config *cfg, size_t upstream);
/* A change: MESSAGE is the state's, "nim: ok -> refused: status 401: ...". */
void key_log(struct sluice *s, const char *message);

#endif
