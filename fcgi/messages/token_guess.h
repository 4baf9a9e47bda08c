/* How many tokens might a request be? */
#ifndef SLUICE_TOKEN_GUESS_H
#define SLUICE_TOKEN_GUESS_H

#include <stdint.h>

#include "fcgi/messages/messages.h"

struct json_object;

/* A model that makes more or fewer of a text than that is none. */
#define RATIO_MIN_M 125
#define RATIO_MAX_M 8000

/* Of the system, the messages and the tools of request ROOT, whichever API's
 * words it is in. */
void token_guess_request(struct json_object *root, struct messages_tokens *out);

/* What was guessed of a text as tokens of a model of which RATIO_M was learned
 * (messages.h). */
int64_t token_guess_scale(int64_t tokens_m, int64_t ratio_m);

#endif
