/*
 * Which of the fields that we add to a request will an upstream not have?
 */
#ifndef SLUICE_REFUSED_FIELDS_H
#define SLUICE_REFUSED_FIELDS_H

#include "fcgi/exchange_parts.h"

struct verdict;

/* A bit each.  The last two are those of messages/messages.h. */
#define FIELD_USAGE    4u /* stream_options.include_usage */
#define FIELD_TEMPLATE 1u /* chat_template_kwargs */
#define FIELD_EFFORT   2u /* reasoning_effort */

/* Those that X's upstream refuses for X's model, as this very request has heard
 * or as is remembered. */
unsigned refused_fields_of(const struct exchange *x);
/* X has got an answer: what it was refused for is remembered for an hour. */
void refused_fields_note(struct exchange *x);

/* Does V refuse the request for one of WORDS, N of them?  They stand in its
 * message, or in all of the error that it came from. */
bool refused_fields_say(const struct exchange *x, const struct verdict *v,
                        const char *const *words, size_t n);

#endif
