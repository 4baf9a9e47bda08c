/*
 * The shared store, as the leader of a host has it.
 *
 * One call at a time; nothing waits.  All callbacks come from the loop, none
 * from a function of this header; store_close() may not be called in them.
 */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/shared_form.h"

struct complaint;
struct log;
struct loop;
struct store;

/* Copied. */
struct store_config {
    const char *url;      /* as store_url.h has it */
    const char *password; /* of a file; NULL: the URL's, or none */
    const char *account;
    const char *name;   /* of this host, for people */
    const char *tls_ca; /* NULL: the system's */
    uint64_t host;      /* as in shared_ask */
    struct log *log;    /* NULL: nothing is logged; borrowed */
};

struct store_calls {
    /* Calls can be made; the first should settle everything (SHARED_SYNC). */
    void (*is_up)(void *arg);
    /* No call can be made, and what the last one did is not known; WHY is one
     * line.  Called again while it is down if the reason is another one. */
    void (*is_down)(void *arg, const char *why);
    /* ANSWER and its blobs live as long as this call. */
    void (*answered)(void *arg, const struct shared_answer *answer);
    /* The answer: another leader of this host has called since. */
    void (*stale)(void *arg);
    /* Something has changed there: worth a call. */
    void (*pushed)(void *arg);
};

/* Begins to connect, and goes on until store_close().  CALLS is borrowed.  NULL
 * with WHY: the settings are wrong, or there is no memory. */
struct store *store_open(struct loop *loop, const struct store_config *config,
                         const struct store_calls *calls, void *arg,
                         struct complaint *why);
void store_close(struct store *s); /* NULL is fine */

bool store_is_up(const struct store *s);
bool store_may_call(const struct store *s); /* up, and no call under way */
/* ASK is read before this returns.  -1: it may not call. */
int store_call(struct store *s, const struct shared_ask *ask);
/* How long the last answer took; 0: there was none. */
int64_t store_rtt_ns(const struct store *s);

#endif
