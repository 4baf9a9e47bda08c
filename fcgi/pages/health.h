/* Is the service there? */
#ifndef SLUICE_HEALTH_H
#define SLUICE_HEALTH_H

struct exchange;

/* GET /health: {"status","uptime","version"}.  Returns enum step. */
int health_answer(struct exchange *x);

#endif
