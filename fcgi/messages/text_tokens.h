/* How many tokens might a text be? */
#ifndef SLUICE_TEXT_TOKENS_H
#define SLUICE_TEXT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/* Of a text that comes in pieces; all zeros: none has come. */
struct text_tokens {
    int64_t before_m; /* what is over, in thousandths of a token */
    int kind;         /* of the run that goes on, */
    int64_t n, far;   /* its characters, and those of two bytes */
};

void text_tokens_add(struct text_tokens *t, const char *text, size_t len);
/* Thousandths of a token, as if nothing was learned. */
int64_t text_tokens_m(const struct text_tokens *t);

#endif
