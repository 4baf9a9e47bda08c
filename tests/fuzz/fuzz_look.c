/*
 * fuzz_look.c - is all of a request there?
 *
 * Input: what has come over a connection.  However much of it is looked at
 * first, the answer may only go from "short" to another, which then stays; and
 * what is whole may be read where it lies.
 */
#include "fuzz.h"

#include "fcgi/gate.h"
#include "fcgi/pages/routes.h"
#include "fcgi/receive.h"

static void read_it(const unsigned char *bytes, size_t len)
{
    struct gate *g = gate_new(&routes_all, 1000000);
    struct request *r = receive_seen(bytes, len, g, 5);

    CHECK(r == NULL || r->body.len < len);
    request_free(r);
    gate_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum receive_look before = LOOK_SHORT, now;
    size_t len, step = size / 32 + 1;

    for (len = 0; len <= size; len += step) {
        char *copy = fuzz_copy(data, len);

        now = receive_look((const unsigned char *)copy, len);
        if (now == LOOK_WHOLE)
            read_it((const unsigned char *)copy, len);
        free(copy);
        CHECK(now >= LOOK_WHOLE && now <= LOOK_OTHER);
        CHECK(before == LOOK_SHORT || now != LOOK_SHORT);
        before = now;
    }
    return 0;
}
