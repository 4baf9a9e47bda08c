/*
 * How many tokens does a request take?
 */
#ifndef NIMSIM_TOKENS_H
#define NIMSIM_TOKENS_H

#include <stdint.h>

struct json_object;
struct request;

/* Of the prompt in JSON, which may be NULL. */
int64_t tokens_of_prompt(struct json_object *json);

/* Of R's prompt and of the answer that it would get; 0: it is refused. */
int64_t tokens_of(struct request *r);

#endif
