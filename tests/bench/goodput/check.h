/* Do the models count as they should? */
#ifndef SLUICE_GOODPUT_CHECK_H
#define SLUICE_GOODPUT_CHECK_H

#include <stdint.h>

/* Runs all checks, says what is wrong; adds to both. */
void check_models(uint32_t *passed, uint32_t *failed);

#endif
