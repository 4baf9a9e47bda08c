/*
 * The steps of an exchange between the grant and the end of its answer.
 */
#ifndef SLUICE_FORWARD_H
#define SLUICE_FORWARD_H

#include "fcgi/exchange_parts.h"

enum step forward_step(struct exchange *x);
enum step forward_pause(struct exchange *x);
enum step forward_relay(struct exchange *x);

#endif
