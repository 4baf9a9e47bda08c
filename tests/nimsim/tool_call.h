/*
 * What a model says that wants tools called: the same call for every prompt,
 * or what an agent decides.
 */
#ifndef NIMSIM_TOOL_CALL_H
#define NIMSIM_TOOL_CALL_H

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct text;

/* The arguments of a call come in so many pieces, one in the place of each
 * word. */
#define TOOL_CALL_PIECES 3

/* "tool_calls":[...] of a message. */
void tool_call_message(const struct answer *a, struct text *out);

/* The same of a stream's piece I; the first one also says whose they are. */
void tool_call_delta(const struct answer *a, int64_t i, struct text *out);

/* The item of /v1/responses, which is of the first call; its arguments only if IS_DONE. */
void tool_call_item(const struct answer *a, bool is_done, struct text *out);

/* Piece I of the arguments, of one call behind the other, and all of the
 * first's, ready to sit inside JSON. */
void tool_call_piece(const struct answer *a, int64_t i, struct text *out);
void tool_call_arguments(const struct answer *a, struct text *out);

#endif
