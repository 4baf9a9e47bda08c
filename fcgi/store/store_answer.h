/*
 * What the store answered to a call, checked.
 */
#ifndef SLUICE_STORE_ANSWER_H
#define SLUICE_STORE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "state/shared_form.h"

struct redisReply;
struct complaint;

enum store_answer_kind {
    STORE_ANSWER_OK = 0,
    STORE_ANSWER_STALE,   /* another leader of this host has called since */
    STORE_ANSWER_PROTO,   /* others speak another version of this */
    STORE_ANSWER_STRANGE, /* it cannot be understood */
};

/*
 * Reads R into A, whose texts are copies and whose blobs are R's.  ASKED_NS is
 * when the call was written.  Of all but STORE_ANSWER_OK nothing of A may be
 * used; with PROTO and STRANGE there is a line in WHY.
 */
enum store_answer_kind store_answer_read(struct shared_answer *a,
                                         const struct redisReply *r,
                                         int64_t asked_ns,
                                         struct complaint *why);

#endif
