/*
 * The upstream's side of an exchange: two steps of its life.
 */
#ifndef SLUICE_FORWARD_H
#define SLUICE_FORWARD_H

#include "exchange.h"

enum step forward_step(struct exchange *x);
enum step forward_relay(struct exchange *x);
/* Ends the transfer, if there is one. */
void forward_stop(struct exchange *x);

#endif
