/*
 * A client's line in one class of one scope: found, made, and kept in order.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include <stdint.h>

struct layout;
struct lay_row;

/* The flow that R belongs to, or NONE. */
uint32_t flow_find(struct layout *lay, const struct lay_row *r);
/* The same of ROW, made if need be; an idle one makes room.  NONE: all are in
 * use. */
uint32_t flow_find_or_make(struct layout *lay, uint32_t row);
/* It is in no list and has no rows. */
void flow_free(struct layout *lay, uint32_t flow);

/* Into the list of its class, and out of it. */
void flow_join_class(struct layout *lay, uint32_t flow);
void flow_leave_class(struct layout *lay, uint32_t flow);

/* ROW into the line, by arrival, and out of it. */
void flow_line_up(struct layout *lay, uint32_t flow, uint32_t row);
void flow_step_out(struct layout *lay, uint32_t flow, uint32_t row);
/* IN, which is in no line, has the place and the arrival of OUT, which leaves. */
void flow_take_place(struct layout *lay, uint32_t flow, uint32_t in,
                     uint32_t out);

/* Hash chains again, lists and lines empty, virtual times within what the rules
 * can produce; needs V of the classes below 2^62. */
void flow_rebuild(struct layout *lay);

#endif
