/*
 * An upstream is asked for its list of models.
 */
#ifndef SLUICE_ASK_MODELS_H
#define SLUICE_ASK_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sluice;
struct transfer;
struct transfer_ops;

/*
 * Asks upstream number UPSTREAM of the settings for its list, which costs no
 * slot; with our key if there is one.  The rest is as in transfer_start().
 */
struct transfer *ask_models(struct sluice *s, size_t upstream,
                            int64_t connect_ms, bool fresh,
                            const struct transfer_ops *to, void *arg);
/* The same without any key: does the list need one? */
struct transfer *ask_models_bare(struct sluice *s, size_t upstream,
                                 int64_t connect_ms,
                                 const struct transfer_ops *to, void *arg);

#endif
