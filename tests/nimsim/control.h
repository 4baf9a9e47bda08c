/*
 * /sim/...: what a test asks about, and changes in, the practice upstream.
 */
#ifndef NIMSIM_CONTROL_H
#define NIMSIM_CONTROL_H

struct request;
struct text;

/* Adds the JSON body to OUT and returns the status. */
int control_answer(struct request *r, struct text *out);

#endif
