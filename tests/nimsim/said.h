/*
 * What a chat answer is made of, beside plain words: thoughts, one call or two,
 * the request that it answers.
 */
#ifndef NIMSIM_SAID_H
#define NIMSIM_SAID_H

#include <stdint.h>

struct answer;
struct behaviour;
struct json_object;
struct text;

/* Plans *A, whose words are planned, for the request JSON. */
void said_plan(struct answer *a, const struct behaviour *how,
               struct json_object *json);

/* The message of a buffered answer, and piece I of a streamed one: what stands
 * between the braces, behind the role. */
void said_message(const struct answer *a, struct text *out);
void said_piece(const struct answer *a, int64_t i, struct text *out);

#endif
