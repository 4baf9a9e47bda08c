/* Is the service there? */
#ifndef SLUICE_HEALTH_H
#define SLUICE_HEALTH_H

#include "fcgi/step.h"

struct exchange;

/* GET /health: {"status","uptime","version"}.  */
enum step health_answer(struct exchange *x);

#endif
