/*
 * A request's body, if it is plain (json_plain.h), read without a tree of it.
 */
#ifndef SLUICE_BODY_PLAIN_H
#define SLUICE_BODY_PLAIN_H

#include <stdbool.h>

struct request;

/*
 * Reads what R's body asks for into it.  False, with R as it was: json-c has to
 * look, for the body is not plain, or says one of these in another way than
 * nearly all do; or it is wrong, and json-c's path has the words for that.
 */
bool body_plain_read(struct request *r);

#endif
