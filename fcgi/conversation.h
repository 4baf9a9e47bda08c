/*
 * Do two requests belong to the same conversation?
 */
#ifndef SLUICE_CONVERSATION_H
#define SLUICE_CONVERSATION_H

#include <stddef.h>
#include <stdint.h>

#include "fcgi/upstream/sse.h"

/* A hash of how BODY's conversation began, for this process' memory alone; ENDS
 * says whose shape it has: that of chat, of Responses, of Anthropic's Messages.
 * 0: it is of another, or makes no sense, or does not tell.  Takes as long as it
 * takes to read the body once. */
uint64_t conversation_of(enum sse_ends ends, const char *body, size_t len);
/* The number of the conversation that BEGAN so, of CLIENT and with MODEL, for the
 * state; never 0.  KEY is limiter_secret(): nobody without it can find out by
 * guessing what was said. */
uint64_t conversation_key(uint64_t began, uint64_t key, const char *client,
                          const char *model);

#endif
