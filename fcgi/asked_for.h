/*
 * The model that a client asks for, by whichever name.
 */
#ifndef SLUICE_ASKED_FOR_H
#define SLUICE_ASKED_FOR_H

#include "fcgi/exchange_parts.h"

/* X's request asks for its model by the name that upstreams know, from here on;
 * before it is put in line.  Once. */
void asked_for_settle(struct exchange *x);

/* An answer says by which name its client has asked: BODY, whole JSON of it. */
void asked_for_tell(const struct exchange *x, struct buf *body);
/* The same of whole events, LEN bytes at DATA, appended to OUT. */
void asked_for_tell_events(const struct exchange *x, const char *data,
                           size_t len, struct buf *out);

#endif
