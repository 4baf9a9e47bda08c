/*
 * When will a model take the next of its requests, and the one after it?
 */
#ifndef SLUICE_MODEL_ETA_H
#define SLUICE_MODEL_ETA_H

#include <stdint.h>

struct layout;

/* When the one of MODEL (or NONE) may go before which NTH others of it go, as far
 * as the model alone decides: its ejection and rest, its ceiling and how long
 * its answers take, what its refusals have taught.  At least NOW; NEVER: nobody
 * can say. */
int64_t model_eta(struct layout *lay, uint32_t model, uint32_t nth,
                  int64_t now);

#endif
