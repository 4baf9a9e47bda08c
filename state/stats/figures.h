/*
 * What became of a model's, or a client's, requests.
 */
#ifndef SLUICE_FIGURES_H
#define SLUICE_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"

struct lay_figures;
struct lay_tally;

/* Whose: rows of the state's tables, or NONE, and the names they have. */
struct figures_of {
    uint32_t client, model;
    uint32_t owner; /* the model's upstream: a row */
    const char *client_name, *model_name;
};

/* All but figures_tell() needs the lock. */

/* A request is over, or on the wire. */
void figures_note(struct lay_tally *t, const struct figures_of *who,
                  const struct limiter_note *note);
void figures_sent(struct lay_tally *t, const struct figures_of *who,
                  int64_t now);

/* Copies those of row I, which has this NAME now.  False: there are none. */
bool figures_client(const struct lay_tally *t, uint32_t i, const char *name,
                    struct lay_figures *out);
bool figures_model(const struct lay_tally *t, uint32_t i, uint32_t owner,
                   const char *name, struct lay_figures *out);
/* What F, all zeros or a copy, says to people at NOW. */
void figures_tell(const struct lay_figures *f, int64_t now,
                  struct view_figures *out);

/* After a crash: what cannot be is made sound. */
void figures_rebuild(struct lay_tally *t);

#endif
