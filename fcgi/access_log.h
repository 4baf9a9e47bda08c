/* One log line for each request that is over. */
#ifndef SLUICE_ACCESS_LOG_H
#define SLUICE_ACCESS_LOG_H

struct exchange;

void access_log_exchange(const struct exchange *x);

#endif
