/*
 * What is known of our key for an upstream?
 *
 * A key that is refused is nobody's fault but ours, and nobody else can mend
 * it: so it is remembered for all workers, told once, and shown for as long as
 * it lasts.
 */
#ifndef SLUICE_OWN_KEY_H
#define SLUICE_OWN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

/* Part of the shared file: see own_key_is_sane(). */
struct lay_own_key {
    uint16_t word;    /* enum key_word */
    uint16_t status;  /* it is refused with */
    uint16_t doubts;  /* 403s since it was accepted last */
    uint16_t by_list; /* 1: the list of models is what said so */
    int64_t since_ns; /* when it was accepted or refused first; 0: neither */
    uint64_t mark;    /* which key that is, as a digest; 0: nobody has said */
    char message[LIMITER_REASON_MAX]; /* the upstream's, when it refused */
};

/* What an answer says of the key. */
struct own_key_told {
    enum key_word word;
    uint16_t status;     /* KEY_REFUSED: 401 or 403 */
    bool by_list;        /* the list of models was asked for, and not a model */
    const char *message; /* KEY_REFUSED: the upstream's, one line */
};

bool own_key_is_sane(const struct lay_own_key *k, int64_t now);
/* True: K has changed, and the log should have it. */
bool own_key_take(struct lay_own_key *k, const struct own_key_told *told,
                  int64_t now);
/* Nothing is known of it any more; it may be another one. */
void own_key_forget(struct lay_own_key *k, uint64_t mark);

#endif
