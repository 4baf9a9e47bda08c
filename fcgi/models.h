/*
 * GET /v1/models and /v1/models/{id}: free of charge, asked once a minute.
 */
#ifndef SLUICE_MODELS_H
#define SLUICE_MODELS_H

struct exchange;
struct models;
struct sluice;

struct models *models_new(struct sluice *s);
void models_free(struct models *m);

/* Returns enum step. */
int models_answer(struct exchange *x);
/* X is over and must not be answered any more. */
void models_forget(struct models *m, struct exchange *x);

#endif
