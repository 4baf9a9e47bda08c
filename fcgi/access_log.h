/* One log line for each request that is over. */
#ifndef SLUICE_ACCESS_LOG_H
#define SLUICE_ACCESS_LOG_H

struct exchange;
struct sluice;

void access_log_exchange(const struct exchange *x);
/* The end of a step: what was told is written soon. */
void access_log_step(struct sluice *s);

#endif
