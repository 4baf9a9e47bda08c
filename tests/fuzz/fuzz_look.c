/*
 * fuzz_look.c - is all of a request there?
 *
 * Input: what has come over a connection.  However much of it is looked at
 * first, the answer may only go from "short" to another, which then stays.
 */
#include "fuzz.h"

#include "fcgi/receive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum receive_look before = LOOK_SHORT, now;
    size_t len, step = size / 32 + 1;

    for (len = 0; len <= size; len += step) {
        char *copy = fuzz_copy(data, len);

        now = receive_look((const unsigned char *)copy, len);
        free(copy);
        CHECK(now >= LOOK_WHOLE && now <= LOOK_OTHER);
        CHECK(before == LOOK_SHORT || now != LOOK_SHORT);
        before = now;
    }
    return 0;
}
