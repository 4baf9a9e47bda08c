/* fake_clock.c - instead of lib/clock.c: it goes when a test says so. */
#include "fake_clock.h"

#include "lib/base.h"
#include "lib/clock.h"

#define WALL_MS INT64_C(1700000000000)

/* On a whole millisecond: its nanoseconds jitter the pauses (attempt.c). */
static int64_t now_ns = 1000 * NS_PER_S;

void fake_clock_pass(int64_t ms)
{
    now_ns += ms * NS_PER_MS;
}

int64_t clock_now_ns(void)
{
    return now_ns;
}

int64_t clock_wall_ms(void)
{
    return WALL_MS + now_ns / NS_PER_MS;
}
