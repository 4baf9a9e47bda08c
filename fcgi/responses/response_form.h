/* What a whole response and those in its events have in common. */
#ifndef SLUICE_RESPONSE_FORM_H
#define SLUICE_RESPONSE_FORM_H

#include "fcgi/messages/answer_end.h"
#include "fcgi/responses/responses.h"

/* Appends a response with what stands in OUTPUT; END says how it has ended, NULL:
 * it has not. */
void response_form_write(const struct responses_told *told,
                         const struct buf *output, const struct answer_end *end,
                         struct buf *out);

#endif
