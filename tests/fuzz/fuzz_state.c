/* fuzz_state.c - a state file that somebody scribbled over before it is opened,
 * or that is cut, or taken away while in use. */
#include "wreck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wreck_run(data, size, false);
    return 0;
}
