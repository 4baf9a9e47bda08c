/*
 * A host's question to the store, in words.
 */
#ifndef SLUICE_STORE_ASK_H
#define SLUICE_STORE_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "state/shared_form.h"

struct store_words;

#define STORE_PROTOCOL "2" /* raised with each change of the words */
#define STORE_SHA      41  /* of a script: 40 digits and the zero */
#define STORE_KEY_MAX  96  /* "sluice:{", 64 of an account, "}:wake:", 16 */

/* What a call says that is not in its ask. */
struct store_said {
    const char *account, *name, *run;
    uint64_t run_number;
    int64_t now_ns; /* as the call is written: all ages are up to then */
    int64_t rtt_ns; /* of the last one; 0: there was none */
};

/* "sluice:{ACCOUNT}:REST" */
void store_ask_key(char out[STORE_KEY_MAX], const char *account,
                   const char *rest);
/* The words behind EVALSHA and its sha, into W. */
void store_ask_put(struct store_words *w, const struct shared_ask *ask,
                   const struct store_said *said);

#endif
