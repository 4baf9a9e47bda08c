/*
 * Answers that no model made: errors, a 202, a 302.
 */
#ifndef NIMSIM_REFUSE_H
#define NIMSIM_REFUSE_H

#include <stdbool.h>
#include <stdint.h>

struct fault_answer;
struct request;

/* Each sets R's status, headers and body; nothing is sent yet. */
void refuse_with(struct request *r, const struct fault_answer *answer);
void refuse_bad(struct request *r, const char *message);
/* 429 of a limit in tokens. */
void refuse_tokens(struct request *r, int64_t limit, int64_t used,
                   int64_t asked);
/* 503 ResourceExhausted, with the limit of R's model. */
void refuse_exhausted(struct request *r, int64_t limit);
/* status-, problem-, html-, text- and empty-CODE.  False: none is asked for. */
bool refuse_code(struct request *r);

/* 400: prompt and answer are more than the model's context has.  False: they
 * are not. */
bool refuse_context(struct request *r);

/* 202: the answer must be polled for.  302: it lies at another place. */
void refuse_pending(struct request *r);
void refuse_redirect(struct request *r);

#endif
