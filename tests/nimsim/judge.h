/*
 * The moment of arrival: what is this request, and what will it be told?
 */
#ifndef NIMSIM_JUDGE_H
#define NIMSIM_JUDGE_H

struct request;

/*
 * Reads the body, asks the limiter, logs the arrival.  Sets all that
 * request.h lists from judge_arrival() on; frees the body.
 */
void judge_arrival(struct request *r);

#endif
