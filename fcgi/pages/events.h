/*
 * Pages that look on: GET /api/events.
 */
#ifndef SLUICE_EVENTS_H
#define SLUICE_EVENTS_H

#include "fcgi/step.h"

struct events;
struct exchange;
struct sluice;

struct events *events_new(struct sluice *s); /* never NULL */
void events_free(struct events *e);          /* NULL is fine */

/* GET /api/events: X looks on until it goes. */
enum step events_answer(struct exchange *x);
/* We stop: all of them end. */
void events_end_all(struct events *e);

#endif
