/*
 * The steps of an exchange between the grant and the end of its answer.
 */
#ifndef SLUICE_FORWARD_H
#define SLUICE_FORWARD_H

#include "fcgi/exchange.h"

enum step forward_step(struct exchange *x);
enum step forward_pause(struct exchange *x);
enum step forward_relay(struct exchange *x);
/* The answer on trial goes to the client, and what follows of it. */
enum step forward_pass(struct exchange *x);
/* The request will not be sent again: its body need not be kept. */
void forward_drop_body(struct exchange *x);
/* Breaks off the transfer, if there is one. */
void forward_stop(struct exchange *x);

#endif
