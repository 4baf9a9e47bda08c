/*
 * How a client is told what the upstream said.  What returns a step has ended
 * the attempt, or passes its answer on.
 */
#ifndef SLUICE_TELL_H
#define SLUICE_TELL_H

#include "fcgi/exchange_parts.h"

/* The answer goes to the client, and what follows of it. */
enum step tell_answer(struct exchange *x);
/* An error: in the upstream's own shape where that is OpenAI's, else
 * translated.  RETRY is what the SDK is asked, as in struct relay_error. */
enum step tell_error(struct exchange *x, const struct verdict *v, int retry);
/* A refusal that the next minutes may lift. */
enum step tell_refused(struct exchange *x, const struct verdict *v);
/* The model is off. */
enum step tell_off(struct exchange *x, const struct verdict *v);
/* It may have been done, and goes no second time.  Who sent it has to look. */
enum step tell_once(struct exchange *x, const struct verdict *v);
/* A network in between ended the call, and would again. */
enum step tell_took_too_long(struct exchange *x, const struct verdict *v);
/* Our key is refused: in the upstream's words, and whose key it is. */
enum step tell_key(struct exchange *x, const struct verdict *v);
/* The upstream said when, and that is too late. */
enum step tell_too_late(struct exchange *x, const struct verdict *v);

#endif
