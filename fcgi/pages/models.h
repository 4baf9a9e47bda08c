/*
 * GET /v1/models and /v1/models/{id}: free of charge, asked once a minute.
 */
#ifndef SLUICE_MODELS_H
#define SLUICE_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/step.h"

struct exchange;
struct listed;
struct models;
struct sluice;
struct transfer;
struct transfer_ops;

struct models *models_new(struct sluice *s);
void models_free(struct models *m);

enum step models_answer(struct exchange *x);

/* Which upstream lists which model, as far as that is known; borrowed.  What is
 * older than some minutes is asked for anew meanwhile; what no upstream has told
 * for an hour is not known any more. */
const struct listed *models_listed(struct models *m);

/*
 * Asks upstream number UPSTREAM of the settings for its list, which costs no
 * slot; with our key if there is one.  The rest is as in transfer_start().
 */
struct transfer *models_ask(struct sluice *s, size_t upstream,
                            int64_t connect_ms, bool fresh,
                            const struct transfer_ops *to, void *arg);

#endif
