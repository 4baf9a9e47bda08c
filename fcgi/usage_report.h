/*
 * Is an upstream asked to tell what a stream took, and what is done with it?
 */
#ifndef SLUICE_USAGE_REPORT_H
#define SLUICE_USAGE_REPORT_H

#include "fcgi/exchange_parts.h"

struct verdict;

/* X's request is about to be sent: its body asks for a report, if somebody needs
 * one and its upstream is not known to refuse that; else it does not. */
void usage_report_ask(struct exchange *x);
/* X's body is what its client wrote again.  Its upstream or its model will be
 * another, or its body be changed in another place.  Of a transfer that is under
 * way it must not be. */
void usage_report_take_back(struct exchange *x);
/* Does V, of X's answer, refuse the request for what we have written into it?  Then
 * it can go again without: the second says that it shall, and takes that back.  Of a
 * transfer that is under way it must not be. */
bool usage_report_is_refused(const struct exchange *x, const struct verdict *v);
void usage_report_forgo(struct exchange *x);
/* Tells the limiter what X's answer took, as far as it has said so.  To be called
 * before its ticket is given back. */
void usage_report_settle(struct exchange *x);

#endif
