/* fuzz_scribble.c - a state file that somebody scribbles over while it is in
 * use.  How many were granted cannot be judged then. */
#include "wreck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wreck_run(data, size, true);
    return 0;
}
