/*
 * Who may send a body?  Asked from any thread.
 */
#ifndef SLUICE_GATE_H
#define SLUICE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/protocols.h"

struct asking;
struct config;
struct gate;
struct request;
struct routes;

/* Bodies above MAX_BODY bytes are too large.  Without settings everybody may
 * come in.  TABLE is borrowed. */
struct gate *gate_new(const struct routes *table, int64_t max_body);
void gate_free(struct gate *g);
/* CFG, borrowed, holds from now on; whoever frees the old one does so later. */
void gate_follow(struct gate *g, const struct config *cfg);
int64_t gate_max_body(const struct gate *g);
/* Which upstreams speak PROTOCOL: this never changes while a worker runs. */
enum protocols_who gate_speakers(struct gate *g, const char *protocol);
/* How those that may serve MODEL, and do not speak PROTOCOL, can be asked as chat. */
void gate_asking(struct gate *g, const char *model, const char *protocol,
                 struct asking *out);

/* Finds R's route in TABLE.  Without one R->fault says 404 or 405, and R->allow
 * which methods there are. */
void gate_route(const struct routes *table, struct request *r);
/* R's head has come.  Finds its route, and who sends it.  False: it is
 * refused, and R->fault says why; its body is of no use. */
bool gate_admits(struct gate *g, struct request *r);

#endif
