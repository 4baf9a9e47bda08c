/* What do the settings say to the limiter? */
#ifndef SLUICE_RULES_H
#define SLUICE_RULES_H

#include "state/limiter.h"

struct config;

struct limiter_settings rules_of(const struct config *cfg);

#endif
