/*
 * What holds for a scope, as far as its retreat has to know.
 */
#ifndef SLUICE_RETREAT_RULE_H
#define SLUICE_RETREAT_RULE_H

#include <stdint.h>

struct retreat_rule {
    int64_t window_ns; /* the upstream's */
    int64_t margin_ns;
    int64_t max_ns; /* the longest hold */
    uint32_t requests;
};

#endif
