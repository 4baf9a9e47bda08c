/*
 * The lines of a page for Prometheus, in its own format or in OpenMetrics.
 */
#ifndef SLUICE_EXPOSITION_H
#define SLUICE_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"

struct buf;

struct exposition {
    struct buf *b;
    bool open;          /* OpenMetrics */
    const char *family; /* the present one's name */
    const char *suffix; /* of its samples */
};

/* Up to two labels; NULL: no more. */
struct exposition_labels {
    const char *key, *value, *key2, *value2;
};

/* The family NAME, without _total, of TYPE; samples of it follow. */
void exposition_begin(struct exposition *p, const char *name, const char *type,
                      const char *help);
void exposition_count(struct exposition *p, const struct exposition_labels *l,
                      uint64_t value);
void exposition_real(struct exposition *p, const struct exposition_labels *l,
                     double value);
void exposition_histogram(struct exposition *p,
                          const struct exposition_labels *l,
                          const struct tally_histogram *h);

#endif
