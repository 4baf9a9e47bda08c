/* How many tokens might a text be? */
#ifndef SLUICE_TOKEN_GUESS_H
#define SLUICE_TOKEN_GUESS_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Of plain words, where nothing was learned: thousandths of a byte a token. */
#define TOKEN_GUESS_BYTES_M 4000

/* Of the system, the messages and the tools of request ROOT, whichever API's
 * words it is in, one at least.
 * BYTES_PER_TOKEN_M: learned of the model, in thousandths; 0: nothing. */
int64_t token_guess_request(struct json_object *root,
                            int64_t bytes_per_token_m);

/* Of a text, in thousandths of a token, as if nothing was learned. */
int64_t token_guess_text_m(const char *text, size_t len);

/* That, or a sum of it, as tokens of the model. */
int64_t token_guess_scale(int64_t tokens_m, int64_t bytes_per_token_m);

#endif
