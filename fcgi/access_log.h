/* One log line for each request that is over. */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H

struct exchange;

void access_log_exchange(const struct exchange *x);

#endif
