/*
 * What a model's own refusals have taught, where its requests wait in the line
 * of the account (scope "auto"): the retreat of the model's scope holds back
 * its requests, and nobody else's.
 */
#ifndef SLUICE_MODEL_LIMIT_H
#define SLUICE_MODEL_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_row;
struct retreat_refusal;

/* The scope that keeps what is learned of MODEL; NONE: nothing is, because its
 * upstream's scope is set, or MODEL is NONE. */
uint32_t model_limit_scope(struct layout *lay, uint32_t upstream,
                           uint32_t model);
/* Is it found out whose limit refuses MODEL? */
bool model_limit_learns(struct layout *lay, uint32_t model);
/* Has no answer of MODEL told anything yet? */
bool model_limit_is_new(struct layout *lay, uint32_t model);
/* From when on MODEL's own limit lets the next one go, at least NOW; NEVER: an
 * event has to come first. */
int64_t model_limit_free_at(struct layout *lay, uint32_t model, int64_t now);
/* One of ROW's model was written AT. */
void model_limit_sent(struct layout *lay, uint32_t row, int64_t at);

/* ROW was refused: which scope is to answer for it, its own or its model's? */
uint32_t model_limit_blame(struct layout *lay, const struct lay_row *row);
/* MODEL's scope just answered for a refusal of what was sent SENT_NS.  Have
 * others been refused as well, with nothing that passed meanwhile?  Then it was
 * the account. */
bool model_limit_is_shared(struct layout *lay, uint32_t upstream,
                           uint32_t model, int64_t sent_ns);
/* The account answers for what the models of UPSTREAM are finding out.  Calls
 * FN for each of these scopes. */
void model_limit_each_open(struct layout *lay, uint32_t upstream,
                           void (*fn)(void *arg, uint32_t scope), void *arg);

#endif
