/*
 * At a worker's start each upstream that we have a key for is asked whether it
 * takes it.
 */
#ifndef SLUICE_KEY_ASK_H
#define SLUICE_KEY_ASK_H

struct key_ask;
struct sluice;

/* Begins; what comes of it is told to the limiter.  Nobody waits for it. */
struct key_ask *key_ask_start(struct sluice *s);
void key_ask_free(struct key_ask *k); /* NULL is fine */

#endif
