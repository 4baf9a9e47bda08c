/*
 * How is a list of models told to who asked for it, or for one of it?
 */
#ifndef SLUICE_MODELS_TOLD_H
#define SLUICE_MODELS_TOLD_H

#include "fcgi/exchange_parts.h"

struct json_object;

/* X asks for /v1/models, or one of them: the answer by LIST, an array of models
 * with an "id" each. */
enum step models_tell(struct exchange *x, struct json_object *list);
/* X asks for one whose name stands for another: then *NEXT is the step behind the
 * answer, which needs no list.  False: it does not. */
bool models_tell_alias(struct exchange *x, enum step *next);
/* Puts the answer BODY of an upstream that was asked for them in the shape and the
 * part that X's client wants, where that is Anthropic's. */
void models_retell(struct exchange *x, struct buf *body);

#endif
