/* What people see of the shared state, as JSON. */
#ifndef SLUICE_STATUS_H
#define SLUICE_STATUS_H

struct exchange;

/* GET /api/status: limits, use and counts.  Returns enum step. */
int status_answer(struct exchange *x);
/* GET /api/queue: who waits, in the order they will go; who runs. */
int queue_answer(struct exchange *x);

#endif
