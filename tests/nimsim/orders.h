/*
 * What the test orders beside what a model's name asks for: through the
 * control API, for models, for the next arrivals, or by chance.
 */
#ifndef NIMSIM_ORDERS_H
#define NIMSIM_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"

struct behaviour;

/* Of one entry, with its NUL; more fits no useful words. */
#define ORDERS_WORDS 96
/* As many as a test can want to write down. */
#define ORDERS_MODELS 64
#define ORDERS_NEXT   256
#define ORDERS_KINDS  32
#define ORDERS_NAME   128

struct orders {
    struct {
        char model[ORDERS_NAME];
        char words[ORDERS_WORDS];
    } models[ORDERS_MODELS];
    size_t models_len;

    char next[ORDERS_NEXT][ORDERS_WORDS]; /* a ring's worth, from next_at */
    size_t next_at;
    size_t next_len; /* all of them, those before next_at included */

    char free[ORDERS_KINDS][ORDERS_WORDS]; /* in turn, for ever */
    size_t free_len, free_at;

    double percent; /* 0 .. 100 of the accepted arrivals */
    char kinds[ORDERS_KINDS][ORDERS_WORDS];
    size_t kinds_len;
    uint64_t seed;
    uint64_t state; /* of the generator that SEED started */
};

enum orders_by {
    ORDERS_BY_MODEL = 0, /* nothing was ordered */
    ORDERS_BY_NEXT,
    ORDERS_BY_CHANCE,
};

/* Starts the generator anew; forgets what was ordered for the next ones. */
void orders_reset(struct orders *o);

/* The words ordered for MODEL; "" if there are none.  Borrowed. */
const char *orders_for_model(const struct orders *o, const char *model);

/* Happens to so many of a hundred. */
bool orders_chance(struct orders *o, double percent);

/*
 * Adds what is ordered for the next accepted arrival to *HOW, in the place of
 * its model's own faults.
 */
enum orders_by orders_give(struct orders *o, struct behaviour *how);

/* The fault of the next question for the models, which never arrives. */
enum fault orders_free(struct orders *o);

#endif
