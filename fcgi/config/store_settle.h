/*
 * The settings of the shared store, taken together.
 */
#ifndef SLUICE_STORE_SETTLE_H
#define SLUICE_STORE_SETTLE_H

struct complaint;
struct config;

/* Derives what nobody set, and checks them against each other; results as of
 * config_settle(). */
int store_settle(struct config *cfg, struct complaint *err);

#endif
