/*
 * Time that passes when a test says so.
 */
#ifndef SPINE_FAKE_CLOCK_H
#define SPINE_FAKE_CLOCK_H

#include <stdint.h>

void fake_clock_pass(int64_t ms);

#endif
