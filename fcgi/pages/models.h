/*
 * GET /v1/models and /v1/models/{id}: free of charge, asked once a minute.
 */
#ifndef SLUICE_MODELS_H
#define SLUICE_MODELS_H

#include "fcgi/step.h"

struct exchange;
struct models;
struct sluice;

struct models *models_new(struct sluice *s);
void models_free(struct models *m);

enum step models_answer(struct exchange *x);

/* From now on s->listed says which upstream lists which model, as far as that is
 * known.  Where there is a choice of upstreams or models they are asked now, and
 * every five minutes; what one has not told for an hour is not known any more. */
void models_watch(struct models *m);

#endif
