/*
 * not_stored.c - where is a response that was asked for by its id?
 *
 * Nowhere, if no upstream speaks the Responses API: what is made of a chat
 * completion is told once (fcgi/responses/).
 */
#include "fcgi/pages/not_stored.h"

#include "fcgi/answer.h"

enum step not_stored_answer(struct exchange *x)
{
    return exchange_fail(
        x, ERROR_NOT_FOUND,
        "No response is stored here: the upstream speaks chat completions "
        "alone, and of the Responses API there is POST /v1/responses only.");
}
